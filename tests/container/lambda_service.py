"""Lambda's end of an asynchronous invocation: a queue, containers that are used again, and two retries."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from custom_resource import timeouts
from tests.container.container import Container, Outcome


@dataclass(frozen=True)
class Attempt:
    """One delivery of an event."""

    outcome: Outcome
    pid: int
    cold: bool
    began: float
    """When the process was given the event, on the monotonic clock; a cold start comes before."""
    took: float


@dataclass
class Invocation:
    """An event that was handed to Lambda, and what has become of it."""

    event: Mapping[str, Any]
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    queued: float = field(default_factory=time.monotonic)
    attempts: list[Attempt] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    """Set once there will be no other attempt."""
    attempted: threading.Event = field(default_factory=threading.Event)
    """Set after the first attempt."""

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

    At most ``concurrency`` processes run, each with one event at a time; idle ones are used again before another is
    started. An attempt that ends in an error, a crash or after ``timeout`` seconds is repeated after each of
    ``retry_delays`` (in AWS one and two minutes), unless the event is older than ``maximum_event_age`` by then.
    """

    def __init__(
        self,
        asset: Path,
        runtime: Path,
        environment: Mapping[str, str],
        *,
        concurrency: int = 10,
        timeout: float = timeouts.FUNCTION_TIMEOUT,
        retry_delays: Sequence[float] = (0.1, 0.2),
        maximum_event_age: float = timeouts.MAXIMUM_EVENT_AGE,
        handler: str = "index.handler",
    ) -> None:
        self.timeout = timeout
        self._made_of = (asset, runtime, environment, self._print, handler)
        self._concurrency = concurrency
        self._retry_delays = retry_delays
        self._maximum_event_age = maximum_event_age
        self._changed = threading.Condition()
        self._waiting: list[tuple[float, int, Invocation]] = []
        self._numbers = itertools.count()
        self._idle: list[Container] = []
        self._busy: dict[str, tuple[str, Container]] = {}
        """By Lambda's request ID: CloudFormation's, and the process that has it."""
        self._running: set[threading.Thread] = set()
        self._lines: list[str] = []
        self._over = False
        self._dispatcher = threading.Thread(target=self._dispatch)

    def __enter__(self) -> LambdaService:
        self._dispatcher.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()
        self._dispatcher.join()
        with ExitStack() as cleaning:
            for container in [*(busy for _, busy in self._busy.values()), *self._idle]:
                cleaning.callback(container.kill)
        for thread in list(self._running):
            thread.join()

    def invoke(self, event: Mapping[str, Any]) -> Invocation:
        """Queue an event."""
        invocation = Invocation(event)
        self._queue(invocation, after=0.0)
        return invocation

    def pid_of(self, event: Mapping[str, Any]) -> int:
        """Return the process that has CloudFormation's request now."""
        with self._changed:
            return next(busy.pid for request_id, busy in self._busy.values() if request_id == event["RequestId"])

    @property
    def printed(self) -> str:
        """All that the processes have written to standard output and standard error."""
        return "".join(self._lines)

    def lines_with(self, text: str, at_least: int) -> list[str]:
        """Return the lines that hold a string, once so many are there: a response may come before what was printed."""
        with self._changed:
            self._changed.wait_for(lambda: sum(text in line for line in self._lines) >= at_least, timeout=30)
            return [line for line in self._lines if text in line]

    def _print(self, line: str) -> None:
        with self._changed:
            self._lines.append(line)
            self._changed.notify_all()

    def _queue(self, invocation: Invocation, after: float) -> None:
        with self._changed:
            heapq.heappush(self._waiting, (time.monotonic() + after, next(self._numbers), invocation))
            self._changed.notify_all()

    def _dispatch(self) -> None:
        with self._changed:
            while not self._over:
                now = time.monotonic()
                due = self._waiting[0][0] if self._waiting else None
                if due is None or len(self._running) >= self._concurrency:
                    self._changed.wait()
                elif due > now:
                    self._changed.wait(due - now)
                else:
                    _, _, invocation = heapq.heappop(self._waiting)
                    if now - invocation.queued > self._maximum_event_age:
                        invocation.over.set()
                        continue
                    thread = threading.Thread(target=self._attempt, args=(invocation,))
                    self._running.add(thread)
                    thread.start()

    def _attempt(self, invocation: Invocation) -> None:
        with self._changed:
            cold = not self._idle
            container = Container(*self._made_of) if cold else self._idle.pop()
            self._busy[invocation.request_id] = (invocation.event["RequestId"], container)
        failure = container.initialize() if cold else None
        began = time.monotonic()
        outcome = failure or container.invoke(invocation.request_id, invocation.event, self.timeout)
        took = time.monotonic() - began
        usable = outcome.kind in ("success", "error")
        if not usable:
            container.kill()
        with self._changed:
            del self._busy[invocation.request_id]
            if usable:
                self._idle.append(container)
            self._running.discard(threading.current_thread())
            self._changed.notify_all()
        invocation.attempts.append(Attempt(outcome, container.pid, cold, began, took))
        invocation.attempted.set()
        self._try_again_or_give_up(invocation)

    def _try_again_or_give_up(self, invocation: Invocation) -> None:
        tried = len(invocation.attempts)
        if invocation.attempts[-1].outcome.kind == "success" or tried > len(self._retry_delays):
            invocation.over.set()
            return
        delay = self._retry_delays[tried - 1]
        if time.monotonic() + delay - invocation.queued > self._maximum_event_age:
            invocation.over.set()
        else:
            self._queue(invocation, delay)


Start = Callable[..., LambdaService]
"""Starts a function; see the fixture ``start``."""
