"""Many policies queued at once: at most ten processes, and a limit of calls a second for each operation."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from benchmarks.cloudformation import Answer
from benchmarks.functions import Function, Running, World
from benchmarks.places import ACCOUNT, REGION
from benchmarks.policies import account, document
from localcloud.rekognition import LocalRekognition
from localcloud.rekognition.faults import no_fault
from tests.container.rate_limit import RateLimit

PROCESSES = 10
RATE = 5.0
POLICIES_EACH = 5
TRIES = 3
"""How often Lambda delivers an event whose function raises."""

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Phase:
    """How a crowd of requests of one kind went."""

    what: str
    requests: int
    succeeded: int
    seconds: float
    """From the first delivery to the last answer; the processes were there before."""
    throttled: int
    longest: float
    """Seconds that the slowest request ran."""

    @property
    def ideal(self) -> float:
        """Seconds in which the limit lets so many calls of one operation through."""
        return self.requests / RATE


class Crowd:
    """The projects of an account, ten processes of one function, and a request for each policy at once."""

    def __init__(self, world: World, rekognition: LocalRekognition, function: Function, policies: int) -> None:
        self._world = world
        self._rekognition = rekognition
        self._function = function
        self._projects = [
            str(rekognition.store.create_project(ACCOUNT, REGION, f"{function.key}-{policies}-{number}").arn)
            for number in range(policies // POLICIES_EACH)
        ]
        self._policies = [(arn, f"sharing-{number}") for arn in self._projects for number in range(POLICIES_EACH)]

    def run(self, kinds: Sequence[str]) -> list[Phase]:
        """Create, then update, then delete all the policies, as far as is asked."""
        limit = RateLimit(RATE)
        self._rekognition.faults.before = limit
        phases: list[Phase] = []
        before: list[dict[str, Any]] = []
        ids: list[str | None] = [None] * len(self._policies)
        try:
            with ExitStack() as running:
                processes = [self._function.start(self._world) for _ in range(PROCESSES)]
                for process in processes:
                    running.callback(process.end)
                for process in processes:
                    process.wait_until_ready()
                for turn, kind in enumerate(kinds):
                    wanted = before if kind == "Delete" else self._properties(turn)
                    old = before if kind == "Update" else [None] * len(wanted)
                    events = [
                        self._world.cloudformation.request(kind, *each) for each in zip(wanted, ids, old, strict=True)
                    ]
                    phase, answers = self._queued_at_once(kind, events, processes, limit)
                    phases.append(phase)
                    self._check(kind, phase, turn)
                    ids = [answer.physical_id for answer in answers]
                    before = wanted
        finally:
            self._rekognition.faults.before = no_fault
            for project in self._projects:
                self._rekognition.store.delete_project(ACCOUNT, REGION, project)
        return phases

    def _properties(self, turn: int) -> list[dict[str, Any]]:
        return [
            self._function.properties(self._world.assets, arn, name, document(1000 * turn + number))
            for number, (arn, name) in enumerate(self._policies)
        ]

    def _queued_at_once(
        self, kind: str, events: Sequence[Event], processes: Sequence[Running], limit: RateLimit
    ) -> tuple[Phase, list[Answer]]:
        waiting: queue.SimpleQueue[Event] = queue.SimpleQueue()
        for event in events:
            waiting.put(event)
        took: list[float] = []
        throttled = limit.throttled.total()
        began = time.monotonic()
        threads = [threading.Thread(target=self._work, args=(process, waiting, took)) for process in processes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        answers = [self._world.cloudformation.answer_to(event) for event in events]
        arrived = [answer for answer in answers if answer is not None]
        if len(arrived) < len(events):
            raise AssertionError(f"{len(events) - len(arrived)} requests were never answered")
        phase = Phase(
            kind,
            len(events),
            sum(answer.ok for answer in arrived),
            max(answer.at for answer in arrived) - began,
            limit.throttled.total() - throttled,
            max(took),
        )
        return phase, arrived

    def _work(self, process: Running, waiting: queue.SimpleQueue[Event], took: list[float]) -> None:
        """Hand one process one event after another, as long as there are any."""
        while True:
            try:
                event = waiting.get_nowait()
            except queue.Empty:
                return
            sent = time.monotonic()
            for _ in range(TRIES):
                process.send(event)
                if "error" not in process.wait_until_done():
                    break
            took.append(time.monotonic() - sent)

    def _check(self, kind: str, phase: Phase, turn: int) -> None:
        """Hold what was answered to what is live."""
        live = [
            policy.document
            for arn in self._projects
            for policy in self._rekognition.store.policies(ACCOUNT, REGION, arn)
        ]
        wanted = 0 if kind == "Delete" else phase.requests
        if phase.succeeded == phase.requests and len(live) != wanted:
            raise AssertionError(f"{kind} succeeded {phase.succeeded} times, and {len(live)} policies are live")
        if kind == "Update" and phase.succeeded == phase.requests:
            accounts = {account(1000 * turn + number) for number in range(phase.requests)}
            if not all(any(each in said for said in live) for each in accounts):
                raise AssertionError("not every policy says what its update wants")
