"""crhelper's traps: each guard has the case that breaks without it, for a resource that isn't a policy."""

from __future__ import annotations

import importlib.metadata
import inspect
import logging
import re
import threading
from typing import Any

import boto3
import crhelper.resource_helper
import pytest

from custom_resource.request import Request
from custom_resource.resource import CustomResource, Respond
from custom_resource.run import Outcome, Run
from tests.endpoint import ResponseEndpoint
from tests.rules.support import STARTED, VirtualTime
from tests.rules.toy import ATTRIBUTES, FUNCTION_ARN, IN_DOUBT, LOG_STREAM, TYPE, Context, event

GOOD = Outcome("toy-1", {"Arn": "arn", "Size": "7"})


class Toys:
    """A warm function, and CloudFormation's end of its responses."""

    def __init__(self, endpoint: ResponseEndpoint, time: VirtualTime) -> None:
        self.endpoint = endpoint
        self.ends: Outcome | BaseException | Respond = GOOD
        """How its requests end."""
        self.function = CustomResource(TYPE, self._respond, attributes=ATTRIBUTES, clock=time.clock)

    def _respond(self, request: Request, run: Run) -> Outcome:
        if isinstance(self.ends, BaseException):
            raise self.ends
        return self.ends if isinstance(self.ends, Outcome) else self.ends(request, run)

    def ask(self, kind: str = "Create", *, seconds: float = 480, **changed: object) -> dict[str, Any]:
        """Send a request, and return the one response to it."""
        before = len(self.endpoint.responses)
        self.function(event(kind, **{"ResponseURL": self.endpoint.signed_url(), **changed}), Context(seconds))
        (received,) = self.endpoint.responses[before:]
        if received["Status"] == "FAILED":  # the CDK CLI finds the log stream by this regular expression (aws-cdk 2)
            found = re.search(r"CloudWatch Log Stream:\s*(\S+)", f"{received['Reason']} (RequestId: 8b1f6f0a)")
            assert found is not None
            assert found[1] == LOG_STREAM
        return received


@pytest.fixture
def toys(endpoint: ResponseEndpoint, virtual_time: VirtualTime) -> Toys:
    """A function whose requests all succeed, unless the test says how they end."""
    return Toys(endpoint, virtual_time)


def test_relies_on_this_version_only() -> None:
    """The version is pinned, and what is overridden or read has the form that the guards count on."""
    assert importlib.metadata.version("crhelper") == "2.0.12"
    crhelper_class = crhelper.resource_helper.CfnResource
    sending = inspect.signature(vars(crhelper_class)["_send"])
    assert list(sending.parameters) == ["self", "status", "reason", "send_response"]
    assert "AWS_SAM_LOCAL" in inspect.getsource(crhelper_class.__init__)
    assert list(inspect.signature(crhelper_class.__call__).parameters) == ["self", "event", "context"]


def test_a_good_request_gets_one_response(toys: Toys) -> None:
    """It has the ID and all attributes, and an empty content type, because CloudFormation's signature needs that."""
    assert toys.ask() == {
        "Status": "SUCCESS",
        "Reason": "",
        "PhysicalResourceId": "toy-1",
        "StackId": event()["StackId"],
        "RequestId": event()["RequestId"],
        "LogicalResourceId": "Toy",
        "NoEcho": False,
        "Data": {"Arn": "arn", "Size": "7"},
    }
    (sent,) = toys.endpoint.requests
    assert sent.path.endswith("X-Amz-Signature=5ec2e7")
    assert sent.headers["Content-Type"] == ""


def test_a_run_knows_its_function_and_its_deadline(toys: Toys) -> None:
    """The work has to end before the time that is kept back for the response."""
    runs: list[Run] = []

    def respond(_request: Request, run: Run) -> Outcome:
        runs.append(run)
        return GOOD

    toys.ends = respond
    toys.ask(seconds=300)
    assert [(run.function_arn, run.deadline) for run in runs] == [(FUNCTION_ARN, STARTED + 300 - 40)]


def test_no_log_line_holds_the_signed_url(
    toys: Toys, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Through success, failure, crash, lost and rejected responses nothing of ResponseURL is written."""
    toys.endpoint.meets = [503, None]
    for ends in (GOOD, RuntimeError("boom"), Outcome("id", failure="no")):
        toys.ends = ends
        toys.ask("Delete")
    toys.endpoint.meets = [403]
    toys.function(event("Delete", ResponseURL=toys.endpoint.signed_url()), Context())
    written = caplog.text + "".join(capfd.readouterr())
    assert "boom" in written  # the log was captured at all
    assert not [secret for secret in ("X-Amz", "5ec2e7", "https://localhost") if secret in written]
    assert logging.getLogger().level == logging.INFO  # at DEBUG crhelper logs the event
    assert logging.getLogger("botocore").level == logging.ERROR


def test_a_delete_gets_its_response_without_delay(toys: Toys, monkeypatch: pytest.MonkeyPatch) -> None:
    """Crhelper's own default would sleep two minutes on each Delete."""
    waits: list[float] = []
    wait = vars(crhelper.resource_helper.CfnResource)["_wait_for_cwlogs"]
    monkeypatch.setattr(
        crhelper.resource_helper.CfnResource, "_wait_for_cwlogs", lambda self: wait(self, sleep=waits.append)
    )
    assert toys.ask("Delete")["Status"] == "SUCCESS"
    assert waits == []


def test_no_spare_clients_are_made(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without AWS_REGION crhelper's three clients would make every request fail with an empty ID."""
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setattr(boto3, "client", lambda *_, **__: pytest.fail("crhelper made a client"))
    assert Toys(endpoint, virtual_time).ask()["Status"] == "SUCCESS"


@pytest.mark.parametrize("crash", [RuntimeError("boom"), SystemExit(1), KeyboardInterrupt()])
@pytest.mark.parametrize(("kind", "physical_id"), [("Create", IN_DOUBT), ("Update", "toy-1"), ("Delete", "toy-1")])
def test_a_crash_fails_with_an_id_and_all_attributes(
    toys: Toys, crash: BaseException, kind: str, physical_id: str
) -> None:
    """Whatever is raised, CloudFormation gets FAILED, the ID it knows, and no attribute goes missing."""
    toys.ends = crash
    received = toys.ask(kind)
    assert received["Status"] == "FAILED"
    assert f"unexpected error ({type(crash).__name__}). See its CloudWatch log; deploy again." in received["Reason"]
    assert received["PhysicalResourceId"] == physical_id
    assert received["Data"] == dict.fromkeys(ATTRIBUTES, "")


@pytest.mark.parametrize("cause", ["", f"Denied: {'m' * 700}; request ID 8f3c-1"], ids=["rejected", "a call failed"])
def test_a_failure_keeps_its_id_and_its_whole_reason(toys: Toys, cause: str) -> None:
    """What to do, then what a failed call returned and the log stream; the ID is the one that the resource chose."""
    toys.ends = Outcome("toy-2", failure="No. Do this.", cause=cause)
    received = toys.ask()
    reason = f"No. Do this. ({cause})" if cause else "No. Do this."
    assert received["Reason"] == f"{reason} CloudWatch Log Stream: {LOG_STREAM}"
    assert received["PhysicalResourceId"] == "toy-2"


@pytest.mark.parametrize(
    ("failure", "cause", "kept"), [(100, 5000, 100), (600, 5000, 600), (900, 900, 400), (5000, 0, 400)]
)
def test_a_reason_is_at_most_a_thousand_characters(toys: Toys, failure: int, cause: int, kept: int) -> None:
    """What a failed call returned is cut first, in its middle; the log stream stays, behind the thousand."""
    toys.ends = Outcome("id", failure="f" * failure, cause="c" * cause)
    reason, _ = toys.ask()["Reason"].split(" CloudWatch Log Stream: ")
    assert len(reason) == 1000
    assert reason.startswith("f" * kept + " (ccc" * (kept == failure))
    assert not cause or reason.endswith("c)")


@pytest.mark.parametrize(
    ("kind", "given", "status", "physical_id"),
    [
        ("Create", None, "FAILED", "not-created:Toy:0b2e6f4c"),
        ("Update", "toy-1", "FAILED", "toy-1"),
        ("Delete", "toy-1", "SUCCESS", "toy-1"),
        # CloudFormation made the ID up, because the Create was canceled before its response.
        ("Delete", "toys-Toy-1K7PM2Q3R4S5T", "SUCCESS", "toys-Toy-1K7PM2Q3R4S5T"),
    ],
)
def test_an_unknown_resource_type_is_rejected(
    toys: Toys, kind: str, given: str | None, status: str, physical_id: str
) -> None:
    """A template that sends another type to this provider gets a reason; any Delete succeeds, and does nothing."""
    toys.ends = AssertionError("nothing is to be done")
    received = toys.ask(kind, ResourceType="Custom::Another", PhysicalResourceId=given)
    assert (received["Status"], received["PhysicalResourceId"]) == (status, physical_id)
    if status == "FAILED":
        assert f"isn't managed by this provider. Use {TYPE}, or the ServiceToken of another" in received["Reason"]


@pytest.mark.parametrize("announced", [True, False])
def test_after_a_timeout_nothing_else_is_sent_or_made(toys: Toys, announced: bool) -> None:
    """Crhelper's timer responds with the announced ID; what comes to its change later doesn't make it."""
    made = threading.Event()

    def respond(_request: Request, run: Run) -> Outcome:
        if announced:
            run.reserve_physical_id("toy-1")
        assert toys.endpoint.arrived.wait(10)
        if not announced:
            run.reserve_physical_id("toy-1")  # raises: the ID that was sent wouldn't name what is made now
        made.set()
        return GOOD

    toys.ends = respond
    received = toys.ask(seconds=0.6)
    assert made.is_set() == announced
    assert received["Status"] == "FAILED"
    assert received["PhysicalResourceId"] == ("toy-1" if announced else IN_DOUBT)
    assert "ran out of time. See its CloudWatch log; deploy again." in received["Reason"]


def test_a_warm_function_responds_to_each_event_at_its_own_url(toys: Toys) -> None:
    """Nothing is carried over: after a failure the next event succeeds, at its own URL."""
    outcomes = [Outcome("one", failure="no"), Outcome("two")]
    toys.ends = lambda *_: outcomes.pop(0)
    first, second = (toys.ask(ResponseURL=toys.endpoint.signed_url(name)) for name in ("first", "second"))
    assert [request.path.split("?")[0] for request in toys.endpoint.requests] == ["/first", "/second"]
    assert [first["Status"], second["Status"], second["Reason"]] == ["FAILED", "SUCCESS", ""]


@pytest.mark.parametrize("missing", ["RequestType", "ResponseURL", "StackId", "RequestId", "LogicalResourceId"])
def test_an_event_that_isnt_a_request_is_rejected(toys: Toys, missing: str) -> None:
    """Without it crhelper would respond at the previous event's URL, or not at all."""
    toys.ask()
    with pytest.raises(ValueError, match=f"lacks {missing}, so it isn't .*. The function is the ServiceToken of a"):
        toys.function({name: value for name, value in event().items() if name != missing}, Context())
    assert len(toys.endpoint.requests) == 1


def test_an_unknown_request_type_fails_with_an_id(toys: Toys) -> None:
    """Crhelper would send an empty ID, and CloudFormation would lose the reason."""
    received = toys.ask("Import", PhysicalResourceId=None)
    assert (received["Status"], received["PhysicalResourceId"]) == ("FAILED", IN_DOUBT)
    assert "RequestType isn't one of Create, Update, Delete. Update the provider." in received["Reason"]
