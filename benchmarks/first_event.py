"""How long a function takes for the first event in a new container: init at full speed, then its memory's share."""

from __future__ import annotations

import os
import statistics
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from benchmarks.functions import TIMEOUT, Function, Lambda
from tests.container.container import Container
from tests.documents import ACCOUNT, REGION

ONE_PROCESSOR = 1769
"""MiB: with so much memory, a function has one processor, as Lambda's documentation says."""
EQUAL = 256
_PERIOD = 20_000
"""Microseconds in which a container gets its share; Lambda's own period isn't documented."""
_GROUPS = Path("/sys/fs/cgroup")


class FirstEvent(NamedTuple):
    """Medians, in milliseconds."""

    init: float
    """From the start of the process until it asks for its first event."""
    invoke: float
    """From handing it over to the arrival of its response."""


def measure_first_event(functions: list[Function], lambda_: Lambda, runs: int) -> dict[tuple[str, int], FirstEvent]:
    """Return the medians by title and memory: as deployed, and ``EQUAL`` for all; the first turn doesn't count."""
    client = lambda_.rekognition.store
    project = str(client.create_project(ACCOUNT, REGION, "first-event").arn)
    measured: dict[tuple[str, int], list[FirstEvent]] = defaultdict(list)
    for run in range(runs + 1):
        for function in functions[:: 1 if run % 2 else -1]:
            for memory in sorted({function.memory, EQUAL}):
                times = _first_event(function, lambda_, memory, project)
                if run:
                    measured[function.title, memory].append(times)
    return {
        key: FirstEvent(*(statistics.median(each) for each in zip(*of, strict=True))) for key, of in measured.items()
    }


def _first_event(function: Function, lambda_: Lambda, memory: int, project: str) -> FirstEvent:
    behind_memory = memory if function.behind is None or memory == EQUAL else function.behind.memory
    shares: list[Share] = []
    container = lambda_.start(function, lambda behind: shares.append(Share(behind, behind_memory)))
    try:
        container.initialize()
        init = time.monotonic() - container.started
        shares.append(Share(container, memory))
        event = lambda_.cloudformation.event("Create", function.properties(project, "sharing", "111122223333"))
        began = time.monotonic()
        outcome = container.invoke("first", event, TIMEOUT)
        response = lambda_.cloudformation.responses[-1]
        if (response["RequestId"], response["Status"]) != (event["RequestId"], "SUCCESS"):
            raise AssertionError(f"{function.title}: {outcome}, {response}")
        took = lambda_.cloudformation.requests[-1].at - began + sum(share.still_to_add for share in shares)
    finally:
        container.kill()
        for share in shares:
            share.close()
    policies = lambda_.rekognition.store.policies(ACCOUNT, REGION, project)
    for policy in policies:
        lambda_.rekognition.store.delete_policy(ACCOUNT, REGION, project, policy.name)
    return FirstEvent(init * 1000, took * 1000)


class Share:
    """A container's share of a processor from now on: a quota of its own cgroup, or else its processor time, scaled."""

    def __init__(self, container: Container, memory: int) -> None:
        self._container = container
        self._share = memory / ONE_PROCESSOR
        self._began = _processor_seconds(container.pid)
        self._group = quota(f"benchmark-{container.pid}", int(_PERIOD * self._share))
        if self._group:
            (self._group / "cgroup.procs").write_text(str(container.pid))

    @property
    def still_to_add(self) -> float:
        """Seconds by which the invocation would have taken longer with its share."""
        if self._group:
            return 0.0
        return (_processor_seconds(self._container.pid) - self._began) * (1 / self._share - 1)

    def close(self) -> None:
        """Remove the cgroup, whose process has ended."""
        if self._group:
            self._group.rmdir()


def quota(name: str, microseconds: int) -> Path | None:
    """Return a new cgroup that may run for so long in each period, or None if this system allows none."""
    for controller, limits in (
        ("cpu", {"cpu.cfs_period_us": f"{_PERIOD}", "cpu.cfs_quota_us": f"{microseconds}"}),
        ("", {"cpu.max": f"{microseconds} {_PERIOD}"}),
    ):
        group = _GROUPS / controller / name
        with suppress(OSError):
            group.mkdir()
            for file, limit in limits.items():
                if not (group / file).exists():
                    group.rmdir()
                    break
                (group / file).write_text(limit)
            else:
                return group
    return None


def _processor_seconds(pid: int) -> float:
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def how_limited() -> str:
    """Say how the share is enforced here."""
    group = quota("benchmark-probe", _PERIOD)
    if group is None:
        return "no quota here: the processor time of the invocation, scaled"
    group.rmdir()
    return f"a cgroup's quota, in periods of {_PERIOD // 1000} ms"
