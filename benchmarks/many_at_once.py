"""A hundred Creates at once: ten processes of a function, and the service's limit of calls a second."""

from __future__ import annotations

import queue
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

from benchmarks.endpoints import CloudFormation
from benchmarks.functions import TRIES, Function, Process
from benchmarks.samples import ACCOUNT, REGION
from localcloud.rekognition import LocalRekognition
from tests.container.rate_limit import RateLimit

REQUESTS, PROCESSES = 100, 10
RATE = 5.0
PER_PROJECT = 5


@dataclass(frozen=True)
class Burst:
    """How many Creates succeeded, and how long they took."""

    succeeded: int
    seconds: float
    """From the first delivery to the last response."""
    throttled: int
    """Calls that the service throttled."""
    slowest: float
    """Seconds from the delivery of one request to its end."""

    @property
    def least(self) -> float:
        """The seconds that the limit requires: it lets the first second's calls through at once."""
        return (REQUESTS - RATE) / RATE


def measure_burst(function: Function, rekognition: LocalRekognition, cloudformation: CloudFormation) -> Burst:
    """Queue the Creates for processes that are there already."""
    client = rekognition.client(ACCOUNT, REGION)
    projects = [
        client.create_project(ProjectName=f"burst-{time.monotonic_ns()}")["ProjectArn"]
        for _ in range(REQUESTS // PER_PROJECT)
    ]
    properties = [
        function.properties(projects[number // PER_PROJECT], f"sharing-{number}", number) for number in range(REQUESTS)
    ]
    events = [cloudformation.request("Create", each) for each in properties]
    limit = RateLimit(RATE)
    with ExitStack() as stack:
        processes = [function.start() for _ in range(PROCESSES)]
        for process in processes:
            stack.callback(process.end)
            process.wait_until_ready()
        rekognition.faults.before = limit
        stack.callback(setattr, rekognition.faults, "before", lambda *_: None)
        began = time.monotonic()
        slowest = _deliver(events, processes)
    responses = [response for event in events if (response := cloudformation.response_to(event, seconds=1))]
    succeeded = sum(response.ok for response in responses)
    live = sum(len(client.list_project_policies(ProjectArn=project)["ProjectPolicies"]) for project in projects)
    if len(responses) < REQUESTS or live < succeeded:
        raise AssertionError(f"{function.title}: {len(responses)} responses, {succeeded} successes, {live} policies")
    last = max(response.at for response in responses)
    return Burst(succeeded, last - began, limit.throttled.total(), slowest)


def _deliver(events: Sequence[Mapping[str, Any]], processes: Sequence[Process]) -> float:
    """Let each process handle one event after another; return how long the slowest event took."""
    waiting: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
    for event in events:
        waiting.put(event)
    took: list[float] = []

    def work(process: Process) -> None:
        with suppress(queue.Empty):
            while event := waiting.get_nowait():
                sent = time.monotonic()
                any("error" not in process.handle(event) for _ in range(TRIES))
                took.append(time.monotonic() - sent)

    with ThreadPoolExecutor(len(processes)) as pool:
        list(pool.map(work, processes))
    return max(took)
