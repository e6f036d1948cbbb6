"""Fixtures of the local cloud's own tests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from localcloud.rekognition import LocalRekognition
from tests.localcloud.support import VirtualClock

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient


@pytest.fixture
def client(rekognition: LocalRekognition) -> RekognitionClient:
    """Return a client of the service in this process, as the root of an account."""
    return rekognition.client()


@pytest.fixture
def project(client: RekognitionClient) -> str:
    """Make a project and return its ARN."""
    return client.create_project(ProjectName="demo")["ProjectArn"]


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Return a name of the test's own, for projects and roles."""
    return re.sub("[^a-zA-Z0-9]+", "-", request.node.name)[5:60]


@pytest.fixture
def clock() -> VirtualClock:
    """Return a clock that only moves when a test moves it."""
    return VirtualClock()
