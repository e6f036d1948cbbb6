"""Rekognition in this process, without HTTP: the local emulator behind boto3's calls, on virtual time, with faults."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from localcloud.rekognition import AwsError, RekognitionService, Request, RootKeys, Switches
from tests.documents import ACCOUNT, REGION
from tests.simulator.world import World

LATENCY = 0.05

LOST_BEFORE, LOST_AFTER, HANGS = "lost before", "lost after", "hangs"
Fault = str
"""An error code, or LOST_BEFORE or LOST_AFTER (the effect), or HANGS (for the SDK's read timeout)."""


@dataclass
class Calls:
    """What one invocation calls, what it meets, and when it dies."""

    made: list[str] = field(default_factory=list)
    faults: dict[int, Fault] = field(default_factory=dict)
    """What the call of a number, from 0, meets."""
    dies_before: int | None = None
    dies_after: int | None = None
    """The call before or after whose effect the process ends."""


class Service:
    """The service, and what happens behind the handler's back."""

    def __init__(self, world: World, switches: Switches | None = None) -> None:
        self.world = world
        self.clock_ahead = 0.0
        """Seconds that the service's clock is ahead of CloudFormation's and the function's."""
        self.emulator = RekognitionService(switches or Switches(), lambda: world.now + self.clock_ahead, RootKeys())
        self.store = self.emulator.store
        self.before_call: Callable[[str, Mapping[str, Any]], None] = lambda *_: None
        """Runs just before a call takes effect: what others do meanwhile."""

    def project(self, name: str) -> str:
        """Make a project and return its ARN."""
        return str(self.store.create_project(ACCOUNT, REGION, name).arn)

    def live(self) -> dict[tuple[str, str], Any]:
        """Return every live policy by its project's ARN and its name."""
        return {
            (str(project.arn), name): policy
            for project in self.store.projects(ACCOUNT, REGION)
            for name, policy in project.policies.items()
        }

    def edit(self, arn: str, name: str, document: Mapping[str, Any]) -> None:
        """Put a policy behind everybody's back."""
        live = self.live().get((arn, name))
        self.store.put_policy(ACCOUNT, REGION, arn, name, json.dumps(document), live.revision if live else None)

    def remove(self, arn: str, name: str) -> None:
        """Delete a policy behind everybody's back."""
        self.store.delete_policy(ACCOUNT, REGION, arn, name)


class Client:
    """boto3's client, as far as the handler uses it, for one invocation."""

    def __init__(self, service: Service, calls: Calls, die: Callable[[], None], note_put: Callable[[], None]) -> None:
        self._service = service
        self._calls = calls
        self._die = die
        self._note_put = note_put

    def list_project_policies(self, **parameters: Any) -> Mapping[str, Any]:
        """List a page of policies."""
        return self._call("ListProjectPolicies", parameters)

    def put_project_policy(self, **parameters: Any) -> Mapping[str, Any]:
        """Put a policy."""
        return self._call("PutProjectPolicy", parameters)

    def delete_project_policy(self, **parameters: Any) -> Mapping[str, Any]:
        """Delete a policy."""
        return self._call("DeleteProjectPolicy", parameters)

    def _call(self, operation: str, parameters: dict[str, Any]) -> Mapping[str, Any]:
        world = self._service.world
        number = len(self._calls.made)
        self._calls.made.append(operation)
        fault = self._calls.faults.get(number)
        world.sleep(LATENCY)
        if self._calls.dies_before == number:
            self._die()
        self._service.before_call(operation, parameters)
        if fault == HANGS:
            world.sleep(15)
            raise ReadTimeoutError(endpoint_url="local")
        if fault == LOST_BEFORE:
            raise ConnectionClosedError(endpoint_url="local")
        if fault is not None and fault != LOST_AFTER:
            raise client_error(operation, AwsError(fault, "a fault"))
        if operation == "PutProjectPolicy":
            self._note_put()
        try:
            response = self._service.emulator.respond(request(operation, parameters))
        except AwsError as error:
            raise client_error(operation, error) from None
        if self._calls.dies_after == number:
            self._die()
        world.sleep(LATENCY)
        if fault == LOST_AFTER:
            raise ConnectionClosedError(endpoint_url="local")
        return response


def request(operation: str, parameters: Mapping[str, Any], account: str = ACCOUNT) -> Request:
    """Return a request that an account's root signed."""
    credential = f"AWS4-HMAC-SHA256 Credential={account}/20231114/{REGION}/rekognition/aws4_request, Signature=0"
    headers = {"authorization": credential, "x-amz-target": f"RekognitionService.{operation}"}
    return Request(headers, json.dumps(parameters).encode())


def client_error(operation: str, error: AwsError) -> ClientError:
    """Return what boto3 raises for an error of the service."""
    status = 500 if error.code == "InternalServerError" else 400
    return ClientError(
        {"Error": {"Code": error.code, "Message": error.message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        operation,
    )
