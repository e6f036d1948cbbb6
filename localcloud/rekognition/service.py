"""A request from its signature to its answer, without anything of HTTP's."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.rekognition.arns import CUSTOM_LABELS_REGIONS
from localcloud.rekognition.authorisation import Authoriser, Gate, Permission, Principal
from localcloud.rekognition.errors import AwsError, access_denied
from localcloud.rekognition.faults import Drop, Faults
from localcloud.rekognition.operations import OPERATIONS
from localcloud.rekognition.scope import Scope
from localcloud.rekognition.store import Store
from localcloud.rekognition.switches import Switches
from localcloud.rekognition.validation import check_request

_TARGET_PREFIX = "RekognitionService."
_CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 .*?Credential=([^/,\s]+)/\d{8}/([^/,\s]+)/([^/,\s]+)/aws4_request")


class ConnectionDropped(Exception):
    """The caller is to get no answer."""


@dataclass(frozen=True)
class Request:
    """What a request's headers say, by names in lower case, and its body."""

    headers: Mapping[str, str]
    body: bytes


class RekognitionService:
    """Answers requests: who calls, is it well formed, is it allowed, do it. Records each well-formed call."""

    def __init__(self, switches: Switches, clock: Callable[[], float], authoriser: Authoriser) -> None:
        self.switches = switches
        self.store = Store(switches, clock)
        self.faults = Faults()
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._gate = Gate(authoriser, switches, clock)
        self._calls_lock = threading.Lock()

    def answer(self, request: Request) -> dict[str, Any]:
        """Do what a request asks and return its answer; raise an AwsError where it is refused."""
        access_key_id, region = _signer(request)
        principal = self._gate.identify(access_key_id, request.headers.get("x-amz-security-token"), region)
        operation = _operation(request)
        parameters = _parameters(request)
        check_request(operation, parameters)
        with self._calls_lock:
            self.calls.append((operation, parameters))
        _show(self.faults.next_before(operation, parameters))
        result = self._perform(principal, region, operation, parameters)
        _show(self.faults.next_after(operation, parameters))
        return result

    def _perform(self, principal: Principal, region: str, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
        scope = Scope(principal.account, region, self.store, self.switches)
        operation = OPERATIONS[name]
        action, resource = f"rekognition:{name}", operation.resource(scope, parameters)
        permissions = [Permission(action, resource), *operation.also(scope, parameters)]
        self._gate.check(principal, permissions, region)
        if region not in CUSTOM_LABELS_REGIONS and not self.switches.custom_labels_everywhere:
            # AWS doesn't tell this from a lack of permission.
            raise access_denied(f"User: {principal.arn} is not authorized to perform: {action} on resource: {resource}")
        return operation.perform(scope, parameters)


def _signer(request: Request) -> tuple[str, str]:
    authorization = request.headers.get("authorization", "")
    if not authorization:
        raise AwsError("MissingAuthenticationTokenException", "Missing Authentication Token")
    match = _CREDENTIAL.match(authorization)
    if match is None:
        raise AwsError("IncompleteSignatureException", "The Authorization header is not a complete SigV4 signature.")
    access_key_id, region, service = match.groups()
    if service != "rekognition":
        raise AwsError("InvalidSignatureException", "Credential should be scoped to correct service: 'rekognition'.")
    return access_key_id, region


def _operation(request: Request) -> str:
    target = request.headers.get("x-amz-target", "")
    operation = target[len(_TARGET_PREFIX) :] if target.startswith(_TARGET_PREFIX) else ""
    if operation not in OPERATIONS:
        raise AwsError("UnknownOperationException", f"This local Rekognition has no operation '{target}'.")
    return operation


def _parameters(request: Request) -> dict[str, Any]:
    try:
        parameters = json.loads(request.body or b"{}")
    except (ValueError, RecursionError) as problem:
        raise AwsError("SerializationException", "The request's body is not JSON.") from problem
    if not isinstance(parameters, dict):
        raise AwsError("SerializationException", "The request's body is not a JSON object.")
    return parameters


def _show(fault: AwsError | Drop | None) -> None:
    if isinstance(fault, AwsError):
        raise fault
    if fault is not None:
        raise ConnectionDropped
