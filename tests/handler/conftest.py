"""Fixtures of the handler's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.rekognition import LocalRekognition
from tests.handler.stage import Stage, VirtualTime


@pytest.fixture
def virtual_time() -> VirtualTime:
    """A clock that moves only when somebody sleeps."""
    return VirtualTime()


@pytest.fixture
def stage(virtual_time: VirtualTime) -> Iterator[Stage]:
    """One project in the local Rekognition, and a handler that is sent events."""
    with LocalRekognition(clock=virtual_time) as on_virtual_time:
        yield Stage(on_virtual_time, virtual_time)
