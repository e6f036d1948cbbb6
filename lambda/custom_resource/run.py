"""One run of a function for a request: the time it has, and how it ended."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Clock:
    """Time in seconds since the epoch, as a parameter, so that every rule about it can be tested on virtual time."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[float], float] = lambda limit: random.uniform(0, limit)  # noqa: S311 - spreads load, no secret
    """Returns how long to pause, at most so long (full jitter)."""

    def backoff(self, failures: int, first: float, longest: float) -> float:
        """Return how long to pause after so many failures, so that functions that failed together spread out."""
        return self.jitter(min(longest, first * 2 ** (failures - 1)))


@dataclass(frozen=True)
class Run:
    """One run of the function."""

    clock: Clock
    deadline: float
    """When the work has to end, so that there is time to send the response."""
    function_arn: str
    reserve_physical_id: Callable[[str], None]
    """Takes the physical ID that even a timeout has to respond with, before the resource may exist.

    Raises ``RuntimeError`` when a timeout has responded already, so that nothing is made that nobody would know of.
    """


@dataclass(frozen=True)
class Outcome:
    """What a resource's ``respond`` returns, and what the response to CloudFormation is made of."""

    physical_id: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    """For Fn::GetAtt; the response has every attribute of the resource, empty if it isn't given here."""
    failure: str = ""
    """Why the request failed and what to do, as sentences; empty if it succeeded."""
    cause: str = ""
    """If a call failed: the service's own code, message and request ID."""
