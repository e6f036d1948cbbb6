"""What the copies' tests play on: the function as Lambda runs it, a fake of the versions API, and virtual time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.rekognition import AwsError
from localcloud.rekognition.models import Version
from project_version_copy.properties import RESOURCE_TYPE
from tests.documents import REGION
from tests.handler.stage import signed_url
from tests.simulator.copies import CopyCloud
from tests.simulator.function import Delivery, Sent
from tests.simulator.versions import ACCOUNT

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:copies"
STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/serving/4c5a3c60-95a3-11ef-8f2e-0affd8d4c1a5"
MADE_UP = "serving-Copy-1ABCDEFGHIJKL"
SOURCE = "arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815"
VERSION = "arn:aws:rekognition:us-east-1:123456789012:project/logos/version/v1/1690474772816"
DESTINATION = "arn:aws:rekognition:us-east-1:111122223333:project/copies/1690474772817"
DAY = 86_400


class CopyStage:
    """A destination project, a function, and what it is asked."""

    def __init__(self) -> None:
        self.cloud = CopyCloud()
        self.function = self.cloud.function
        self.versions = self.cloud.versions
        self.time = self.cloud.world
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
        return {
            "RequestType": kind,
            "ResponseURL": signed_url(self.time.now),
            "StackId": STACK,
            "RequestId": f"request-{next(self._request_ids)}",
            "ResourceType": RESOURCE_TYPE,
            "LogicalResourceId": "Copy",
            "ResourceProperties": dict(properties),
            **({"PhysicalResourceId": physical_id} if physical_id else {}),
            **({} if old is None else {"OldResourceProperties": dict(old)}),
        }

    def deliver(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Run the function for an event, and for what it sends itself, and return the response."""
        self.cloud.play(lambda: self.function.send(event, Delivery()))
        response: dict[str, Any] = self._sent.responded.value
        return response

    def after(self, seconds: float, act: Callable[[], object]) -> None:
        """Do something so many seconds from now."""
        self.time.spawn(act, seconds)

    @property
    def runs(self) -> int:
        """How many runs of the function the last event has taken so far."""
        return len(self._sent.invocations)

    @property
    def _sent(self) -> Sent:
        return self.function.log[-1]

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
