"""The site, built once, and the pages that it and a repository host show."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.packaging import ROOT

_BLOCK = re.compile(r"^(?P<fence> *```+)(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL)
_FOREIGN = {"build", "cdk.out", "dist", "node_modules"}


@dataclass(frozen=True)
class Block:
    """A block of code in a page."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        """Return where the block is."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def markdown() -> list[Path]:
    """Return every page of the repository."""
    found = ROOT.rglob("*.md")
    return sorted(
        path
        for path in found
        if not any(part.startswith(".") or part in _FOREIGN for part in path.relative_to(ROOT).parts)
    )


def blocks(*languages: str) -> list[Block]:
    """Return the blocks of those languages in the pages for users."""
    pages = [page for page in markdown() if page.relative_to(ROOT).parts[0] in ("README.md", "docs", "examples")]
    return [block for page in pages for block in _of(page) if block.language in languages]


def _of(page: Path) -> Iterator[Block]:
    text = page.read_text()
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 2
        yield Block(page, line, found["language"], textwrap.dedent(found["text"]))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site, which ./scripts/docs builds without a warning."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "_docs.py", "--output", folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return folder
