"""The Lambda function as CloudFormation invokes it: at least once, with two retries, ended by its timeout."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from custom_resource import response
from custom_resource.clock import Clock
from custom_resource.outcome import Outcome
from custom_resource.request import Request
from custom_resource.timeouts import FUNCTION_TIMEOUT, MAXIMUM_EVENT_AGE, RESPONSE_RESERVE
from project_policy.lifecycle import respond
from project_policy.policies import ProjectPolicies
from rekognition.arns import Environment
from tests.documents import ACCOUNT, REGION
from tests.simulator.service import Calls, Client, Service
from tests.simulator.world import Signal, Task

RETRY_DELAYS = (60.0, 120.0)
START = 0.1

logging.getLogger("project_policy").setLevel(logging.INFO)


@dataclass
class Delivery:
    """How one event arrives: late, more than once, and what its attempts meet."""

    delay: float = 0.0
    repeats: tuple[float, ...] = ()
    """When the event is delivered once more, in seconds after the first time."""
    attempts: list[Calls] = field(default_factory=list)
    """What the attempts of the first delivery meet, in order; later ones meet nothing."""
    responses_lost: int = 0
    """How many attempts cannot deliver their response."""
    empties_id: bool = False
    """Whether the response arrives without its ID, as crhelper alone would send some."""


@dataclass
class Sent:
    """One request and all that came of it."""

    event: Mapping[str, Any]
    responded: Signal
    at: float
    invocations: list[list[dict[str, Any]]] = field(default_factory=list)
    """The responses of each invocation."""
    calls: list[Calls] = field(default_factory=list)
    given_up_at: float | None = None
    """From when on nothing that this request puts is noticed by its own Delete."""
    puts_at: list[float] = field(default_factory=list)
    """When its attempts put a policy."""
    responded_at_age: float = 0.0
    """How old the event was when the attempt that responded was started."""

    def abandon(self, ago: float = 0.0) -> None:
        """Note that what this request puts from now on, or from a while ago on, is noticed by no Delete of its own."""
        if self.given_up_at is None:
            self.given_up_at = self.responded.world.now - ago

    def note_put(self) -> None:
        """Note that an attempt is about to put a policy."""
        self.puts_at.append(self.responded.world.now)

    @property
    def orphaned(self) -> bool:
        """Whether an attempt put a policy that its own Delete doesn't notice: a known limitation."""
        return self.given_up_at is not None and any(at > self.given_up_at for at in self.puts_at)


class Function:
    """Runs the real handler for events, each attempt as a task of its own."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.world = service.world
        self.log: list[Sent] = []

    def send(self, event: Mapping[str, Any], delivery: Delivery) -> Sent:
        """Deliver an event, and return what comes of it as it comes."""
        sent = Sent(event, Signal(self.world), self.world.now)
        self.log.append(sent)
        self._deliver(sent, delivery, delay=delivery.delay, attempts=list(delivery.attempts))
        for later in delivery.repeats:
            self._deliver(sent, Delivery(), delay=delivery.delay + later, attempts=[])
        return sent

    def _deliver(self, sent: Sent, delivery: Delivery, *, delay: float, attempts: list[Calls]) -> None:
        lost = [delivery.responses_lost]

        def attempt(number: int) -> None:
            calls = attempts[number] if number < len(attempts) else Calls()

            def again() -> None:
                """Lambda tries an event twice more, unless it has become too old meanwhile."""
                if number < len(RETRY_DELAYS) and self.world.now + RETRY_DELAYS[number] <= sent.at + MAXIMUM_EVENT_AGE:
                    self.world.spawn(lambda: attempt(number + 1), RETRY_DELAYS[number])

            self._invoke(sent, calls, lost, again, empties_id=delivery.empties_id)

        self.world.spawn(lambda: attempt(0), START + delay)

    def _invoke(  # noqa: C901 - one invocation is one story
        self, sent: Sent, calls: Calls, lost: list[int], again: Callable[[], None], *, empties_id: bool
    ) -> None:
        world, event = self.world, sent.event
        given: list[dict[str, Any]] = []
        sent.invocations.append(given)
        sent.calls.append(calls)
        known, started = [Request.parse(event, world.now).fallback_id(world.now)], world.now
        failed = [False]

        def die() -> None:
            """End the attempt's process, as a crash or its timeout does; whoever calls this may be the attempt."""
            task.kill()
            ended.set()
            again()
            if world.current is task:
                world.pause()

        def send(outcome: Outcome) -> None:
            if given:
                return  # custom_resource sends one response an invocation; the first one counts
            if lost[0]:
                lost[0] -= 1
                failed[0] = True
                return
            given.append(check_response(event, outcome))
            if not sent.responded.is_set():
                sent.responded_at_age = started - sent.at
            sent.responded.set(given[0] | {"PhysicalResourceId": ""} if empties_id else given[0])

        def run() -> None:
            clock = Clock(now=lambda: world.now, sleep=world.sleep, jitter=lambda longest: longest * 0.75)
            policies = ProjectPolicies(
                cast("Any", Client(self.service, calls, die, sent.note_put)),
                clock,
                world.now + FUNCTION_TIMEOUT - RESPONSE_RESERVE,
            )
            environment = Environment(REGION, ACCOUNT)
            request = Request.parse(event, clock.now())
            send(respond(request, policies, environment=environment, clock=clock, announce=known.append))
            ended.set()

        def watch() -> None:
            """Crhelper's timer responds half a second before Lambda ends the function."""
            if not ended.wait(FUNCTION_TIMEOUT - 0.5):
                send(Outcome(known[-1], failure="Execution timed out"))
                if not ended.wait(0.5):
                    die()
            elif failed[0]:
                again()

        ended = Signal(world)
        task: Task = world.spawn(run)
        world.spawn(watch)


def check_response(event: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    """Return the response, after holding it to what CloudFormation asks of every response."""
    made = {
        "Status": "FAILED" if outcome.failure else "SUCCESS",
        "Reason": outcome.failure,
        "PhysicalResourceId": outcome.physical_id,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "NoEcho": False,
        "Data": dict(outcome.attributes),
    }
    assert 0 < len(outcome.physical_id.encode()) <= 1024
    assert len(response.body(made)) <= response.BODY_LIMIT
    assert json.loads(response.body(made)) == made, "nothing had to be cut"
    assert set(outcome.attributes) <= {"PolicyRevisionId", "PolicyName", "ProjectArn"}
    assert len(outcome.failure) <= response.REASON_LIMIT
    if event["RequestType"] == "Delete":
        assert outcome.physical_id == event["PhysicalResourceId"]
    return made
