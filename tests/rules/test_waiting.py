"""Waiting over several runs: each guard of crhelper's polling protocol has the case that breaks without it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import crhelper.resource_helper
import pytest

from custom_resource import response
from custom_resource.request import Request
from custom_resource.run import Outcome
from custom_resource.waiting import Unfinished, WaitingResource, WaitingRun
from tests.rules import toy
from tests.rules.support import STARTED, VirtualTime
from tests.rules.toy import FUNCTION_ARN, TYPE

ENDLESS = 10**6


class Bed:
    """A resource that is finished at its nth run, the events it sends itself, and the responses."""

    def __init__(self, time: VirtualTime, unfinished_runs: int) -> None:
        self.time = time
        self.unfinished_runs = unfinished_runs
        self.responses: list[dict[str, Any]] = []
        self.queue: list[dict[str, Any]] = []
        self.invoked: list[tuple[float, str]] = []
        self.failing: list[Exception] = []
        """What the next invocations of itself meet, one each."""
        self.runs: list[WaitingRun] = []
        self.during: Callable[[], object] = lambda: None
        """Happens during each run."""
        self.while_invoking: Callable[[], object] = lambda: None
        self.resource = self.new_process()

    def new_process(self) -> WaitingResource:
        """Return the resource as another process of the function has it."""
        return WaitingResource(
            TYPE, self.respond, attributes=("Arn",), invoke=self.invoke, run_seconds=lambda: 600, clock=self.time.clock
        )

    def respond(self, request: Request, run: WaitingRun) -> Outcome | Unfinished:
        """Do one run."""
        self.runs.append(run)
        self.during()
        if len(self.runs) <= self.unfinished_runs:
            return Unfinished("arn-1", {"Copied": "yes"}, "It waits.")
        return Outcome("arn-1", {"Arn": "arn-1"})

    def invoke(self, function_arn: str, event: bytes) -> None:
        """Take an event that the function sends itself."""
        self.invoked.append((self.time.now, function_arn))
        self.while_invoking()
        if self.failing:
            raise self.failing.pop(0)
        self.queue.append(json.loads(event))

    def send(self, url: str, encoded: bytes, **_: object) -> None:
        """Take a response."""
        self.responses.append(json.loads(encoded))

    def deliver(self, event: Mapping[str, Any], seconds: float = 720) -> None:
        """Invoke the function with an event."""
        self.resource(event, toy.Context(seconds, self.time))

    def go_on(self) -> int:
        """Deliver what the function has sent itself, until it sends nothing more; return how many runs that took."""
        runs = 0
        while self.queue:
            runs += 1
            self.deliver(self.queue.pop(0))
        return runs


def event(kind: str = "Create", *, timeout: str = "3600") -> dict[str, Any]:
    """Return an event of CloudFormation with a ServiceTimeout."""
    return toy.event(kind, ResourceProperties={"ServiceToken": FUNCTION_ARN, "ServiceTimeout": timeout})


@pytest.fixture
def bed(virtual_time: VirtualTime, monkeypatch: pytest.MonkeyPatch) -> Bed:
    """A resource that is never finished, unless the test says when."""
    bed = Bed(virtual_time, ENDLESS)
    monkeypatch.setattr(response, "send", lambda url, encoded, **_: bed.send(url, encoded))
    return bed


def test_the_payload_is_the_event_and_what_the_run_knows(bed: Bed) -> None:
    """The function invokes the very ARN it was invoked by; nothing of the event is changed, two members are added."""
    bed.deliver(event())
    (payload,) = bed.queue
    assert payload.pop("CrHelperPoll") is True
    data = payload.pop("CrHelperData")
    assert (data["PhysicalResourceId"], data["Progress"]["Copied"], data["Runs"]) == ("arn-1", "yes", "2")
    assert payload == event()


@pytest.mark.parametrize(("timeout", "respond_by"), [("3600", 3540), ("900", 840), ("60", 30)])
def test_a_run_is_told_when_the_request_has_to_be_responded_to(bed: Bed, timeout: str, respond_by: float) -> None:
    """A minute before CloudFormation gives up, counted from the request, whichever run it is."""
    bed.unfinished_runs = 1
    bed.deliver(event(timeout=timeout))
    bed.go_on()
    assert {run.respond_by for run in bed.runs} == {STARTED + respond_by}
    assert [run.is_last for run in bed.runs] == [respond_by <= 600, respond_by <= 1200]


@pytest.mark.parametrize(("timeout", "ends"), [("720", 660), ("721", 600)])
def test_a_run_that_can_wait_to_the_end_is_the_last(bed: Bed, timeout: str, ends: float) -> None:
    """The next one would begin when the response is due."""
    bed.deliver(event(timeout=timeout))
    assert bed.runs[0].ends == STARTED + ends


def test_without_a_time_in_the_url_the_first_run_s_start_counts(bed: Bed) -> None:
    """Patience is the request's, not a run's: counted per run it would never end."""
    bed.unfinished_runs = 2
    sent = event()
    sent["ResponseURL"] = sent["ResponseURL"].split("?")[0]
    bed.time.now += 100
    bed.deliver(sent)
    bed.go_on()
    assert {(run.requested_at, run.respond_by) for run in bed.runs} == {(STARTED + 100, STARTED + 3640)}


@pytest.mark.parametrize(("seconds", "tries"), [(623.5, 6), (623.6, 7)])
def test_no_invocation_begins_at_the_deadline(bed: Bed, seconds: float, tries: int) -> None:
    """The pauses double up to eight seconds, and time is left for the response."""
    bed.failing = [RuntimeError("Rate exceeded")] * 1000
    bed.deliver(event(), seconds=40 + seconds)
    assert [at - STARTED - 600 for at, _ in bed.invoked] == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 23.5][:tries]


@pytest.mark.parametrize("left", [None, "text", ["list"], {}])
def test_what_nobody_here_left_in_the_event_is_ignored(bed: Bed, left: object) -> None:
    """An event with crhelper's members in it is responded to as any other."""
    bed.unfinished_runs = 0
    bed.deliver(event() | {"CrHelperPoll": True, "CrHelperData": left})
    assert [received["Status"] for received in bed.responses] == ["SUCCESS"]


def timer_fires(bed: Bed) -> None:
    """Let crhelper's timer do what it does half a second before the function's end."""
    vars(crhelper.resource_helper.CfnResource)["_timeout"](bed.resource)


@pytest.mark.parametrize("crash", [False, True])
def test_a_timeout_or_crash_of_a_later_run_responds_with_what_the_run_before_knew(bed: Bed, crash: bool) -> None:
    """An empty or invented ID would leave behind what the request has made."""
    bed.unfinished_runs = 1
    bed.deliver(event())

    def trouble() -> None:
        if crash:
            raise RuntimeError("boom")
        timer_fires(bed)

    bed.during = trouble
    bed.go_on()
    (received,) = bed.responses
    assert (received["Status"], received["PhysicalResourceId"]) == ("FAILED", "arn-1")


def test_a_request_that_a_timeout_responded_to_does_not_go_on(bed: Bed) -> None:
    """A second response could only contradict the first; its ID says since when the Create is in doubt."""

    def run_out_of_time() -> None:
        bed.time.now += 719
        timer_fires(bed)

    bed.during = run_out_of_time
    bed.deliver(event())
    assert bed.queue == []
    assert [(each["Status"], each["PhysicalResourceId"]) for each in bed.responses] == [("FAILED", toy.IN_DOUBT)]


def test_the_timer_is_silent_while_the_run_hands_over(bed: Bed) -> None:
    """Crhelper's timer would respond FAILED to a request that goes on."""
    bed.while_invoking = lambda: timer_fires(bed)
    bed.unfinished_runs = 1
    bed.deliver(event())
    bed.go_on()
    assert [received["Status"] for received in bed.responses] == ["SUCCESS"]


def test_a_failure_is_not_polled_for(bed: Bed) -> None:
    """An event of another type, or with an unknown request, is responded to at once."""
    bed.deliver(event() | {"ResourceType": "Custom::Another"})
    bed.deliver(event() | {"RequestType": "Import"})
    assert [received["Status"] for received in bed.responses] == ["FAILED", "FAILED"]
    assert bed.invoked == []
