"""Fixtures of the container's tests: functions to invoke, CloudFormation's end, and a project."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from cdk_rekognition_project_policy._handler import write
from localcloud.rekognition import LocalRekognition
from tests.container.cloudformation import CloudFormation
from tests.container.container import Container, python_command
from tests.container.lambda_service import LambdaService

TIMES: dict[str, dict[str, float]] = {
    "deployed": {},
    # Times for tests that have to see one pass: with 8 s to run, the function's own deadline comes after 2 s.
    "quick": {"CONNECT_TIMEOUT": 1, "READ_TIMEOUT": 1, "RESPONSE_TIMEOUT": 1, "RESPONSE_RESERVE": 4},
    # For a test of crhelper's timer: the function's own deadline, which comes first otherwise, is at its very end.
    "patient": {"RESPONSE_RESERVE": 0, "CALL_RESERVE": 0},
}
"""Constants of the function's modules, so that a test need not wait."""

RUNTIME = [
    *("awslambdaric", "simplejson", "snapshot-restore-py"),
    *("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"),
]
"""What Lambda's runtime has beside a function: its client and the SDK, each with what it needs."""

Start = Callable[..., LambdaService]
"""Starts a function with the times of a name; the rest are options of LambdaService."""


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with links to awslambdaric and boto3, and nothing else: crhelper isn't Lambda's."""
    folder = tmp_path_factory.mktemp("runtime")
    for found in map(distribution, RUNTIME):
        for top in {path.parts[0] for path in found.files or ()} - {"..", "__pycache__"}:
            (folder / top).symlink_to(str(found.locate_file(top)))
    return folder


@pytest.fixture(scope="session")
def asset(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the asset as it is deployed, with the times of a name, staged once."""

    @cache
    def stage(times: str) -> Path:
        folder = tmp_path_factory.mktemp(times)
        write(folder, "project_policy")
        for name, seconds in TIMES[times].items():
            definition = re.compile(rf"^{name} = .+$", re.MULTILINE)
            (module,) = (path for path in folder.rglob("*.py") if definition.search(path.read_text()))
            module.write_text(definition.sub(f"{name} = {seconds}", module.read_text()))
        return folder

    return stage


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

        def start_one(times: str = "deployed", timeout: float = 480, **options: Any) -> LambdaService:
            start = lambda printed: Container(python_command("index.handler"), asset(times), variables, printed)  # noqa: E731
            return running.enter_context(LambdaService(start, timeout, **options))

        yield start_one
