"""Where a cold start goes: how long processes take that import only a part of what the function does."""

from __future__ import annotations

import subprocess
import sys
import time

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


class Parts:
    """The times of the parts so far."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._environment = world.python_environment(OURS.key)
        self._took: dict[str, list[float]] = {part: [] for part in PARTS}

    def measure(self, run: int) -> None:
        """Run each part once, in turn; the first run does not count."""
        for part in rotated(list(PARTS), run):
            root = self._world.assets.helper if part == HELPER_PART else self._world.assets.ours
            # Without the interpreter's tidying up, which no function waits for.
            code = f"{PARTS[part]}\nimport os; os._exit(0)"
            began = time.monotonic()
            subprocess.run([sys.executable, "-S", "-c", code], cwd=root, env=self._environment, check=True)
            if run:
                self._took[part].append((time.monotonic() - began) * MILLISECONDS)

    def summaries(self) -> dict[str, Summary]:
        """Return the milliseconds of whole processes, by part."""
        return {part: Summary.of(took) for part, took in self._took.items()}
