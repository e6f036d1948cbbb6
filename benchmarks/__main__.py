"""The command line: measures everything, and writes docs/performance.md and its charts."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import time
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from benchmarks.end_states import judge_end_states
from benchmarks.endpoints import CloudFormation
from benchmarks.functions import make_functions
from benchmarks.many_at_once import REQUESTS, measure_burst
from benchmarks.report import Results, charts, goals, report
from benchmarks.samples import HERE, ROOT
from benchmarks.speed import measure_speed
from benchmarks.synthesis import measure_synthesis
from localcloud.rekognition import LocalRekognition, Switches

RUNS = 15
"""Enough for medians whose goals are a few percent away."""


def main() -> None:
    """Measure, write the page, and print the goals."""
    parser = argparse.ArgumentParser(prog="./scripts/bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help=f"how often to measure, from 2 on (default: {RUNS})")
    runs = parser.parse_args().runs
    if runs < 2:
        parser.error("quartiles need two runs")
    results = measure(runs)
    folder = ROOT / ("docs" if runs >= RUNS else "build")
    for name, text in {"performance.md": report(results), **charts(results)}.items():
        (folder / name).write_text(text, encoding="utf-8")
    print(f"\nWrote performance.md and its charts in {folder.relative_to(ROOT)}:\n")
    for goal in goals(results):
        print(f"  {'met   ' if goal.met else 'MISSED'}  {goal.what}: {goal.measured} (goal: {goal.goal})")


def measure(runs: int) -> Results:
    """Measure one part after another."""
    began, facts = time.monotonic(), machine()
    switches = Switches(projects_per_account=1000)
    with LocalRekognition(switches) as rekognition, closing(CloudFormation()) as cloudformation:
        step("Packaging the functions")
        functions = make_functions(rekognition.endpoint_url, cloudformation)
        step("Measuring one event, cold and warm")
        speed = measure_speed(functions, rekognition, cloudformation, 3 * runs)
        step("Measuring synthesis")
        synthesis = measure_synthesis(runs)
        step(f"Measuring {REQUESTS} Creates at once")
        bursts = {function.title: measure_burst(function, rekognition, cloudformation) for function in functions}
        step("Comparing end states")
        end_states = judge_end_states(functions, rekognition, cloudformation)
        zipped = {function.title: function.zipped for function in functions}
    facts["Took"] = f"{(time.monotonic() - began) / 60:.0f} minutes"
    return Results(facts, zipped, speed, synthesis, bursts, end_states)


def machine() -> dict[str, str]:
    """Return what the run is measured on and with."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    processor = models[0].partition(":")[2].strip() if models else platform.machine()
    node = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    pinned = json.loads((HERE / "package.json").read_text())["dependencies"]
    return {
        "Date": time.strftime("%Y-%m-%d"),
        "Processor": f"{os.cpu_count()} cores, {processor}",
        "Load average when it began": f"{os.getloadavg()[0]:.1f}",
        "Python": platform.python_version(),
        "Node.js": node.removeprefix("v"),
        **{package: version(package) for package in ("aws-cdk-lib", "boto3", "crhelper")},
        "@aws-sdk/client-rekognition": pinned["@aws-sdk/client-rekognition"],
    }


def step(title: str) -> None:
    """Print what is measured next."""
    print(f"==> {title}", flush=True)


if __name__ == "__main__":
    main()
