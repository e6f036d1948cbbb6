"""Policy documents that several folders share, and whether a live one has the content that a test has put."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

ACCOUNT, REGION = "123456789012", "us-east-1"


def document(*accounts: str, effect: str = "Allow", project: str = "") -> dict[str, Any]:
    """Return a document with a statement for each account, about all versions of a project (default: of its own)."""
    versions = f"arn:aws:rekognition:{REGION}:{ACCOUNT}:project/{project}/version/*"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": effect,
                "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                "Action": "rekognition:CopyProjectVersion",
                "Resource": versions if project else "*",
            }
            for account in accounts
        ],
    }


MINE, OTHER, THIRD, FOREIGN = (
    document(account) for account in ("111122223333", "444455556666", "777788889999", "999988887777")
)


def is_document(live: str | None, wanted: Mapping[str, Any] | None) -> bool:
    """Return whether a live document is exactly the wanted one, white space aside; None stands for no policy.

    Deliberately not the handler's own comparison: what the handler and the tests put is never written in another form.
    """
    return wanted is None if live is None else json.loads(live) == wanted
