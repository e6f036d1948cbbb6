"""A request from its signature to its response, without HTTP; and the faults that tests inject."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from localcloud.rekognition.authorization import Authorizer, Decision, Permission, Principal
from localcloud.rekognition.errors import AwsError, ConnectionDroppedError, access_denied, throttled
from localcloud.rekognition.models import CUSTOM_LABELS_REGIONS, Store
from localcloud.rekognition.operations import OPERATIONS, Call
from localcloud.rekognition.switches import Switches

_TARGET_PREFIX = "RekognitionService."
_CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/\d{8}/([^/,\s]+)/rekognition/aws4_request")

DROP = ConnectionDroppedError

Fault = AwsError | type[ConnectionDroppedError]
Hook = Callable[[str, Mapping[str, Any]], Fault | None]


class Faults:
    """Two hooks, asked before and after a request takes effect, and a list of faults to inject once each.

    A hook gets the operation and its parameters, and returns the fault to show the caller, or None. It may wait, or
    call the service itself: no lock is held meanwhile.
    """

    def __init__(self) -> None:
        self.before: Hook = lambda *_: None
        self.after: Hook = lambda *_: None
        self._lock = threading.Lock()
        self._waiting: list[tuple[str, str, Fault]] = []

    def inject(self, operation: str, *faults: Fault, when: Literal["before", "after"] = "before") -> None:
        """Let the next requests for an operation meet these faults, one each, in this order."""
        with self._lock:
            self._waiting += [(when, operation, fault) for fault in faults]

    def meet(self, when: Literal["before", "after"], operation: str, parameters: Mapping[str, Any]) -> None:
        """Raise the fault that is due before or after a request takes effect."""
        fault = self._take(when, operation) or (self.before if when == "before" else self.after)(operation, parameters)
        if fault is not None:
            raise fault

    def _take(self, when: str, operation: str) -> Fault | None:
        with self._lock:
            for number, waiting in enumerate(self._waiting):
                if waiting[:2] == (when, operation):
                    return self._waiting.pop(number)[2]
        return None


class _Quota:
    """A bucket of tokens for each operation of an account and Region, which holds one second's and is full at first."""

    def __init__(self, switches: Switches, clock: Callable[[], float]) -> None:
        self._switches = switches
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str, str], tuple[float, float]] = {}

    def take(self, account: str, region: str, operation: str) -> None:
        """Raise ThrottlingException unless the operation has a token left."""
        rate, key = self._switches.calls_per_second, (account, region, operation)
        if rate == 0:
            return
        with self._lock:
            now = self._clock()
            tokens, since = self._buckets.get(key, (rate, now))
            tokens = min(rate, tokens + (now - since) * rate)
            passes = tokens >= 1
            taken = 1 if passes or self._switches.throttled_calls_count else 0
            self._buckets[key] = (max(0.0, tokens - taken), now)
        if not passes:
            raise throttled()


@dataclass(frozen=True)
class Request:
    """A request's headers, by names in lower case, and its body."""

    headers: Mapping[str, str]
    body: bytes


class RekognitionService:
    """Responds to requests: who calls, is it allowed, do it. Records each call."""

    def __init__(self, switches: Switches, clock: Callable[[], float], authorizer: Authorizer) -> None:
        self.switches = switches
        """What is unknown of the real service; can be changed at any time."""

        def now() -> float:
            return clock() - switches.clock_behind

        self.store = Store(switches, now)
        """The state itself, for tests that set it up or read it without requests."""
        self.faults = Faults()
        """Errors and lost connections to inject."""
        self.calls: list[tuple[str, dict[str, Any]]] = []
        """Every request so far, rejected ones and repeats among them: the operation and its parameters."""
        self._authorizer = authorizer
        self._quota = _Quota(switches, now)
        self._calls_lock = threading.Lock()

    def respond(self, request: Request) -> dict[str, Any]:
        """Do what a request asks and return the response; raise an AwsError where it is rejected."""
        access_key_id, region = _signer(request)
        principal = self._authorizer.identify(access_key_id, request.headers.get("x-amz-security-token"), region)
        operation = _operation(request)
        parameters = _parameters(request.body)
        with self._calls_lock:
            self.calls.append((operation, parameters))
        self._quota.take(principal.account, region, operation)
        self.faults.meet("before", operation, parameters)
        response = self._perform(principal, region, operation, parameters)
        self.faults.meet("after", operation, parameters)
        return response

    def _perform(self, principal: Principal, region: str, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
        call = Call(principal.account, region, parameters, self.store, self.switches)
        needs, perform = OPERATIONS[name]
        permissions = list(needs(f"rekognition:{name}", call))
        for permission in permissions:
            decision = self._decide(principal, permission, region)
            if not decision.allowed:
                reason = decision.reason or f"because no identity-based policy allows the {permission.action} action"
                raise _denied(principal, permission, f" {reason}")
        if region not in CUSTOM_LABELS_REGIONS:
            # AWS doesn't tell this from a lack of permission.
            raise _denied(principal, permissions[0])
        return perform(call)

    def _decide(self, principal: Principal, permission: Permission, region: str) -> Decision:
        if permission.action == self.switches.denied_by_organization:
            return Decision(allowed=False, reason="with an explicit deny in a service control policy")
        return self._authorizer.decide(principal, permission, region)


def _denied(principal: Principal, permission: Permission, reason: str = "") -> AwsError:
    who, what = f"User: {principal.arn} is not authorized to perform", f"{permission.action} on resource"
    return access_denied(f"{who}: {what}: {permission.resource}{reason}")


def _signer(request: Request) -> tuple[str, str]:
    match = _CREDENTIAL.match(request.headers.get("authorization", ""))
    if match is None:
        raise AwsError(
            "IncompleteSignatureException", "The Authorization header is not a SigV4 signature for Rekognition."
        )
    return match[1], match[2]


def _parameters(body: bytes) -> dict[str, Any]:
    try:
        parameters = json.loads(body or b"{}")
    except (ValueError, RecursionError) as problem:
        raise AwsError("SerializationException", f"The body is not JSON: {problem}") from problem
    if not isinstance(parameters, dict):
        raise AwsError("SerializationException", "The body is not a JSON object.")
    return parameters


def _operation(request: Request) -> str:
    operation = request.headers.get("x-amz-target", "").removeprefix(_TARGET_PREFIX)
    if operation not in OPERATIONS:
        raise AwsError("UnknownOperationException", f"This local Rekognition has no operation '{operation}'.")
    return operation
