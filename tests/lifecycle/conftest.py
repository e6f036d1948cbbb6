"""What every lifecycle test holds: nothing that a function logs has the signed URL in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _no_log_line_has_the_signed_url(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    for secret in ("X-Amz", "5ec2e7", "https://responses"):
        assert secret not in caplog.text
