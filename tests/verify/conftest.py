"""An account of a pretend AWS for each test."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.rekognition import Switches
from tests.rules.support import VirtualTime
from tests.verify.pretend import Account, PretendAws


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Account]:
    """An account with a model version."""
    time = VirtualTime()
    # A suite that runs in the background may ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with PretendAws(Switches(calls_per_second=5), time) as service:
        yield Account(service, time, tmp_path)
    signal.signal(signal.SIGINT, before)
