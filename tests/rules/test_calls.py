"""Calls of Rekognition: which errors are retried, for how long, and when a change has to be decided again."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, cast

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from localcloud.rekognition import AwsError, LocalRekognition
from rekognition.client import RekognitionCalls, new_client
from rekognition.errors import THROTTLED, ServiceError, StaleReadError
from tests.documents import ACCOUNT, REGION
from tests.rules.support import STARTED, VirtualTime


class Service(RekognitionCalls):
    """An operation of the service, and what its next calls meet."""

    def __init__(self, time: VirtualTime, seconds: float) -> None:
        super().__init__(cast("Any", None), time.clock, time.now + seconds + 20)
        self.meets: list[Exception] = []
        self.calls = 0
        self._note_read("arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815")

    def call(self, *, changes: bool = True) -> str:
        """Make a call, of an operation that changes something."""
        return str(self._call("CreateCollection", self._operation_itself, {"Name": "faces"}, changes=changes)["Made"])

    def _operation_itself(self, Name: str) -> dict[str, str]:  # noqa: N803 - boto3's name
        self.calls += 1
        if self.meets:
            raise self.meets.pop(0)
        return {"Made": Name}


def failure(code: str, status: int = 400) -> ClientError:
    """Return what boto3 raises for an error of the service."""
    metadata = {"HTTPStatusCode": status, "RequestId": "8f3c-1"}
    return ClientError({"Error": {"Code": code, "Message": "Said."}, "ResponseMetadata": metadata}, "CreateCollection")  # type: ignore[typeddict-item]


Connect = Callable[..., Service]


@pytest.fixture
def connect(virtual_time: VirtualTime) -> Connect:
    """Connect to the service for so many seconds, to calls that meet these errors."""

    def connect(meets: list[Exception] | None = None, seconds: float = 300.0) -> Service:
        service = Service(virtual_time, seconds)
        service.meets = meets or []
        return service

    return connect


def test_the_client_tries_once_and_gives_up_in_time(
    rekognition: LocalRekognition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK's own retries would use up time that it doesn't know is running out."""
    for name, value in {
        "AWS_ENDPOINT_URL_REKOGNITION": rekognition.endpoint_url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "secret",
    }.items():
        monkeypatch.setenv(name, value)
    client = new_client()
    rekognition.faults.before = lambda *_: AwsError("ThrottlingException", "Rate exceeded")
    with pytest.raises(ClientError):
        client.describe_projects()
    assert len(rekognition.calls) == 1
    config = client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (5, 15)  # type: ignore[attr-defined]
    config = importlib.import_module("copies").__dict__["_LAMBDA"].meta.config
    assert (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) == (5, 10, 1)


@pytest.mark.parametrize(
    "error",
    [
        *(
            failure(code)
            for code in (
                "ThrottlingException",
                "Throttling",
                "ThrottledException",
                "TooManyRequestsException",
                "RequestLimitExceeded",
                "ProvisionedThroughputExceededException",
            )
        ),
        failure("ThrottlingException", status=500),
        failure("InternalServerError", status=500),
        failure("Anything", status=503),
        EndpointConnectionError(endpoint_url="local", error="no route"),
        ConnectTimeoutError(endpoint_url="local"),
        ReadTimeoutError(endpoint_url="local"),
        ConnectionClosedError(endpoint_url="local"),
    ],
    ids=lambda error: error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__,
)
def test_throttling_and_lost_calls_are_retried_until_the_deadline(
    connect: Connect, virtual_time: VirtualTime, error: Exception
) -> None:
    """They end by themselves; with full jitter of at most two seconds, or eight where others have to get through."""
    with pytest.raises(ServiceError) as raised:
        connect([error] * 999).call(changes=False)
    longest = 8.0 if raised.value.code in THROTTLED else 2.0
    assert virtual_time.slept[:5] == [min(pause, longest) for pause in (1.0, 2.0, 4.0, 8.0, 8.0)]
    assert max(virtual_time.slept) == longest
    assert STARTED + 300 - longest <= virtual_time.now < STARTED + 300


def test_every_throttling_code_is_tested() -> None:
    """The list above has each of them."""
    assert len(THROTTLED) == 6


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (failure("LimitExceededException"), "LimitExceededException: Said.; request ID 8f3c-1"),
        (failure("ResourceNotFoundException"), "ResourceNotFoundException: Said.; request ID 8f3c-1"),
        (failure("Anything", status=499), "Anything: Said.; request ID 8f3c-1"),
        (NoCredentialsError(), "NoCredentialsError: Unable to locate credentials"),
        (ClientError({"Error": {"Code": "Bare", "Message": ""}}, ""), "Bare"),
    ],
)
def test_any_other_error_is_final(connect: Connect, virtual_time: VirtualTime, error: Exception, cause: str) -> None:
    """The SDK's retries would take the true quota error for throttling."""
    service = connect([error])
    with pytest.raises(ServiceError) as raised:
        service.call()
    assert service.calls == 1
    assert virtual_time.slept == []
    assert not raised.value.may_have_worked
    assert raised.value.cause == cause


def test_a_denial_is_retried_for_half_a_minute(connect: Connect, virtual_time: VirtualTime) -> None:
    """Counted from the first denial, not from the first call: a permission may not be known yet."""
    throttled, denied = failure("ThrottlingException"), failure("AccessDeniedException")
    with pytest.raises(ServiceError, match="AccessDeniedException"):
        connect([*[throttled] * 5, *[denied] * 99]).call(changes=False)
    first_denial = sum(virtual_time.slept[:5])
    assert virtual_time.now - STARTED - first_denial == 30


def test_what_was_met_counts_until_the_call_works(connect: Connect, virtual_time: VirtualTime) -> None:
    """A denial that is over says nothing of a later one."""
    service = connect()
    for _ in range(2):
        service.meets = [failure("AccessDeniedException")] * 9
        assert service.call(changes=False) == "faces"
        virtual_time.now += 60


@pytest.mark.parametrize(("seconds", "calls"), [(0, 0), (0.001, 1)])
def test_no_call_begins_at_the_deadline(connect: Connect, seconds: float, calls: int) -> None:
    """A response may have gone out by itself then."""
    service = connect([failure("ThrottlingException")] * 9, seconds)
    with pytest.raises(ServiceError) as raised:
        service.call()
    assert service.calls == calls
    assert raised.value.cause == ("ThrottlingException: Said.; request ID 8f3c-1" if calls else "OutOfTime")
    assert not raised.value.may_have_worked


@pytest.mark.parametrize(
    ("error", "changes", "late", "reads_again"),
    [
        # Repeated blindly it could undo what somebody did meanwhile; a read can be repeated.
        (failure("InternalServerError", status=500), True, 0.0, True),
        (failure("InternalServerError", status=500), False, 0.0, False),
        (ConnectionClosedError(endpoint_url="local"), True, 0.0, True),
        (ConnectionClosedError(endpoint_url="local"), False, 0.0, False),
        # Rekognition sends ThrottlingException with status 500, and it's never in doubt.
        (failure("ThrottlingException", status=500), True, 0.0, False),
        # Somebody may have changed it since it was read, more than ten seconds before the next try.
        (failure("ThrottlingException"), True, 9.0, False),
        (failure("ThrottlingException"), True, 9.1, True),
        (failure("ThrottlingException"), False, 9.1, False),
    ],
)
def test_a_change_is_decided_again_where_it_may_have_worked_or_its_read_is_old(
    connect: Connect, virtual_time: VirtualTime, error: Exception, changes: bool, late: float, reads_again: bool
) -> None:
    """``late`` is how many seconds after its read the call is made."""
    service = connect([error])
    virtual_time.now += late
    if reads_again:
        with pytest.raises(StaleReadError) as raised:
            service.call(changes=changes)
        assert raised.value.cause.code in str(raised.value)
    else:
        assert service.call(changes=changes) == "faces"


@pytest.mark.parametrize(("left", "waits"), [(3.0, False), (3.1, True)])
def test_a_wait_that_reaches_the_deadline_fails_at_once(
    connect: Connect, virtual_time: VirtualTime, left: float, waits: bool
) -> None:
    """Time is left for the response."""
    service = connect(seconds=left)
    service.call()
    if waits:
        service.wait(3)
    else:
        with pytest.raises(ServiceError, match="CreateCollection: OutOfTime"):
            service.wait(3)
        with pytest.raises(ServiceError, match="Another"):
            service.wait(3, ServiceError("Operation", "Another", ""))
    assert virtual_time.slept == [3] * waits
