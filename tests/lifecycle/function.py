"""The functions as Lambda runs them: their real entries, invoked at least once, retried twice, ended by their timeouts.

Each process imports ``index.py`` or ``copies.py`` anew, as a cold start does, with crhelper and the real SDK. What is
simulated is outside of it: the time, Rekognition and Lambda behind botocore's ``before-send`` hook, and the end of
ResponseURL.
"""

from __future__ import annotations

import http.client
import importlib.util
import io
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock
from urllib.parse import unquote

import boto3
import crhelper.resource_helper
from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from greenlet import GreenletExit

import custom_resource.resource
from custom_resource.run import Clock
from localcloud.rekognition import AwsError, RekognitionService, Request
from tests.documents import REGION
from tests.lifecycle.cases import DIES, HANGS, LOST_AFTER, LOST_BEFORE, Attempt, Delivery, Put, Remove
from tests.lifecycle.world import Signal, Task, World

LAMBDA = Path(__file__).parents[2] / "lambda"
LATENCY = 0.05
"""Seconds for each way of a call."""
START = 0.1
"""Seconds from a request to its function's start."""
RETRIED_AFTER = (60.0, 120.0)
"""When Lambda delivers an event again that the function failed for."""
HIDDEN = 2 + 4 * LATENCY
"""Seconds at the end of a Delete of a canceled Create in which its reads may not show what that Create puts."""
SERVER_ERRORS = {"InternalServerError", "ThrottlingException"}
"""The codes that Rekognition returns with HTTP status 500: throttling is one of them."""
THROTTLED = {"ThrottlingException", "ProvisionedThroughputExceededException"}
RESPONDED = "rekognition-version-copy:responded"
"""The tag of a copy that has the time of the response."""
LOG_STREAM = "2023/11/14/[$LATEST]1"


@dataclass(frozen=True)
class Kind:
    """One of the two functions, and how the templates configure it."""

    entry: str
    arn: str
    timeout: float
    maximum_event_age: float
    attributes: tuple[str, ...]
    awaits: float
    """For how many seconds a Delete that overtook its own Create looks for what that makes."""
    awaits_if_throttled: float
    takes: float
    """For how many seconds after that Delete's request it takes what is made for its Create's."""
    takes_if_throttled: float
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def account(self) -> str:
        """The account that it runs in."""
        return self.arn.split(":")[4]


POLICIES = Kind(
    "index",
    f"arn:aws:lambda:{REGION}:123456789012:function:provider",
    timeout=480,
    maximum_event_age=360,
    attributes=("PolicyRevisionId", "PolicyName", "ProjectArn"),
    awaits=40,
    awaits_if_throttled=150,
    takes=45,
    takes_if_throttled=445,
)
COPIES = Kind(
    "copies",
    f"arn:aws:lambda:{REGION}:111122223333:function:copies",
    timeout=720,
    maximum_event_age=1800,
    attributes=("ProjectVersionArn", "VersionName", "ProjectArn"),
    awaits=172,
    awaits_if_throttled=172,
    takes=170,
    takes_if_throttled=170,
)


@dataclass
class Context:
    """Lambda's context object."""

    world: World
    ends: float
    invoked_function_arn: str
    log_stream_name: str = LOG_STREAM

    def get_remaining_time_in_millis(self) -> int:
        """Return how long this invocation may still run."""
        return int((self.ends - self.world.now) * 1000)


@dataclass
class Invocation:
    """One invocation of a function, and what came of it."""

    function: Function
    event: Mapping[str, Any]
    meets: Attempt
    sent: Sent
    die: Callable[[], None] = lambda: None
    hand_over: Callable[[Mapping[str, Any]], None] = lambda _: None
    calls: list[str] = field(default_factory=list)
    """The operations that it called."""
    tries: int = 0
    """How often it tried to respond."""
    responses: list[dict[str, Any]] = field(default_factory=list)
    has_died: bool = False
    was_throttled: bool = False


@dataclass
class Sent:
    """One request of CloudFormation, and all that came of it."""

    event: Mapping[str, Any]
    responded: Signal
    at: float
    delivery: Delivery
    phase: str
    """Nothing, "back" or "cleanup"."""
    invocations: list[Invocation] = field(default_factory=list)
    comes_again: bool = False
    """Whether Lambda delivers it more than once."""
    given_up_at: float | None = None
    """From when on nothing that this request makes is noticed by its own Delete."""
    overtaken_by: Sent | None = None
    """Its own Delete, if CloudFormation canceled it."""
    made_at: list[float] = field(default_factory=list)
    """When its invocations put a policy, or began to copy."""
    finished_at: list[float] = field(default_factory=list)
    """What its invocations set as the time of their response."""

    @property
    def calls(self) -> list[str]:
        """The operations that all its invocations called."""
        return [call for invocation in self.invocations for call in invocation.calls]

    def respond(self, received: Mapping[str, Any]) -> None:
        """Let a response arrive, as the delivery says."""
        self.responded.set({**received, "PhysicalResourceId": ""} if self.delivery.empties_id else received)

    @property
    def response(self) -> dict[str, Any]:
        """The first response."""
        response: dict[str, Any] = self.responded.value
        return response

    def abandon(self, ago: float = 0.0) -> None:
        """Note that what this request makes from now on, or from a while ago on, is noticed by no Delete of its own."""
        if self.given_up_at is None:
            self.given_up_at = self.responded.world.now - ago

    @property
    def orphaned(self) -> bool:
        """Whether it made something that its own Delete doesn't notice: a known limitation.

        A Delete that overtook it waits for it; what excuses is that it comes again, or takes longer than that.
        """
        by = self.overtaken_by
        return self.given_up_at is not None and any(
            (at > self.given_up_at and (by is None or self.comes_again or at > by.looks_until))
            or (by is not None and at > by.takes_until)
            for at in self.made_at
        )

    @property
    def looks_until(self) -> float:
        """Until when this Delete of a canceled Create certainly notices what that makes."""
        kind = self.invocations[0].function.kind
        return self.at + (kind.awaits_if_throttled if self._was_throttled else kind.awaits) - HIDDEN

    @property
    def takes_until(self) -> float:
        """Until when what is made passes as made by the Create that this Delete undoes."""
        kind = self.invocations[0].function.kind
        return self.at + (kind.takes_if_throttled if self._was_throttled else kind.takes)

    @property
    def _was_throttled(self) -> bool:
        return any(each.was_throttled and not each.has_died for each in self.invocations)


class Function:
    """A function and its deliveries in a world."""

    def __init__(self, world: World, kind: Kind, rekognition: RekognitionService) -> None:
        self.world = world
        self.kind = kind
        self.rekognition = rekognition
        self.invoke_fails: Callable[[], bool] = lambda: False
        """Whether Lambda rejects that the function invokes itself."""
        self.somebody: Callable[[Put | Remove], None] = lambda _: None
        """Does by hand what an attempt says that others do."""

    def send(self, event: Mapping[str, Any], delivery: Delivery, phase: str = "") -> Sent:
        """Deliver an event, and return what comes of it as it comes."""
        sent = Sent(event, Signal(self.world), self.world.now, delivery, phase, comes_again=bool(delivery.repeats))
        attempts = list(delivery.attempts)
        for later in (0.0, *delivery.repeats):
            self._arrive(sent, event, START + delivery.delay + later, attempts)
            attempts = []  # what comes again meets nothing
        return sent

    def _arrive(self, sent: Sent, event: Mapping[str, Any], delay: float, attempts: list[Attempt]) -> None:
        """Let an event arrive after a while; its attempts, and those of the runs after it, meet what is in the list."""
        queued_at = self.world.now

        def attempt(number: int) -> None:
            def again() -> None:
                """Lambda tries an event twice more, unless it has become too old meanwhile."""
                if number < len(RETRIED_AFTER):
                    pause = RETRIED_AFTER[number]
                    if self.world.now + pause <= queued_at + self.kind.maximum_event_age:
                        sent.comes_again = True
                        self.world.spawn(lambda: attempt(number + 1), pause)

            self._invoke(sent, event, attempts, again)

        self.world.spawn(lambda: attempt(0), delay)

    def _invoke(self, sent: Sent, event: Mapping[str, Any], attempts: list[Attempt], again: Callable[[], None]) -> None:
        world, kind = self.world, self.kind
        ended = Signal(world)
        process = _IDLE[kind].pop() if _IDLE[kind] else Process(kind)

        def die() -> None:
            """End the process, as a crash or its timeout does; whoever calls this may be the process itself."""
            tasks = {task, world.current} if world.current and world.current.belongs_to is invocation else {task}
            for each in tasks:
                each.kill()
            invocation.has_died = True
            ended.set()
            again()
            if world.current in tasks:
                world.pause()

        def run() -> None:
            try:
                process.handler(event, Context(world, world.now + kind.timeout, kind.arn))
            except Exception:  # noqa: BLE001 - whatever it raises, Lambda delivers the event again
                again()
            ended.set()
            _IDLE[kind].append(process)

        def watch() -> None:
            if not ended.wait(kind.timeout):
                die()

        def hand_over(following: Mapping[str, Any]) -> None:
            self._arrive(sent, following, START, attempts)

        meets = attempts.pop(0) if attempts else Attempt()
        invocation = Invocation(self, event, meets, sent, die, hand_over)
        sent.invocations.append(invocation)
        task = world.spawn(run)
        task.belongs_to = invocation
        world.spawn(watch)


class Process:
    """A process of a function: warm after its first event, and never used again when it died."""

    def __init__(self, kind: Kind) -> None:
        spec = importlib.util.spec_from_file_location(kind.entry, LAMBDA / f"{kind.entry}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        with (
            mock.patch.dict(os.environ, dict(kind.environment)),
            mock.patch.object(boto3, "DEFAULT_SESSION", _session(kind.account)),
            mock.patch.object(custom_resource.resource, "Clock", _clock),
        ):
            spec.loader.exec_module(module)
        self.handler = module.handler


_IDLE: dict[Kind, list[Process]] = defaultdict(list)
"""The processes that wait for an event."""

_world: list[World] = []
"""The world that runs now."""


def running() -> Invocation:
    """Return the invocation that runs now; a process that was killed goes no further."""
    if _world[-1].current is None:
        raise GreenletExit
    invocation: Invocation = _world[-1].current.belongs_to
    return invocation


@contextmanager
def simulated(world: World) -> Iterator[None]:
    """Let processes live in a world: its time, its end of ResponseURL, and crhelper's timer on it."""
    _world.append(world)
    with (
        mock.patch.object(http.client, "HTTPSConnection", ResponseConnection),
        mock.patch.object(crhelper.resource_helper, "threading", SimpleNamespace(Timer=Timer)),
    ):
        yield
    _world.pop()


def jitter(longest: float) -> float:
    """Return always the same share of the longest pause, so that runs repeat."""
    return longest * 0.75


def _clock() -> Clock:
    # The jitter is looked up at each pause, so that a test can give another one.
    return Clock(now=lambda: _world[-1].now, sleep=_sleep, jitter=lambda each: jitter(each))  # noqa: PLW0108


def _sleep(seconds: float) -> None:
    _world[-1].sleep(seconds)


class Timer:
    """threading.Timer on virtual time, for the invocation that runs now."""

    def __init__(self, seconds: float, call: Callable[[], None]) -> None:
        self._seconds = seconds
        self._call = call

    def start(self) -> None:
        """Call it after a while, unless the process has died by then."""
        world, invocation = _world[-1], running()
        task = Task(world, lambda: None if invocation.has_died else self._call())
        self._timer = world.at(world.now + self._seconds, task)

    def cancel(self) -> None:
        """Don't call it, and let no time pass for it."""
        self._timer.cancel()


class ResponseConnection:
    """CloudFormation's end of a ResponseURL."""

    def __init__(self, _netloc: str, **_options: object) -> None:
        self.status = 200

    def request(self, _method: str, _url: str, body: bytes, _headers: Mapping[str, str]) -> None:
        """Take a response, or lose it as the invocation's attempt says."""
        invocation = running()
        meets, number = invocation.meets.responses, invocation.tries
        invocation.tries += 1
        meet = meets[number] if number < len(meets) else 200
        if meet == DIES:
            invocation.die()
        self.status = int(meet)
        if self.status == 200:
            invocation.responses.append(json.loads(body))
            invocation.sent.respond(invocation.responses[-1])

    def getresponse(self) -> ResponseConnection:
        """Return the response to a response: its status."""
        return self

    def close(self) -> None:
        """Do nothing."""


class Session:
    """A session of an account's functions, whose calls come here in place of a network.

    Its processes share one client of each service: a client keeps nothing from call to call, and takes longer to make
    than most of them have to live.
    """

    def __init__(self, account: str) -> None:
        self._session = boto3.Session(region_name=REGION)
        # Signing, and saying again who calls, take half of a call's time.
        config = Config(signature_version=UNSIGNED, user_agent="simulated")
        self._session._session.set_default_client_config(config)
        hooks: Any = self._session.events
        hooks.register("before-send.rekognition", partial(_call, account))
        hooks.register("before-send.lambda", _invoke_itself)
        self._clients: dict[str, Any] = {}

    def client(self, service: Any, **options: Any) -> Any:
        """Return the client of a service."""
        if service not in self._clients:
            self._clients[service] = self._session.client(service, **options)
        return self._clients[service]


_session = cache(Session)


def _call(account: str, request: Any, **_: object) -> AWSResponse:
    """Respond to a call of Rekognition, which may meet a fault, or be the invocation's last."""
    invocation = running()
    world, meets, number = _world[-1], invocation.meets, len(invocation.calls)
    operation = _text(request.headers["X-Amz-Target"]).partition(".")[2]
    invocation.calls.append(operation)
    fault = meets.faults.get(number, "")
    world.sleep(LATENCY)
    if meets.dies_before == number:
        invocation.die()
    if fault == HANGS:
        world.sleep(15)
        raise ReadTimeoutError(endpoint_url="local")
    if fault == LOST_BEFORE:
        raise ConnectionClosedError(endpoint_url="local")
    for step in meets.others.get(number, ()):
        invocation.function.somebody(step)
    if fault in ("", LOST_AFTER):
        if operation in ("PutProjectPolicy", "CopyProjectVersion"):
            invocation.sent.made_at.append(world.now)
        if operation == "TagResource" and RESPONDED in (tags := json.loads(request.body)["Tags"]):
            invocation.sent.finished_at.append(float(tags[RESPONDED].partition("-")[2]))
        status, body = _perform(invocation.function.rekognition, as_root(account, operation, request.body))
    else:
        status, body = _rejected(AwsError(fault, "a fault"))
    invocation.was_throttled |= body.get("__type") in THROTTLED
    if meets.dies_after == number:
        invocation.die()
    world.sleep(LATENCY)
    if fault == LOST_AFTER:
        raise ConnectionClosedError(endpoint_url="local")
    return _response(request, status, body)


def _perform(rekognition: RekognitionService, request: Request) -> tuple[int, Mapping[str, Any]]:
    try:
        return 200, rekognition.respond(request)
    except AwsError as error:
        return _rejected(error)


def _rejected(error: AwsError) -> tuple[int, Mapping[str, Any]]:
    status = 500 if error.code in SERVER_ERRORS else error.status
    return status, {"__type": error.code, "message": error.message}


def _invoke_itself(request: Any, **_: object) -> AWSResponse:
    """Let the function invoke itself; this takes no time."""
    invocation = running()
    assert unquote(request.url.split("/")[5]) == invocation.function.kind.arn
    assert _text(request.headers["X-Amz-Invocation-Type"]) == "Event"
    if invocation.function.invoke_fails():
        return _response(request, 403, {"Type": "User", "Message": "not authorized to perform: lambda:InvokeFunction"})
    invocation.hand_over(json.loads(request.body))
    return _response(request, 202, {})


def as_root(account: str, operation: str, body: bytes | str) -> Request:
    """Return a request of an account's root."""
    credential = f"AWS4-HMAC-SHA256 Credential={account}/20231114/{REGION}/rekognition/aws4_request, Signature=0"
    headers = {"authorization": credential, "x-amz-target": f"RekognitionService.{operation}"}
    return Request(headers, body if isinstance(body, bytes) else body.encode())


class _Raw(io.BytesIO):
    def stream(self) -> Iterator[bytes]:
        yield self.read()


def _response(request: Any, status: int, body: Mapping[str, Any]) -> AWSResponse:
    headers: Any = {"x-amzn-RequestId": "8f3c-1"}
    return AWSResponse(request.url, status, headers, _Raw(json.dumps(body).encode()))


def _text(header: str | bytes) -> str:
    return header if isinstance(header, str) else header.decode()
