"""CloudFormation, the function of copies, and Rekognition in one world, and what must hold in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from custom_resource.request import Request
from custom_resource.resource import CustomResource
from custom_resource.run import Outcome
from custom_resource.timeouts import WAITING_FUNCTION_TIMEOUT, WAITING_MAXIMUM_EVENT_AGE
from custom_resource.waiting import Unfinished, WaitingResource, WaitingRun
from localcloud.rekognition import Switches
from localcloud.rekognition.models import Version
from project_version_copy.decision import POLL
from project_version_copy.identity import TAG_PREFIX
from project_version_copy.lifecycle import ATTRIBUTES, respond
from project_version_copy.properties import RESOURCE_TYPE
from tests.documents import REGION
from tests.simulator.cloud import STARTED, BaseCloud
from tests.simulator.function import Function, HandOver, Sent
from tests.simulator.service import Act, Calls
from tests.simulator.stack_operations import Behavior, Resource, Stack
from tests.simulator.template import Managed
from tests.simulator.versions import ACCOUNT, Versions
from tests.simulator.world import World


@dataclass(frozen=True)
class Copy(Managed):
    """A Custom::RekognitionProjectVersionCopy."""

    versions: Versions = field(compare=False, repr=False)
    source: str = "v1"
    version_name: str | None = None
    bucket: str = "results"
    tags: tuple[tuple[str, str], ...] = ()
    stop_running: bool = False
    service_timeout: int | None = field(default=3600, kw_only=True)

    resource_type = RESOURCE_TYPE

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


class CopyFunction(Function):
    """The function of ``Custom::RekognitionProjectVersionCopy``, for events and for what it sends itself."""

    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:copies"
    timeout = WAITING_FUNCTION_TIMEOUT
    maximum_event_age = WAITING_MAXIMUM_EVENT_AGE
    attributes = ATTRIBUTES

    def __init__(self, world: World, versions: Versions, run_seconds: float) -> None:
        super().__init__(world)
        self.versions = versions
        self.run_seconds = run_seconds
        self.poll_seconds: float = POLL

    def new_process(self, sent: Sent, calls: Calls, die: Act, hand_over: HandOver) -> CustomResource:
        """Return the handler as a process of the function has it."""
        client = cast("Any", self.versions.client(self.world.sleep, calls, die, sent.note_made))

        def go_on(request: Request, run: WaitingRun) -> Outcome | Unfinished:
            return respond(request, run, client, poll_seconds=self.poll_seconds)

        return WaitingResource(
            RESOURCE_TYPE,
            go_on,
            attributes=ATTRIBUTES,
            invoke=hand_over,
            run_seconds=self.run_seconds,
            clock=self.clock,
        )

    def check(self, event: Mapping[str, Any], received: Mapping[str, Any]) -> None:
        """A copy that was made or kept has all its attributes."""
        super().check(event, received)
        if event["RequestType"] != "Delete" and received["Status"] == "SUCCESS":
            arn = received["PhysicalResourceId"].removesuffix("|adopted")
            assert received["Data"]["ProjectVersionArn"] == arn
            assert all(received["Data"].values())


class CopyCloud(BaseCloud):
    """Everything a test needs to run an operation on copies and check how it ended."""

    function: CopyFunction

    def __init__(
        self, switches: Switches | None = None, behavior: Behavior | None = None, run_seconds: float = 600
    ) -> None:
        world = World(STARTED)
        self.versions = Versions(lambda: world.now, switches)
        super().__init__(CopyFunction(world, self.versions, run_seconds), behavior)
        self.world.now += 3600

    def copy(self, source: str = "v1", **more: Any) -> Copy:
        """Return a copy for a template."""
        return Copy(self.versions, source, **more)

    def arns(self, *stacks: Stack) -> set[str]:
        """Return the ARNs of the copies that stacks have, adopted ones too."""
        return {arn_of(resource) for stack in stacks for resource in stack.resources.values()}

    def check_stack(self, stack: Stack) -> None:
        """Hold a stack to what COMPLETE promises: each copy is live, finished, and what the template says."""
        live = self.versions.live()
        for resource in stack.resources.values():
            assert arn_of(resource) in live, f"{resource.physical_id} is not live"
            self.check_copy(resource, live[arn_of(resource)])

    def check_copy(self, resource: Resource, version: Version, *, tags: bool = True) -> None:
        """Hold a live model version to what its resource says, and its tags unless they may differ."""
        wanted = resource.policy
        assert self.versions.store.status(version) in ("COPYING_COMPLETED", "STARTING", "RUNNING")
        assert str(version.source) == self.versions.sources[wanted.source]
        assert version.output == {"S3Bucket": wanted.bucket}
        assert wanted.version_name in (None, version.arn.name)
        assert resource.data["VersionName"] == version.arn.name
        if tags and not resource.physical_id.endswith("|adopted"):
            own = {key: value for key, value in version.tags.items() if not key.startswith(TAG_PREFIX)}
            assert own == dict(wanted.tags)


def arn_of(resource: Resource) -> str:
    """Return the ARN of a resource's model version."""
    return resource.physical_id.removesuffix("|adopted")
