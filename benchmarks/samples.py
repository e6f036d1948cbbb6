"""The account, projects and policies that everything is measured with, and where the work is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "benchmarks"
WORK = ROOT / "build" / "benchmarks"

ACCOUNT, REGION = "123456789012", "us-east-1"


def project_arn(number: int) -> str:
    """Return the ARN of a project."""
    return f"arn:aws:rekognition:{REGION}:{ACCOUNT}:project/logos-{number}/{1690474772815 + number}"


def trusted_account(number: int) -> str:
    """Return the account that a document allows to copy."""
    return f"{111122220000 + number}"


def document(number: int) -> dict[str, Any]:
    """Return a policy document, a different one for each number."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": trusted_account(number)},
        "Action": "rekognition:CopyProjectVersion",
        "Resource": "*",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
