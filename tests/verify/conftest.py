"""An account of a pretend AWS for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.rekognition import LocalRekognition
from tests.endpoint import Endpoint
from tests.verify.pretend import Account, account
from tests.verify.process import Process, sts


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Account]:
    """An account with a model version."""
    with account(tmp_path) as made:
        yield made


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """The command as a process."""
    identity = Endpoint(sts)
    with LocalRekognition() as service:
        yield Process(service, tmp_path, identity)
    identity.close()
