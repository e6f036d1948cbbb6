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
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest

from localcloud.rekognition import DROP, AwsError, LocalRekognition
from project_policy.policies import LivePolicy
from tests.container.lambda_service import LambdaService, Start
from tests.container.requests_and_responses import CloudFormation
from tests.documents import ACCOUNT, MINE, OTHER, REGION, is_document
from tests.response_endpoint import Behavior

Kind = Literal["create", "update", "delete"]
KINDS = ["create", pytest.param("update", marks=pytest.mark.full), "delete"]
"""An update is as a create here: it puts."""
ACT = {"create": "PutProjectPolicy", "update": "PutProjectPolicy", "delete": "DeleteProjectPolicy"}


def live(rekognition: LocalRekognition, project: str) -> list[LivePolicy]:
    """Return the policies of a project."""
    policies = rekognition.store.policies(ACCOUNT, REGION, project)
    return [LivePolicy(each.revision, each.document, each.created, each.updated) for each in policies]


def arrange(kind: Kind, cloudformation: CloudFormation, rekognition: LocalRekognition, project: str) -> dict[str, Any]:
    """Return a request of a kind, with what it is about in place."""
    if kind == "create":
        return cloudformation.create(project, "sharing", MINE)
    created = cloudformation.create(project, "sharing", OTHER)
    rekognition.store.put_policy(ACCOUNT, REGION, project, "sharing", json.dumps(OTHER))
    return cloudformation.update(created, MINE) if kind == "update" else cloudformation.delete(created)


def assert_done(kind: Kind, rekognition: LocalRekognition, project: str, response: Mapping[str, Any]) -> None:
    """The request's work is live, the response says so, and nothing is left over."""
    assert response["Status"] == "SUCCESS", response
    assert response["PhysicalResourceId"] == f"{project}|sharing"
    found = live(rekognition, project)
    assert [is_document(policy.document, MINE) for policy in found] == ([] if kind == "delete" else [True])
    assert response["Data"]["PolicyRevisionId"] == "".join(policy.revision_id or "" for policy in found)


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


def test_a_cold_event_is_responded_to(
    start: Start, cloudformation: CloudFormation, rekognition: LocalRekognition, project: str
) -> None:
    """A new process, with the environment that Lambda gives and no more, puts the policy in two calls."""
    function = start()
    event = cloudformation.create(project, "sharing", MINE)
    (attempt,) = function.invoke(event).wait()
    assert attempt.cold
    assert attempt.outcome.kind == "success", function.printed
    assert_done("create", rekognition, project, *cloudformation.responses_to(event))
    assert [operation for operation, _ in rekognition.calls] == ["ListProjectPolicies", "PutProjectPolicy"]


def test_warm_events_go_through_one_process(
    start: Start, cloudformation: CloudFormation, rekognition: LocalRekognition, project: str
) -> None:
    """A life in one process: each request is responded to once, at its own URL, and logged once."""
    function = start()
    created = cloudformation.create(project, "sharing", OTHER)
    events, attempts = [created], function.invoke(created).wait()
    for request in (partial(cloudformation.update, created, MINE), partial(cloudformation.delete, created)):
        events.append(request())  # not before the one before it is through: its time counts
        attempts += function.invoke(events[-1]).wait()
    assert [attempt.outcome.kind for attempt in attempts] == ["success"] * 3, function.printed
    assert [attempt.cold for attempt in attempts] == [True, False, False]
    assert len({attempt.pid for attempt in attempts}) == 1
    responses = [response for event in events for response in cloudformation.responses_to(event)]
    assert [response["RequestId"] for response in responses] == [event["RequestId"] for event in events]
    assert [response["Status"] for response in responses] == ["SUCCESS"] * 3
    assert live(rekognition, project) == []
    assert [(line["request"], line["did"]) for line in log_lines(function, 3)] == [
        ("Create", "put"),
        ("Update", "put"),
        ("Delete", "deleted"),
    ]


def test_events_wait_for_the_processes_there_may_be(
    start: Start, cloudformation: CloudFormation, rekognition: LocalRekognition, project: str
) -> None:
    """Five events at once go through two processes, and none meets another's state."""
    function = start(concurrency=2)
    events = [cloudformation.create(project, f"sharing-{number}", MINE) for number in range(5)]
    attempts = [attempt for each in [function.invoke(event) for event in events] for attempt in each.wait()]
    assert len({attempt.pid for attempt in attempts}) == 2
    for event in events:
        (response,) = cloudformation.responses_to(event)
        assert response["PhysicalResourceId"] == f"{project}|{event['ResourceProperties']['PolicyName']}"
    assert len(live(rekognition, project)) == 5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_in_the_middle_is_made_good_by_the_retry(
    start: Start,
    cloudformation: CloudFormation,
    rekognition: LocalRekognition,
    project: str,
    when: Literal["before", "after"],
    kind: Kind,
) -> None:
    """The process is killed just before or after its change: the retry finds what there is, and responds once."""
    function, event = start(), arrange(kind, cloudformation, rekognition, project)
    victims: list[int] = []

    def kill(operation: str, parameters: Mapping[str, Any]) -> Any:
        if operation != ACT[kind] or victims:
            return None
        victims.append(function.pid_of(event))
        os.kill(victims[0], signal.SIGKILL)
        return DROP

    setattr(rekognition.faults, when, kill)
    invocation = function.invoke(event)
    invocation.wait()
    assert invocation.outcomes == ["crash", "success"], function.printed
    assert invocation.attempts[0].pid in victims
    assert invocation.attempts[1].cold
    assert_done(kind, rekognition, project, *cloudformation.responses_to(event))
    assert len(log_lines(function, 1)) == 1  # the process that was killed had no time to


@pytest.mark.parametrize("kind", KINDS)
def test_a_crash_after_the_response_repeats_the_response(
    start: Start, cloudformation: CloudFormation, rekognition: LocalRekognition, project: str, kind: Kind
) -> None:
    """Lambda cannot know that the response arrived; the retry sends the same one, with the same revision."""
    function, event = start(), arrange(kind, cloudformation, rekognition, project)

    def kill_the_first(responded: Mapping[str, Any]) -> Behavior | None:
        if not cloudformation.responses_to(responded):
            os.kill(function.pid_of(responded), signal.SIGKILL)
        return None

    cloudformation.meet = kill_the_first
    invocation = function.invoke(event)
    invocation.wait()
    assert invocation.outcomes == ["crash", "success"], function.printed
    first, second = cloudformation.responses_to(event)
    assert first == second
    assert_done(kind, rekognition, project, first)


def test_lambda_tries_three_times_and_no_more(
    start: Start, cloudformation: CloudFormation, rekognition: LocalRekognition, project: str
) -> None:
    """A process that dies each time leaves no response, and its put, which the Delete of a made-up ID then removes."""
    function, event = start(), cloudformation.create(project, "sharing", MINE)

    def kill(operation: str, parameters: Mapping[str, Any]) -> Any:
        os.kill(function.pid_of(event), signal.SIGKILL)
        return DROP

    rekognition.faults.after = kill
    invocation = function.invoke(event)
    invocation.wait()
    assert invocation.outcomes == ["crash"] * 3
    assert cloudformation.responses_to(event) == []


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
    start: Start,
    quick_asset: Path,
    cloudformation: CloudFormation,
    rekognition: LocalRekognition,
    project: str,
    hang: Callable[..., None],
    kind: Kind,
    operation: str,
    physical_id: str,
) -> None:
    """Where every call of an operation hangs, one FAILED with the reason arrives long before Lambda's timeout."""
    function, event = start(quick_asset, timeout=8), arrange(kind, cloudformation, rekognition, project)
    hang(operation)
    (attempt,) = function.invoke(event).wait()
    assert attempt.outcome.kind == "success", function.printed
    assert attempt.took < 8 - 4 + 0.5  # ANSWER_RESERVE is left
    (response,) = cloudformation.responses_to(event)
    assert response["Status"] == "FAILED"
    assert f"{operation} got no response" in response["Reason"]
    pattern = physical_id.format(project=project, request_id=event["RequestId"])
    assert re.fullmatch(pattern, response["PhysicalResourceId"])
    assert len(log_lines(function, 1)) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_one_call_that_hangs_is_overcome(
    start: Start,
    quick_asset: Path,
    cloudformation: CloudFormation,
    rekognition: LocalRekognition,
    project: str,
    hang: Callable[..., None],
    when: Literal["before", "after"],
    kind: Kind,
) -> None:
    """A change whose response never comes is read again, and repeated only where it isn't there."""
    function, event = start(quick_asset, timeout=20), arrange(kind, cloudformation, rekognition, project)
    hang(ACT[kind], times=1, when=when)
    (attempt,) = function.invoke(event).wait()
    assert attempt.outcome.kind == "success", function.printed
    assert_done(kind, rekognition, project, *cloudformation.responses_to(event))


def test_throttling_without_end_ends_at_the_functions_own_deadline(
    start: Start, cloudformation: CloudFormation, rekognition: LocalRekognition, project: str
) -> None:
    """With the deployed times: a minute before Lambda's timeout, FAILED has the reason: Rekognition throttled."""
    rekognition.faults.before = lambda operation, parameters: AwsError("ThrottlingException", "Rate exceeded")
    function, event = start(timeout=62), cloudformation.create(project, "sharing", MINE)
    (attempt,) = function.invoke(event).wait()
    assert attempt.outcome.kind == "success", function.printed
    assert attempt.took < 10
    (response,) = cloudformation.responses_to(event)
    assert response["Status"] == "FAILED"
    assert "ListProjectPolicies" in response["Reason"]
    assert response["PhysicalResourceId"].startswith("in-doubt:")


def test_a_timeout_is_responded_to_by_the_timer_and_not_retried(
    start: Start,
    patient_asset: Path,
    cloudformation: CloudFormation,
    rekognition: LocalRekognition,
    project: str,
    hang: Callable[..., None],
) -> None:
    """Crhelper's timer responds before Lambda ends the process; the event is then too old for another try."""
    function = start(
        patient_asset, timeout=2, maximum_event_age=1.5
    )  # as deployed: an event's age is less than the timeout
    event = cloudformation.create(project, "sharing", MINE)
    hang("ListProjectPolicies")
    invocation = function.invoke(event)
    invocation.wait()
    assert invocation.outcomes == ["timeout"], function.printed
    assert 2 <= invocation.attempts[0].took < 3
    (response,) = cloudformation.responses_to(event)
    assert response["Status"] == "FAILED"
    assert "ran out of time" in response["Reason"]
    assert response["PhysicalResourceId"].startswith("in-doubt:")
    assert [operation for operation, _ in rekognition.calls] == ["ListProjectPolicies"]
    assert live(rekognition, project) == []


def test_a_change_that_returns_after_the_timer_is_not_responded_twice(
    start: Start, patient_asset: Path, cloudformation: CloudFormation, rekognition: LocalRekognition, project: str
) -> None:
    """The put ends between crhelper's FAILED and Lambda's timeout: one response, with the ID that was put."""
    function, event = start(patient_asset, timeout=2), cloudformation.create(project, "sharing", MINE)

    def until_responded(operation: str, parameters: Mapping[str, Any]) -> None:
        if operation == "PutProjectPolicy":
            cloudformation.response_to(event)

    rekognition.faults.after = until_responded
    (attempt,) = function.invoke(event).wait()
    assert attempt.outcome.kind == "success", function.printed
    (response,) = cloudformation.responses_to(event)
    assert response["Status"] == "FAILED"
    assert response["PhysicalResourceId"] == f"{project}|sharing"


def test_a_response_that_does_not_arrive_is_brought_by_the_retry(
    start: Start, quick_asset: Path, cloudformation: CloudFormation, rekognition: LocalRekognition, project: str
) -> None:
    """An endpoint that responds 503 for as long as the function tries makes Lambda deliver the event again."""
    unavailable = threading.Event()
    unavailable.set()
    cloudformation.meet = lambda responded: 503 if unavailable.is_set() else None
    function = start(quick_asset, timeout=9, retry_delays=(0.5, 0.5))
    event = cloudformation.create(project, "sharing", MINE)
    invocation = function.invoke(event)
    assert invocation.attempted.wait(60)
    unavailable.clear()
    invocation.wait()
    assert invocation.outcomes[0] == "error"
    assert invocation.outcomes[-1] == "success", function.printed
    assert "ResponseLostError" in invocation.attempts[0].outcome.told
    assert len({attempt.pid for attempt in invocation.attempts}) == 1  # an error leaves the process warm
    assert_done("create", rekognition, project, *cloudformation.responses_to(event))
    puts = [operation for operation, _ in rekognition.calls if operation == "PutProjectPolicy"]
    assert len(puts) == 1


def test_nothing_printed_holds_the_signed_url(
    start: Start, quick_asset: Path, cloudformation: CloudFormation, rekognition: LocalRekognition, project: str
) -> None:
    """Not in success, nor rejection, nor in what Lambda's runtime prints about an error or an event that is none."""
    function = start(quick_asset, timeout=9, retry_delays=())
    good, rejected, lost = (cloudformation.create(project, name, MINE) for name in ("good", "not a name", "lost"))
    cloudformation.meet = lambda responded: 503 if responded == lost else None
    cloudformation.behaviors = ["drop", 500]
    broken = {name: value for name, value in good.items() if name != "StackId"}
    for event in (good, rejected, lost, broken):
        function.invoke(event).wait()
    for expected in ('"did": "put"', "PolicyName", "retrying", "ResponseLostError", "HTTP status 503", "lacks StackId"):
        assert function.lines_with(expected, 1), expected
    for secret in ("X-Amz-", cloudformation.signature, "https://localhost"):
        assert secret not in function.printed
    assert [line["policy"] for line in log_lines(function, 3)] == ["good", "", "lost"]


def test_a_frozen_process_does_not_send_a_late_response(
    start: Start, patient_asset: Path, cloudformation: CloudFormation, rekognition: LocalRekognition, project: str
) -> None:
    """Crhelper's timer of one event must not go off in the next one, which runs at the time it was set to."""
    function = start(patient_asset, timeout=2)
    created = cloudformation.create(project, "sharing", OTHER)
    (first,) = function.invoke(created).wait()
    timer_of_the_first = first.began + 2 - 0.5

    def until_it_would_go_off(operation: str, parameters: Mapping[str, Any]) -> None:
        time.sleep(max(0.0, timer_of_the_first + 0.2 - time.monotonic()))

    time.sleep(max(0.0, first.began + 1 - time.monotonic()))
    rekognition.faults.before = until_it_would_go_off
    updated = cloudformation.update(created, MINE)
    (second,) = function.invoke(updated).wait()
    assert second.pid == first.pid
    assert [response["Status"] for response in cloudformation.responses_to(created)] == ["SUCCESS"]
    assert [response["Status"] for response in cloudformation.responses_to(updated)] == ["SUCCESS"]
