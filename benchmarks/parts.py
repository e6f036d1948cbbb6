"""Where a cold start goes: how long processes take that import only a part of what the function does."""

# ruff: noqa: S603 - the commands are this project's own

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping

from benchmarks.functions import OURS, World
from benchmarks.rotation import rotated
from benchmarks.summary import Summary

_BOTOCORE = "import botocore.session"
PARTS = {
    "Python alone": "",
    "`import botocore.session`": _BOTOCORE,
    "the same, and a client of Rekognition": f"{_BOTOCORE}; {_BOTOCORE[7:]}.get_session().create_client('rekognition')",
    "`import boto3`": "import boto3",
    "`import boto3` and a client of Rekognition": "import boto3; boto3.client('rekognition')",
    "a TLS context with all authorities": "import ssl; ssl.create_default_context()",
    "this project's whole function": "import index",
    "crhelper's README's whole function": "import index",
}
HELPER_PART = "crhelper's README's whole function"
MILLISECONDS = 1000


def measure_parts(world: World, runs: int) -> Mapping[str, Summary]:
    """Run each part as many times, in turn, after one time that does not count; milliseconds of whole processes."""
    took: dict[str, list[float]] = {part: [] for part in PARTS}
    environment = world.python_environment(OURS.key)
    for run in range(runs + 1):
        for part in rotated(list(PARTS), run):
            root = world.assets.helper if part == HELPER_PART else world.assets.ours
            began = time.monotonic()
            subprocess.run([sys.executable, "-S", "-c", PARTS[part]], cwd=root, env=environment, check=True)
            if run:
                took[part].append((time.monotonic() - began) * MILLISECONDS)
    return {part: Summary.of(values) for part, values in took.items()}
