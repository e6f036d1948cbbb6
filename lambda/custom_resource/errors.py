"""What a custom resource raises, and how long values are shown in a message."""

from __future__ import annotations

_MAX_VALUE_LENGTH = 120


class RejectedError(Exception):
    """A rejected request; the message says what was rejected, on which resource, and what to do next."""


class ResponseLostError(Exception):
    """The response didn't reach CloudFormation in the time there was; Lambda may deliver the event again."""


def shorten(value: str, limit: int = _MAX_VALUE_LENGTH) -> str:
    """Return ``value``, its middle left out if it's longer than ``limit``, so that a message keeps its end."""
    if len(value) <= limit:
        return value
    tail = (limit - 3) // 2
    return f"{value[: limit - 3 - tail]}...{value[-tail:]}"
