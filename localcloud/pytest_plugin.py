"""Fixtures for any folder of tests: import them in its conftest.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.cloud import LocalCloud
from localcloud.rekognition import LocalRekognition


@pytest.fixture(scope="session")
def local_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """Run a whole local cloud for the session, with its state in a folder of its own."""
    with LocalCloud(tmp_path_factory.mktemp("localcloud")) as cloud:
        yield cloud


@pytest.fixture
def rekognition() -> Iterator[LocalRekognition]:
    """Run Rekognition's projects and policies in this process, empty for each test."""
    with LocalRekognition() as service:
        yield service
