"""What the rules of every resource have in common: the decisions that change nothing, and two times."""

from __future__ import annotations

from dataclasses import dataclass

LAG_SECONDS = 2
"""How many seconds a service is given to show a change; also the grain of a request's time."""

UNRECEIVED_RESPONSE_SECONDS = 20
"""How many seconds before the request that undoes it a canceled request may have responded in vain: CloudFormation
cancels it first, and sends that request some seconds later."""


@dataclass(frozen=True)
class Wait:
    """Read again later: it takes its time, or what was read may be out of date."""

    seconds: float


@dataclass(frozen=True)
class Keep:
    """Change nothing and succeed."""

    because: str


@dataclass(frozen=True)
class Adopt:
    """Change nothing and succeed, with what is live as something that the stack never deletes."""


@dataclass(frozen=True)
class Reject:
    """Change nothing more and fail; what this request has made is left to its Delete."""

    because: str
    """The predicate of the message, whose subject is what the request concerns."""
