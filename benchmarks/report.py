"""The page docs/performance.md: the text of page.md with the measurements and the goals as tables, and its charts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.charts import Bar, chart
from benchmarks.end_states import EndState
from benchmarks.functions import AWS_CUSTOM_RESOURCE, OURS, README
from benchmarks.many_at_once import REQUESTS, Burst
from benchmarks.samples import HERE
from benchmarks.speed import Speed
from benchmarks.synthesis import STACKS, Synthesis

WITHIN = 1.3
"""How many times as long as the limit requires a burst may take."""


@dataclass(frozen=True)
class Results:
    """What a run measured, by each function's title or by the stack that was synthesized."""

    machine: Mapping[str, str]
    zipped: Mapping[str, int]
    """Bytes of each function's zipped code."""
    speed: Mapping[str, Speed]
    synthesis: Mapping[tuple[str, int], Synthesis]
    bursts: Mapping[str, Burst]
    end_states: Mapping[str, Mapping[str, EndState]]


class Goal(NamedTuple):
    """A goal, and what was measured."""

    what: str
    measured: str
    goal: str
    met: bool


def goals(results: Results) -> Iterator[Goal]:
    """Return each goal."""
    for what, name, limit, peer in (
        ("cold start", "cold", 0.9, README),
        ("cold start", "cold", 1.6, AWS_CUSTOM_RESOURCE),
        ("first event, in the INVOKE phase", "invoke", 0.2, AWS_CUSTOM_RESOURCE),
        ("warm event", "warm", 1.0, AWS_CUSTOM_RESOURCE),
        ("peak memory", "memory", 1.0, README),
    ):
        ours, theirs = (getattr(results.speed[title], name).median for title in (OURS, peer))
        yield _at_most(what, ours / theirs, limit, f"of {peer}")
    asset = results.zipped[OURS] / results.zipped[AWS_CUSTOM_RESOURCE]
    yield _at_most("code, zipped", asset, 0.5, f"of {AWS_CUSTOM_RESOURCE}")
    seconds = {stack: synthesis.seconds.median for stack, synthesis in results.synthesis.items()}
    hundred, bare = (seconds[kind, 100] - seconds["empty", 0] for kind in ("ours", "bare"))
    what = "synthesis of 100 policies, without that of an empty stack"
    yield _at_most(what, hundred / bare, 2.5, "of a bare function with bare custom resources")
    early = (seconds["ours", 100] - seconds["ours", 1]) / 99
    late = (seconds["ours", 450] - seconds["ours", 100]) / 350
    yield _at_most("synthesis of each policy from 101 to 450", late / early, 1.25, "of each policy from 2 to 100")
    burst = results.bursts[OURS]
    share = burst.seconds / burst.least
    measured = f"{burst.succeeded} succeed, in {share:.2f} of the least time"
    met = burst.succeeded == REQUESTS and share <= WITHIN
    yield Goal(f"{REQUESTS} Creates at once", measured, f"all, in at most {WITHIN}", met)
    right, count = sum(states[OURS].right for states in results.end_states.values()), len(results.end_states)
    yield Goal("right end states", f"{right} of {count}", "all", right == count)


def _at_most(what: str, value: float, limit: float, of: str) -> Goal:
    return Goal(what, f"{value:.2f} {of}", f"at most {limit:g}", value <= limit)


def report(results: Results) -> str:
    """Return the page."""
    tables = {
        "machine": "; ".join(f"{name}: {value}" for name, value in results.machine.items()),
        "goals": table(
            ["what", "goal", "measured"],
            [[goal.what, goal.goal, goal.measured + ("" if goal.met else ", **missed**")] for goal in goals(results)],
        ),
        "end_states": table(
            ["what happens", "right with", "what goes wrong"],
            [[title, _right(states), _wrong(states)] for title, states in results.end_states.items()],
        ),
        "speed": table(
            ["", *results.zipped],
            [
                ["cold, ms", *(speed.cold.text() for speed in results.speed.values())],
                ["init, ms", *(speed.init.text() for speed in results.speed.values())],
                ["invoke, ms", *(speed.invoke.text(1) for speed in results.speed.values())],
                ["warm, ms", *(speed.warm.text(1) for speed in results.speed.values())],
                ["memory, MiB", *(f"{speed.memory.median:.0f}" for speed in results.speed.values())],
                ["calls", *(", ".join(map(str, speed.calls.values())) for speed in results.speed.values())],
                ["code, bytes", *(f"{size:,}" for size in results.zipped.values())],
            ],
        ),
        "synthesis": table(
            ["", "seconds", "resources"],
            [
                [title, synthesis.seconds.text(2), f"{synthesis.resources}"]
                for title, synthesis in zip(STACKS, results.synthesis.values(), strict=True)
            ],
        ),
        "bursts": table(
            ["", "succeed", "seconds", "calls throttled", "slowest request, s"],
            [
                [title, _succeeded(burst), f"{burst.seconds:.1f}", f"{burst.throttled}", f"{burst.slowest:.1f}"]
                for title, burst in results.bursts.items()
            ],
        ),
        "least": f"{results.bursts[OURS].least:g}",
    }
    page = (HERE / "page.md").read_text(encoding="utf-8").replace("](../docs/", "](")
    return re.sub(r"\{\{(\w+)\}\}", lambda place: tables[place[1]].rstrip(), page)


def charts(results: Results) -> dict[str, str]:
    """Return the page's charts by their files' names."""
    ends = list(results.end_states.values())
    right = {title: sum(states[title].right for states in ends) for title in ends[0]}
    return {
        "end-states.svg": chart(
            f"Right end states, of {len(ends)}",
            [_bar(title, [count], f"{count}") for title, count in right.items()],
        ),
        "cold-start.svg": chart(
            "Cold start: init, then invoke",
            [
                _bar(title, [speed.init.median, speed.invoke.median], f"{speed.cold.median:.0f} ms")
                for title, speed in results.speed.items()
            ],
        ),
        "synthesis.svg": chart(
            "Synthesis of 100 policies",
            [
                _bar(title.removesuffix(", 100 policies"), [seconds.median], f"{seconds.median:.2f} s")
                for title, (kind, policies, _) in STACKS.items()
                for seconds in [results.synthesis[kind, policies].seconds]
                if policies == 100
            ],
        ),
    }


def _bar(title: str, parts: Sequence[float], value: str) -> Bar:
    return Bar(title.replace("`", ""), parts, value, ours=title.startswith(OURS))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *rows))


def _right(states: Mapping[str, EndState]) -> str:
    right = [title for title, state in states.items() if state.right]
    return "all" if len(right) == len(states) else _listed(right) or "**none**"


def _wrong(states: Mapping[str, EndState]) -> str:
    """Return what was found, each once, after the functions that it was found with."""
    found: dict[str, list[str]] = {}
    for title, state in states.items():
        if state.found:
            found.setdefault(state.found, []).append(title)
    others = [title for title in states if title != OURS]
    return ". ".join(
        f"{'the others' if titles == others else _listed(titles)}: {what}" for what, titles in found.items()
    )


def _listed(titles: Sequence[str]) -> str:
    return ", ".join(title.partition(",")[0] for title in titles)


def _succeeded(burst: Burst) -> str:
    return f"{burst.succeeded}" if burst.succeeded == REQUESTS else f"**{burst.succeeded}**"
