"""Fixtures of the handler's tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from custom_resource import response
from localcloud.rekognition import LocalRekognition
from tests.handler.stage import Stage, VirtualTime
from tests.response_endpoint import ResponseEndpoint


@pytest.fixture
def virtual_time() -> VirtualTime:
    """A clock that moves only when somebody sleeps."""
    return VirtualTime()


@pytest.fixture
def stage(virtual_time: VirtualTime) -> Iterator[Stage]:
    """One project in the local Rekognition, and a handler that is sent events."""
    with LocalRekognition(clock=virtual_time) as on_virtual_time:
        yield Stage(on_virtual_time, virtual_time)


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[ResponseEndpoint]:
    """A response endpoint that the handler trusts."""
    with ResponseEndpoint() as endpoint:
        monkeypatch.setattr(response, "_TLS", endpoint.client_context())
        yield endpoint


@pytest.fixture(autouse=True)
def _loggers_as_they_were() -> Iterator[None]:
    """Crhelper sets the level of the root logger, and of others, for the whole process."""
    levels = {name: logging.getLogger(name).level for name in (None, "boto", "boto3", "botocore", "urllib3")}
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
