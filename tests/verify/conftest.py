"""An account of a pretend AWS for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.verify.pretend import Account, account


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Account]:
    """An account with a model version."""
    with account(tmp_path) as made:
        yield made
