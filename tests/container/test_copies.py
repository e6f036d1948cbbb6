"""Copies under Lambda's own runtime client: runs that hand over, are killed, and are delivered again."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from localcloud.rekognition import Decision, LocalRekognition, RootKeys, Switches
from tests.container.cloudformation import CloudFormation
from tests.container.container import FUNCTION_ARN, Container, python_command
from tests.container.endpoint import Endpoint, Reply, Request
from tests.container.lambda_service import Invocation, LambdaService
from tests.documents import ACCOUNT, REGION

SOURCE_ACCOUNT = "444455556666"


class Allowed(RootKeys):
    """Every call is allowed: the source project has the policy that it takes."""

    def decide(self, *_: object) -> Decision:
        """Allow it."""
        return Decision(allowed=True)


class Copies:
    """The function, whose runs last half a second, in a service where copying ends when the test says so."""

    def __init__(
        self, cloudformation: CloudFormation, asset: Path, environment: dict[str, str], over: ExitStack
    ) -> None:
        self.denied = 0
        """How many of the function's next invocations of itself are denied."""
        self.runs: list[Invocation] = []
        self.run_again = threading.Semaphore(0)
        """Released by each run after the first."""
        self.rekognition = over.enter_context(LocalRekognition(Switches(copying_time=3600), authorizer=Allowed()))
        endpoint = Endpoint(self._invoke)
        over.callback(endpoint.close)
        variables = {
            **environment,
            "AWS_ENDPOINT_URL_REKOGNITION": self.rekognition.endpoint_url,
            "AWS_ENDPOINT_URL_LAMBDA": endpoint.url,
            "COPY_RUN_SECONDS": "0.5",
            "COPY_POLL_SECONDS": "0.1",
        }
        start = lambda printed: Container(python_command("copies.handler"), asset, variables, printed)  # noqa: E731
        self.function = over.enter_context(LambdaService(start, timeout=720))
        store, output = self.rekognition.store, {"S3Bucket": "results"}
        source = str(store.create_project(SOURCE_ACCOUNT, REGION, "logos").arn)
        properties = {
            "ServiceTimeout": "3600",
            "SourceProjectArn": source,
            "SourceProjectVersionArn": str(store.create_version(SOURCE_ACCOUNT, REGION, source, "v1", output).arn),
            "DestinationProjectArn": str(store.create_project(ACCOUNT, REGION, "copies").arn),
            "OutputConfig": output,
        }
        resource_type = "Custom::RekognitionProjectVersionCopy"
        self.event = cloudformation.request("Create", properties, resource_type=resource_type)

    def _invoke(self, request: Request) -> Reply:
        """Act as Lambda's Invoke."""
        assert unquote(request.path.split("/")[3]) == FUNCTION_ARN
        assert request.headers["X-Amz-Invocation-Type"] == "Event"
        if self.denied:
            self.denied -= 1
            return Reply(403, b'{"Message": "no"}', {"x-amzn-ErrorType": "AccessDeniedException"})
        self.runs.append(self.function.invoke(json.loads(request.body)))
        self.run_again.release()
        return Reply(202, b"{}")

    def create(self) -> None:
        """Deliver the request for a new copy."""
        self.runs.append(self.function.invoke(self.event))

    def finish(self, after_runs: int) -> None:
        """Let the copy finish once the function has invoked itself so often."""
        assert all(self.run_again.acquire(timeout=60) for _ in range(after_runs)), self.function.printed
        self.rekognition.switches.copying_time = 0


@pytest.fixture
def copies(cloudformation: CloudFormation, environment: dict[str, str], asset: Callable[..., Path]) -> Iterator[Copies]:
    """A function that copies; what it printed holds no signed URL, though it hands the URL over to itself."""
    with ExitStack() as over:
        copies = Copies(cloudformation, asset("deployed", "project_version_copy"), environment, over)
        yield copies
    for secret in ("X-Amz-", cloudformation.signature, "https://localhost"):
        assert secret not in copies.function.printed


def check(copies: Copies, cloudformation: CloudFormation, *first_run: str) -> None:
    """One copy was made and one response sent; the first run ended so, and all others well."""
    assert cloudformation.response_to(copies.event).body["Status"] == "SUCCESS"
    outcomes: list[Any] = [[attempt.outcome.kind for attempt in run.wait()] for run in copies.runs]
    assert outcomes == [[*first_run], *[["success"]] * (len(copies.runs) - 1)]
    operations = [operation for operation, _ in copies.rekognition.calls]
    assert operations.count("CopyProjectVersion") == 1
    assert len(cloudformation.responses_to(copies.event)) == 1


def test_runs_hand_over_until_the_copy_is_finished(cloudformation: CloudFormation, copies: Copies) -> None:
    """Each run succeeds, the last one responds, and a call that is denied at first is retried."""
    copies.denied = 1
    copies.create()
    copies.finish(after_runs=2)
    check(copies, cloudformation, "success")


def test_a_run_that_is_killed_is_delivered_again(cloudformation: CloudFormation, copies: Copies) -> None:
    """It finds the copy that the killed one has begun, and goes on with it."""
    killed = threading.Event()

    def kill(operation: str, _: object) -> None:
        if operation == "CopyProjectVersion" and not killed.is_set():
            killed.set()
            os.kill(copies.function.pid_of(copies.event), signal.SIGKILL)

    copies.rekognition.faults.after = kill
    copies.create()
    copies.finish(after_runs=1)
    check(copies, cloudformation, "crash", "success")
