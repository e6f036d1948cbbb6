"""The page about a copy's lifecycle names a test for each row, and each of them exists."""

from __future__ import annotations

import ast
import re

from tests.packaging import ROOT


def test_each_row_names_tests_that_exist() -> None:
    """A row without a test is a claim; a test that is renamed has to be renamed in the page as well."""
    page = (ROOT / "docs" / "maintainers" / "copy-lifecycle.md").read_text()
    table = page.split("| request | live model version |")[1].split("\n\n")[0]
    tests = {
        node.name
        for path in (ROOT / "tests").rglob("test_*cop*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    }
    for row in table.splitlines()[2:]:
        named = re.findall(r"`(test_\w+)`", row)
        assert named, row
        assert set(named) <= tests, row
