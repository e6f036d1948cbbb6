"""What the benchmarks make of their measurements: summaries, turns, tables, and which goals are met."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.crowd import Phase
from benchmarks.goals import Row, rows
from benchmarks.report import report, table
from benchmarks.results import Results
from benchmarks.rotation import rotated
from benchmarks.scale import Scale
from benchmarks.sequences import Verdict
from benchmarks.speed import Speed
from benchmarks.summary import Summary, ratio
from benchmarks.syntheses import APPS, Synthesis


def at(median: float) -> Summary:
    """Return a summary whose quartiles are a tenth away."""
    return Summary(median, median * 0.9, median * 1.1, 15)


def speed(time: float, memory: float, **calls: int) -> Speed:
    """Return a function's speed."""
    return Speed(at(time), at(time * 0.9), at(time / 10), at(time / 20), at(memory), calls)


@pytest.fixture
def results() -> Results:
    """A run in which every goal is met."""
    seconds = {"empty": 0.5, "bare": 1.0, "bare_one": 0.9, "ours": 1.05, "ours_one": 0.95, "ours_many": 2.5}
    ours = speed(100, 40, Create=2, Update=2, Delete=2)
    ours = replace(ours, calls={**ours.calls, "Update where nothing differs": 1})
    simple = replace(speed(90, 70, Create=1), invoke=at(80), warm=at(6))
    return Results(
        machine={"Python": "3.11"},
        date="2026-01-01",
        command="./scripts/bench",
        assets={"ours": 23_999, "aws_custom_resource": 87_000, "helper": 7_000},
        speed={"ours": ours, "aws_custom_resource": simple, "helper": speed(200, 56, Create=1)},
        parts={"Python alone": at(7)},
        syntheses={name: Synthesis(at(seconds.get(name, 1.0)), 106) for name in APPS},
        crowds={"ours": [Phase("Create", 100, 100, 20.5, 200, 9.0)], "helper": [Phase("Create", 100, 96, 20, 1, 1)]},
        scale=Scale(400_000, 456, 7_000, 0, 0, 450, 0, 30, 30),
        sequences={"updated": {"ours": Verdict(right=True, found=""), "helper": Verdict(right=False, found="gone")}},
    )


def missed(results: Results) -> list[Row]:
    """Return the goals that a run misses."""
    return [row for row in rows(results) if not row.met]


def test_a_summary_is_the_median_and_the_middle_half() -> None:
    """One run that took long changes little."""
    summary = Summary.of([1, 2, 3, 4, 100])
    assert (summary.median, summary.lower, summary.upper, summary.runs) == (3, 2, 4, 5)
    assert summary.text(1) == "3.0 (2.0-4.0)"
    assert ratio(summary, Summary.of([6, 6])) == 0.5


def test_each_has_each_turn() -> None:
    """Over the runs, every variant comes first, and each comes after each other one."""
    runs = [rotated("abc", run) for run in range(6)]
    assert {run[0] for run in runs} == set("abc")
    assert {(run[place], run[place + 1]) for run in runs for place in (0, 1)} == {
        (one, other) for one in "abc" for other in "abc" if one != other
    }


def test_a_table_without_lines_is_nothing() -> None:
    """So that the page can say that it was not measured."""
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n"
    assert table(["a"], []) == ""


def test_a_run_that_meets_every_goal(results: Results) -> None:
    """No row is marked."""
    assert missed(results) == []
    page = report(results)
    assert "missed" not in page.lower()
    assert "Not measured" not in page
    assert "{{" not in page


def test_a_goal_that_is_missed_is_marked_with_its_reason(results: Results) -> None:
    """In the table, and in words below it."""
    results.speed = {**results.speed, "ours": replace(results.speed["ours"], memory=at(55))}
    (row,) = missed(results)
    assert row.what == "peak memory"
    page = report(results)
    assert "| peak memory | 0.98 of crhelper's README's | ≤ 0.9 of crhelper's README's | **missed** |" in page
    assert f"- Missed: peak memory, {row.goal}. The SDK" in page


def test_failed_and_late_requests_miss_the_goal(results: Results) -> None:
    """All must succeed, and in time."""
    good = results.crowds["ours"][0]
    for worse in (replace(good, succeeded=99), replace(good, seconds=26.1)):
        results.crowds = {"ours": [worse]}
        assert [row.what for row in missed(results)] == ["100 policies at once: Create"]


def test_what_was_not_measured_is_said(results: Results) -> None:
    """A part that a run leaves out has no goals, and no empty table."""
    part = Results(results.machine, results.date, results.command, results.assets)
    assert [row.what for row in rows(part)] == ["code, zipped"]
    assert report(part).count("Not measured in this run") == 6
