"""How long the CDK takes to synthesize a stack, as a whole process, and how many resources the stack has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.samples import ROOT, WORK
from benchmarks.summary import Summary, in_turn

STACKS = {
    "an empty stack": ("empty", 0, 0),
    "a bare function with bare custom resources, 100 policies": ("bare", 100, 20),
    "this project, whole documents, 100 policies": ("ours", 100, 20),
    "this project, `grant_copy`, 100 policies": ("granting", 100, 20),
    "`Provider`, 100 policies": ("provider", 100, 20),
    "`AwsCustomResource`, 100 policies": ("aws_custom_resource", 100, 20),
    "this project, whole documents, 1 policy": ("ours", 1, 1),
    "this project, whole documents, 450 policies": ("ours", 450, 90),
}
"""A function of apps.py, the number of policies, and that of their projects."""


@dataclass(frozen=True)
class Synthesis:
    """The measurements of one stack."""

    seconds: Summary
    resources: int


def measure_synthesis(runs: int) -> Mapping[tuple[str, int], Synthesis]:
    """Synthesize each stack once unmeasured, then as often as ``runs`` says, in turn."""
    seconds: dict[str, list[float]] = {title: [] for title in STACKS}
    resources = {}
    for run in range(runs + 1):
        for title in in_turn(list(STACKS), run):
            began = time.monotonic()
            out = synthesize(*STACKS[title], WORK / "synthesized")
            if run:
                seconds[title].append(time.monotonic() - began)
            resources[title] = len(template_of(out).get("Resources", {}))
    return {STACKS[title][:2]: Synthesis(Summary.of(seconds[title]), resources[title]) for title in STACKS}


def synthesize(kind: str, policies: int, projects: int, out: Path) -> Path:
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
    command = [sys.executable, "-m", "benchmarks.apps", kind, str(policies), str(projects)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    return out


def template_of(out: Path) -> dict[str, Any]:
    """Return the template in a folder."""
    (path,) = out.glob("*.template.json")
    template: dict[str, Any] = json.loads(path.read_text())
    return template
