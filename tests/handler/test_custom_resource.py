"""crhelper's traps: each guard has the case that breaks without it, against a response endpoint that speaks TLS."""

from __future__ import annotations

import importlib.metadata
import inspect
import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import crhelper.resource_helper
import pytest

from custom_resource import response
from custom_resource.errors import ResponseLostError
from custom_resource.outcome import Outcome
from custom_resource.request import Request
from custom_resource.resource import CustomResource, Respond, Run
from tests.handler.stage import VirtualTime, event_file
from tests.response_endpoint import Behavior, ResponseEndpoint

IN_DOUBT = "in-doubt:Sharing:0b2e6f4c-6c5d-4b1a-9f0e-2d7f1c3a4b5c:1700000000"
TYPE = "Custom::RekognitionProjectPolicy"
ATTRIBUTES = ("Arn", "Size")
GOOD = Outcome("arn|sharing", {"Arn": "arn", "Size": "7"})


@dataclass
class Remaining:
    """A Lambda context with so much time left."""

    seconds: float = 480.0
    log_stream_name: str = "2023/11/14/[$LATEST]1"
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:provider"

    def get_remaining_time_in_millis(self) -> int:
        """Return the time left."""
        return int(self.seconds * 1000)


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[ResponseEndpoint]:
    """A response endpoint that the handler trusts."""
    with ResponseEndpoint() as endpoint:
        monkeypatch.setattr(response, "_TLS", endpoint.client_context())
        yield endpoint


@pytest.fixture(autouse=True)
def _root_logger_as_it_was() -> Iterator[None]:
    """Crhelper sets the root logger's level for the whole process."""
    levels = {name: logging.getLogger(name).level for name in (None, "boto", "boto3", "botocore", "urllib3")}
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def event(endpoint: ResponseEndpoint, name: str = "create", **changed: object) -> dict[str, Any]:
    """Return an event whose response goes to the endpoint."""
    return event_file(name) | {"ResponseURL": endpoint.url()} | changed


def resource(virtual_time: VirtualTime, outcome: Outcome | BaseException = GOOD) -> CustomResource:
    """Return a resource whose requests all end like this."""

    def respond(request: Request, run: Run) -> Outcome:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return resource_that(respond, virtual_time)


def resource_that(respond: Respond, virtual_time: VirtualTime) -> CustomResource:
    """Return a resource that responds like this."""
    return CustomResource(TYPE, respond, attributes=ATTRIBUTES, clock=virtual_time.clock)


def test_relies_on_this_version_only() -> None:
    """The version is pinned, and what is overridden or read has the form that the guards count on."""
    assert importlib.metadata.version("crhelper") == "2.0.12"
    crhelper_class = crhelper.resource_helper.CfnResource
    assert list(inspect.signature(vars(crhelper_class)["_send"]).parameters) == [
        "self",
        "status",
        "reason",
        "send_response",
    ]
    assert "AWS_SAM_LOCAL" in inspect.getsource(crhelper_class.__init__)
    assert list(inspect.signature(crhelper_class.__call__).parameters) == ["self", "event", "context"]


def test_a_good_request_is_responded_to_once(endpoint: ResponseEndpoint, virtual_time: VirtualTime) -> None:
    """The response has the id, all attributes, and an empty content type, as CloudFormation's signature needs."""
    sent = event(endpoint)
    resource(virtual_time)(sent, Remaining())
    (received,) = endpoint.responses
    assert received == {
        "Status": "SUCCESS",
        "Reason": "",
        "PhysicalResourceId": "arn|sharing",
        "StackId": sent["StackId"],
        "RequestId": sent["RequestId"],
        "LogicalResourceId": "Sharing",
        "NoEcho": False,
        "Data": {"Arn": "arn", "Size": "7"},
    }
    path, headers = endpoint.requests[0]
    assert path.endswith("X-Amz-Signature=5ec2e7")
    assert headers["Content-Type"] == ""


def test_no_log_line_holds_the_signed_url(
    endpoint: ResponseEndpoint,
    virtual_time: VirtualTime,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Through success, failure, crash and lost responses nothing of ResponseURL is written."""
    endpoint.behaviors = [503, "drop", 200, 403]
    resource(virtual_time)(event(endpoint), Remaining())
    resource(virtual_time, RuntimeError("boom"))(event(endpoint), Remaining())
    resource(virtual_time, Outcome("id", failure="no"))(event(endpoint, "delete"), Remaining())
    written = caplog.text + "".join(capfd.readouterr())
    assert "boom" in written  # the log was captured at all
    for secret in ("X-Amz", "5ec2e7", "https://localhost"):
        assert secret not in written


def test_a_delete_is_responded_to_without_delay(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Crhelper's own default would sleep two minutes on each Delete."""
    waits: list[float] = []
    wait = vars(crhelper.resource_helper.CfnResource)["_wait_for_cwlogs"]
    monkeypatch.setattr(
        crhelper.resource_helper.CfnResource, "_wait_for_cwlogs", lambda self: wait(self, sleep=waits.append)
    )
    resource(virtual_time)(event(endpoint, "delete"), Remaining())
    assert waits == []
    assert endpoint.responses[0]["Status"] == "SUCCESS"


def test_no_spare_clients_are_made(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without AWS_REGION crhelper's three clients would make every request fail with an empty id."""
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setattr(boto3, "client", lambda *_, **__: pytest.fail("crhelper made a client"))
    resource(virtual_time)(event(endpoint), Remaining())
    assert endpoint.responses[0]["Status"] == "SUCCESS"


@pytest.mark.parametrize("crash", [RuntimeError("boom"), SystemExit(1), KeyboardInterrupt()])
@pytest.mark.parametrize(("name", "physical_id"), [("create", IN_DOUBT), ("update", None), ("delete", None)])
def test_a_crash_is_responded_to_with_an_id_and_all_attributes(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime, crash: BaseException, name: str, physical_id: str | None
) -> None:
    """Whatever is raised, CloudFormation gets FAILED, the id it knows, and no attribute goes missing."""
    sent = event(endpoint, name)
    resource(virtual_time, crash)(sent, Remaining())
    (received,) = endpoint.responses
    assert received["Status"] == "FAILED"
    assert type(crash).__name__ in received["Reason"]
    assert received["PhysicalResourceId"] == (physical_id or sent["PhysicalResourceId"])
    assert received["Data"] == dict.fromkeys(ATTRIBUTES, "")


def test_a_failure_keeps_its_id_and_its_whole_reason(endpoint: ResponseEndpoint, virtual_time: VirtualTime) -> None:
    """The reason has what to do, what the failed call returned, and the log stream, with the ID the resource chose."""
    outcome = Outcome("arn|sharing", failure="No. Do this.", cause=f"Denied: {'m' * 700}; request ID 8f3c-1")
    resource(virtual_time, outcome)(event(endpoint), Remaining())
    (received,) = endpoint.responses
    assert received["Reason"] == (
        f"No. Do this. (Denied: {'m' * 700}; request ID 8f3c-1; log stream 2023/11/14/[$LATEST]1)"
    )
    assert received["PhysicalResourceId"] == "arn|sharing"


@pytest.mark.parametrize(("failure", "message"), [(900, 900), (100, 5000), (5000, 0)])
def test_a_reason_is_at_most_a_thousand_characters(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime, failure: int, message: int
) -> None:
    """A longer one is cut in its middle, so that a stack event stays readable and keeps the log stream."""
    resource(virtual_time, Outcome("id", failure="f" * failure, cause="c" * message))(event(endpoint), Remaining())
    (received,) = endpoint.responses
    assert len(received["Reason"]) <= 1000
    assert received["Reason"].startswith("f" * 100)
    assert not message or received["Reason"].endswith("; log stream 2023/11/14/[$LATEST]1)")


def test_an_unknown_resource_type_is_rejected(endpoint: ResponseEndpoint, virtual_time: VirtualTime) -> None:
    """A template that sends another type to this provider is told so; what rolls that back changes nothing."""
    called = resource_that(lambda *_: pytest.fail("called"), virtual_time)
    called(event(endpoint, ResourceType="Custom::Another"), Remaining())
    (received,) = endpoint.responses
    assert received["Status"] == "FAILED"
    assert 'Resource type "Custom::Another" isn\'t managed by this provider' in received["Reason"]
    assert received["PhysicalResourceId"].startswith("not-created:")


def test_a_timeout_is_responded_to_once_with_the_announced_id(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime
) -> None:
    """When crhelper's timer responds FAILED, the handler that ends a moment later doesn't respond SUCCESS."""
    done = threading.Event()

    def respond(request: Request, run: Run) -> Outcome:
        run.announce("arn|sharing")
        assert endpoint.arrived.wait(10)
        done.set()
        return GOOD

    resource_that(respond, virtual_time)(event(endpoint), Remaining(0.6))
    assert done.is_set()
    (received,) = endpoint.responses
    assert (received["Status"], received["PhysicalResourceId"]) == ("FAILED", "arn|sharing")
    assert "ran out of time" in received["Reason"]


def test_nothing_is_put_once_a_timeout_has_responded(endpoint: ResponseEndpoint, virtual_time: VirtualTime) -> None:
    """A request that comes to its put after its failure was responded to does not put, for its id would not name it."""
    put = threading.Event()

    def respond(request: Request, run: Run) -> Outcome:
        assert endpoint.arrived.wait(10)
        run.announce("arn|sharing")
        put.set()
        return GOOD

    resource_that(respond, virtual_time)(event(endpoint), Remaining(0.6))
    assert not put.is_set()
    (received,) = endpoint.responses
    assert (received["Status"], received["PhysicalResourceId"]) == ("FAILED", IN_DOUBT)


@pytest.mark.parametrize("trouble", [301, 307, 400, 408, 429, 500, 503, "drop"])
def test_a_response_is_sent_again_after_trouble(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime, trouble: Behavior
) -> None:
    """Any status but 2xx, and a lost connection, are retried; crhelper would take each status for sent."""
    endpoint.behaviors = [trouble, trouble]
    resource(virtual_time)(event(endpoint), Remaining())
    assert [received["Status"] for received in endpoint.responses] == ["SUCCESS"]
    assert len(endpoint.requests) == 3


def test_an_endpoint_that_hangs_is_left(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket that says nothing is given up after a while and retried; crhelper would wait for ever."""
    monkeypatch.setattr(response, "RESPONSE_TIMEOUT", 0.2)
    endpoint.behaviors = ["hang"]
    resource(virtual_time)(event(endpoint), Remaining())
    assert len(endpoint.responses) == 1


def test_a_lost_response_makes_lambda_try_again(endpoint: ResponseEndpoint, virtual_time: VirtualTime) -> None:
    """Where the endpoint fails until time is up, the invocation fails, so that the event is delivered again."""
    endpoint.behaviors = [503] * 1000
    with pytest.raises(ResponseLostError, match="didn't reach CloudFormation"):
        resource(virtual_time)(event(endpoint), Remaining(60))


def test_a_refused_response_is_given_up(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime, caplog: pytest.LogCaptureFixture
) -> None:
    """A URL that has expired takes no response from anybody, so it is logged and not retried."""
    endpoint.behaviors = [403]
    resource(virtual_time)(event(endpoint), Remaining())
    assert len(endpoint.requests) == 1
    assert "rejected the response with HTTP status 403" in caplog.text


def test_a_warm_function_responds_to_each_event_at_its_own_url(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime
) -> None:
    """Nothing is carried over: after a failure the next event succeeds, at its own URL."""
    outcomes = [Outcome("one", failure="no"), Outcome("two")]
    warm = resource_that(lambda *_: outcomes.pop(0), virtual_time)
    for name in ("first", "second"):
        warm(event(endpoint, ResponseURL=endpoint.url(name)), Remaining())
    assert [path.split("?")[0] for path, _ in endpoint.requests] == ["/first", "/second"]
    assert [received["Status"] for received in endpoint.responses] == ["FAILED", "SUCCESS"]
    assert endpoint.responses[1]["Reason"] == ""


@pytest.mark.parametrize("missing", ["RequestType", "ResponseURL", "StackId", "RequestId", "LogicalResourceId"])
def test_an_event_that_is_no_request_is_rejected(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime, missing: str
) -> None:
    """Without it crhelper would respond at the previous event's URL, or not at all."""
    warm = resource(virtual_time)
    warm(event(endpoint), Remaining())
    broken = event(endpoint)
    del broken[missing]
    with pytest.raises(ValueError, match=f"lacks {missing}"):
        warm(broken, Remaining())
    assert len(endpoint.requests) == 1


def test_an_unknown_request_type_fails_with_an_id(endpoint: ResponseEndpoint, virtual_time: VirtualTime) -> None:
    """Crhelper would send an empty ID, and CloudFormation would lose the reason."""
    resource(virtual_time)(event(endpoint, RequestType="Import"), Remaining())
    (received,) = endpoint.responses
    assert received["Status"] == "FAILED"
    assert received["PhysicalResourceId"] == IN_DOUBT
    assert "RequestType isn't one of Create, Update, Delete" in received["Reason"]


def test_an_response_never_exceeds_its_limit(endpoint: ResponseEndpoint, virtual_time: VirtualTime) -> None:
    """Over 4096 bytes CloudFormation would reject the response, so attributes are dropped before that."""
    long = Outcome("i" * 1000, {"Arn": "a" * 4000}, failure="😀" * 1000)
    resource(virtual_time, long)(event(endpoint), Remaining())
    assert len(json.dumps(endpoint.responses[0])) <= 4096
    assert endpoint.responses[0]["PhysicalResourceId"] == "i" * 1000
