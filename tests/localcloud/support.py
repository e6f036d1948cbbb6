"""What several of these tests need: documents, rejections, a clock that tests move, stacks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError


def statement(**changes: Any) -> dict[str, Any]:
    """Return a statement that is in order, but for the changes; None takes an element away."""
    whole = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": "rekognition:CopyProjectVersion",
        "Resource": "*",
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def document(*statements: dict[str, Any]) -> str:
    """Return the text of a document with these statements, or with one that is in order."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements) or [statement()]})


class Rejected:
    """How a call was rejected."""

    code = ""
    message = ""
    status = 0


@contextmanager
def rejected(code: str) -> Iterator[Rejected]:
    """Expect a call to be rejected with this code, and tell how it was."""
    told = Rejected()
    with pytest.raises(ClientError) as caught:
        yield told
    response = caught.value.response
    told.code, told.message = response["Error"]["Code"], response["Error"]["Message"]
    told.status = response["ResponseMetadata"]["HTTPStatusCode"]
    assert told.code == code, told.message


class VirtualClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
