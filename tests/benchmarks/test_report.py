"""What the benchmark makes of its measurements: medians, turns, verdicts on end states, and which goals are met."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from benchmarks.end_states import CASES, EndState, end_state
from benchmarks.functions import AWS_CUSTOM_RESOURCE, OURS, README
from benchmarks.many_at_once import Burst
from benchmarks.report import Results, charts, goals, report
from benchmarks.speed import Speed
from benchmarks.summary import Summary, in_turn
from benchmarks.synthesis import STACKS, Synthesis

CALLS = {"Create": 2, "Update": 2, "Delete": 2}


def at(median: float) -> Summary:
    """Return a summary with its quartiles a tenth away."""
    return Summary(median, median * 0.9, median * 1.1)


@pytest.fixture
def results() -> Results:
    """Return a run that meets each goal exactly."""
    ours = Speed(cold=at(144), init=at(124), invoke=at(20), warm=at(5), memory=at(56), calls=CALLS)
    node = replace(ours, cold=at(90), invoke=at(100))
    seconds = {("empty", 0): 0.5, ("bare", 100): 1.0, ("ours", 100): 1.75, ("ours", 1): 0.76, ("ours", 450): 5.25}
    stacks = [(kind, policies) for kind, policies, _ in STACKS.values()]
    return Results(
        machine={"Python": "3.11"},
        zipped={OURS: 43_500, AWS_CUSTOM_RESOURCE: 87_000, README: 7_000},
        speed={OURS: ours, AWS_CUSTOM_RESOURCE: node, README: replace(ours, cold=at(160))},
        synthesis={stack: Synthesis(at(seconds.get(stack, 1.0)), 106) for stack in stacks},
        bursts={OURS: Burst(succeeded=100, seconds=24.7, throttled=200, slowest=9.0)},
        end_states={"updated": {OURS: EndState(right=True, found=""), README: EndState(right=False, found="gone")}},
    )


def missed(results: Results) -> list[str]:
    """Return the goals that a run misses."""
    return [goal.what for goal in goals(results) if not goal.met]


def test_a_summary_is_the_median_with_its_quartiles() -> None:
    """One run that took long changes little."""
    assert Summary.of([1, 2, 3, 4, 100]).text(1) == "3.0 (2.0-4.0)"


def test_every_variant_has_every_turn() -> None:
    """Over the runs, each variant comes first, and each follows each other one."""
    runs = [in_turn("abc", run) for run in range(6)]
    assert {run[0] for run in runs} == set("abc")
    assert {pair for run in runs for pair in pairwise(run)} == {
        (one, other) for one in "abc" for other in "abc" if one != other
    }


@pytest.mark.parametrize(
    ("title", "status", "live", "found"),
    [
        ("document updated in place", "UPDATE_COMPLETE", "", "the policy is gone"),
        ("document updated in place", "UPDATE_COMPLETE", "old", "live: old"),
        ("policy edited by hand, then updated", "UPDATE_COMPLETE", "another's", "the edit stays live"),
        (
            "another resource fails during create",
            "ROLLBACK_FAILED",
            "old",
            "ROLLBACK_FAILED; the policy is left behind",
        ),
        ("another's policy has the name", "ROLLBACK_COMPLETE", "", "another's policy is gone"),
        ("another's policy has the name", "ROLLBACK_COMPLETE", "old", "another's policy was overwritten"),
    ],
)
def test_a_wrong_end_state_is_wrong(title: str, status: str, live: str, found: str) -> None:
    """A stack ends right only with the right status and the right live policies; the page says what differs."""
    (case,) = (case for case in CASES if case.title == title)
    assert end_state(case, case.status, case.live) == EndState(right=True, found="")
    assert end_state(case, status, live) == EndState(right=False, found=found)


def test_a_run_at_its_limits_meets_every_goal(results: Results) -> None:
    """The page then says nothing of a missed goal, and every place in its text is filled."""
    assert missed(results) == []
    page = report(results)
    assert "missed" not in page
    assert "{{" not in page


def test_each_goal_can_be_missed(results: Results) -> None:
    """A worse measurement misses its own goal, and the page marks it."""
    slow = replace(results.speed[OURS], cold=at(145), invoke=at(20.1), warm=at(5.1), memory=at(57))
    worse = replace(
        results,
        zipped={**results.zipped, OURS: 43_501},
        speed={**results.speed, OURS: slow},
        synthesis={
            **results.synthesis,
            ("ours", 100): Synthesis(at(1.76), 106),
            ("ours", 450): Synthesis(at(6.4), 106),
        },
        bursts={OURS: Burst(succeeded=100, seconds=24.8, throttled=200, slowest=9.0)},
        end_states={"updated": {OURS: EndState(right=False, found="gone")}},
    )
    assert missed(worse) == [goal.what for goal in goals(results)]
    assert report(worse).count("**missed**") == len(missed(worse))


def test_a_chart_has_a_bar_as_long_as_each_number(results: Results) -> None:
    """The numbers are beside the bars, and in the description for who can't see them."""
    drawn = ElementTree.fromstring(charts(results)["cold-start.svg"])  # noqa: S314 - our own
    namespace = "{http://www.w3.org/2000/svg}"
    lengths = [float(bar.get("width", 0)) for bar in drawn.iter(f"{namespace}rect")][1:]  # without the page's
    medians = [part for speed in results.speed.values() for part in (speed.init.median, speed.invoke.median)]
    assert lengths == pytest.approx([median * lengths[0] / medians[0] for median in medians], abs=0.1)
    words = [text.text for text in drawn.iter(f"{namespace}text")]
    assert words[1:5] == [OURS, "144 ms", "AwsCustomResource", "90 ms"]
    assert "this project: 144 ms; AwsCustomResource: 90 ms" in (drawn.findtext(f"{namespace}desc") or "")


def test_what_went_wrong_is_said_of_all_the_others_at_once(results: Results) -> None:
    """A case's row has who ends right, and each fault once."""
    wrong = EndState(right=False, found="the policy is gone")
    states = {OURS: EndState(right=True, found=""), AWS_CUSTOM_RESOURCE: wrong, README: wrong}
    assert "| updated | this project | the others: the policy is gone |" in report(
        replace(results, end_states={"updated": states})
    )


def test_a_failed_create_misses_the_goal(results: Results) -> None:
    """However fast the others were."""
    failed = replace(results, bursts={OURS: Burst(succeeded=99, seconds=19.0, throttled=200, slowest=9.0)})
    assert missed(failed) == ["100 Creates at once"]
    assert "**99**" in report(failed)
