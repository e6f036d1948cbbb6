"""The names in the pages and examples: following one after another in one account creates nothing twice."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.docs.conftest import blocks
from tests.packaging import ROOT

CREATED = {
    "project": r'project_name="([\w-]+)"|create-project --project-name ([\w-]+)|^PROJECT = "([\w-]+)"'
    r"|^  ProjectName:\n    Type: String\n    Default: ([\w-]+)",
    "stack": r'\(\s*app,\s*"([\w-]+)"',
    "policy": r'policy_name="([\w-]+)"|^      PolicyName: ([\w.-]+)$',
}
"""What is created under a name that is unique in an account, and how that looks in Python, YAML and the shell."""


def sources() -> Iterator[tuple[str, str]]:
    """Return the pages with their code, and the examples' files with theirs."""
    for block in blocks("python", "shell", "yaml"):
        yield str(block.page.relative_to(ROOT)), block.text
    for pattern in ("app.py", "examples/*/*.py", "examples/*/*.yaml"):
        for path in ROOT.glob(pattern):
            yield str(path.relative_to(ROOT)), path.read_text()


@pytest.mark.parametrize("kind", CREATED)
def test_no_name_is_created_twice(kind: str) -> None:
    """A name belongs to one page or one example."""
    created: dict[str, set[str]] = defaultdict(set)
    for source, text in sources():
        for found in re.finditer(CREATED[kind], text, re.MULTILINE):
            (name,) = filter(None, found.groups())
            place = source.rpartition("/")[0] if source.startswith("examples/") else source
            created[name].add(place)
    assert len(created) > 3
    assert {name: places for name, places in created.items() if len(places) > 1} == {}
