"""Fixtures of the container's tests: functions to invoke, CloudFormation's end, and a project."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from localcloud.rekognition import LocalRekognition
from tests.container.asset import stage, stage_runtime
from tests.container.cloudformation import CloudFormation
from tests.container.container import Container, python_command
from tests.container.lambda_service import LambdaService

TIMES: dict[str, dict[str, float]] = {
    "deployed": {},
    # Times for tests that have to see one pass: with 8 s to run, the function's own deadline comes after 2 s.
    "quick": {"CONNECT_TIMEOUT": 1, "READ_TIMEOUT": 1, "RESPONSE_TIMEOUT": 1, "RESPONSE_RESERVE": 4},
    # For tests of crhelper's timer: the function's own deadline, which comes first otherwise, is at its very end.
    "patient": {"RESPONSE_RESERVE": 0, "CALL_RESERVE": 0},
}

Start = Callable[..., LambdaService]
"""Starts a function with the times of a name; the rest are options of LambdaService."""


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with awslambdaric and boto3, as Lambda's runtime has them."""
    return stage_runtime(tmp_path_factory.mktemp("runtime"))


@pytest.fixture(scope="session")
def asset(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the asset with the times of a name, staged once."""
    return cache(lambda times: stage(tmp_path_factory.mktemp(times), **TIMES[times]))


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    """CloudFormation's requests, and its end of their ResponseURLs."""
    with CloudFormation() as cloudformation:
        yield cloudformation


@pytest.fixture
def environment(runtime: Path, cloudformation: CloudFormation, tmp_path: Path) -> dict[str, str]:
    """What a function finds its runtime and CloudFormation by."""
    cloudformation.authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    return {"PYTHONPATH": str(runtime), "SSL_CERT_FILE": str(tmp_path / "authority.pem")}


@pytest.fixture
def start(asset: Callable[[str], Path], environment: dict[str, str], rekognition: LocalRekognition) -> Iterator[Start]:
    """Start functions for the test."""
    variables = {**environment, "AWS_ENDPOINT_URL_REKOGNITION": rekognition.endpoint_url}
    with ExitStack() as running:

        def start_one(times: str = "deployed", timeout: float = 480, maximum_event_age: float = 360) -> LambdaService:
            return running.enter_context(
                LambdaService(
                    lambda printed: Container(python_command("index.handler"), asset(times), variables, printed),
                    timeout,
                    maximum_event_age,
                )
            )

        yield start_one
