"""The policies that everything is measured with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.places import ACCOUNT, REGION


def project_arn(number: int) -> str:
    """Return the ARN of a project."""
    return f"arn:aws:rekognition:{REGION}:{ACCOUNT}:project/logos-{number}/{1690474772815 + number}"


def document(number: int) -> dict[str, Any]:
    """Return a policy's document, no two alike."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": account(number)},
                "Action": "rekognition:CopyProjectVersion",
                "Resource": "*",
            }
        ],
    }


def account(number: int) -> str:
    """Return the account that a document lets in."""
    return f"{111122220000 + number}"


def policies(count: int, arns: Sequence[str]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Return each policy: a construct's id, the project's ARN, the policy's name and its document."""
    for number in range(count):
        yield f"Policy{number}", arns[number % len(arns)], f"sharing-{number}", document(number)
