"""The files that the project is built and published with."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted([*ROOT.glob("requirements*.in"), *ROOT.glob("localcloud/requirements*.in")])


@pytest.mark.parametrize("source", LOCKS, ids=lambda source: str(source.relative_to(ROOT)))
def test_every_requirement_is_locked_with_hashes(source: Path) -> None:
    """Each line of a lock pins one version and lists the hashes of its files."""
    lines = source.with_suffix(".txt").read_text().replace("\\\n", "").splitlines()
    requirements = [line for line in lines if not line.lstrip().startswith("#")]
    assert requirements
    assert [line for line in requirements if "==" not in line or "--hash=sha256:" not in line] == []
