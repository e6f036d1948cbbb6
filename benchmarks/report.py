"""The page docs/performance.md: the text of page.md with the measurements as tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.first_event import EQUAL, FirstEvent
from benchmarks.functions import OURS
from benchmarks.many_at_once import Burst
from benchmarks.samples import HERE


@dataclass(frozen=True)
class Results:
    """What a run measured, by each function's title."""

    machine: Mapping[str, str]
    first_event: Mapping[tuple[str, int], FirstEvent]
    """By title and memory; the first of a title is as it is deployed."""
    bursts: Sequence[tuple[str, Burst]]
    """Each with what it was measured with."""
    synthesis: Mapping[tuple[str, int], float]
    copy: Mapping[str, float]


def report(results: Results) -> str:
    """Return the page."""
    deployed: dict[str, tuple[int, FirstEvent]] = {}
    for (title, size), times in results.first_event.items():
        deployed.setdefault(title, (size, times))
    tables = {
        "machine": "; ".join(f"{name}: {value}" for name, value in results.machine.items()),
        "first_event": _table(
            ["", "memory, MiB", "init, ms", "invoke, ms", "sum, ms", f"sum at {EQUAL} MiB, ms", f"{OURS}'s share"],
            [
                [title, f"{size}", *(f"{each:.0f}" for each in (*times, sum(times), equal)), f"{ours / equal:.2f}"]
                for title, (size, times) in deployed.items()
                for ours, equal in [[sum(results.first_event[each, EQUAL]) for each in (OURS, title)]]
            ],
        ),
        "bursts": _table(
            ["", "Creates", "succeed", "seconds", "of the least time", "calls throttled"],
            [
                [
                    title,
                    f"{burst.requests}",
                    f"{burst.succeeded}" if burst.succeeded == burst.requests else f"**{burst.succeeded}**",
                    f"{burst.seconds:.1f}",
                    f"{burst.share:.2f}",
                    f"{burst.throttled:,}",
                ]
                for title, burst in results.bursts
            ],
        ),
        "synthesis": _table(
            ["policies", OURS, "a bare function", "ratio"],
            [
                [f"{number}", f"{ours:.2f} s", f"{bare:.2f} s", f"{ours / bare:.2f}"]
                for number in (1, 100)
                for ours, bare in [(results.synthesis["ours", number], results.synthesis["bare", number])]
            ],
        ),
        **{name: f"{value:,.0f}" for name, value in results.copy.items()},
    }
    page = (HERE / "page.md").read_text(encoding="utf-8").replace("](../docs/", "](")
    return re.sub(r"\{\{(\w+)\}\}", lambda place: tables[place[1]].rstrip(), page)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *rows))
