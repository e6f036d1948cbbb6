"""Every case of the tables, judged on virtual time; and the pages' tables are these rows."""

from __future__ import annotations

import pytest

from tests.lifecycle import copy_cases, policy_cases
from tests.lifecycle.cases import SAME, Case, Row
from tests.lifecycle.simulated import VirtualTime
from tests.packaging import ROOT

TABLES = {"lifecycle.md": policy_cases.ROWS, "copy-lifecycle.md": copy_cases.ROWS}
CASES = [
    pytest.param(row, case, tells_time, id=f"{row.case}: {case.title}{'' if tells_time else ', no time in the URL'}")
    for rows in TABLES.values()
    for tells_time in ((True, False) if rows is policy_cases.ROWS else (True,))
    for row in rows
    for case in row.cases
]
FURTHER = [*policy_cases.FURTHER, *copy_cases.FURTHER]
LIMITATIONS = [*policy_cases.LIMITATIONS, *copy_cases.LIMITATIONS]


@pytest.mark.parametrize(("row", "case", "tells_time"), CASES)
def test_a_case(row: Row, case: Case, tells_time: bool) -> None:
    """The stack ends as it has to, CloudFormation has sent what the page says, and what should be live is live."""
    judge = VirtualTime(case, url_tells_time=tells_time)
    judge.play()
    if row.sent != SAME:
        assert judge.sent() == (case.sent or row.sent)


@pytest.mark.parametrize("case", FURTHER, ids=lambda case: case.title)
def test_a_further_case(case: Case) -> None:
    """It is rarer than what the tables have, and ends right."""
    VirtualTime(case).play()


@pytest.mark.parametrize("case", LIMITATIONS, ids=lambda case: case.title)
def test_a_known_limitation(case: Case) -> None:
    """It ends as its page says: whoever makes it right takes it out there."""
    VirtualTime(case, promises=False).play()


@pytest.mark.parametrize("page", TABLES)
def test_a_page_has_these_rows(page: str) -> None:
    """The table "Case by case" and the cases say the same: a change of one is a change of the other."""
    (path,) = (ROOT / "docs").rglob(page)
    table = path.read_text().split("## Case by case")[1].split("|---|---|---|\n")[1].split("\n\n")[0]
    assert table.splitlines() == [f"| {row.case} | {row.sent} | {row.live} |" for row in TABLES[page]]
