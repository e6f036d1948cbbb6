"""How long an event takes in a new process and in one that is there, how much memory, how many calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.cloudformation import Answer
from benchmarks.functions import FUNCTIONS, OURS, Function, Running, World
from benchmarks.places import ACCOUNT, REGION
from benchmarks.policies import document
from benchmarks.rotation import rotated
from benchmarks.summary import Summary
from localcloud.rekognition import LocalRekognition

WARM_ROUNDS = 10
MILLISECONDS, MEBIBYTE = 1000, 2**20


@dataclass(frozen=True)
class Speed:
    """What was measured of one function; times in milliseconds, memory in MiB."""

    cold: Summary
    """From the start of the process to the arrival of the answer."""
    init: Summary
    """From the start of the process until the function is imported."""
    invoke: Summary
    """From handing over the first event to the arrival of its answer."""
    warm: Summary
    """The same for a later event: the median of each process's thirty."""
    memory: Summary
    """The peak of resident memory, of both processes together where there are two."""
    calls: Mapping[str, int]
    """Calls of Rekognition for each kind of request."""

    @property
    def said_calls(self) -> str:
        """The calls in one line."""
        return ", ".join(f"{kind} {count}" for kind, count in self.calls.items())


@dataclass(frozen=True)
class _Life:
    """One process's numbers."""

    cold: float
    init: float
    invoke: float
    warm: float
    memory: float
    calls: Mapping[str, int]


def measure_speed(
    world: World, rekognition: LocalRekognition, runs: int, also: Callable[[int], None]
) -> dict[str, Speed]:
    """Start each function as many times, in turn, after one time that does not count; ``also`` has its turn too."""
    project = str(rekognition.store.create_project(ACCOUNT, REGION, "speed").arn)
    lives: dict[str, list[_Life]] = {function.key: [] for function in FUNCTIONS}
    for run in range(runs + 1):
        for function in rotated(FUNCTIONS, run):
            life = _live(world, rekognition, function, project)
            if run:
                lives[function.key].append(life)
        also(run)
    return {key: _speed(of) for key, of in lives.items()}


def _speed(lives: list[_Life]) -> Speed:
    return Speed(
        **{
            name: Summary.of([getattr(life, name) for life in lives])
            for name in ("cold", "init", "invoke", "warm", "memory")
        },
        calls=lives[-1].calls,
    )


def _live(world: World, rekognition: LocalRekognition, function: Function, project: str) -> _Life:
    """Lead one process through its life: a cold event, then warm ones."""
    process = function.start(world)
    try:
        ready = process.wait_until_ready()
        rounds = [list(_round(world, rekognition, function, process, project)) for _ in range(1 + WARM_ROUNDS)]
        nothing = _without_change(world, rekognition, process, function, project) if function is OURS else {}
        memory = process.peak_memory
    finally:
        process.end()
    first = rounds[0][0]
    warm = sorted(done.took for events in rounds[1:] for done in events)
    return _Life(
        cold=(first.answer.at - process.started) * MILLISECONDS,
        init=(ready - process.started) * MILLISECONDS,
        invoke=first.took * MILLISECONDS,
        warm=Summary.of(warm).median * MILLISECONDS,
        memory=memory / MEBIBYTE,
        calls={done.kind: done.calls for done in rounds[-1]} | nothing,
    )


@dataclass(frozen=True)
class _Done:
    kind: str
    answer: Answer
    took: float
    calls: int


def _round(
    world: World, rekognition: LocalRekognition, function: Function, process: Running, project: str
) -> Iterator[_Done]:
    """Create, update and delete one policy."""
    old, new = (function.properties(world.assets, project, "sharing", document(number)) for number in (1, 2))
    done = _one(world, rekognition, process, "Create", old)
    yield done
    done = _one(world, rekognition, process, "Update", new, done.answer.physical_id, old)
    yield done
    yield _one(world, rekognition, process, "Delete", new, done.answer.physical_id)


def _without_change(
    world: World, rekognition: LocalRekognition, process: Running, function: Function, project: str
) -> dict[str, int]:
    """Count the calls of an Update whose document is live already; the peers have no such case."""
    before = function.properties(world.assets, project, "sharing", document(1))
    created = _one(world, rekognition, process, "Create", before).answer
    after = {**before, "AdoptExisting": "true"}
    updated = _one(world, rekognition, process, "Update", after, created.physical_id, before)
    _one(world, rekognition, process, "Delete", after, created.physical_id)
    return {"Update where nothing differs": updated.calls}


def _one(
    world: World,
    rekognition: LocalRekognition,
    process: Running,
    kind: str,
    properties: Mapping[str, Any],
    physical_id: str | None = None,
    old: Mapping[str, Any] | None = None,
) -> _Done:
    before = len(rekognition.calls)
    event = world.cloudformation.request(kind, properties, physical_id, old)
    sent = process.send(event)
    process.wait_until_done()
    answer = world.cloudformation.answer_to(event, seconds=5)
    if answer is None or not answer.ok:
        raise AssertionError(f"{kind} was answered: {answer}")
    return _Done(kind, answer, answer.at - sent, len(rekognition.calls) - before)
