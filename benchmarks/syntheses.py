"""How long the CDK takes to synthesize an app, as a whole process, and how many resources come out."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.assets import synthesize, template_of
from benchmarks.places import WORK
from benchmarks.rotation import rotated
from benchmarks.summary import Summary

ONE, FEW, MANY = (1, 1), (100, 20), (450, 90)
"""Policies and projects."""

APPS = {
    "empty": ("empty", 0, 0),
    "bare": ("bare", *FEW),
    "ours": ("ours", *FEW),
    "granting": ("granting", *FEW),
    "aws_custom_resource": ("aws_custom_resource", *FEW),
    "provider": ("provider", *FEW),
    "bare_one": ("bare", *ONE),
    "ours_one": ("ours", *ONE),
    "ours_many": ("ours", *MANY),
    "bare_many": ("bare", *MANY),
}


@dataclass(frozen=True)
class Synthesis:
    """What was measured of one app."""

    seconds: Summary
    resources: int


def measure_syntheses(runs: int) -> Mapping[str, Synthesis]:
    """Synthesize each app as many times, in turn, after one time that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in APPS}
    resources = {}
    for run in range(runs + 1):
        for name in rotated(list(APPS), run):
            out = WORK / "synthesized" / name
            shutil.rmtree(out, ignore_errors=True)
            began = time.monotonic()
            synthesize(*APPS[name], out)
            if run:
                seconds[name].append(time.monotonic() - began)
            resources[name] = len(template_of(out).get("Resources", {}))
    return {name: Synthesis(Summary.of(seconds[name]), resources[name]) for name in APPS}
