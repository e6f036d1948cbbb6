"""Time as a parameter, so that every rule about it can be tested on virtual time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """Time in seconds since the epoch."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[float], float] = lambda limit: random.uniform(0, limit)  # noqa: S311 - spreads load, no secret
    """Returns how long to pause, at most so long (full jitter)."""
