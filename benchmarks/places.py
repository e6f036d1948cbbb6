"""Where things are, and who is asked for what."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "benchmarks"
WORK = ROOT / "build" / "benchmarks"
"""What is made on the way: assets, packages of npm, results."""

ACCOUNT, REGION = "123456789012", "us-east-1"
