"""The page docs/performance.md: the text of page.md with the measurements and the goals as tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.end_states import EndStates, Judged
from benchmarks.first_event import EQUAL, FirstEvent
from benchmarks.functions import AWS_CUSTOM_RESOURCE, HELPER, NAIVE, OURS, PROVIDER
from benchmarks.many_at_once import Burst
from benchmarks.samples import HERE

TITLES = (OURS, AWS_CUSTOM_RESOURCE, PROVIDER, HELPER)


@dataclass(frozen=True)
class Results:
    """What a run measured, by each function's title."""

    machine: Mapping[str, str]
    end_states: Mapping[str, Judged]
    first_event: Mapping[tuple[str, int], FirstEvent]
    """By title and memory; the first of a title is as it is deployed."""
    bursts: Sequence[tuple[str, Burst]]
    """Each with what it was measured with; this project's for real is the first."""
    synthesis: Mapping[tuple[str, int], float]
    copy: Mapping[str, float]


class Goal(NamedTuple):
    """A goal, and what was measured."""

    what: str
    goal: str
    measured: str
    met: bool


def goals(results: Results) -> Iterator[Goal]:
    """Return each goal."""
    ours = total(results.end_states[OURS])
    yield Goal("right end states", "all", f"{ours.right} of {ours.of}", ours.right == ours.of)
    for peer, limit, memory, which in (
        (AWS_CUSTOM_RESOURCE, 0.5, None, "as deployed"),
        (HELPER, 1.1, EQUAL, f"both at {EQUAL} MiB"),
    ):
        one, other = (sum(first_event(results, title, memory)[1]) for title in (OURS, peer))
        what = f"first event, {which}"
        yield Goal(what, f"at most {limit} of {peer}'s", f"{one / other:.2f}", one / other <= limit)
    for title, burst in results.bursts:
        if title.startswith(OURS):
            within = 1.25 if burst.requests == 100 else None
            met = burst.succeeded == burst.requests and (within is None or burst.share <= within)
            measured = f"{burst.succeeded} succeed, in {burst.share:.2f} of the least time"
            what = f"{burst.requests} at once{title.removeprefix(OURS)}"
            yield Goal(
                what, "all succeed" + (f", in at most {within} of the least time" if within else ""), measured, met
            )


def first_event(results: Results, title: str, memory: int | None = None) -> tuple[int, FirstEvent]:
    """Return the memory and the times of a function: as it is deployed, unless a memory is given."""
    return next(
        (size, times) for (each, size), times in results.first_event.items() if each == title and memory in (None, size)
    )


def total(judged: Judged, *, fails: bool | None = None) -> EndStates:
    """Return how all cases ended, or only those that are about what fails, or only the others."""
    states = [each for (_, about), each in judged.items() if fails in (None, about)]
    return EndStates(sum(each.right for each in states), sum(each.of for each in states))


def report(results: Results) -> str:
    """Return the page."""
    peers = TITLES[1:]
    totals = [
        [title, *(_share(total(results.end_states[title], fails=fails)) for fails in (False, True))] for title in TITLES
    ]
    naive = [[NAIVE + title, _share(total(results.end_states[NAIVE + title])), ""] for title in peers]
    synthesis = results.synthesis
    tables = {
        "machine": "; ".join(f"{name}: {value}" for name, value in results.machine.items()),
        "goals": table(
            ["what", "goal", "measured"],
            [[goal.what, goal.goal, goal.measured + ("" if goal.met else ", **missed**")] for goal in goals(results)],
        ),
        "totals": table(["", "ordinary operations", "a call, a process or a delivery fails"], [*totals, *naive]),
        "ordinary": _rows(results, fails=False),
        "failing": _rows(results, fails=True),
        "first_event": table(
            ["", "memory, MiB", "init, ms", "invoke, ms", "sum, ms", f"sum at {EQUAL} MiB, ms"],
            [
                [title, f"{size}", f"{times.init:.0f}", f"{times.invoke:.0f}", f"{sum(times):.0f}", f"{sum(equal):.0f}"]
                for title in TITLES
                for (size, times), (_, equal) in [(first_event(results, title), first_event(results, title, EQUAL))]
            ],
        ),
        "bursts": table(
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
        "synthesis": table(
            ["policies", OURS, "a bare function", "ratio"],
            [
                [f"{number}", f"{ours:.2f} s", f"{bare:.2f} s", f"{ours / bare:.2f}"]
                for number in (1, 100)
                for ours, bare in [(synthesis["ours", number], synthesis["bare", number])]
            ],
        ),
        **{name: f"{value:,.0f}" for name, value in results.copy.items()},
    }
    page = (HERE / "page.md").read_text(encoding="utf-8").replace("](../docs/", "](")
    return re.sub(r"\{\{(\w+)\}\}", lambda place: tables[place[1]].rstrip(), page)


def _rows(results: Results, *, fails: bool) -> str:
    """Return a table of the rows, with how many of their cases end right."""
    rows = [row for row, about in results.end_states[OURS] if about == fails]
    judged = {title: results.end_states[title] for title in TITLES}
    return table(
        ["what happens", *TITLES, "what goes wrong"],
        [
            [
                row,
                *(_share(each[row, fails]) if (row, fails) in each else "not comparable" for each in judged.values()),
                _wrong({title: each.get((row, fails), EndStates(0, 0)).wrong for title, each in judged.items()}),
            ]
            for row in rows
        ],
    )


def _share(states: EndStates) -> str:
    if not states.of:
        return "not judged"
    return f"all {states.of}" if states.right == states.of else f"{states.right} of {states.of}"


def _wrong(found: Mapping[str, Sequence[str]]) -> str:
    """Return what went wrong, each once, after the functions that it was found with."""
    by_text: dict[str, list[str]] = {}
    for title, texts in found.items():
        for text in texts:
            by_text.setdefault(text, []).append(title)
    by_titles: dict[str, list[str]] = {}
    for text, titles in by_text.items():
        by_titles.setdefault(", ".join(titles), []).append(text)
    return ". ".join(f"{titles}: {'; '.join(texts)}" for titles, texts in by_titles.items())


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *rows))
