"""Rekognition in this process, without HTTP: the local emulator behind boto3's calls, on virtual time, with faults."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from localcloud.rekognition import AwsError, RekognitionService, Request, RootKeys, Switches
from tests.documents import ACCOUNT, REGION
from tests.simulator.world import World

LATENCY = 0.05

LOST_BEFORE, LOST_AFTER, HANGS = "lost before", "lost after", "hangs"
Fault = str
"""An error code, or LOST_BEFORE or LOST_AFTER (the effect), or HANGS (for the SDK's read timeout)."""

Act = Callable[[], None]
Call = Callable[[str, Mapping[str, Any]], object]


@dataclass
class Calls:
    """What one invocation calls, what it meets, and when it dies."""

    made: list[str] = field(default_factory=list)
    faults: dict[int, Fault] = field(default_factory=dict)
    """What the call of a number, from 0, meets."""
    dies_before: int | None = None
    dies_after: int | None = None
    """The call before or after whose effect the process ends."""

    @property
    def has_died(self) -> bool:
        """Whether the invocation died at one of its calls."""
        return any(at is not None and at < len(self.made) for at in (self.dies_before, self.dies_after))


class Client:
    """boto3's client, as far as the handlers use it, for one invocation."""

    def __init__(
        self,
        emulator: RekognitionService,
        account: str,
        sleep: Callable[[float], None],
        calls: Calls | None = None,
        *,
        die: Act = lambda: None,
        note_made: Act = lambda: None,
        before_call: Call = lambda *_: None,
    ) -> None:
        self._emulator = emulator
        self._account = account
        self._sleep = sleep
        self._calls = calls or Calls()
        self._die = die
        self._note_made = note_made
        self._before_call = before_call

    def __getattr__(self, name: str) -> Callable[..., Mapping[str, Any]]:
        operation = "".join(part.capitalize() for part in name.split("_"))
        return lambda **parameters: self._call(operation, parameters)

    def _call(self, operation: str, parameters: dict[str, Any]) -> Mapping[str, Any]:
        number = len(self._calls.made)
        self._calls.made.append(operation)
        fault = self._calls.faults.get(number)
        self._sleep(LATENCY)
        if self._calls.dies_before == number:
            self._die()
        self._before_call(operation, parameters)
        if fault == HANGS:
            self._sleep(15)
            raise ReadTimeoutError(endpoint_url="local")
        if fault == LOST_BEFORE:
            raise ConnectionClosedError(endpoint_url="local")
        if fault is not None and fault != LOST_AFTER:
            raise client_error(operation, AwsError(fault, "a fault"))
        if operation in ("PutProjectPolicy", "CopyProjectVersion"):
            self._note_made()
        try:
            response = self._emulator.respond(request(operation, parameters, self._account))
        except AwsError as error:
            raise client_error(operation, error) from None
        if self._calls.dies_after == number:
            self._die()
        self._sleep(LATENCY)
        if fault == LOST_AFTER:
            raise ConnectionClosedError(endpoint_url="local")
        parsed: Mapping[str, Any] = with_datetimes(response)
        return parsed


class Service:
    """The service, and what happens behind the handler's back."""

    def __init__(self, world: World, switches: Switches | None = None) -> None:
        self.world = world
        self.clock_ahead = 0.0
        """Seconds that the service's clock is ahead of CloudFormation's and the function's."""
        self.emulator = RekognitionService(switches or Switches(), lambda: world.now + self.clock_ahead, RootKeys())
        self.store = self.emulator.store
        self.before_call: Call = lambda *_: None
        """Runs just before a call takes effect: what others do meanwhile."""

    def client(self, calls: Calls, die: Act, note_made: Act) -> Client:
        """Return the client of one invocation."""
        return Client(
            self.emulator,
            ACCOUNT,
            self.world.sleep,
            calls,
            die=die,
            note_made=note_made,
            before_call=self.before_call,
        )

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


def request(operation: str, parameters: Mapping[str, Any], account: str) -> Request:
    """Return a request that an account's root signed."""
    credential = f"AWS4-HMAC-SHA256 Credential={account}/20231114/{REGION}/rekognition/aws4_request, Signature=0"
    headers = {"authorization": credential, "x-amz-target": f"RekognitionService.{operation}"}
    return Request(headers, json.dumps(parameters).encode())


def client_error(operation: str, error: AwsError) -> ClientError:
    """Return what boto3 raises for an error of the service."""
    status = 500 if error.code in ("InternalServerError", "ThrottlingException") else 400  # as its reference says
    return ClientError(
        {"Error": {"Code": error.code, "Message": error.message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        operation,
    )


def with_datetimes(response: Any) -> Any:
    """Return a response as boto3 parses it."""
    if isinstance(response, list):
        return [with_datetimes(each) for each in response]
    if not isinstance(response, Mapping):
        return response
    return {
        key: datetime.fromtimestamp(value, timezone.utc) if key.endswith("Timestamp") else with_datetimes(value)
        for key, value in response.items()
    }
