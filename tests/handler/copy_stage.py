"""What the copies' tests play on: the function as Lambda runs it, a fake of the versions API, and virtual time."""

from __future__ import annotations

import heapq
import itertools
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

from custom_resource import response
from custom_resource.outcome import Outcome
from custom_resource.request import Request
from custom_resource.timeouts import WAITING_FUNCTION_TIMEOUT
from custom_resource.waiting import Unfinished, WaitingResource, WaitingRun
from localcloud.rekognition import AwsError
from localcloud.rekognition.models import Version
from project_version_copy.lifecycle import ATTRIBUTES, respond
from project_version_copy.properties import RESOURCE_TYPE
from tests.documents import REGION
from tests.handler.stage import VirtualTime
from tests.simulator.versions import ACCOUNT, Versions

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:copies"
STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/serving/4c5a3c60-95a3-11ef-8f2e-0affd8d4c1a5"
MADE_UP = "serving-Copy-1ABCDEFGHIJKL"
SOURCE = "arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815"
VERSION = "arn:aws:rekognition:us-east-1:123456789012:project/logos/version/v1/1690474772816"
DESTINATION = "arn:aws:rekognition:us-east-1:111122223333:project/copies/1690474772817"
DAY = 86_400


class Agenda(VirtualTime):
    """Virtual time, in which others do something at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._agenda: list[tuple[float, int, Callable[[], object]]] = []
        self._number = itertools.count()

    def after(self, seconds: float, act: Callable[[], object]) -> None:
        """Do something so many seconds from now."""
        heapq.heappush(self._agenda, (self.now + seconds, next(self._number), act))

    def sleep(self, seconds: float) -> None:
        """Let time pass at once, and what is to happen meanwhile happen."""
        until = self.now + seconds
        while self._agenda and self._agenda[0][0] <= until:
            self.now, _, act = heapq.heappop(self._agenda)
            act()
        super().sleep(until - self.now)


class Context:
    """A Lambda context on virtual time."""

    invoked_function_arn = FUNCTION
    log_stream_name = "2023/11/14/[$LATEST]1"

    def __init__(self, time: VirtualTime) -> None:
        self._time, self._end = time, time.now + WAITING_FUNCTION_TIMEOUT

    def get_remaining_time_in_millis(self) -> int:
        """Return the time left."""
        return int((self._end - self._time.now) * 1000)


class CopyStage:
    """A destination project, a function, and what it is asked."""

    def __init__(self, time: Agenda, run_seconds: float = 600, poll_seconds: float = 10) -> None:
        self.time = time
        self.versions = Versions(time)
        self.run_seconds, self.poll_seconds = run_seconds, poll_seconds
        self.responses: list[dict[str, Any]] = []
        self.runs = 0
        self._request_ids = itertools.count(1)

    def properties(self, source: str = "v1", **more: object) -> dict[str, Any]:
        """Return the properties of a copy, with these changed (None takes one away)."""
        return self.versions.properties(source, **more)

    def event(
        self,
        kind: str,
        properties: Mapping[str, object],
        physical_id: str = "",
        old: Mapping[str, object] | None = None,
    ) -> dict[str, Any]:
        """Return an event that CloudFormation sends now."""
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self.time.now))
        event: dict[str, Any] = {
            "RequestType": kind,
            "ResponseURL": f"https://answers.example/answer?X-Amz-Date={stamp}&X-Amz-Signature=5ec2e7",
            "StackId": STACK,
            "RequestId": f"request-{next(self._request_ids)}",
            "ResourceType": RESOURCE_TYPE,
            "LogicalResourceId": "Copy",
            "ResourceProperties": dict(properties),
        }
        if physical_id:
            event["PhysicalResourceId"] = physical_id
        if old is not None:
            event["OldResourceProperties"] = dict(old)
        return event

    def deliver(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Run the function for an event, and for what it sends itself, and return the response."""
        queue: list[bytes] = [json.dumps(event).encode()]
        self.runs = 0
        while queue:
            self.runs += 1
            # Each run may be in another process of the function.
            resource = WaitingResource(
                RESOURCE_TYPE,
                self._respond,
                attributes=ATTRIBUTES,
                invoke=lambda _, sent: queue.append(sent),
                run_seconds=self.run_seconds,
                clock=self.time.clock,
            )
            resource(json.loads(queue.pop(0)), Context(self.time))
        return self.responses[-1]

    def send(self, kind: str, properties: Mapping[str, object], physical_id: str = "", **more: Any) -> dict[str, Any]:
        """Send a request, and return the response."""
        return self.deliver(self.event(kind, properties, physical_id, **more))

    def made(self, **properties: object) -> str:
        """Return the physical ID of a copy that was made a day ago."""
        made = self.send("Create", self.properties(**properties))  # type: ignore[arg-type]
        assert made["Status"] == "SUCCESS", made
        self.time.now += DAY
        self.versions.service.calls.clear()
        return str(made["PhysicalResourceId"])

    def version(self) -> Version:
        """Return the only live model version."""
        (only,) = self.versions.live().values()
        return only

    @property
    def arn(self) -> str:
        """The ARN of the only live model version."""
        return str(self.version().arn)

    def fails(self, code: str, *operations: str, when: Callable[[float], bool] = lambda elapsed: True) -> None:
        """Let calls of these operations (default: all) fail, at the times (in seconds from now) that ``when`` says."""
        began = self.time.now

        def fault(operation: str, _: object) -> AwsError | None:
            meets = (not operations or operation in operations) and when(self.time.now - began)
            return AwsError(code, "a fault") if meets else None

        self.versions.service.faults.before = fault

    def somebody(self, asks: str, arn: str) -> None:
        """Start, stop or delete a model version behind the function's back."""
        self.versions.call(
            f"{asks.capitalize()}ProjectVersion",
            ProjectVersionArn=arn,
            **({"MinInferenceUnits": 1} if asks == "start" else {}),
        )
        self.versions.service.calls.clear()

    def _respond(self, request: Request, run: WaitingRun) -> Outcome | Unfinished:
        client = cast("Any", self.versions.client(self.time.sleep))
        return respond(request, run, client, poll_seconds=self.poll_seconds)

    def take_response(self, _url: str, encoded: bytes, **_: object) -> None:
        """Take a response in CloudFormation's place."""
        assert len(encoded) <= response.BODY_LIMIT
        self.responses.append(json.loads(encoded))
