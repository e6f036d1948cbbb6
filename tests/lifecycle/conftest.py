"""What every lifecycle test holds: nothing that a function logs has the signed URL in it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _no_log_line_has_the_signed_url(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Crhelper sets the root logger's level, and others', for the whole process; that ends with the test."""
    levels = {name: logging.getLogger(name).level for name in (None, "boto", "boto3", "botocore", "urllib3")}
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    for secret in ("X-Amz", "5ec2e7", "https://responses"):
        assert secret not in caplog.text
