"""Many Creates at once, each in an execution of its own, and a service that accepts five calls a second."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import NamedTuple
from unittest import mock

from benchmarks.functions import TIMEOUT, Function, Lambda
from localcloud.rekognition import RekognitionService
from tests.container.container import Container
from tests.documents import ACCOUNT, REGION
from tests.lifecycle import function as simulated
from tests.lifecycle.cases import Policy
from tests.lifecycle.cloud import Cloud

RATE = 5.0
PER_PROJECT = 5


class Burst(NamedTuple):
    """How many Creates succeeded, and how long they took."""

    requests: int
    succeeded: int
    seconds: float
    """From the delivery to the last response."""
    throttled: int
    """Calls that the service throttled."""

    @property
    def share(self) -> float:
        """The time as a share of the least: the quota lets the first second's calls through at once."""
        return self.seconds * RATE / (self.requests - RATE)


class _Calls:
    """Counts the calls of a service that are throttled from now on."""

    def __init__(self, service: RekognitionService) -> None:
        self._service = service
        self._before = len(service.calls)
        self._accepted: list[str] = []
        service.faults.before = lambda operation, _: self._accepted.append(operation)
        service.switches.calls_per_second = RATE

    def end(self) -> int:
        """Lift the quota, and return the count."""
        self._service.switches.calls_per_second = 0
        return len(self._service.calls) - self._before - len(self._accepted)


def measure_burst(function: Function, lambda_: Lambda, requests: int) -> Burst:
    """Deliver the Creates to as many containers, whose SDK is loaded."""
    project = time.monotonic_ns()
    store, cloudformation = lambda_.rekognition.store, lambda_.cloudformation
    arns = [str(store.create_project(ACCOUNT, REGION, f"p{project + n}").arn) for n in range(requests // PER_PROJECT)]
    wanted = [function.properties(arns[n % len(arns)], f"name{n}", "111122223333") for n in range(requests)]
    starting = threading.Semaphore(8)

    def start(properties: dict[str, object]) -> Container:
        with starting:
            container = lambda_.start(function)
            container.initialize()
            # A Delete of what isn't there: it makes a call, and changes nothing.
            nothing = cloudformation.event("Delete", properties, PhysicalResourceId=f"{arns[0]}|nothing")
            container.invoke("warm", nothing, TIMEOUT)
            return container

    with ThreadPoolExecutor(requests) as pool:
        containers = list(pool.map(start, wanted))
        events = [cloudformation.event("Create", properties) for properties in wanted]
        calls, before, began = _Calls(lambda_.rekognition), len(cloudformation.responses), time.monotonic()
        list(pool.map(lambda container, event: container.invoke("create", event, 480), containers, events))
        throttled = calls.end()
        list(pool.map(Container.kill, containers))
    responses = cloudformation.responses[before:]
    if len(responses) != requests:
        raise AssertionError(f"{function.title}: {len(responses)} of {requests} responses")
    succeeded = sum(response["Status"] == "SUCCESS" for response in responses)
    return Burst(requests, succeeded, cloudformation.requests[-1].at - began, throttled)


def simulate_burst(requests: int, *, throttled_calls_count: bool = False) -> Burst:
    """Send the Creates to this project's function on virtual time, where nothing but the service limits them."""
    spread = Random(requests)  # noqa: S311 - the same figures each time, no secret
    cloud = Cloud(projects_per_account=requests, throttled_calls_count=throttled_calls_count)
    policies = [Policy(name=f"p{n % PER_PROJECT}", project=f"p{n // PER_PROJECT}") for n in range(requests)]
    calls, began = _Calls(cloud.rekognition), cloud.world.now

    def send_all() -> None:
        for number, policy in enumerate(policies):
            cloud.cloudformation.request("one", "Create", f"P{number}", policy)

    logging.disable(logging.CRITICAL)
    with mock.patch.object(simulated, "jitter", lambda longest: spread.uniform(0, longest)):
        cloud.play(send_all)
    succeeded = sum(sent.response["Status"] == "SUCCESS" for sent in cloud.sent)
    return Burst(requests, succeeded, cloud.world.now - began, calls.end())
