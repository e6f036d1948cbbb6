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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localcloud.rekognition import DROP, LocalRekognition
from localcloud.rekognition.models import Policy
from tests.container.cloudformation import CloudFormation
from tests.container.conftest import Start
from tests.container.lambda_service import LambdaService
from tests.documents import ACCOUNT, MINE, OTHER, REGION, is_document


@dataclass(frozen=True)
class Aws:
    """Functions to start, the two services that they call, and a project."""

    start: Start
    cloudformation: CloudFormation
    rekognition: LocalRekognition
    project: str

    def request(self, kind: str, document: object = MINE, name: str = "sharing") -> dict[str, Any]:
        """Return a request about a policy."""
        properties = {"ProjectArn": self.project, "PolicyName": name, "PolicyDocument": document}
        if kind == "Create":
            return self.cloudformation.request(kind, properties)
        old = properties | {"PolicyDocument": OTHER} if kind == "Update" else None
        return self.cloudformation.request(kind, properties, f"{self.project}|{name}", old)

    @property
    def live(self) -> list[Policy]:
        """The policies of the project."""
        return self.rekognition.store.policies(ACCOUNT, REGION, self.project)


@pytest.fixture
def aws(start: Start, cloudformation: CloudFormation, rekognition: LocalRekognition) -> Aws:
    """Functions to start, the two services that they call, and a project."""
    return Aws(start, cloudformation, rekognition, str(rekognition.store.create_project(ACCOUNT, REGION, "logos").arn))


def log_lines(function: LambdaService, requests: int) -> list[dict[str, Any]]:
    """Return the lines that the function logs about its requests, when all have been printed."""
    return [json.loads(line[line.index("{") :]) for line in function.lines_with('"request":', requests)]


def test_crhelper_comes_from_the_asset_and_boto3_from_the_runtime(asset: Callable[[str], Path], runtime: Path) -> None:
    """Nothing of this checkout or its environment helps a container: what the asset lacks, it lacks."""

    def run(folder: Path, modules: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-S", "-c", f"import {modules}; print(boto3.__file__, crhelper.__file__)"]
        return subprocess.run(command, cwd=folder, env={"PYTHONPATH": str(runtime)}, capture_output=True, text=True)

    deployed = asset("deployed")
    boto3_file, crhelper_file = run(deployed, "boto3, crhelper").stdout.split()
    assert Path(boto3_file).is_relative_to(runtime)
    assert (deployed / crhelper_file).resolve().is_relative_to(deployed.resolve())
    assert "No module named 'crhelper'" in run(runtime, "boto3, crhelper").stderr


def test_warm_events_go_through_one_process(aws: Aws) -> None:
    """Each request is responded to once, at its own URL, and logged once."""
    function = aws.start()
    events, attempts = [], []
    for kind, document in (("Create", OTHER), ("Update", MINE), ("Delete", MINE)):
        events.append(aws.request(kind, document))
        attempts += function.invoke(events[-1]).wait()
    assert [attempt.outcome.kind for attempt in attempts] == ["success"] * 3, function.printed
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


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_in_the_middle_is_made_good_by_the_retry(aws: Aws, when: str) -> None:
    """The process is killed just before or after its change: the retry finds what there is, and responds once."""
    function, event = aws.start(), aws.request("Create")
    victims: list[int] = []

    def kill(operation: str, _: object) -> Any:
        if operation != "PutProjectPolicy" or victims:
            return None
        victims.append(function.pid_of(event))
        os.kill(victims[0], signal.SIGKILL)
        return DROP

    setattr(aws.rekognition.faults, when, kill)
    invocation = function.invoke(event)
    invocation.wait()
    assert invocation.outcomes == ["crash", "success"], function.printed
    assert invocation.attempts[0].pid == victims[0]
    (response,) = aws.cloudformation.responses_to(event)
    (policy,) = aws.live
    assert (response["Status"], response["Data"]["PolicyRevisionId"]) == ("SUCCESS", policy.revision)
    assert is_document(policy.document, MINE)
    assert len(log_lines(function, 1)) == 1  # the process that was killed had no time to


def test_a_call_that_hangs_ends_at_the_functions_own_deadline(aws: Aws) -> None:
    """If every PutProjectPolicy hangs, one FAILED with the reason arrives long before Lambda's timeout."""
    function, event, over = aws.start("quick", timeout=8), aws.request("Create"), threading.Event()
    aws.rekognition.faults.before = lambda called, _: DROP if called == "PutProjectPolicy" and over.wait(60) else None
    (attempt,) = function.invoke(event).wait()
    over.set()
    assert attempt.outcome.kind == "success", function.printed
    assert attempt.took < 8 - 4 + 0.5  # RESPONSE_RESERVE is left
    (response,) = aws.cloudformation.responses_to(event)
    assert response["Status"] == "FAILED"
    assert re.search("PutProjectPolicy got no response|no time was left for PutProjectPolicy", response["Reason"])
    assert response["PhysicalResourceId"] == f"{aws.project}|sharing"  # it may be there


def test_nothing_printed_holds_the_signed_url(aws: Aws) -> None:
    """Not in success, nor rejection, nor if the response is lost, nor of an event that lacks something."""
    function = aws.start("quick", timeout=9, retries=())
    good, rejected, lost = (aws.request("Create", name=name) for name in ("good", "not a name", "lost"))
    tries = iter([None, 500])
    aws.cloudformation.meet = lambda responded: 503 if responded is lost else next(tries, 200)
    broken = {name: value for name, value in good.items() if name != "StackId"}
    outcomes = [function.invoke(event).wait()[0].outcome for event in (good, rejected, lost, broken)]
    assert "ResponseLostError" in outcomes[2].told
    for expected in ('"did": "put"', "PolicyName", "retrying", "ResponseLostError", "HTTP status 503", "lacks StackId"):
        assert function.lines_with(expected, 1), expected
    for secret in ("X-Amz-", aws.cloudformation.signature, "https://localhost"):
        assert secret not in function.printed
    assert [line["policy"] for line in log_lines(function, 3)] == ["good", "", "lost"]


def test_a_frozen_process_does_not_send_a_late_response(aws: Aws) -> None:
    """Crhelper's timer of one event must not go off in the next one, which runs at the time it was set to."""
    function = aws.start("patient", timeout=2)
    created = aws.request("Create", OTHER)
    (first,) = function.invoke(created).wait()
    timer_of_the_first = first.began + 2 - 0.5

    def until_it_would_go_off(operation: str, parameters: Mapping[str, Any]) -> None:
        time.sleep(max(0.0, timer_of_the_first + 0.2 - time.monotonic()))

    time.sleep(max(0.0, first.began + 1 - time.monotonic()))
    aws.rekognition.faults.before = until_it_would_go_off
    updated = aws.request("Update")
    (second,) = function.invoke(updated).wait()
    assert second.pid == first.pid
    for event in (created, updated):
        assert [response["Status"] for response in aws.cloudformation.responses_to(event)] == ["SUCCESS"]
