"""The benchmarks' command line: measures everything and writes docs/performance.md."""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks.assets import make_assets, zipped
from benchmarks.cloudformation import CloudFormation
from benchmarks.crowd import Crowd
from benchmarks.functions import FUNCTIONS, OURS, World
from benchmarks.goals import rows
from benchmarks.machine import machine
from benchmarks.parts import Parts
from benchmarks.places import ROOT
from benchmarks.report import report
from benchmarks.results import Results
from benchmarks.scale import measure_scale
from benchmarks.sequences import judge_sequences
from benchmarks.speed import measure_speed
from benchmarks.syntheses import MANY, measure_syntheses
from localcloud.rekognition import LocalRekognition, Switches

PARTS = ("speed", "synthesis", "crowd", "scale", "sequences")
RUNS = 15
"""Fewer would tell a median from chance less well."""
MORE_OF_SPEED = 3
"""How many times as many processes are started cold: two medians there differ from their goal by a few percent."""
PAGE = ROOT / "docs" / "performance.md"
DRAFT = ROOT / "build" / "performance.md"


def main() -> int:
    """Measure, write the page, and say what is missed."""
    parser = argparse.ArgumentParser(prog="./scripts/bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help=f"how often each is measured (default: {RUNS})")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="which parts to measure (default: all)")
    options = parser.parse_args()
    if options.runs < 2:
        parser.error("quartiles need two runs")
    complete = options.runs >= RUNS and set(options.only) == set(PARTS)
    began = time.monotonic()
    results = measure(options.runs, options.only)
    results.minutes = (time.monotonic() - began) / 60
    page = PAGE if complete else DRAFT
    page.parent.mkdir(exist_ok=True)
    page.write_text(report(results), encoding="utf-8")
    print(f"\nWritten to {page.relative_to(ROOT)}:\n")
    for row in rows(results):
        print(f"  {'met   ' if row.met else 'MISSED'}  {row.what}: {row.measured} (goal: {row.goal})")
    return 0


def measure(runs: int, only: list[str]) -> Results:
    """Measure what is asked for, one thing after another."""
    with LocalRekognition(Switches(projects_per_account=1000)) as rekognition, CloudFormation() as cloudformation:
        step("Making the functions' code")
        assets = make_assets()
        world = World(assets, rekognition.endpoint_url, cloudformation)
        results = Results(
            machine=machine(len(world.node_authorities)),
            date=time.strftime("%Y-%m-%d"),
            command="./scripts/bench",
            assets={
                function.key: sum(len(zipped(folder)) for folder in function.asset(assets)) for function in FUNCTIONS
            },
        )
        if "speed" in only:
            step("One event, cold and warm")
            parts = Parts(world)
            results.speed = measure_speed(world, rekognition, MORE_OF_SPEED * runs, parts.measure)
            results.parts = parts.summaries()
        if "synthesis" in only:
            step("Synthesis")
            results.syntheses = measure_syntheses(runs)
        if "crowd" in only:
            step("A hundred policies at once")
            results.crowds = {
                function.key: Crowd(world, rekognition, function, 100).run(
                    ["Create", "Update", "Delete"] if function is OURS else ["Create"]
                )
                for function in FUNCTIONS
            }
            step(f"{MANY[0]} policies at once")
            results.crowds["ours, 450"] = Crowd(world, rekognition, OURS, MANY[0]).run(["Create"])
        if "sequences" in only:
            step("What goes wrong in the life of a stack")
            results.sequences = judge_sequences(world, rekognition)
    if "scale" in only:
        step(f"A stack with {MANY[0]} policies on the local cloud")
        results.scale = measure_scale()
    return results


def step(title: str) -> None:
    """Announce what is done next."""
    print(f"==> {title}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
