"""What the benchmark makes of its measurements."""

from __future__ import annotations

from benchmarks.first_event import FirstEvent
from benchmarks.functions import HELPER, OURS
from benchmarks.many_at_once import Burst
from benchmarks.report import Results, report


def test_the_page_says_what_was_measured() -> None:
    """Every place in its text is filled, and a burst that didn't succeed as a whole is marked."""
    page = report(
        Results(
            machine={"Python": "3.13"},
            first_event={
                (OURS, 256): FirstEvent(200, 130),
                (HELPER, 128): FirstEvent(200, 200),
                (HELPER, 256): FirstEvent(200, 100),
            },
            bursts=[(OURS, Burst(100, 100, 23.75, 229)), (HELPER, Burst(100, 64, 12.0, 189))],
            synthesis={("ours", 1): 2.0, ("bare", 1): 1.0, ("ours", 100): 3.0, ("bare", 100): 1.5},
            copy={"copy_minutes": 30, "copy_runs": 4, "copy_calls": 183, "copy_seconds": 1800},
        )
    )
    assert "{{" not in page
    assert "| this project | 256 | 200 | 130 | 330 | 330 | 1.00 |" in page
    assert "| crhelper | 128 | 200 | 200 | 400 | 300 | 1.10 |" in page
    assert "| crhelper | 100 | **64** |" in page
