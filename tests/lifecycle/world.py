"""Virtual time: tasks that run one at a time, and only ever wait for a moment or for one another."""

from __future__ import annotations

import heapq
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from greenlet import GreenletExit, getcurrent, greenlet


class Task:
    """Something that runs in a world; a task that was killed never goes on."""

    def __init__(self, world: World, run: Callable[[], object]) -> None:
        self.world = world
        self.ended = False
        self.belongs_to: Any = world.current.belongs_to if world.current else None
        """What whoever started it belongs to, such as the invocation of a function."""
        self._greenlet = greenlet(lambda: self._run(run), parent=world.hub)

    def kill(self) -> None:
        """End the task where it is waiting, as the end of its process would; it runs no line more."""
        self.ended = True
        self.world.corpses.append(self._greenlet)

    def go_on(self) -> None:
        """Let the task run until it waits again."""
        if not self.ended:
            self.world.current, before = self, self.world.current
            self._greenlet.switch()
            self.world.current = before

    def _run(self, run: Callable[[], object]) -> None:
        run()
        self.ended = True


class Signal:
    """A value that tasks can wait for; the first one that is set stays."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._then: list[Callable[[], None]] = []
        self._set = False
        self.value: Any = None

    def is_set(self) -> bool:
        """Return whether it has been set."""
        return self._set

    def set(self, value: object = None) -> None:
        """Set the value, and wake who waits for it."""
        if not self._set:
            self._set, self.value = True, value
            for call in self._then:
                call()

    def then(self, call: Callable[[], None]) -> None:
        """Call something when it is set, at once where it is."""
        if self._set:
            call()
        else:
            self._then.append(call)

    def wait(self, timeout: float) -> bool:
        """Wait until it is set, at most so long; return whether it is."""
        if not self._set:
            task, deadline = self.world.running, self.world.now + timeout
            timer = self.world.at(deadline, task)
            self.then(lambda: self.world.wake(task))
            while not self.is_set() and self.world.now < deadline:
                self.world.pause()
            timer.cancel()
        return self._set


@dataclass(order=True)
class Timer:
    """When a task is to go on; one that was canceled lets no time pass."""

    when: float
    number: int
    task: Task | None = field(compare=False)

    def cancel(self) -> None:
        """Let it not go on."""
        self.task = None


class World:
    """A clock, and what is to happen when."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.hub = getcurrent()
        self.current: Task | None = None
        self.corpses: list[greenlet] = []
        self._agenda: list[Timer] = []
        self._number = itertools.count()

    def spawn(self, run: Callable[[], object], delay: float = 0.0) -> Task:
        """Start a task after a while."""
        task = Task(self, run)
        self.at(self.now + delay, task)
        return task

    def at(self, when: float, task: Task) -> Timer:
        """Let a task go on at a time."""
        timer = Timer(when, next(self._number), task)
        heapq.heappush(self._agenda, timer)
        return timer

    def wake(self, task: Task) -> None:
        """Let a task go on now."""
        self.at(self.now, task)

    @property
    def running(self) -> Task:
        """The task that runs now."""
        if self.current is None:
            raise RuntimeError("Only a task can wait.")
        return self.current

    def sleep(self, seconds: float) -> None:
        """Let the running task wait; a wake-up for something else does not end it."""
        until = self.now + seconds
        self.at(until, self.running)
        self.pause()
        while self.now < until:
            self.pause()

    def pause(self) -> None:
        """Give way until somebody lets the running task go on."""
        self.hub.switch()

    def run(self) -> None:
        """Run until nothing is left to happen."""
        while self._agenda:
            timer = heapq.heappop(self._agenda)
            if timer.task is not None and not timer.task.ended:
                self.now = max(self.now, timer.when)
                timer.task.go_on()
        logging.disable()  # a process that was killed writes nothing
        while self.corpses:
            self.corpses.pop().throw(GreenletExit)
        logging.disable(logging.NOTSET)
