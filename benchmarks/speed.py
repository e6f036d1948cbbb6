"""How long a function takes for an event in a new and in a warm process, how much memory, and how many calls."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.endpoints import CloudFormation
from benchmarks.functions import Function
from benchmarks.samples import ACCOUNT, REGION
from benchmarks.summary import Summary, in_turn
from localcloud.rekognition import LocalRekognition

WARM_ROUNDS = 10


@dataclass(frozen=True)
class Speed:
    """The measurements of one function; times in milliseconds, memory in MiB."""

    cold: Summary
    """From the start of the process to the arrival of the first response."""
    init: Summary
    """From the start of the process until the function is imported."""
    invoke: Summary
    """From handing over the first event to the arrival of its response."""
    warm: Summary
    """The same for a later event: the median of each process's thirty."""
    memory: Summary
    """The peak of resident memory, of both processes together where there are two."""
    calls: Mapping[str, int]
    """Calls of Rekognition for each type of request."""


def measure_speed(
    functions: Sequence[Function], rekognition: LocalRekognition, cloudformation: CloudFormation, runs: int
) -> dict[str, Speed]:
    """Run each function once unmeasured, then as often as ``runs`` says, in turn."""
    project = rekognition.client(ACCOUNT, REGION).create_project(ProjectName="speed")["ProjectArn"]
    measured: dict[str, list[dict[str, float]]] = {function.title: [] for function in functions}
    calls = {}
    for run in range(runs + 1):
        for function in in_turn(functions, run):
            times, calls[function.title] = _one_process(function, rekognition, cloudformation, project)
            if run:
                measured[function.title].append(times)
    return {
        title: Speed(**{name: Summary.of([times[name] for times in of]) for name in of[0]}, calls=calls[title])
        for title, of in measured.items()
    }


def _one_process(
    function: Function, rekognition: LocalRekognition, cloudformation: CloudFormation, project: str
) -> tuple[dict[str, float], dict[str, int]]:
    """Start a process, then create, update and delete a policy several times; return the numbers and the calls."""
    process = function.start()
    took: list[float] = []
    arrived: list[float] = []
    calls: dict[str, int] = {}

    def deliver(kind: str, properties: Mapping[str, Any], *before: Any) -> str:  # noqa: ANN401 - id and properties
        event = cloudformation.request(kind, properties, *before)
        earlier = len(rekognition.calls)
        sent = time.monotonic()
        process.handle(event)
        response = cloudformation.response_to(event, seconds=5)
        if response is None or not response.ok:
            raise AssertionError(f"{function.title}: the response to the {kind} was {response}")
        took.append(response.at - sent)
        arrived.append(response.at)
        calls[kind] = len(rekognition.calls) - earlier
        return response.physical_id

    try:
        process.wait_until_ready()
        ready = time.monotonic()
        old, new = (function.properties(project, "sharing", number) for number in (1, 2))
        for _ in range(1 + WARM_ROUNDS):
            created = deliver("Create", old)
            updated = deliver("Update", new, created, old)
            deliver("Delete", new, updated)
        memory = process.peak_memory
    finally:
        process.end()
    milliseconds = {
        "cold": arrived[0] - process.started,
        "init": ready - process.started,
        "invoke": took[0],
        "warm": Summary.of(took[3:]).median,
    }
    return {**{name: value * 1000 for name, value in milliseconds.items()}, "memory": memory / 2**20}, calls
