"""Fixtures of the container's tests: the asset and its runtime, CloudFormation's end, and functions to invoke."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from localcloud.rekognition import LocalRekognition
from tests.container.asset import stage, stage_runtime
from tests.container.lambda_service import LambdaService, Start
from tests.container.requests_and_responses import CloudFormation
from tests.documents import ACCOUNT, REGION

QUICK = {
    "CONNECT_TIMEOUT": 1,
    "READ_TIMEOUT": 1,
    "RESPONSE_TIMEOUT": 1,
    "RESPONSE_RESERVE": 4,
}
"""Times for tests that have to see one pass: with 8 s to run, the function's own deadline comes after 2 s."""

PATIENT = {"RESPONSE_RESERVE": 0, "CALL_RESERVE": 0}
"""Times for tests of crhelper's timer: the function's own deadline, which comes first otherwise, is at its very end."""


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with awslambdaric and boto3, as Lambda's runtime has them."""
    return stage_runtime(tmp_path_factory.mktemp("runtime"))


@pytest.fixture(scope="session")
def asset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The asset, as it is deployed."""
    return stage(tmp_path_factory.mktemp("asset"))


@pytest.fixture(scope="session")
def copies_asset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The asset of the function that copies, as it is deployed."""
    return stage(tmp_path_factory.mktemp("copies_asset"), "project_version_copy")


@pytest.fixture(scope="session")
def quick_asset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The asset with shorter timeouts, all else the same."""
    return stage(tmp_path_factory.mktemp("quick_asset"), **QUICK)


@pytest.fixture(scope="session")
def patient_asset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The asset without a deadline of its own, all else the same."""
    return stage(tmp_path_factory.mktemp("patient_asset"), **PATIENT)


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    """CloudFormation's requests, and its end of their ResponseURLs."""
    endpoint = CloudFormation()
    with endpoint:
        yield endpoint


@pytest.fixture
def start(
    asset: Path, runtime: Path, cloudformation: CloudFormation, rekognition: LocalRekognition, tmp_path: Path
) -> Iterator[Start]:
    """Start functions for the test; at its end, whatever they have printed must not hold a signed URL."""
    environment = {
        "AWS_ENDPOINT_URL_REKOGNITION": rekognition.endpoint_url,
        "SSL_CERT_FILE": str(cloudformation.trust(tmp_path)),
    }
    started: list[LambdaService] = []
    with ExitStack() as running:

        def start_one(of: Path = asset, **options: Any) -> LambdaService:
            started.append(running.enter_context(LambdaService(of, runtime, environment, **options)))
            return started[-1]

        yield start_one
    for function in started:
        for secret in ("X-Amz-", cloudformation.signature, "https://localhost"):
            assert secret not in function.printed


@pytest.fixture
def project(rekognition: LocalRekognition) -> str:
    """A project, by its ARN."""
    return str(rekognition.store.create_project(ACCOUNT, REGION, "logos").arn)
