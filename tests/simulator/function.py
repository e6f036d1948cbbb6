"""A Lambda function as CloudFormation invokes it: at least once, with two retries, ended by its timeout."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from crhelper import CfnResource
from greenlet import GreenletExit

from custom_resource import response
from custom_resource.errors import ResponseLostError
from custom_resource.request import Request
from custom_resource.resource import CustomResource
from custom_resource.run import Clock, Outcome, Run
from custom_resource.timeouts import FUNCTION_TIMEOUT, MAXIMUM_EVENT_AGE
from project_policy.lifecycle import ATTRIBUTES, respond
from project_policy.properties import RESOURCE_TYPE
from tests.documents import ACCOUNT, REGION
from tests.simulator.service import Act, Calls, Client, Service
from tests.simulator.world import Signal, Task, World

RETRY_DELAYS = (60.0, 120.0)
START = 0.1


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
    delivery: Delivery
    invocations: list[list[dict[str, Any]]] = field(default_factory=list)
    """The responses of each invocation."""
    calls: list[Calls] = field(default_factory=list)
    given_up_at: float | None = None
    """From when on nothing that this request makes is noticed by its own Delete."""
    made_at: list[float] = field(default_factory=list)
    """When its attempts put a policy, or began to copy."""
    responded_at_age: float = 0.0
    """How old the event was when the attempt that responded was started."""

    def abandon(self, ago: float = 0.0) -> None:
        """Note that what this request makes from now on, or from a while ago on, is noticed by no Delete of its own."""
        if self.given_up_at is None:
            self.given_up_at = self.responded.world.now - ago

    def note_made(self) -> None:
        """Note that an attempt is about to put a policy, or to copy."""
        self.made_at.append(self.responded.world.now)

    @property
    def orphaned(self) -> bool:
        """Whether an attempt made something that its own Delete doesn't notice: a known limitation."""
        return self.given_up_at is not None and any(at > self.given_up_at for at in self.made_at)


@dataclass
class Context:
    """Lambda's context object."""

    world: World
    ends: float
    invoked_function_arn: str
    log_stream_name: str = "2023/11/14/[$LATEST]1"

    def get_remaining_time_in_millis(self) -> int:
        """Return how long this invocation may still run."""
        return int((self.ends - self.world.now) * 1000)


HandOver = Callable[[str, bytes], None]


class Function:
    """Runs a real handler with its crhelper wrapper, each attempt as a task of its own."""

    arn: str
    timeout: float
    maximum_event_age: float
    attributes: Sequence[str]

    def __init__(self, world: World) -> None:
        self.world = world
        self.log: list[Sent] = []
        self._taking: dict[Task, Callable[[dict[str, Any]], None]] = {}
        """What takes the response of the invocation that a task belongs to."""

    def new_process(self, sent: Sent, calls: Calls, die: Act, hand_over: HandOver) -> CustomResource:
        """Return the handler as a process of the function has it."""
        raise NotImplementedError

    def check(self, event: Mapping[str, Any], received: Mapping[str, Any]) -> None:
        """Hold a response to what CloudFormation asks of every one."""
        assert len(json.dumps(received)) <= response.BODY_LIMIT
        assert 0 < len(received["PhysicalResourceId"].encode()) <= 1024
        assert received["Reason"] or received["Status"] == "SUCCESS"
        assert "unexpected error" not in received["Reason"]
        assert list(received["Data"]) == list(self.attributes)  # nothing had to be cut
        if event["RequestType"] == "Delete":
            assert received["PhysicalResourceId"] == event["PhysicalResourceId"]

    def check_responses(self) -> None:
        """Hold every response to that, and every invocation to at most one."""
        for sent in self.log:
            for received in sent.invocations:
                assert len(received) <= 1
                for each in received:
                    self.check(sent.event, each)

    def send(self, event: Mapping[str, Any], delivery: Delivery) -> Sent:
        """Deliver an event, and return what comes of it as it comes."""
        sent = Sent(event, Signal(self.world), self.world.now, delivery)
        self.log.append(sent)
        lost = [delivery.responses_lost]
        self._arrive(sent, event, START + delivery.delay, list(delivery.attempts), lost)
        for later in delivery.repeats:
            self._arrive(sent, event, START + delivery.delay + later, [], [0])
        return sent

    def take_response(self, _url: str, encoded: bytes, **_: object) -> None:
        """Take a response in CloudFormation's place; a process that was killed sends none."""
        if self.world.current is None:
            raise GreenletExit
        self._taking[self.world.running](json.loads(encoded))

    def _arrive(
        self, sent: Sent, event: Mapping[str, Any], delay: float, attempts: list[Calls], lost: list[int]
    ) -> None:
        """Let an event arrive after a while; its attempts, and those of the runs after it, meet what is in the list."""
        queued_at = self.world.now

        def attempt(number: int) -> None:
            def again() -> None:
                """Lambda tries an event twice more, unless it has become too old meanwhile."""
                if number < len(RETRY_DELAYS):
                    pause = RETRY_DELAYS[number]
                    if self.world.now + pause <= queued_at + self.maximum_event_age:
                        self.world.spawn(lambda: attempt(number + 1), pause)

            self._invoke(sent, event, attempts, lost, again)

        self.world.spawn(lambda: attempt(0), delay)

    def _invoke(  # noqa: C901 - one invocation is one story
        self, sent: Sent, event: Mapping[str, Any], attempts: list[Calls], lost: list[int], again: Act
    ) -> None:
        world, started = self.world, self.world.now
        calls = attempts.pop(0) if attempts else Calls()
        received: list[dict[str, Any]] = []
        sent.invocations.append(received)
        sent.calls.append(calls)

        def die() -> None:
            """End the process, as a crash or its timeout does; whoever calls this may be the process itself."""
            task.kill()
            ended.set()
            again()
            if world.current is task:
                world.pause()

        def take(arrived: dict[str, Any]) -> None:
            if lost[0]:
                lost[0] -= 1
                raise ResponseLostError("lost")
            received.append(arrived)
            if not sent.responded.is_set():
                sent.responded_at_age = started - sent.at
            sent.responded.set(arrived | {"PhysicalResourceId": ""} if sent.delivery.empties_id else arrived)

        def hand_over(_function_arn: str, following: bytes) -> None:
            self._arrive(sent, json.loads(following), START, attempts, lost)

        def run() -> None:
            try:
                resource(event, Context(world, world.now + self.timeout, self.arn))
            except ResponseLostError:
                again()
            ended.set()

        def watch() -> None:
            """Crhelper's timer responds half a second before Lambda ends the function."""
            if not ended.wait(self.timeout - 0.5):
                vars(CfnResource)["_timeout"](resource)
                if not ended.wait(0.5):
                    die()

        ended = Signal(world)
        resource = self.new_process(sent, calls, die, hand_over)
        task = world.spawn(run)
        self._taking[task] = self._taking[world.spawn(watch)] = take

    @property
    def clock(self) -> Clock:
        """The handler's view of the world."""
        return Clock(now=lambda: self.world.now, sleep=self.world.sleep, jitter=lambda longest: longest * 0.75)


class PolicyFunction(Function):
    """The function of ``Custom::RekognitionProjectPolicy``."""

    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:provider"
    timeout = FUNCTION_TIMEOUT
    maximum_event_age = MAXIMUM_EVENT_AGE
    attributes = ATTRIBUTES

    def __init__(self, service: Service) -> None:
        super().__init__(service.world)
        self.service = service

    def new_process(self, sent: Sent, calls: Calls, die: Act, hand_over: HandOver) -> CustomResource:
        """Return the handler as a process of the function has it."""
        client: Client = self.service.client(calls, die, sent.note_made)

        def one(request: Request, run: Run) -> Outcome:
            outcome = respond(request, run, cast("Any", client))
            assert len(outcome.failure) <= response.REASON_LIMIT
            return outcome

        return CustomResource(RESOURCE_TYPE, one, attributes=ATTRIBUTES, clock=self.clock)
