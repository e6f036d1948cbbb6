"""Trouble on purpose: errors, and connections that drop, before or after a request took effect."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Literal

from localcloud.rekognition.errors import AwsError


class Drop(Enum):
    """A connection that closes without an answer."""

    CONNECTION = "connection"


DROP = Drop.CONNECTION

Fault = AwsError | Drop
Hook = Callable[[str, Mapping[str, Any]], Fault | None]


def no_fault(operation: str, parameters: Mapping[str, Any]) -> Fault | None:  # noqa: ARG001
    """Let everything pass."""
    return None


class Faults:
    """Two hooks, asked before and after a request takes effect, and a list of faults to inject once each.

    A hook gets the operation and its parameters, and returns the fault to show the caller, or None. It may wait, or
    call the service itself: no lock is held meanwhile.
    """

    def __init__(self) -> None:
        self.before: Hook = no_fault
        self.after: Hook = no_fault
        self._lock = threading.Lock()
        self._waiting: list[tuple[str, str, Fault]] = []

    def inject(self, operation: str, *faults: Fault, when: Literal["before", "after"] = "before") -> None:
        """Let the next requests for an operation meet these faults, one each, in this order."""
        with self._lock:
            self._waiting += [(when, operation, fault) for fault in faults]

    def next_before(self, operation: str, parameters: Mapping[str, Any]) -> Fault | None:
        """Return the fault to show instead of doing what is asked."""
        return self._take("before", operation) or self.before(operation, parameters)

    def next_after(self, operation: str, parameters: Mapping[str, Any]) -> Fault | None:
        """Return the fault to show although what is asked was done."""
        return self._take("after", operation) or self.after(operation, parameters)

    def _take(self, when: str, operation: str) -> Fault | None:
        with self._lock:
            for number, waiting in enumerate(self._waiting):
                if waiting[:2] == (when, operation):
                    return self._waiting.pop(number)[2]
        return None
