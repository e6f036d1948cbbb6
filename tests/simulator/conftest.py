"""A simulated cloud for the lifecycle's tests."""

from __future__ import annotations

import pytest

from tests.simulator.cloud import Cloud


@pytest.fixture
def cloud() -> Cloud:
    """CloudFormation, the real handler and Rekognition, on virtual time."""
    return Cloud()
