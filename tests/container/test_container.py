"""The deployed function in awslambdaric's process, as Lambda runs it: cold, warm, killed, too slow, retried."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest

from localcloud.rekognition import DROP, AwsError, LocalRekognition
from localcloud.rekognition.models import Policy
from tests.container.lambda_service import LambdaService, Start
from tests.container.requests_and_responses import CloudFormation
from tests.documents import ACCOUNT, MINE, OTHER, REGION, is_document
from tests.response_endpoint import Behavior

Kind = Literal["create", "update", "delete"]
KINDS = ["create", pytest.param("update", marks=pytest.mark.full), "delete"]
"""An update is as a create here: it puts."""
ACT = {"create": "PutProjectPolicy", "update": "PutProjectPolicy", "delete": "DeleteProjectPolicy"}


@dataclass(frozen=True)
class Aws:
    """Functions to start, the two services that they call, and a project."""

    start: Start
    cloudformation: CloudFormation
    rekognition: LocalRekognition
    project: str

    def create(self, name: str = "sharing", document: object = MINE) -> dict[str, Any]:
        """Return the request for a new policy."""
        return self.cloudformation.create(self.project, name, document)

    def arrange(self, kind: Kind) -> dict[str, Any]:
        """Return a request of a kind, with what it is about in place."""
        if kind == "create":
            return self.create()
        created = self.create(document=OTHER)
        self.rekognition.store.put_policy(ACCOUNT, REGION, self.project, "sharing", json.dumps(OTHER))
        return self.cloudformation.update(created, MINE) if kind == "update" else self.cloudformation.delete(created)

    @property
    def live(self) -> list[Policy]:
        """The policies of the project."""
        return self.rekognition.store.policies(ACCOUNT, REGION, self.project)

    @property
    def operations(self) -> list[str]:
        """The calls of Rekognition so far."""
        return [operation for operation, _ in self.rekognition.calls]

    def assert_done(self, kind: Kind, response: Mapping[str, Any]) -> None:
        """The request's work is live, the response says so, and nothing is left over."""
        assert response["Status"] == "SUCCESS", response
        assert response["PhysicalResourceId"] == f"{self.project}|sharing"
        assert [is_document(policy.document, MINE) for policy in self.live] == ([] if kind == "delete" else [True])
        assert response["Data"]["PolicyRevisionId"] == "".join(policy.revision for policy in self.live)


@pytest.fixture
def aws(start: Start, cloudformation: CloudFormation, rekognition: LocalRekognition, project: str) -> Aws:
    """Functions to start, the two services that they call, and a project."""
    return Aws(start, cloudformation, rekognition, project)


def log_lines(function: LambdaService, requests: int) -> list[dict[str, Any]]:
    """Return the lines that the function logs about its requests, when all have been printed."""
    return [json.loads(line[line.index("{") :]) for line in function.lines_with('"request":', requests)]


def test_crhelper_comes_from_the_asset_and_boto3_from_the_runtime(asset: Path, runtime: Path) -> None:
    """Nothing of this checkout or its environment helps a container: what the asset lacks, it lacks."""
    code = "import boto3, crhelper, json, sys; print(json.dumps([boto3.__file__, crhelper.__file__, sys.path]))"
    environment = {"PYTHONPATH": str(runtime)}

    def run(folder: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-S", "-c", code], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
        )

    in_asset = run(asset)
    boto3_file, crhelper_file, path = json.loads(in_asset.stdout)
    assert Path(boto3_file).is_relative_to(runtime)
    assert (asset / crhelper_file).resolve().is_relative_to(asset.resolve())
    assert not [entry for entry in path if "site-packages" in entry]
    assert "No module named 'crhelper'" in run(runtime).stderr


def test_warm_events_go_through_one_process(aws: Aws) -> None:
    """Each request is responded to once, at its own URL, and logged once; a Create takes two calls."""
    function = aws.start()
    created = aws.create(document=OTHER)
    events, attempts = [created], function.invoke(created).wait()
    assert aws.operations == ["ListProjectPolicies", "PutProjectPolicy"]
    for request in (partial(aws.cloudformation.update, created, MINE), partial(aws.cloudformation.delete, created)):
        events.append(request())  # not before the one before it is through: its time counts
        attempts += function.invoke(events[-1]).wait()
    assert [attempt.outcome.kind for attempt in attempts] == ["success"] * 3, function.printed
    assert [attempt.cold for attempt in attempts] == [True, False, False]
    assert len({attempt.pid for attempt in attempts}) == 1
    responses = [response for event in events for response in aws.cloudformation.responses_to(event)]
    assert [response["RequestId"] for response in responses] == [event["RequestId"] for event in events]
    assert [response["Status"] for response in responses] == ["SUCCESS"] * 3
    assert aws.live == []
    assert [(line["request"], line["did"]) for line in log_lines(function, 3)] == [
        ("Create", "put"),
        ("Update", "put"),
        ("Delete", "deleted"),
    ]


def test_events_wait_for_the_processes_there_may_be(aws: Aws) -> None:
    """Five events at once go through two processes, and none meets another's state."""
    function = aws.start(concurrency=2)
    events = [aws.create(f"sharing-{number}") for number in range(5)]
    attempts = [attempt for each in [function.invoke(event) for event in events] for attempt in each.wait()]
    assert len({attempt.pid for attempt in attempts}) == 2
    for event in events:
        (response,) = aws.cloudformation.responses_to(event)
        assert response["PhysicalResourceId"] == f"{aws.project}|{event['ResourceProperties']['PolicyName']}"
    assert len(aws.live) == 5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_in_the_middle_is_made_good_by_the_retry(
    aws: Aws, when: Literal["before", "after"], kind: Kind
) -> None:
    """The process is killed just before or after its change: the retry finds what there is, and responds once."""
    function, event = aws.start(), aws.arrange(kind)
    victims: list[int] = []

    def kill(operation: str, parameters: Mapping[str, Any]) -> Any:
        if operation != ACT[kind] or victims:
            return None
        victims.append(function.pid_of(event))
        os.kill(victims[0], signal.SIGKILL)
        return DROP

    setattr(aws.rekognition.faults, when, kill)
    invocation = function.invoke(event)
    invocation.wait()
    assert invocation.outcomes == ["crash", "success"], function.printed
    assert invocation.attempts[0].pid in victims
    assert invocation.attempts[1].cold
    aws.assert_done(kind, *aws.cloudformation.responses_to(event))
    assert len(log_lines(function, 1)) == 1  # the process that was killed had no time to


@pytest.mark.parametrize("kind", KINDS)
def test_a_crash_after_the_response_repeats_the_response(aws: Aws, kind: Kind) -> None:
    """Lambda cannot know that the response arrived; the retry sends the same one, with the same revision."""
    function, event = aws.start(), aws.arrange(kind)

    def kill_the_first(responded: Mapping[str, Any]) -> Behavior | None:
        if not aws.cloudformation.responses_to(responded):
            os.kill(function.pid_of(responded), signal.SIGKILL)
        return None

    aws.cloudformation.meet = kill_the_first
    invocation = function.invoke(event)
    invocation.wait()
    assert invocation.outcomes == ["crash", "success"], function.printed
    first, second = aws.cloudformation.responses_to(event)
    assert first == second
    aws.assert_done(kind, first)


def test_lambda_tries_three_times_and_no_more(aws: Aws) -> None:
    """A process that dies each time leaves no response, and its put, which the Delete of a made-up ID then removes."""
    function, event = aws.start(), aws.create()

    def kill(operation: str, parameters: Mapping[str, Any]) -> Any:
        os.kill(function.pid_of(event), signal.SIGKILL)
        return DROP

    aws.rekognition.faults.after = kill
    invocation = function.invoke(event)
    invocation.wait()
    assert invocation.outcomes == ["crash"] * 3
    assert aws.cloudformation.responses_to(event) == []


@pytest.fixture
def hang(rekognition: LocalRekognition) -> Iterator[Callable[..., None]]:
    """Let calls of an operation hang until the test ends: so many of them, before or after their effect."""
    over = threading.Event()
    left = 0

    def hang_calls(operation: str, times: int = 1000, when: Literal["before", "after"] = "before") -> None:
        nonlocal left
        left = times

        def hook(called: str, parameters: Mapping[str, Any]) -> Any:
            nonlocal left
            if called != operation or left == 0:
                return None
            left -= 1
            over.wait()
            return DROP

        setattr(rekognition.faults, when, hook)

    yield hang_calls
    over.set()


@pytest.mark.parametrize(
    ("kind", "operation", "physical_id"),
    [
        ("create", "ListProjectPolicies", r"in-doubt:Sharingsharing:{request_id}:\d+"),
        ("create", "PutProjectPolicy", r"{project}\|sharing"),  # it may be there, so the rollback has to read
        ("update", "ListProjectPolicies", r"{project}\|sharing"),
        ("delete", "DeleteProjectPolicy", r"{project}\|sharing"),
    ],
)
def test_calls_that_hang_end_at_the_functions_own_deadline(
    aws: Aws, quick_asset: Path, hang: Callable[..., None], kind: Kind, operation: str, physical_id: str
) -> None:
    """Where every call of an operation hangs, one FAILED with the reason arrives long before Lambda's timeout."""
    function, event = aws.start(quick_asset, timeout=8), aws.arrange(kind)
    hang(operation)
    (attempt,) = function.invoke(event).wait()
    assert attempt.outcome.kind == "success", function.printed
    assert attempt.took < 8 - 4 + 0.5  # ANSWER_RESERVE is left
    (response,) = aws.cloudformation.responses_to(event)
    assert response["Status"] == "FAILED"
    assert f"{operation} got no response" in response["Reason"]
    pattern = physical_id.format(project=aws.project, request_id=event["RequestId"])
    assert re.fullmatch(pattern, response["PhysicalResourceId"])
    assert len(log_lines(function, 1)) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_one_call_that_hangs_is_overcome(
    aws: Aws, quick_asset: Path, hang: Callable[..., None], when: Literal["before", "after"], kind: Kind
) -> None:
    """A change whose response never comes is read again, and repeated only where it isn't there."""
    function, event = aws.start(quick_asset, timeout=20), aws.arrange(kind)
    hang(ACT[kind], times=1, when=when)
    (attempt,) = function.invoke(event).wait()
    assert attempt.outcome.kind == "success", function.printed
    aws.assert_done(kind, *aws.cloudformation.responses_to(event))


def test_throttling_without_end_ends_at_the_functions_own_deadline(aws: Aws) -> None:
    """With the deployed times: a minute before Lambda's timeout, FAILED has the reason: Rekognition throttled."""
    aws.rekognition.faults.before = lambda operation, parameters: AwsError("ThrottlingException", "Rate exceeded")
    function, event = aws.start(timeout=62), aws.create()
    (attempt,) = function.invoke(event).wait()
    assert attempt.outcome.kind == "success", function.printed
    assert attempt.took < 10
    (response,) = aws.cloudformation.responses_to(event)
    assert response["Status"] == "FAILED"
    assert "ListProjectPolicies" in response["Reason"]
    assert response["PhysicalResourceId"].startswith("in-doubt:")


def test_a_timeout_is_responded_to_by_the_timer_and_not_retried(
    aws: Aws, patient_asset: Path, hang: Callable[..., None]
) -> None:
    """Crhelper's timer responds before Lambda ends the process; the event is then too old for another try."""
    function = aws.start(
        patient_asset, timeout=2, maximum_event_age=1.5
    )  # as deployed: an event's age is less than the timeout
    event = aws.create()
    hang("ListProjectPolicies")
    invocation = function.invoke(event)
    invocation.wait()
    assert invocation.outcomes == ["timeout"], function.printed
    assert 2 <= invocation.attempts[0].took < 3
    (response,) = aws.cloudformation.responses_to(event)
    assert response["Status"] == "FAILED"
    assert "ran out of time" in response["Reason"]
    assert response["PhysicalResourceId"].startswith("in-doubt:")
    assert aws.operations == ["ListProjectPolicies"]
    assert aws.live == []


def test_a_change_that_returns_after_the_timer_is_not_responded_twice(aws: Aws, patient_asset: Path) -> None:
    """The put ends between crhelper's FAILED and Lambda's timeout: one response, with the ID that was put."""
    function, event = aws.start(patient_asset, timeout=2), aws.create()

    def until_responded(operation: str, parameters: Mapping[str, Any]) -> None:
        if operation == "PutProjectPolicy":
            aws.cloudformation.response_to(event)

    aws.rekognition.faults.after = until_responded
    (attempt,) = function.invoke(event).wait()
    assert attempt.outcome.kind == "success", function.printed
    (response,) = aws.cloudformation.responses_to(event)
    assert response["Status"] == "FAILED"
    assert response["PhysicalResourceId"] == f"{aws.project}|sharing"


def test_a_response_that_does_not_arrive_is_brought_by_the_retry(aws: Aws, quick_asset: Path) -> None:
    """An endpoint that responds 503 for as long as the function tries makes Lambda deliver the event again."""
    unavailable = threading.Event()
    unavailable.set()
    aws.cloudformation.meet = lambda responded: 503 if unavailable.is_set() else None
    function = aws.start(quick_asset, timeout=9, retry_delays=(0.5, 0.5))
    event = aws.create()
    invocation = function.invoke(event)
    assert invocation.attempted.wait(60)
    unavailable.clear()
    invocation.wait()
    assert invocation.outcomes[0] == "error"
    assert invocation.outcomes[-1] == "success", function.printed
    assert "ResponseLostError" in invocation.attempts[0].outcome.told
    assert len({attempt.pid for attempt in invocation.attempts}) == 1  # an error leaves the process warm
    aws.assert_done("create", *aws.cloudformation.responses_to(event))
    puts = [operation for operation, _ in aws.rekognition.calls if operation == "PutProjectPolicy"]
    assert len(puts) == 1


def test_nothing_printed_holds_the_signed_url(aws: Aws, quick_asset: Path) -> None:
    """Not in success, nor rejection, nor in what Lambda's runtime prints about an error or an event that is none."""
    function = aws.start(quick_asset, timeout=9, retry_delays=())
    good, rejected, lost = (aws.create(name) for name in ("good", "not a name", "lost"))
    aws.cloudformation.meet = lambda responded: 503 if responded == lost else None
    aws.cloudformation.behaviors = ["drop", 500]
    broken = {name: value for name, value in good.items() if name != "StackId"}
    for event in (good, rejected, lost, broken):
        function.invoke(event).wait()
    for expected in ('"did": "put"', "PolicyName", "retrying", "ResponseLostError", "HTTP status 503", "lacks StackId"):
        assert function.lines_with(expected, 1), expected
    for secret in ("X-Amz-", aws.cloudformation.signature, "https://localhost"):
        assert secret not in function.printed
    assert [line["policy"] for line in log_lines(function, 3)] == ["good", "", "lost"]


def test_a_frozen_process_does_not_send_a_late_response(aws: Aws, patient_asset: Path) -> None:
    """Crhelper's timer of one event must not go off in the next one, which runs at the time it was set to."""
    function = aws.start(patient_asset, timeout=2)
    created = aws.create(document=OTHER)
    (first,) = function.invoke(created).wait()
    timer_of_the_first = first.began + 2 - 0.5

    def until_it_would_go_off(operation: str, parameters: Mapping[str, Any]) -> None:
        time.sleep(max(0.0, timer_of_the_first + 0.2 - time.monotonic()))

    time.sleep(max(0.0, first.began + 1 - time.monotonic()))
    aws.rekognition.faults.before = until_it_would_go_off
    updated = aws.cloudformation.update(created, MINE)
    (second,) = function.invoke(updated).wait()
    assert second.pid == first.pid
    assert [response["Status"] for response in aws.cloudformation.responses_to(created)] == ["SUCCESS"]
    assert [response["Status"] for response in aws.cloudformation.responses_to(updated)] == ["SUCCESS"]
