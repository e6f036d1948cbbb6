"""The site: it builds without a warning, needs no network, and agrees with the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import cdk_rekognition_project_policy
from cdk_rekognition_project_policy._environment import CUSTOM_LABELS
from tests.packaging import ROOT

FORBIDDEN = {
    "a page that loads from the network": ("*.html", r"<(link|script|img)[^>]+(src|href)=\"(https?:)?//"),
    "a style that loads from the network": ("*.css", r"(url\(|@import)\s*[\"']?(https?:)?//"),
    "a picture that loads from the network": ("*.svg", r"(url\(|href=)\s*[\"']?(https?:)?//"),
    "where it was built": ("*.html", re.escape(str(ROOT))),
    "a picture without a text": ("*.html", r'<img[^>]+alt="[^"]{,20}"'),
    "no description": ("*.html", r'\A(?!.*(name="description" content="[^"]{20,}"|<title>(Index|Search) ))'),
}
"""Patterns, and the files that must not have them."""


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_has(site: Path, what: str) -> None:
    """Nothing is loaded from the network or tells where it was built, and pages and pictures are described."""
    files, pattern = FORBIDDEN[what]
    found = sorted(site.rglob(files))
    assert found
    assert [path.name for path in found if re.search(pattern, path.read_text(), re.DOTALL)] == []


def test_compatibility_says_what_is_required_and_tested() -> None:
    """The page has the ranges of the package, the pinned CLI, the Pythons, the function's runtime and the Regions."""
    page = (ROOT / "docs" / "compatibility.md").read_text()
    about = (ROOT / "pyproject.toml").read_text()
    for name, least, below in re.findall(r'"([\w-]+)>=([\d.]+),<(\d+)"', about):
        assert f"| `{name}` | {least} or newer, below {below}" in page
    pythons = re.findall(r"Python :: (3\.\d+)", about)
    assert f"| {pythons[0]} to {pythons[-1]} |" in page
    cli = json.loads((ROOT / "package.json").read_text())["devDependencies"]["aws-cdk"]
    assert f"a 2.x from {cli} on" in page
    assert "crhelper==" + re.findall(r"exactly ([\d.]+)", page)[0] in about
    assert set(re.findall(r"`([a-z]+-[a-z]+-\d)`", page)) == CUSTOM_LABELS
    for name in ("compatibility.md", "index.md"):
        assert f"ersion {cdk_rekognition_project_policy.__version__}" in (ROOT / "docs" / name).read_text()
