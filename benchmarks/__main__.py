"""The command line: measures everything, and writes docs/performance.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

from benchmarks.first_event import how_limited, measure_first_event
from benchmarks.functions import HELPER_WITH_RETRIES, OURS, Function, Lambda, make_functions, newest_python
from benchmarks.many_at_once import Burst, measure_burst, simulate_burst
from benchmarks.report import Results, report
from benchmarks.samples import HERE, ROOT
from benchmarks.synthesis import measure_synthesis
from tests.lifecycle.cases import Copy
from tests.lifecycle.cloud import Cloud

RUNS = 15


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(prog="./scripts/bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help=f"how often to measure times (default: {RUNS})")
    parser.add_argument("--at-once", type=int, metavar="N", help="only simulate so many Creates at once, and print it")
    given = parser.parse_args()
    if given.at_once:
        print(simulate_burst(given.at_once))
        return
    results = measure(given.runs)
    path = ROOT / ("docs" if given.runs >= RUNS else "build") / "performance.md"
    path.write_text(report(results), encoding="utf-8")
    print(f"\nWrote {path.relative_to(ROOT)}")


def measure(runs: int) -> Results:
    """Measure one part after another."""
    began, facts = time.monotonic(), machine()
    step("Packaging the functions")
    functions = make_functions()
    with Lambda() as lambda_:
        step("Measuring the first event")
        once = [function for function in functions if function.title != HELPER_WITH_RETRIES]
        first_event = measure_first_event(once, lambda_, runs)
    step("Measuring synthesis")
    synthesis = measure_synthesis(max(runs // 3, 1))
    step("Measuring many at once")
    bursts = measure_bursts(functions)
    facts["Took"] = f"{(time.monotonic() - began) / 60:.0f} minutes"
    return Results(facts, first_event, bursts, synthesis, measure_copy())


def measure_bursts(functions: list[Function]) -> list[tuple[str, Burst]]:
    """Measure a hundred Creates with each function, then this project's on virtual time."""
    with Lambda() as lambda_:
        bursts = [(function.title, measure_burst(function, lambda_, 100)) for function in functions]
    for counts, words in ((False, "virtual time"), (True, "virtual time, throttled calls count")):
        bursts += [(f"{OURS}, {words}", simulate_burst(n, throttled_calls_count=counts)) for n in (100, 450)]
    return bursts


def measure_copy(minutes: int = 30) -> dict[str, float]:
    """Return what a copy takes of Lambda and Rekognition, on virtual time."""
    cloud = Cloud(copying_time=60 * minutes)
    stack, began = cloud.stack(), cloud.world.now
    cloud.deploy(stack, {"Copy": Copy()})
    (sent,) = cloud.sent
    return {
        "copy_minutes": minutes,
        "copy_runs": len(sent.invocations),
        "copy_calls": len(sent.calls),
        "copy_seconds": cloud.world.now - began - 5,
    }


def machine() -> dict[str, str]:
    """Return what the run is measured on and with."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    processor = models[0].partition(":")[2].strip() if models else platform.machine()
    python, node = (
        subprocess.run([command, "--version"], check=True, capture_output=True, text=True).stdout.strip()
        for command in (newest_python(), "node")
    )
    pinned = json.loads((HERE / "package.json").read_text())["dependencies"]
    return {
        "Date": time.strftime("%Y-%m-%d"),
        "Processor": f"{os.cpu_count()} cores, {processor}",
        "Load average when it began": f"{os.getloadavg()[0]:.1f}",
        "Share of a processor": how_limited(),
        "Python of the functions": python.removeprefix("Python "),
        "Node.js": node.removeprefix("v"),
        **{package: version(package) for package in ("aws-cdk-lib", "boto3", "crhelper")},
        "@aws-sdk/client-rekognition": pinned["@aws-sdk/client-rekognition"],
    }


def step(title: str) -> None:
    """Print what is measured next."""
    print(f"==> {title}", flush=True)


if __name__ == "__main__":
    main()
