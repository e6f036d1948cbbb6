"""Lambda's end of an asynchronous invocation: a queue, containers that are used again, and two retries."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.container.container import Container, Outcome


@dataclass(frozen=True)
class Attempt:
    """One delivery of an event."""

    outcome: Outcome
    pid: int
    began: float
    """When the process was given the event, on the monotonic clock; a cold start comes before."""
    took: float


@dataclass
class Invocation:
    """An event that was handed to Lambda, and what has become of it."""

    event: Mapping[str, Any]
    attempts: list[Attempt] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    """Set once there will be no other attempt."""

    def wait(self, seconds: float = 120.0) -> list[Attempt]:
        """Wait until there will be no other attempt, and return all of them."""
        if not self.over.wait(seconds):
            raise TimeoutError(f"No end after {seconds} s: {self.attempts}")
        return self.attempts

    @property
    def outcomes(self) -> list[str]:
        """How the attempts ended, in order."""
        return [attempt.outcome.kind for attempt in self.attempts]


class LambdaService:
    """One function, invoked asynchronously, while the context lasts.

    Each event goes to an idle process, or to a new one. An attempt that ends in an error, a crash or after ``timeout``
    seconds is repeated after each of ``retries``, which in AWS are one and two minutes.
    """

    def __init__(
        self, start: Callable[[Callable[[str], None]], Container], timeout: float, retries: Sequence[float] = (0.1, 0.2)
    ) -> None:
        self.printed = ""
        """All that the processes have written to standard output and standard error."""
        self._start = start
        self._timeout = timeout
        self._retries = retries
        self._changed = threading.Condition()
        self._idle: list[Container] = []
        self._busy: dict[Container, str] = {}
        """CloudFormation's request ID that each has."""
        self._threads: list[threading.Thread] = []
        self._over = False

    def __enter__(self) -> LambdaService:
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._over = True
            containers = [*self._busy, *self._idle]
        for container in containers:
            container.kill()
        for thread in self._threads:
            thread.join()

    def invoke(self, event: Mapping[str, Any]) -> Invocation:
        """Take an event, and deliver it."""
        invocation = Invocation(event)
        self._threads.append(threading.Thread(target=self._deliver, args=(invocation,)))
        self._threads[-1].start()
        return invocation

    def pid_of(self, event: Mapping[str, Any]) -> int:
        """Return the process that has CloudFormation's request now."""
        with self._changed:
            return next(busy.pid for busy, request_id in self._busy.items() if request_id == event["RequestId"])

    def lines_with(self, text: str, at_least: int) -> list[str]:
        """Return the lines that hold a string, once so many are there: a response may come before what was printed."""

        def lines() -> list[str]:
            return [line for line in self.printed.splitlines() if text in line]

        with self._changed:
            self._changed.wait_for(lambda: len(lines()) >= at_least, timeout=30)
            return lines()

    def _print(self, line: str) -> None:
        with self._changed:
            self.printed += line
            self._changed.notify_all()

    def _deliver(self, invocation: Invocation) -> None:
        invocation.attempts.append(self._attempt(invocation.event))
        for delay in self._retries:
            if self._over or invocation.outcomes[-1] == "success":
                break
            time.sleep(delay)
            invocation.attempts.append(self._attempt(invocation.event))
        invocation.over.set()

    def _attempt(self, event: Mapping[str, Any]) -> Attempt:
        with self._changed:
            if self._over:
                raise SystemExit
            cold = not self._idle
            container = self._start(self._print) if cold else self._idle.pop()
            self._busy[container] = event["RequestId"]
        failure = container.initialize() if cold else None
        began = time.monotonic()
        outcome = failure or container.invoke(str(uuid.uuid4()), event, self._timeout)
        took = time.monotonic() - began
        usable = outcome.kind in ("success", "error")
        if not usable:
            container.kill()
        with self._changed:
            del self._busy[container]
            if usable:
                self._idle.append(container)
        return Attempt(outcome, container.pid, began, took)
