"""A second resource: nothing in `custom_resource` and `rekognition` knows what a policy is.

A Rekognition collection, which the resource creates and deletes by `RekognitionCalls`, behind `CustomResource`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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

from custom_resource.outcome import Outcome
from custom_resource.request import Request, not_created
from custom_resource.resource import CustomResource, Run
from localcloud.rekognition import AwsError, LocalRekognition
from rekognition.client import CALL_RESERVE, PERMISSION_PATIENCE, STALE_READ, RekognitionCalls, new_client
from rekognition.errors import THROTTLED, OutOfDateError, ServiceError
from tests.documents import ACCOUNT, REGION
from tests.handler.stage import STARTED, VirtualTime
from tests.handler.toy import LOG_STREAM, Context, event
from tests.response_endpoint import ResponseEndpoint

TYPE = "Custom::RekognitionCollection"
SENTENCES = {"ResourceAlreadyExistsException": "collection exists already. Choose another name."}


class Service:
    """The operations of collections, and what the next calls meet."""

    def __init__(self) -> None:
        self.collections: set[str] = set()
        self.meets: list[Exception] = []
        self.calls = 0

    def create_collection(self, CollectionId: str) -> Mapping[str, str]:  # noqa: N803 - boto3's name
        """Create a collection."""
        self._meet()
        self.collections.add(CollectionId)
        return {"CollectionArn": f"arn:aws:rekognition:{REGION}:{ACCOUNT}:collection/{CollectionId}"}

    def delete_collection(self, CollectionId: str) -> Mapping[str, str]:  # noqa: N803 - boto3's name
        """Delete a collection."""
        self._meet()
        if CollectionId not in self.collections:
            raise failure("ResourceNotFoundException")
        self.collections.remove(CollectionId)
        return {}

    def _meet(self) -> None:
        self.calls += 1
        if self.meets:
            raise self.meets.pop(0)


class Collections(RekognitionCalls):
    """What the resource does with the service."""

    def create(self, name: str, *, changes: bool = True) -> str:
        """Create a collection, and return its ARN."""
        created = self._call(
            "CreateCollection", self._client.create_collection, {"CollectionId": name}, changes=changes
        )
        return str(created["CollectionArn"])

    def delete(self, name: str) -> None:
        """Delete a collection."""
        self._call("DeleteCollection", self._client.delete_collection, {"CollectionId": name})

    def read(self) -> None:
        """Note that what follows is decided on what is read now."""
        self._note_read()


def failure(code: str, message: str = "It says why.", status: int = 400) -> ClientError:
    """Return what boto3 raises for an error of the service."""
    metadata = {"HTTPStatusCode": status, "RequestId": "8f3c-1"}
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}, "CreateCollection")  # type: ignore[typeddict-item]


@pytest.fixture
def service() -> Service:
    """Rekognition without collections."""
    return Service()


Connect = Callable[..., Collections]


@pytest.fixture
def connect(service: Service, virtual_time: VirtualTime) -> Connect:
    """Connect to the service for so many seconds."""

    def connect(seconds: float = 300.0) -> Collections:
        collections = Collections(cast("Any", service), virtual_time.clock, virtual_time.now + seconds + CALL_RESERVE)
        collections.read()
        return collections

    return connect


class TestResource:
    """The whole resource, in one function."""

    @pytest.fixture
    def handler(self, service: Service, virtual_time: VirtualTime) -> CustomResource:
        """The function."""

        def respond(request: Request, run: Run) -> Outcome:
            collections = Collections(cast("Any", service), run.clock, run.deadline)
            name = str(request.properties["Name"])
            while True:
                collections.read()
                try:
                    if request.type == "Delete":
                        collections.delete(request.physical_id)
                        return Outcome(request.physical_id)
                    run.announce(name)
                    return Outcome(name, {"Arn": collections.create(name)})
                except OutOfDateError:
                    continue
                except ServiceError as error:
                    if request.type == "Delete" and error.code == "ResourceNotFoundException":
                        return Outcome(request.physical_id)
                    made_nothing = not_created(request.logical_id, request.request_id)
                    return Outcome(made_nothing, {}, f"Collection {name}: {error.sentence(SENTENCES)}", error.cause)

        return CustomResource(TYPE, respond, attributes=("Arn",), clock=virtual_time.clock)

    def send(self, handler: CustomResource, endpoint: ResponseEndpoint, kind: str, **changed: object) -> dict[str, Any]:
        """Deliver a request, and return the response."""
        sent = event(kind, ResourceType=TYPE, ResponseURL=endpoint.url(), **changed)
        handler(sent | {"ResourceProperties": {"Name": "faces"}}, Context())
        return endpoint.responses[-1]

    def test_lives(self, handler: CustomResource, endpoint: ResponseEndpoint, service: Service) -> None:
        """Throttled at first, it is created, deleted, and deleted once more."""
        service.meets = [failure("ThrottlingException"), failure("InternalServerError", status=500)]
        created = self.send(handler, endpoint, "Create")
        assert (created["Status"], created["PhysicalResourceId"]) == ("SUCCESS", "faces")
        assert created["Data"] == {"Arn": "arn:aws:rekognition:us-east-1:123456789012:collection/faces"}
        for _ in range(2):
            deleted = self.send(handler, endpoint, "Delete", PhysicalResourceId="faces")
            assert (deleted["Status"], deleted["Data"]) == ("SUCCESS", {"Arn": ""})
        assert service.collections == set()

    @pytest.mark.parametrize(
        ("code", "sentence"),
        [
            ("ResourceAlreadyExistsException", "collection exists already. Choose another name."),
            ("InvalidParameterException", "CreateCollection failed with InvalidParameterException."),
            ("AccessDeniedException", "Allow the provider's execution role rekognition:CreateCollection"),
        ],
    )
    def test_fails_with_a_reason_of_its_own(
        self, handler: CustomResource, endpoint: ResponseEndpoint, service: Service, code: str, sentence: str
    ) -> None:
        """The resource's sentence, or the service's, and then what the service said."""
        service.meets = [failure(code)] * 99
        failed = self.send(handler, endpoint, "Create")
        assert failed["Status"] == "FAILED"
        assert failed["PhysicalResourceId"] == "not-created:Toy:0b2e6f4c"
        assert failed["Reason"].startswith("Collection faces: ")
        assert sentence in failed["Reason"]
        assert failed["Reason"].endswith(f"({code}: It says why.; request ID 8f3c-1; log stream {LOG_STREAM})")


class TestCalls:
    """Which errors are retried, for how long, and when a change has to be decided again."""

    def test_the_client_tries_once_and_gives_up_in_time(
        self, rekognition: LocalRekognition, monkeypatch: pytest.MonkeyPatch
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
        self, service: Service, connect: Connect, virtual_time: VirtualTime, error: Exception
    ) -> None:
        """They end by themselves; with full jitter of at most two seconds."""
        service.meets = [error] * 999
        with pytest.raises(ServiceError):
            connect().delete("faces")
        assert virtual_time.slept[:3] == [1.0, 2.0, 2.0]
        assert max(virtual_time.slept) == 2.0
        assert STARTED + 298 <= virtual_time.now < STARTED + 300

    def test_every_throttling_code_is_tested(self) -> None:
        """The list above has each of them."""
        assert len(THROTTLED) == 6

    @pytest.mark.parametrize(
        "error",
        [
            failure("LimitExceededException"),
            failure("ResourceNotFoundException"),
            failure("Anything", status=499),
            NoCredentialsError(),
        ],
        ids=["quota", "not found", "another", "credentials"],
    )
    def test_any_other_error_is_final(
        self, service: Service, connect: Connect, virtual_time: VirtualTime, error: Exception
    ) -> None:
        """The SDK's retries would take the true quota error for throttling."""
        service.meets = [error]
        with pytest.raises(ServiceError) as raised:
            connect().create("faces")
        assert service.calls == 1
        assert virtual_time.slept == []
        assert not raised.value.may_have_worked

    def test_a_denial_is_retried_for_half_a_minute(
        self, service: Service, connect: Connect, virtual_time: VirtualTime
    ) -> None:
        """Counted from the first denial, not from the first call: a permission may not be known yet."""
        throttled, denied = failure("ThrottlingException"), failure("AccessDeniedException")
        service.meets = [*[throttled] * 5, *[denied] * 99]
        with pytest.raises(ServiceError, match="AccessDeniedException"):
            connect().delete("faces")
        first_denial = sum(virtual_time.slept[:5])
        assert virtual_time.now - STARTED - first_denial == PERMISSION_PATIENCE == 30

    @pytest.mark.parametrize(("seconds", "calls"), [(0, 0), (0.001, 1)])
    def test_no_call_begins_at_the_deadline(
        self, service: Service, connect: Connect, seconds: float, calls: int
    ) -> None:
        """A response may have gone out by itself then."""
        service.meets = [failure("ThrottlingException")] * 9
        with pytest.raises(ServiceError) as raised:
            connect(seconds).create("faces")
        assert service.calls == calls
        assert raised.value.code == ("ThrottlingException" if calls else "OutOfTime")
        assert not raised.value.may_have_worked

    @pytest.mark.parametrize(
        ("error", "reads_again"),
        [
            (failure("InternalServerError", status=500), True),
            (ConnectionClosedError(endpoint_url="local"), True),
            (failure("ThrottlingException"), False),
        ],
        ids=["inside", "lost", "throttled"],
    )
    @pytest.mark.parametrize("changes", [True, False])
    def test_a_change_that_may_have_worked_is_decided_again(
        self, service: Service, connect: Connect, error: Exception, reads_again: bool, changes: bool
    ) -> None:
        """Repeated blindly it could undo what somebody did meanwhile; a read can be repeated."""
        service.meets = [error]
        if reads_again and changes:
            with pytest.raises(OutOfDateError) as raised:
                connect().create("faces")
            assert raised.value.cause.may_have_worked
            assert raised.value.cause.code in str(raised.value)
        else:
            assert connect().create("faces", changes=changes).endswith("collection/faces")

    @pytest.mark.parametrize(("late", "reads_again"), [(0.0, False), (0.1, True)])
    def test_a_change_is_decided_again_when_its_read_is_old(
        self, service: Service, connect: Connect, virtual_time: VirtualTime, late: float, reads_again: bool
    ) -> None:
        """More than ten seconds after the read, somebody else may have changed what is there."""
        collections = connect()
        virtual_time.now += STALE_READ - 1 + late
        service.meets = [failure("ThrottlingException")]
        if reads_again:
            with pytest.raises(OutOfDateError):
                collections.create("faces")
        else:
            collections.create("faces")

    @pytest.mark.parametrize(("left", "waits"), [(3.0, False), (3.1, True)])
    def test_a_wait_that_reaches_the_deadline_fails_at_once(
        self, connect: Connect, virtual_time: VirtualTime, left: float, waits: bool
    ) -> None:
        """Time is left for the response."""
        if waits:
            connect(left).wait(3)
        else:
            with pytest.raises(ServiceError, match="OutOfTime"):
                connect(left).wait(3)
            with pytest.raises(ServiceError, match="Another"):
                connect(left).wait(3, ServiceError("Operation", "Another", ""))
        assert virtual_time.slept == [3] * waits
