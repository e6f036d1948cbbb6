"""docs/performance.md: the prose of page.md, and the results as tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from benchmarks.functions import FUNCTIONS, OURS
from benchmarks.goals import (
    ATTACHED_QUOTA,
    INLINE_QUOTA,
    MANAGED_QUOTA,
    RESOURCE_QUOTA,
    TEMPLATE_QUOTA,
    Row,
    rows,
)
from benchmarks.places import HERE
from benchmarks.results import Results
from benchmarks.syntheses import FEW, MANY

TITLES = {function.key: function.title for function in FUNCTIONS}
_NOT_MEASURED = "*Not measured in this run.*\n"


def report(results: Results) -> str:
    """Return the page."""
    tables = {
        "machine": _machine(results),
        "goals": _goals(rows(results)),
        "speed": _speed(results),
        "parts": _parts(results),
        "synthesis": _synthesis(results),
        "crowds": _crowds(results),
        "scale": _scale(results),
        "sequences": _sequences(results),
    }
    page = (HERE / "page.md").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}\n", lambda place: tables[place[1]] or _NOT_MEASURED, page)


def table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """Return a table of Markdown; nothing where it would have no line."""
    body = list(body)
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) if body else ""


def _machine(results: Results) -> str:
    facts = {"Date": results.date, "Took": f"{results.minutes:.0f} minutes", **results.machine}
    return table(["", ""], facts.items())


def _goals(goals: Sequence[Row]) -> str:
    body = [[row.what, row.measured, row.goal, "yes" if row.met else "**missed**"] for row in goals]
    missed = [f"- Missed: {row.what}, {row.goal}. {_sentence(row.reason)}\n" for row in goals if not row.met]
    return table(["what", "measured", "goal", "met"], body) + ("\n" + "".join(missed) if missed else "")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _speed(results: Results) -> str:
    names = ("cold, ms", "init, ms", "invoke, ms", "warm, ms", "peak memory, MiB", "calls", "code, zipped, bytes")
    columns = [
        [
            speed.cold.text(),
            speed.init.text(),
            speed.invoke.text(1),
            speed.warm.text(1),
            speed.memory.text(),
            speed.said_calls,
            f"{results.assets[key]:,}",
        ]
        for key, speed in results.speed.items()
    ]
    if not columns:
        return ""
    return table(["", *(TITLES[key] for key in results.speed)], zip(names, *columns, strict=True))


def _parts(results: Results) -> str:
    return table(["a process that does only this", "ms"], [[part, took.text()] for part, took in results.parts.items()])


def _synthesis(results: Results) -> str:
    ways = {
        "empty": "an empty stack",
        "bare": "a bare function with bare custom resources",
        "ours": "this project, whole documents",
        "granting": "this project, `grant_copy`",
        "provider": "`Provider`",
        "aws_custom_resource": "`AwsCustomResource`",
    }
    titles = {key: f"{title}, {FEW[0]} policies on {FEW[1]} projects" for key, title in ways.items()}
    titles |= {f"{key}_one": f"{ways[key]}, one policy" for key in ("bare", "ours")}
    titles |= {f"{key}_many": f"{ways[key]}, {MANY[0]} policies on {MANY[1]} projects" for key in ("bare", "ours")}
    titles["empty"] = ways["empty"]
    body = [
        [title, results.syntheses[key].seconds.text(2), f"{results.syntheses[key].resources}"]
        for key, title in titles.items()
        if key in results.syntheses
    ]
    return table(["", "seconds", "resources"], body)


def _crowds(results: Results) -> str:
    body = [
        [
            TITLES.get(key, OURS.title),
            f"{phase.what} {phase.requests}",
            f"{phase.succeeded}" if phase.succeeded == phase.requests else f"**{phase.succeeded}**",
            f"{phase.seconds:.1f}",
            f"{phase.ideal:.0f}",
            f"{phase.throttled}",
            f"{phase.longest:.1f}",
        ]
        for key, phases in results.crowds.items()
        for phase in phases
    ]
    return table(["", "what", "succeed", "seconds", "ideal", "calls throttled", "slowest request, s"], body)


def _scale(results: Results) -> str:
    scale = results.scale
    if scale is None:
        return ""
    body = [
        ["template, bytes", f"{scale.template:,}", f"{TEMPLATE_QUOTA:,}"],
        ["resources", f"{scale.resources}", f"{RESOURCE_QUOTA}"],
        ["the role's inline policies, characters", f"{scale.inline:,}", f"{INLINE_QUOTA:,}"],
        ["the role's largest managed policy, characters", f"{scale.largest_managed:,}", f"{MANAGED_QUOTA:,}"],
        ["the role's managed policies", f"{scale.attached}", f"{ATTACHED_QUOTA}"],
    ]
    deployed = (
        f"\nOn {MANY[1]} projects, deployed on the local cloud with the CDK's command line "
        f"in {scale.create_seconds:.0f} s, {scale.live} live;\n"
        f"taken down in {scale.delete_seconds:.0f} s, {scale.left} left.\n"
    )
    return table(["", "it takes", "quota"], body) + deployed


def _sequences(results: Results) -> str:
    keys = list(next(iter(results.sequences.values()), ()))
    body = []
    for title, verdicts in results.sequences.items():
        cells = [title]
        for verdict in verdicts.values():
            right = "right, but " + verdict.found if verdict.found else "right"
            cells.append(right if verdict.right else f"**{verdict.found}**")
        body.append(cells)
    return table(["", *(TITLES[key] for key in keys)], body)
