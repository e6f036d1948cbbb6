"""CloudFormation, the function of copies, and Rekognition in one world, and what must hold in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from unittest import mock

from crhelper import CfnResource
from greenlet import GreenletExit

from custom_resource import response
from custom_resource.clock import Clock
from custom_resource.errors import HandOverError, ResponseLostError
from custom_resource.outcome import Outcome
from custom_resource.request import Request
from custom_resource.timeouts import WAITING_FUNCTION_TIMEOUT, WAITING_MAXIMUM_EVENT_AGE
from custom_resource.waiting import Unfinished, WaitingResource, WaitingRun
from localcloud.rekognition import Switches
from localcloud.rekognition.models import Version
from project_version_copy.identity import TAG_PREFIX
from project_version_copy.lifecycle import ATTRIBUTES, respond
from project_version_copy.properties import RESOURCE_TYPE
from tests.documents import REGION
from tests.simulator.function import RETRY_DELAYS, START, Delivery, Function, Sent
from tests.simulator.service import Calls
from tests.simulator.stack_operations import Behavior, CloudFormation, Resource, Stack
from tests.simulator.template import Template
from tests.simulator.versions import ACCOUNT, Versions, VersionsClient
from tests.simulator.world import Signal, Task, World

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:copies"


@dataclass(frozen=True)
class Copy:
    """A Custom::RekognitionProjectVersionCopy."""

    versions: Versions = field(compare=False, repr=False)
    source: str = "v1"
    version_name: str | None = None
    bucket: str = "results"
    tags: tuple[tuple[str, str], ...] = ()
    adopt_existing: bool = False
    stop_running: bool = False
    retain: bool = False
    """DeletionPolicy and UpdateReplacePolicy: Retain."""
    needs: str = ""
    provider: str = "copies"
    service_timeout: int | None = 3600

    resource_type = RESOURCE_TYPE

    @property
    def key(self) -> tuple[str, ...]:
        """What another value of makes another copy."""
        return self.source, self.version_name or "", self.bucket

    @property
    def properties(self) -> dict[str, Any]:
        """The properties as an event has them."""
        return self.versions.properties(
            self.source,
            VersionName=self.version_name,
            OutputConfig={"S3Bucket": self.bucket},
            Tags=dict(self.tags) or None,
            AdoptExisting="true" if self.adopt_existing else None,
            StopRunning="true" if self.stop_running else None,
        )

    def is_what(self, properties: Mapping[str, Any]) -> bool:
        """Return whether a request with these properties makes this copy."""
        members = ("SourceProjectVersionArn", "VersionName", "OutputConfig")
        return all(properties.get(member) == self.properties.get(member) for member in members)


class Invocation(WaitingResource):
    """One invocation of the function; its timer is the simulator's, because crhelper's runs by the real clock."""

    def _set_timeout(self) -> None:
        pass

    def times_out(self) -> None:
        """Do what crhelper's timer does."""
        vars(CfnResource)["_timeout"](self)


@dataclass
class Context:
    """Lambda's context object."""

    world: World
    ends: float
    invoked_function_arn: str = FUNCTION
    log_stream_name: str = "2023/11/14/[$LATEST]1"

    def get_remaining_time_in_millis(self) -> int:
        """Return how long this invocation may still run."""
        return int((self.ends - self.world.now) * 1000)


class CopyFunction(Function):
    """Runs the real handler with its crhelper wrapper, for events and for what it sends itself."""

    def __init__(self, world: World, versions: Versions, run_seconds: float) -> None:
        self.world = world
        self.versions = versions
        self.run_seconds = run_seconds
        self.log = []
        self._taking: dict[Task, Callable[[dict[str, Any]], None]] = {}
        """What takes the response of the invocation that a task belongs to."""

    def send(self, event: Mapping[str, Any], delivery: Delivery) -> Sent:
        """Deliver an event, and return what comes of it as it comes."""
        sent = Sent(event, Signal(self.world), self.world.now)
        self.log.append(sent)
        lost = [delivery.responses_lost]
        self._arrive(sent, dict(event), START + delivery.delay, list(delivery.attempts), lost)
        for later in delivery.repeats:
            self._arrive(sent, dict(event), START + delivery.delay + later, [], [0])
        return sent

    def take_response(self, _url: str, encoded: bytes, **_: object) -> None:
        """Take a response in CloudFormation's place; a process that was killed sends none."""
        if self.world.current is None:
            raise GreenletExit
        self._taking[self.world.running](json.loads(encoded))

    def _arrive(self, sent: Sent, event: dict[str, Any], delay: float, attempts: list[Calls], lost: list[int]) -> None:
        """Let an event arrive after a while; its attempts, and those of the runs after it, meet what is in the list."""
        arrived = self.world.now + delay

        def attempt(number: int) -> None:
            def again() -> None:
                """Lambda tries an event twice more, unless it has become too old meanwhile."""
                if number < len(RETRY_DELAYS):
                    delay = RETRY_DELAYS[number]
                    if self.world.now + delay <= arrived + WAITING_MAXIMUM_EVENT_AGE:
                        self.world.spawn(lambda: attempt(number + 1), delay)

            self._run(sent, event, attempts, lost, again)

        self.world.spawn(lambda: attempt(0), delay)

    def _run(  # noqa: C901 - one invocation is one story
        self, sent: Sent, event: dict[str, Any], attempts: list[Calls], lost: list[int], again: Callable[[], None]
    ) -> None:
        world = self.world
        calls = attempts.pop(0) if attempts else Calls()
        given: list[dict[str, Any]] = []
        sent.invocations.append(given)
        sent.calls.append(calls)

        def die() -> None:
            """End the process, as a crash or its timeout does; whoever calls this may be the process itself."""
            task.kill()
            ended.set()
            again()
            if world.current is task:
                world.pause()

        def take(received: dict[str, Any]) -> None:
            if lost[0]:
                lost[0] -= 1
                raise ResponseLostError("lost")
            given.append(check_response(event, received))
            sent.responded.set(received)

        def go_on(request: Request, run: WaitingRun) -> Outcome | Unfinished:
            client = VersionsClient(self.versions, world.sleep, calls, die, sent.note_put)
            return respond(request, run, cast("Any", client))

        def run() -> None:
            try:
                resource(event, Context(world, world.now + WAITING_FUNCTION_TIMEOUT))
            except (HandOverError, ResponseLostError):
                again()
            ended.set()

        def watch() -> None:
            """Crhelper's timer responds half a second before Lambda ends the function."""
            if not ended.wait(WAITING_FUNCTION_TIMEOUT - 0.5):
                resource.times_out()
                if not ended.wait(0.5):
                    die()

        ended = Signal(world)
        resource = Invocation(
            RESOURCE_TYPE,
            go_on,
            attributes=ATTRIBUTES,
            invoke=lambda _, following: self._arrive(sent, json.loads(following), START, attempts, lost),
            run_seconds=self.run_seconds,
            clock=Clock(now=lambda: world.now, sleep=world.sleep, jitter=lambda longest: longest * 0.75),
        )
        task = world.spawn(run)
        self._taking[task] = self._taking[world.spawn(watch)] = take


def check_response(event: Mapping[str, Any], received: dict[str, Any]) -> dict[str, Any]:
    """Return a response, after holding it to what CloudFormation asks of every one."""
    physical_id = received["PhysicalResourceId"]
    assert 0 < len(physical_id.encode()) <= 1024
    assert list(received["Data"]) == list(ATTRIBUTES)
    assert received["Reason"] or received["Status"] == "SUCCESS"
    if event["RequestType"] == "Delete":
        assert physical_id == event["PhysicalResourceId"]
    elif received["Status"] == "SUCCESS":
        assert received["Data"]["ProjectVersionArn"] == physical_id.removesuffix("|adopted")
        assert all(received["Data"].values())
    return received


class CopyCloud:
    """Everything a test needs to run an operation and look at its end."""

    def __init__(
        self, switches: Switches | None = None, behavior: Behavior | None = None, run_seconds: float = 600
    ) -> None:
        self.world = World(1_700_000_000.0)
        self.versions = Versions(lambda: self.world.now, switches)
        self.function = CopyFunction(self.world, self.versions, run_seconds)
        self.cloudformation = CloudFormation(self.function, behavior)
        self.world.now += 3600

    def copy(self, source: str = "v1", **more: Any) -> Copy:
        """Return a copy for a template."""
        return Copy(self.versions, source, **more)

    def stack(self, name: str = "one") -> Stack:
        """Return a new stack."""
        return self.cloudformation.stack(name)

    def create(self, stack: Stack, template: Template) -> None:
        """Run CreateStack."""
        self.operate(lambda: stack.create(template))

    def update(self, stack: Stack, template: Template) -> None:
        """Run UpdateStack."""
        self.operate(lambda: stack.update(template))

    def delete(self, stack: Stack) -> None:
        """Run DeleteStack."""
        self.operate(stack.delete)

    def operate(self, operation: Callable[[], None]) -> None:
        """Run an operation to its end, and everything that is still on its way then."""
        with mock.patch.object(response, "send", self.function.take_response):
            self.cloudformation.operate(operation)

    def made(self, template: Template, name: str = "one") -> Stack:
        """Return a stack that was made without trouble, a day ago."""
        stack = self.stack(name)
        self.create(stack, template)
        assert stack.status == "CREATE_COMPLETE", stack.events
        self.world.now += 86_400
        return stack

    def deliver(self, choose: Callable[[Mapping[str, Any]], Delivery | None]) -> None:
        """Let events arrive as ``choose`` says; as ever where it says nothing."""
        self.cloudformation.deliver = lambda event: choose(event) or Delivery()

    def sent(self) -> list[tuple[str, str]]:
        """Return every request so far: its type and its physical id."""
        return [(each.event["RequestType"], each.event.get("PhysicalResourceId", "")) for each in self.function.log]

    def arns(self, *stacks: Stack) -> set[str]:
        """Return the ARNs of the copies that stacks have, adopted ones too."""
        return {arn_of(resource) for stack in stacks for resource in stack.resources.values()}

    def check_stack(self, stack: Stack) -> None:
        """Hold a stack to what COMPLETE promises: each copy is live, finished, and what the template says."""
        live = self.versions.live()
        for resource in stack.resources.values():
            assert arn_of(resource) in live, f"{resource.physical_id} is not live"
            self.check_copy(resource, live[arn_of(resource)])

    def check_copy(self, resource: Resource, version: Version) -> None:
        """Hold a live model version to what its resource says."""
        wanted = resource.policy
        assert self.versions.store.status(version) in ("COPYING_COMPLETED", "STARTING", "RUNNING")
        assert str(version.source) == self.versions.sources[wanted.source]
        assert version.output == {"S3Bucket": wanted.bucket}
        assert wanted.version_name in (None, version.arn.name)
        assert resource.data["VersionName"] == version.arn.name
        if not resource.physical_id.endswith("|adopted"):
            own = {key: value for key, value in version.tags.items() if not key.startswith(TAG_PREFIX)}
            assert own == dict(wanted.tags)

    def check_responses(self) -> None:
        """Hold every request to its response: in time, and at most one an invocation."""
        for sent in self.function.log:
            assert sent.responded.is_set(), sent.event["RequestType"]
            assert all(len(given) <= 1 for given in sent.invocations)


def arn_of(resource: Resource) -> str:
    """Return the ARN of a resource's model version."""
    return resource.physical_id.removesuffix("|adopted")
