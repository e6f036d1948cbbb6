"""Fixtures of the rules' tests."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

from custom_resource import response
from tests.endpoint import ResponseEndpoint
from tests.rules.support import VirtualTime, authority


@pytest.fixture
def virtual_time() -> VirtualTime:
    """A clock that moves only when somebody sleeps."""
    return VirtualTime()


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[ResponseEndpoint]:
    """A response endpoint that the handler trusts."""
    trusting = ssl.create_default_context()
    authority().configure_trust(trusting)
    monkeypatch.setattr(response, "_TLS", trusting)
    endpoint = ResponseEndpoint(authority())
    yield endpoint
    endpoint.over.set()
    endpoint.close()
