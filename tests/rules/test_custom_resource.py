"""crhelper's traps: each guard has the case that breaks without it, for a resource that isn't a policy."""

from __future__ import annotations

import importlib.metadata
import inspect
import logging
import re
import threading

import boto3
import crhelper.resource_helper
import pytest

from custom_resource.request import Request
from custom_resource.resource import CustomResource, Respond
from custom_resource.run import Outcome, Run
from tests.response_endpoint import ResponseEndpoint
from tests.rules.support import STARTED, VirtualTime
from tests.rules.toy import ATTRIBUTES, FUNCTION_ARN, IN_DOUBT, LOG_STREAM, TYPE, Context, event

GOOD = Outcome("toy-1", {"Arn": "arn", "Size": "7"})


@pytest.fixture(autouse=True)
def _url(endpoint: ResponseEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each event's response go to the endpoint."""
    monkeypatch.setattr("tests.rules.toy.signed_url", lambda _: endpoint.url())


def resource(virtual_time: VirtualTime, ends: Outcome | BaseException | Respond = GOOD) -> CustomResource:
    """Return a resource whose requests all end like this."""

    def respond(request: Request, run: Run) -> Outcome:
        if isinstance(ends, BaseException):
            raise ends
        return ends if isinstance(ends, Outcome) else ends(request, run)

    return CustomResource(TYPE, respond, attributes=ATTRIBUTES, clock=virtual_time.clock)


def log_stream_for_the_cdk(reason: str) -> str | None:
    """Return the log stream that the CDK CLI finds in a reason, by its own regular expression (aws-cdk 2)."""
    found = re.search(r"CloudWatch Log Stream:\s*(\S+)", f"Message returned: {reason} (RequestId: 8b1f6f0a)")
    return found[1] if found else None


def test_relies_on_this_version_only() -> None:
    """The version is pinned, and what is overridden or read has the form that the guards count on."""
    assert importlib.metadata.version("crhelper") == "2.0.12"
    crhelper_class = crhelper.resource_helper.CfnResource
    sending = inspect.signature(vars(crhelper_class)["_send"])
    assert list(sending.parameters) == ["self", "status", "reason", "send_response"]
    assert "AWS_SAM_LOCAL" in inspect.getsource(crhelper_class.__init__)
    assert list(inspect.signature(crhelper_class.__call__).parameters) == ["self", "event", "context"]


def test_a_good_request_gets_one_response(endpoint: ResponseEndpoint, virtual_time: VirtualTime) -> None:
    """It has the ID and all attributes, and an empty content type, because CloudFormation's signature needs that."""
    sent = event()
    resource(virtual_time)(sent, Context())
    assert endpoint.responses == [
        {
            "Status": "SUCCESS",
            "Reason": "",
            "PhysicalResourceId": "toy-1",
            "StackId": sent["StackId"],
            "RequestId": sent["RequestId"],
            "LogicalResourceId": "Toy",
            "NoEcho": False,
            "Data": {"Arn": "arn", "Size": "7"},
        }
    ]
    path, headers = endpoint.requests[0]
    assert path.endswith("X-Amz-Signature=5ec2e7")
    assert headers["Content-Type"] == ""


def test_a_run_knows_its_function_and_its_deadline(endpoint: ResponseEndpoint, virtual_time: VirtualTime) -> None:
    """The work has to end before the time that is kept back for the response."""
    runs: list[Run] = []

    def respond(_request: Request, run: Run) -> Outcome:
        runs.append(run)
        return GOOD

    resource(virtual_time, respond)(event(), Context(300))
    assert [(run.function_arn, run.deadline) for run in runs] == [(FUNCTION_ARN, STARTED + 300 - 40)]


def test_no_log_line_holds_the_signed_url(
    endpoint: ResponseEndpoint,
    virtual_time: VirtualTime,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Through success, failure, crash and lost responses nothing of ResponseURL is written."""
    endpoint.behaviors = [503, "drop", 200, 403]
    for ends in (GOOD, RuntimeError("boom"), Outcome("id", failure="no")):
        resource(virtual_time, ends)(event("Delete"), Context())
    written = caplog.text + "".join(capfd.readouterr())
    assert "boom" in written  # the log was captured at all
    assert not [secret for secret in ("X-Amz", "5ec2e7", "https://localhost") if secret in written]
    assert logging.getLogger().level == logging.INFO  # at DEBUG crhelper logs the event
    assert logging.getLogger("botocore").level == logging.ERROR


def test_a_delete_gets_its_response_without_delay(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Crhelper's own default would sleep two minutes on each Delete."""
    waits: list[float] = []
    wait = vars(crhelper.resource_helper.CfnResource)["_wait_for_cwlogs"]
    monkeypatch.setattr(
        crhelper.resource_helper.CfnResource, "_wait_for_cwlogs", lambda self: wait(self, sleep=waits.append)
    )
    resource(virtual_time)(event("Delete"), Context())
    assert waits == []
    assert endpoint.responses[0]["Status"] == "SUCCESS"


def test_no_spare_clients_are_made(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without AWS_REGION crhelper's three clients would make every request fail with an empty ID."""
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setattr(boto3, "client", lambda *_, **__: pytest.fail("crhelper made a client"))
    resource(virtual_time)(event(), Context())
    assert endpoint.responses[0]["Status"] == "SUCCESS"


@pytest.mark.parametrize("crash", [RuntimeError("boom"), SystemExit(1), KeyboardInterrupt()])
@pytest.mark.parametrize(("kind", "physical_id"), [("Create", IN_DOUBT), ("Update", "toy-1"), ("Delete", "toy-1")])
def test_a_crash_fails_with_an_id_and_all_attributes(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime, crash: BaseException, kind: str, physical_id: str
) -> None:
    """Whatever is raised, CloudFormation gets FAILED, the ID it knows, and no attribute goes missing."""
    resource(virtual_time, crash)(event(kind), Context())
    (received,) = endpoint.responses
    assert received["Status"] == "FAILED"
    assert type(crash).__name__ in received["Reason"]
    assert log_stream_for_the_cdk(received["Reason"]) == LOG_STREAM
    assert received["PhysicalResourceId"] == physical_id
    assert received["Data"] == dict.fromkeys(ATTRIBUTES, "")


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        ("", "No. Do this."),
        (
            f"Denied: {'m' * 700}; request ID 8f3c-1",
            f"No. Do this. (Denied: {'m' * 700}; request ID 8f3c-1)",
        ),
    ],
    ids=["rejected", "a call failed"],
)
def test_a_failure_keeps_its_id_and_its_whole_reason(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime, cause: str, reason: str
) -> None:
    """What to do, then what a failed call returned and the log stream; the ID is the one that the resource chose."""
    resource(virtual_time, Outcome("toy-2", failure="No. Do this.", cause=cause))(event(), Context())
    (received,) = endpoint.responses
    assert received["Reason"] == f"{reason} CloudWatch Log Stream: {LOG_STREAM}"
    assert received["PhysicalResourceId"] == "toy-2"


@pytest.mark.parametrize(
    ("failure", "cause", "kept"), [(100, 5000, 100), (600, 5000, 600), (900, 900, 400), (5000, 0, 400)]
)
def test_a_reason_is_at_most_a_thousand_characters(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime, failure: int, cause: int, kept: int
) -> None:
    """What a failed call returned is cut first, in its middle; the log stream stays, behind the thousand."""
    resource(virtual_time, Outcome("id", failure="f" * failure, cause="c" * cause))(event(), Context())
    (received,) = endpoint.responses
    reason, log_stream = received["Reason"].split(" CloudWatch Log Stream: ")
    assert (len(reason), log_stream) == (1000, LOG_STREAM)
    assert reason.startswith("f" * kept + " (ccc" * (kept == failure))
    assert not cause or reason.endswith("c)")


@pytest.mark.parametrize(
    ("kind", "changed", "status", "physical_id"),
    [
        ("Create", {}, "FAILED", "not-created:Toy:0b2e6f4c"),
        ("Update", {}, "FAILED", "toy-1"),
        ("Delete", {}, "SUCCESS", "toy-1"),
        # CloudFormation made the ID up, because the Create was canceled before its response.
        ("Delete", {"PhysicalResourceId": "toys-Toy-1K7PM2Q3R4S5T"}, "SUCCESS", "toys-Toy-1K7PM2Q3R4S5T"),
    ],
)
def test_an_unknown_resource_type_is_rejected(
    endpoint: ResponseEndpoint,
    virtual_time: VirtualTime,
    kind: str,
    changed: dict[str, str],
    status: str,
    physical_id: str,
) -> None:
    """A template that sends another type to this provider gets a reason; any Delete succeeds, and does nothing."""
    untouched = resource(virtual_time, AssertionError("nothing is to be done"))
    untouched(event(kind, ResourceType="Custom::Another", **changed), Context())
    (received,) = endpoint.responses
    assert (received["Status"], received["PhysicalResourceId"]) == (status, physical_id)
    if status == "FAILED":
        assert 'Resource type "Custom::Another" isn\'t managed by this provider' in received["Reason"]


@pytest.mark.parametrize("announced", [True, False])
def test_after_a_timeout_nothing_else_is_sent_or_made(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime, announced: bool
) -> None:
    """Crhelper's timer responds with the announced ID; what comes to its change later doesn't make it."""
    made = threading.Event()

    def respond(_request: Request, run: Run) -> Outcome:
        if announced:
            run.announce("toy-1")
        assert endpoint.arrived.wait(10)
        if not announced:
            run.announce("toy-1")  # raises: the ID that was sent wouldn't name what is made now
        made.set()
        return GOOD

    resource(virtual_time, respond)(event(), Context(0.6))
    assert made.is_set() == announced
    (received,) = endpoint.responses
    assert received["Status"] == "FAILED"
    assert received["PhysicalResourceId"] == ("toy-1" if announced else IN_DOUBT)
    assert "ran out of time" in received["Reason"]
    assert log_stream_for_the_cdk(received["Reason"]) == LOG_STREAM


def test_a_warm_function_responds_to_each_event_at_its_own_url(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime
) -> None:
    """Nothing is carried over: after a failure the next event succeeds, at its own URL."""
    outcomes = [Outcome("one", failure="no"), Outcome("two")]
    warm = resource(virtual_time, lambda *_: outcomes.pop(0))
    for name in ("first", "second"):
        warm(event(ResponseURL=endpoint.url(name)), Context())
    assert [path.split("?")[0] for path, _ in endpoint.requests] == ["/first", "/second"]
    assert [received["Status"] for received in endpoint.responses] == ["FAILED", "SUCCESS"]
    assert endpoint.responses[1]["Reason"] == ""


@pytest.mark.parametrize("missing", ["RequestType", "ResponseURL", "StackId", "RequestId", "LogicalResourceId"])
def test_an_event_that_isnt_a_request_is_rejected(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime, missing: str
) -> None:
    """Without it crhelper would respond at the previous event's URL, or not at all."""
    warm = resource(virtual_time)
    warm(event(), Context())
    with pytest.raises(ValueError, match=f"lacks {missing}, so it isn't a request"):
        warm({name: value for name, value in event().items() if name != missing}, Context())
    assert len(endpoint.requests) == 1


def test_an_unknown_request_type_fails_with_an_id(endpoint: ResponseEndpoint, virtual_time: VirtualTime) -> None:
    """Crhelper would send an empty ID, and CloudFormation would lose the reason."""
    resource(virtual_time)(event("Import", PhysicalResourceId=None), Context())
    (received,) = endpoint.responses
    assert (received["Status"], received["PhysicalResourceId"]) == ("FAILED", IN_DOUBT)
    assert "RequestType isn't one of Create, Update, Delete" in received["Reason"]
    assert log_stream_for_the_cdk(received["Reason"]) == LOG_STREAM
