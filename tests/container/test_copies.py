"""Copies under Lambda's own runtime client: runs that hand over, are killed, and are delivered again."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from custom_resource import timeouts
from localcloud.rekognition import LocalRekognition, Switches
from localcloud.rekognition.models import Version
from project_version_copy.properties import RESOURCE_TYPE
from tests.container.container import FUNCTION_ARN
from tests.container.lambda_service import Invocation, LambdaService
from tests.container.requests_and_responses import CloudFormation
from tests.documents import ACCOUNT, REGION
from tests.lambda_endpoint import LambdaEndpoint
from tests.simulator.versions import Projects, SharedWith


class Copies:
    """The function, which is invoked by CloudFormation and by itself."""

    def __init__(self, function: LambdaService, endpoint: LambdaEndpoint, rekognition: LocalRekognition) -> None:
        self.function = function
        self.endpoint = endpoint
        self.rekognition = rekognition
        self.projects = Projects(rekognition.store, account=ACCOUNT, source_account="444455556666")
        self.runs: list[Invocation] = []
        self._thread = threading.Thread(target=self._go_on)
        self._thread.start()

    def invoke(self, event: dict[str, Any]) -> None:
        """Queue a request."""
        self.runs.append(self.function.invoke(event))

    def stop(self) -> None:
        """Take what is invoked no longer."""
        self.endpoint.invoked.put(("", ""))
        self._thread.join()

    @property
    def operations(self) -> list[str]:
        """The calls of Rekognition so far."""
        return [operation for operation, _ in self.rekognition.calls]

    @property
    def live(self) -> list[Version]:
        """The copies that there are."""
        (project,) = self.rekognition.store.projects(ACCOUNT, REGION)
        return [version for version, _ in self.rekognition.store.versions(project)]

    def _go_on(self) -> None:
        """Queue what the function invokes itself with."""
        while True:
            invoked, payload = self.endpoint.invoked.get()
            if not invoked:
                return
            assert invoked == FUNCTION_ARN
            self.runs.append(self.function.invoke(json.loads(payload)))


@pytest.fixture
def copies(copies_asset: Path, runtime: Path, cloudformation: CloudFormation, tmp_path: Path) -> Iterator[Copies]:
    """A function whose runs last half a second, in a service where copying ends when the test says so."""
    switches = Switches(copying_time=timeouts.WAITING_SERVICE_TIMEOUT)
    with (
        LambdaEndpoint() as endpoint,
        LocalRekognition(switches, authorizer=SharedWith()) as rekognition,
        LambdaService(
            copies_asset,
            runtime,
            {
                "AWS_ENDPOINT_URL_REKOGNITION": rekognition.endpoint_url,
                "AWS_ENDPOINT_URL_LAMBDA": endpoint.url,
                "SSL_CERT_FILE": str(cloudformation.trust(tmp_path)),
                "COPY_RUN_SECONDS": "0.5",
                "COPY_POLL_SECONDS": "0.1",
            },
            timeout=timeouts.WAITING_FUNCTION_TIMEOUT,
            maximum_event_age=timeouts.WAITING_MAXIMUM_EVENT_AGE,
            handler="copies.handler",
        ) as function,
    ):
        copies = Copies(function, endpoint, rekognition)
        yield copies
        copies.stop()
    for secret in ("X-Amz-", cloudformation.signature, "https://localhost"):
        assert secret not in function.printed


def when(happened: Any, seconds: float = 60) -> None:
    """Wait until something has happened behind an HTTP server, which tells nobody."""
    ends = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < ends
        threading.Event().wait(0.02)


def request(cloudformation: CloudFormation, copies: Copies) -> dict[str, Any]:
    """Return the request for a new copy."""
    event = cloudformation.create("", "copy", "")
    event |= {"ResourceType": RESOURCE_TYPE, "ResourceProperties": copies.projects.properties()}
    return event


def test_runs_hand_over_until_the_copy_is_finished(cloudformation: CloudFormation, copies: Copies) -> None:
    """Each run succeeds, the last one responds, and a call that is denied at first is retried."""
    event = request(cloudformation, copies)
    copies.endpoint.denied = 1
    copies.invoke(event)
    when(lambda: len(copies.runs) >= 3)
    copies.rekognition.switches.copying_time = 0
    assert cloudformation.response_to(event)["Status"] == "SUCCESS"
    assert [each.wait()[-1].outcome.kind for each in copies.runs] == ["success"] * len(copies.runs)
    assert copies.operations.count("CopyProjectVersion") == 1
    assert len(cloudformation.responses_to(event)) == 1


def test_a_run_that_is_killed_is_delivered_again(cloudformation: CloudFormation, copies: Copies) -> None:
    """It finds the copy that the killed one has begun, and goes on with it."""
    killed = threading.Event()

    def kill(operation: str, _: object) -> None:
        if operation == "CopyProjectVersion" and not killed.is_set():
            killed.set()
            os.kill(copies.function.pid_of(event), signal.SIGKILL)

    event = request(cloudformation, copies)
    copies.rekognition.faults.after = kill
    copies.invoke(event)
    when(lambda: len(copies.runs) >= 2)
    copies.rekognition.switches.copying_time = 0
    response = cloudformation.response_to(event)
    assert response["Status"] == "SUCCESS"
    assert copies.runs[0].wait()[0].outcome.kind == "crash"
    assert copies.operations.count("CopyProjectVersion") == 1


def test_a_create_that_is_canceled_leaves_nothing(cloudformation: CloudFormation, copies: Copies) -> None:
    """Its Delete comes while it still runs, finds the copy that it has begun, and deletes it as soon as it can be.

    The Delete then looks for as long as the Create could be delivered again, which takes minutes: see the simulator.
    """
    event = request(cloudformation, copies)
    copies.invoke(event)
    when(lambda: "CopyProjectVersion" in copies.operations)
    copies.invoke(cloudformation.delete(event, physical_id="stack-Copy-1S2UK7MGD5ZK9"))
    when(lambda: "DeleteProjectVersion" in copies.operations)
    assert len(copies.live) == 1  # a copy in progress can't be deleted
    copies.rekognition.switches.copying_time = 0
    assert copies.function.lines_with('"did": "deleted"', 1)
    assert cloudformation.response_to(event)  # whatever it is, CloudFormation no longer looks at it
    assert copies.live == []
    assert copies.operations.count("CopyProjectVersion") == 1
