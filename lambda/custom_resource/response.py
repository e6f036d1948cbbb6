"""Sending the response to CloudFormation: a PUT to the pre-signed ResponseURL, which is a secret and never logged."""

from __future__ import annotations

import http.client
import ipaddress
import json
import logging
import os
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from .errors import ResponseLostError, shorten
from .run import Clock
from .timeouts import RESPONSE_TIMEOUT

logger = logging.getLogger(__name__)

BODY_LIMIT = 4096
"""Bytes of a response; CloudFormation rejects a longer one (custom resource response objects)."""

REASON_LIMIT = 1000
"""Characters of a Reason without the log stream at its end, so that a stack event stays readable."""

_TLS = ssl.create_default_context()  # with all its authorities it takes longer than the rest of a warm request
_INITIAL_BACKOFF, _MAX_BACKOFF = 0.5, 4.0


def body(response: Mapping[str, object]) -> bytes:
    """Return the response as JSON of at most 4096 bytes; if it's longer, its Reason is cut and its Data left out."""
    encoded = json.dumps(response).encode()
    if len(encoded) > BODY_LIMIT:
        # It fits even if each character takes twelve bytes, and keeps the log stream at its end.
        reason = shorten(str(response["Reason"]), REASON_LIMIT // 5)
        encoded = json.dumps({**response, "Reason": reason, "Data": {}}).encode()
    return encoded


def send(url: str, encoded: bytes, *, clock: Clock, deadline: float) -> None:
    """Deliver a response; any status but 2xx, a lost connection and a slow one are retried until the deadline.

    Raises ``ResponseLostError`` when that didn't help, or nothing may be sent to where the URL leads. A response that
    is rejected (403: the URL has expired) is logged and given up, because no other delivery can do better.
    """
    tries = 0
    while True:
        try:
            status = _put(url, encoded)
        except (OSError, http.client.HTTPException) as error:
            problem = type(error).__name__  # its text may hold the URL
        else:
            if status == http.client.FORBIDDEN:
                logger.error("CloudFormation rejected the response with HTTP status %d; not sent again", status)
                return
            if http.client.OK <= status < http.client.MULTIPLE_CHOICES:
                return
            problem = f"HTTP status {status}"
        tries += 1
        pause = clock.backoff(tries, _INITIAL_BACKOFF, _MAX_BACKOFF)
        if clock.now() + pause + RESPONSE_TIMEOUT >= deadline:
            raise ResponseLostError(f"The response didn't reach CloudFormation in {tries} tries; the last: {problem}.")
        logger.warning("Response not delivered (%s), retrying", problem)
        clock.sleep(pause)


def _put(url: str, encoded: bytes) -> int:
    target = urlsplit(url)
    connection: http.client.HTTPConnection
    if target.scheme == "http":  # an emulator's; CloudFormation's is https
        connection = http.client.HTTPConnection(target.netloc, timeout=RESPONSE_TIMEOUT)
    else:
        connection = http.client.HTTPSConnection(target.netloc, timeout=RESPONSE_TIMEOUT, context=_TLS)
    try:
        if target.scheme == "http":
            connection.connect()
            _check_peer(connection.sock.getpeername()[0])
        # CloudFormation's signature is made for an empty content type.
        connection.request("PUT", f"{target.path}?{target.query}", encoded, {"Content-Type": ""})
        return connection.getresponse().status
    finally:
        connection.close()


def _check_peer(address: str) -> None:
    """Raise ``ResponseLostError`` for an address of the machine itself in Lambda, whose runtime listens there."""
    peer = ipaddress.ip_address(address)
    if (peer.is_loopback or peer.is_link_local) and "AWS_LAMBDA_RUNTIME_API" in os.environ:
        raise ResponseLostError("ResponseURL leads to the machine that the function runs on, so nothing was sent.")
