"""What the benchmark makes of its measurements: which cases are compared, which goals are met, what the page says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.end_states import EndStates, comparable_cases
from benchmarks.first_event import FirstEvent
from benchmarks.functions import AWS_CUSTOM_RESOURCE, HELPER, NAIVE, OURS, PROVIDER
from benchmarks.many_at_once import Burst
from benchmarks.report import Results, goals, report

RIGHT, WRONG = EndStates(2, 2), EndStates(1, 2, ("ROLLBACK_FAILED",))
ROW, FAILING = ("stack created", False), ("stack deleted", True)


@pytest.fixture
def results() -> Results:
    """Return a run that meets each goal exactly."""
    titles = (OURS, AWS_CUSTOM_RESOURCE, PROVIDER, HELPER)
    end_states = {title: {ROW: RIGHT, FAILING: RIGHT if title == OURS else WRONG} for title in titles}
    return Results(
        machine={"Python": "3.13"},
        end_states={**end_states, **{NAIVE + title: {ROW: WRONG} for title in titles[1:]}},
        first_event={
            (OURS, 256): FirstEvent(200, 130),
            (AWS_CUSTOM_RESOURCE, 128): FirstEvent(60, 600),
            (AWS_CUSTOM_RESOURCE, 256): FirstEvent(60, 300),
            (PROVIDER, 128): FirstEvent(60, 600),
            (PROVIDER, 256): FirstEvent(60, 300),
            (HELPER, 128): FirstEvent(200, 200),
            (HELPER, 256): FirstEvent(200, 100),
        },
        bursts=[(OURS, Burst(100, 100, 23.75, 229)), (HELPER, Burst(100, 64, 12.0, 189))],
        synthesis={("ours", 1): 2.0, ("bare", 1): 1.0, ("ours", 100): 3.0, ("bare", 100): 1.5},
        copy={"copy_minutes": 30, "copy_runs": 4, "copy_calls": 183, "copy_seconds": 1800},
    )


def test_a_run_at_its_limits_meets_every_goal(results: Results) -> None:
    """The page then says nothing of a missed goal, and every place in its text is filled."""
    assert [goal.what for goal in goals(results) if not goal.met] == []
    page = report(results)
    assert "**missed**" not in page
    assert "{{" not in page
    assert f"| {HELPER} | 100 | **64** |" in page
    assert f"| stack deleted | all 2 | 1 of 2 | 1 of 2 | 1 of 2 | {AWS_CUSTOM_RESOURCE}, {PROVIDER}, {HELPER}: " in page


def test_each_goal_can_be_missed(results: Results) -> None:
    """A worse measurement misses its own goal, and the page marks it."""
    worse = replace(
        results,
        end_states={**results.end_states, OURS: {ROW: WRONG, FAILING: RIGHT}},
        first_event={**results.first_event, (OURS, 256): FirstEvent(200, 131)},
        bursts=[(OURS, Burst(100, 100, 23.9, 229)), (OURS, Burst(450, 449, 90, 900))],
    )
    assert [goal.met for goal in goals(worse)] == [False] * 5
    assert report(worse).count("**missed**") == 5


def test_the_cases_that_are_compared_need_nothing_of_this_project() -> None:
    """They have ordinary operations and failures, and none is about properties that only this project has."""
    cases = list(comparable_cases())
    titles = {case.title for _, case in cases}
    assert {"succeeds", "edited by hand", "fails afterward", "swapped", "no response"} <= titles
    assert not [row.case for row, _ in cases if "AdoptExisting" in row.case or "Trigger" in row.case]
    assert not [case.title for _, case in cases if case.title.startswith("rejected by the function")]
