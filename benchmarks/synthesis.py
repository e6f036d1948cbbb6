"""How much processor time the CDK takes to synthesize a stack, as a whole process with its Node.js."""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.samples import ROOT, WORK

Stack = tuple[str, int]
"""A kind of apps.py, and the number of its policies."""


def measure_synthesis(runs: int) -> dict[Stack, float]:
    """Return the median of the processor seconds of each stack; the first turn doesn't count."""
    seconds = defaultdict(list)
    for run in range(runs + 1):
        for stack in (("ours", 1), ("bare", 1), ("ours", 100), ("bare", 100)):
            before = processor_seconds()
            synthesize(*stack, WORK / "synthesized")
            if run:
                seconds[stack].append(processor_seconds() - before)
    return {stack: statistics.median(each) for stack, each in seconds.items()}


def processor_seconds() -> float:
    """Return what all processes that have ended took."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def synthesize(kind: str, policies: int, out: Path) -> Path:
    """Synthesize a stack of apps.py into a folder; return the folder."""
    environment = {
        **os.environ,
        "CDK_OUTDIR": str(out),
        "CDK_VALIDATION": "false",
        # As on a user's machine, what was imported once is compiled, wherever it is installed.
        "PYTHONPYCACHEPREFIX": str(WORK / "compiled"),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "benchmarks.apps", kind, str(policies)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    return out


def template_of(out: Path) -> dict[str, Any]:
    """Return the template in a folder."""
    (path,) = out.glob("*.template.json")
    template: dict[str, Any] = json.loads(path.read_text())
    return template
