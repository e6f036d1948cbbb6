"""The service's limit of calls a second, for each operation of the one account that a test uses."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from localcloud.rekognition import AwsError


class RateLimit:
    """A hook for ``faults.before``: a bucket of tokens for each operation, filled at ``rate`` a second.

    A call that finds its bucket empty is throttled, and takes nothing. The bucket holds one second's tokens, and
    is full at first.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.passed: Counter[str] = Counter()
        self.throttled: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}

    def __call__(self, operation: str, parameters: Mapping[str, Any]) -> AwsError | None:
        """Let a call pass, or throttle it."""
        with self._lock:
            now = time.monotonic()
            tokens, since = self._buckets.get(operation, (self.rate, now))
            tokens = min(self.rate, tokens + (now - since) * self.rate)
            passes = tokens >= 1
            self._buckets[operation] = (tokens - passes, now)
            (self.passed if passes else self.throttled)[operation] += 1
        return None if passes else AwsError("ThrottlingException", "Rate exceeded")
