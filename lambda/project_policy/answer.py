"""Sending the answer to CloudFormation: a PUT to the pre-signed ResponseURL, which is a secret and never logged.

What every answer needs is made at import, where Lambda gives a full processor: a fresh TLS context, with all its
authorities, would cost more than the rest of a warm request.
"""

from __future__ import annotations

import http.client
import json
import logging
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from .errors import REASON_LIMIT, shorten
from .rekognition import Clock
from .timing import ANSWER_TIMEOUT

logger = logging.getLogger(__name__)

BODY_LIMIT = 4096
"""Bytes of an answer; CloudFormation refuses a longer one (custom resource response objects)."""

_TLS = ssl.create_default_context()
_LONGEST_PAUSE = 4.0


class AnswerLost(Exception):
    """The answer could not be delivered for as long as there was time; Lambda may deliver the event again."""


def body(answer: Mapping[str, object]) -> bytes:
    """Return the answer as CloudFormation takes it: JSON of at most 4096 bytes, its Reason cut where it must be."""
    encoded = json.dumps(answer).encode()
    if len(encoded) > BODY_LIMIT:
        reason = shorten(str(answer["Reason"]), REASON_LIMIT // 2)
        encoded = json.dumps({**answer, "Reason": reason, "Data": {}}).encode()
    return encoded


def send(url: str, encoded: bytes, *, clock: Clock, deadline: float) -> None:
    """Deliver an answer; a server's error, a lost connection and a slow one are tried again until the deadline.

    Raises ``AnswerLost`` when that did not help. An answer that is refused (403: the URL has expired) is logged and
    given up, for no other delivery can do better.
    """
    tries = 0
    while True:
        try:
            status = _put(url, encoded)
        except (OSError, http.client.HTTPException) as error:
            problem = type(error).__name__  # its text may hold the URL
        else:
            if status < http.client.INTERNAL_SERVER_ERROR:
                if status >= http.client.BAD_REQUEST:
                    logger.error("CloudFormation refused the answer with HTTP status %d; it is given up", status)
                return
            problem = f"HTTP status {status}"
        tries += 1
        pause = clock.jitter(min(_LONGEST_PAUSE, 0.25 * 2**tries))
        if clock.now() + pause + ANSWER_TIMEOUT >= deadline:
            raise AnswerLost(f"The answer did not reach CloudFormation in {tries} tries; the last met {problem}.")
        logger.warning("Answer not delivered (%s), trying again", problem)
        clock.sleep(pause)


def _put(url: str, encoded: bytes) -> int:
    target = urlsplit(url)
    connection = http.client.HTTPSConnection(target.netloc, timeout=ANSWER_TIMEOUT, context=_TLS)
    try:
        # CloudFormation's signature is made for an empty content type.
        connection.request("PUT", f"{target.path}?{target.query}", encoded, {"Content-Type": ""})
        return connection.getresponse().status
    finally:
        connection.close()
