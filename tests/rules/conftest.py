"""Fixtures of the rules' tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from custom_resource import response
from tests.response_endpoint import ResponseEndpoint
from tests.rules.support import VirtualTime


@pytest.fixture
def virtual_time() -> VirtualTime:
    """A clock that moves only when somebody sleeps."""
    return VirtualTime()


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
