"""Lists in pages, each naming the next by a token that means nothing to its reader."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from localcloud.rekognition.errors import invalid_token
from localcloud.rekognition.switches import Switches

T = TypeVar("T")


def page(items: Sequence[T], size: int, token: str | None, scope: str) -> tuple[Sequence[T], str | None]:
    """Return the page a token names (the first without one), and the token of the next page, if any.

    A token belongs to its scope: the list of another project does not take it.
    """
    start = _start(token, scope) if token else 0
    end = start + size
    return items[start:end], _token(end, scope) if end < len(items) else None


def with_token(answer: Mapping[str, Any], token: str | None, switches: Switches) -> dict[str, Any]:
    """Return an answer that names the next page; on the last one it has what the switch says."""
    if token is None and switches.end_of_list == "empty_token":
        token = ""
    return dict(answer) if token is None else {**answer, "NextToken": token}


def _token(start: int, scope: str) -> str:
    return base64.urlsafe_b64encode(f"{start}|{scope}".encode()).decode()


def _start(token: str, scope: str) -> int:
    try:
        start, _, of = base64.b64decode(token, altchars=b"-_", validate=True).decode().partition("|")
        if of == scope:
            return int(start)
    except (binascii.Error, ValueError):
        pass
    raise invalid_token()
