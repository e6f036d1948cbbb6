"""The policies that everything is measured with, and where the work is done."""

from __future__ import annotations

from pathlib import Path

from tests.documents import ACCOUNT, REGION

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "benchmarks"
WORK = ROOT / "build" / "benchmarks"


def project_arn(number: int) -> str:
    """Return the ARN of a project."""
    return f"arn:aws:rekognition:{REGION}:{ACCOUNT}:project/logos-{number}/{1690474772815 + number}"


def trusted_account(number: int) -> str:
    """Return the account that a policy allows to copy."""
    return f"{111122220000 + number}"
