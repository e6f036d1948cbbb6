"""The pictures: what they show is what there is."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.packaging import ROOT

SVG = "{http://www.w3.org/2000/svg}"
PICTURES = sorted((ROOT / "docs").glob("*.svg"))


def drawn(picture: Path) -> list[str]:
    """Return the texts of a picture."""
    return ["".join(each.itertext()) for each in ElementTree.parse(picture).iter(f"{SVG}text")]  # noqa: S314 - our own


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_says_what_it_is_and_needs_nothing_else(picture: Path) -> None:
    """It has a title and a description, a size that scales, and loads nothing."""
    root = ElementTree.parse(picture).getroot()  # noqa: S314 - our own
    assert root.find(f"{SVG}title") is not None
    assert root.find(f"{SVG}desc") is not None
    assert root.get("role") == "img"
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|<image|<script", picture.read_text())


def test_the_terminal_shows_what_deploy_prints() -> None:
    """Each step that is shown is one that the commands announce, and so is the verdict."""
    scripts = "\n".join((ROOT / "scripts" / name).read_text() for name in ("_setup.sh", "_stack.py", "_deploy.py"))
    lines = drawn(ROOT / "docs" / "deploy.svg")
    assert lines[0] == "$ ./scripts/deploy"
    steps = [line.removeprefix("==> ") for line in lines if line.startswith("==> ")]
    assert len(steps) > 5
    for step in steps:
        said = step.replace("RekognitionModelSharing", "{stack.name}").partition(" in account ")[0]
        assert said in scripts
    (verdict,) = (line for line in lines if line.startswith("The policy is live"))
    assert verdict.partition(" revision ")[0] in scripts
    assert "The local cloud keeps running; ./scripts/deploy --destroy takes all of it down." in lines
