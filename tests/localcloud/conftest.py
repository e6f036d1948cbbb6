"""Fixtures of the local cloud's own tests."""

from __future__ import annotations

import re

import pytest


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Return a name of the test's own, for projects and roles."""
    return re.sub("[^a-zA-Z0-9]+", "-", request.node.name)[5:60]
