"""The deployed function in awslambdaric's process, as Lambda runs it: cold, warm, killed, too slow, retried."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
import trustme

from cdk_rekognition_project_policy._handler import write
from localcloud.rekognition import DROP, LocalRekognition
from localcloud.rekognition.models import Policy
from tests.container.container import Container, Function, python_command
from tests.documents import ACCOUNT, MINE, OTHER, REGION, is_document
from tests.endpoint import SIGNATURE, ResponseEndpoint

# Times for tests that have to see one pass: with 8 s to run, the function's own deadline comes after 2 s.
QUICK = {"CONNECT_TIMEOUT": 1, "READ_TIMEOUT": 1, "RESPONSE_TIMEOUT": 1, "RESPONSE_RESERVE": 4}
# For a test of crhelper's timer: the function's own deadline, which comes first otherwise, is at its very end.
PATIENT = {"RESPONSE_RESERVE": 0, "CALL_RESERVE": 0}

RUNTIME = [
    *("awslambdaric", "simplejson", "snapshot-restore-py"),
    *("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"),
]
"""What Lambda's runtime has beside a function: its client and the SDK, each with what it needs. No crhelper."""


@dataclass(frozen=True)
class Aws:
    """Functions to start, what they call, and a project."""

    start: Callable[..., Function]
    """Starts a function; its arguments are constants of its modules by name, so that a test need not wait."""
    cloudformation: ResponseEndpoint
    rekognition: LocalRekognition
    project: str

    def request(self, kind: str, document: object = MINE, name: str = "sharing") -> dict[str, Any]:
        """Return a request about a policy."""
        properties = {"ProjectArn": self.project, "PolicyName": name, "PolicyDocument": document}
        more: dict[str, object] = {} if kind == "Create" else {"PhysicalResourceId": f"{self.project}|{name}"}
        if kind == "Update":
            more["OldResourceProperties"] = properties | {"PolicyDocument": OTHER}
        return self.cloudformation.event(kind, properties, **more)

    @property
    def live(self) -> list[Policy]:
        """The policies of the project."""
        return self.rekognition.store.policies(ACCOUNT, REGION, self.project)


@pytest.fixture
def aws(rekognition: LocalRekognition, tmp_path: Path) -> Iterator[Aws]:
    """The asset as it is deployed, and beside it links to what the runtime has, and nothing else."""
    runtime, asset, authority = tmp_path / "runtime", tmp_path / "asset", trustme.CA()
    runtime.mkdir()
    for found in map(distribution, RUNTIME):
        for top in {path.parts[0] for path in found.files or ()} - {"..", "__pycache__"}:
            (runtime / top).symlink_to(str(found.locate_file(top)))
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    environment = {
        "PYTHONPATH": str(runtime),
        "SSL_CERT_FILE": str(tmp_path / "authority.pem"),
        "AWS_ENDPOINT_URL_REKOGNITION": rekognition.endpoint_url,
    }
    cloudformation = ResponseEndpoint(authority)
    with ExitStack() as over:
        over.callback(cloudformation.close)

        def start(timeout: float = 480, retries: tuple[float, ...] = (0.1, 0.2), **constants: float) -> Function:
            write(asset, "project_policy")
            for name, seconds in constants.items():
                definition = re.compile(rf"^{name} = .+$", re.MULTILINE)
                (module,) = (path for path in asset.rglob("*.py") if definition.search(path.read_text()))
                module.write_text(definition.sub(f"{name} = {seconds}", module.read_text()))
            container = partial(Container, python_command("index.handler"), asset, environment)
            return over.enter_context(Function(container, timeout, retries))

        project = str(rekognition.store.create_project(ACCOUNT, REGION, "logos").arn)
        yield Aws(start, cloudformation, rekognition, project)


def log_lines(printed: str) -> list[dict[str, Any]]:
    """Return the lines that a function has logged about its requests."""
    return [json.loads(line[line.index("{") :]) for line in printed.splitlines() if '"request":' in line]


def test_warm_events_go_through_one_process(aws: Aws) -> None:
    """Each request is responded to once, at its own URL, and logged once."""
    function = aws.start()
    events, attempts = [], []
    for kind, document in (("Create", OTHER), ("Update", MINE), ("Delete", MINE)):
        events.append(aws.request(kind, document))
        attempts += function.invoke(events[-1])
    assert [attempt.outcome.kind for attempt in attempts] == ["success"] * 3, function.stop()
    assert len({attempt.pid for attempt in attempts}) == 1
    paths = [request.path.partition("?")[0] for request in aws.cloudformation.requests]
    assert paths == [f"/{event['RequestId']}" for event in events]
    assert [(response["RequestId"], response["Status"]) for response in aws.cloudformation.responses] == [
        (event["RequestId"], "SUCCESS") for event in events
    ]
    assert aws.live == []
    assert [(line["request"], line["did"]) for line in log_lines(function.stop())] == [
        ("Create", "put"),
        ("Update", "put"),
        ("Delete", "deleted"),
    ]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_in_the_middle_is_made_good_by_the_retry(aws: Aws, when: str) -> None:
    """The process is killed just before or after its change: the retry finds what there is, and responds once."""
    function = aws.start()
    victims: list[int] = []

    def kill(operation: str, _: object) -> Any:
        if operation != "PutProjectPolicy" or victims:
            return None
        assert function.container is not None
        victims.append(function.container.pid)
        os.kill(victims[0], signal.SIGKILL)
        return DROP

    setattr(aws.rekognition.faults, when, kill)
    attempts = function.invoke(aws.request("Create"))
    printed = function.stop()
    assert [attempt.outcome.kind for attempt in attempts] == ["crash", "success"], printed
    assert attempts[0].pid == victims[0]
    (response,) = aws.cloudformation.responses
    (policy,) = aws.live
    assert (response["Status"], response["Data"]["PolicyRevisionId"]) == ("SUCCESS", policy.revision)
    assert is_document(policy.document, MINE)
    assert len(log_lines(printed)) == 1  # the process that was killed had no time to


def test_a_call_that_hangs_ends_at_the_functions_own_deadline(aws: Aws) -> None:
    """If every PutProjectPolicy hangs, one FAILED with the reason arrives long before Lambda's timeout."""
    function, over = aws.start(timeout=8, **QUICK), threading.Event()
    aws.rekognition.faults.before = lambda called, _: DROP if called == "PutProjectPolicy" and over.wait(60) else None
    (attempt,) = function.invoke(aws.request("Create"))
    over.set()
    assert attempt.outcome.kind == "success", function.stop()
    assert attempt.took < 8 - 4 + 0.5  # RESPONSE_RESERVE is left
    (response,) = aws.cloudformation.responses
    assert response["Status"] == "FAILED"
    assert re.search("PutProjectPolicy got no response|no time was left for PutProjectPolicy", response["Reason"])
    assert response["PhysicalResourceId"] == f"{aws.project}|sharing"  # it may be there


def test_nothing_printed_holds_the_signed_url(aws: Aws) -> None:
    """Not in success, nor rejection, nor if the response is lost, nor of an event that lacks something."""
    function, outcomes = aws.start(timeout=9, retries=(), **QUICK), []
    meets: dict[str, list[int | None]] = {"good": [None, 500], "not a name": [], "lost": [503] * 99}
    for name, aws.cloudformation.meets in meets.items():
        outcomes += [attempt.outcome for attempt in function.invoke(aws.request("Create", name=name))]
    function.invoke({name: value for name, value in aws.request("Create").items() if name != "StackId"})
    printed = function.stop()
    assert "ResponseLostError" in outcomes[2].told
    for expected in ('"did": "put"', "PolicyName", "retrying", "ResponseLostError", "HTTP status 503", "lacks StackId"):
        assert expected in printed
    for secret in ("X-Amz-", SIGNATURE, "https://localhost"):
        assert secret not in printed
    assert [line["policy"] for line in log_lines(printed)] == ["good", "", "lost"]


def test_a_frozen_process_does_not_send_a_late_response(aws: Aws) -> None:
    """Crhelper's timer of one event must not go off in the next one, which runs at the time it was set to."""
    function = aws.start(timeout=2, **PATIENT)
    (first,) = function.invoke(aws.request("Create", OTHER))
    timer_of_the_first = first.began + 2 - 0.5

    def until_it_would_go_off(operation: str, parameters: Mapping[str, Any]) -> None:
        time.sleep(max(0.0, timer_of_the_first + 0.2 - time.monotonic()))

    time.sleep(max(0.0, first.began + 1 - time.monotonic()))
    aws.rekognition.faults.before = until_it_would_go_off
    (second,) = function.invoke(aws.request("Update"))
    assert second.pid == first.pid
    assert [response["Status"] for response in aws.cloudformation.responses] == ["SUCCESS", "SUCCESS"]
