"""The site: it builds without a warning, needs no network, and says the same as the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import cdk_rekognition_project_policy
from cdk_rekognition_project_policy._environment import CUSTOM_LABELS
from tests.docs.conftest import Site
from tests.packaging import ROOT


@pytest.fixture(scope="module")
def pages(site: Site) -> dict[Path, str]:
    """Every page of the site."""
    found = {path: path.read_text() for path in sorted(site.folder.rglob("*.html"))}
    assert len(found) > 5
    return found


def test_builds_without_a_warning(site: Site) -> None:
    """The build ends well, so each link leads somewhere; it says nothing but where the site is."""
    assert site.code == 0, site.printed
    assert "WARNING" not in site.printed
    assert site.printed.rstrip().endswith(str(site.folder / "index.html"))


def test_nothing_is_loaded_from_the_network(site: Site, pages: dict[Path, str]) -> None:
    """Pages, styles and pictures load their parts from the site's own folder."""
    for path, text in pages.items():
        assert not re.search(r"<(link|script|img)[^>]+(src|href)=\"(https?:)?//", text), path
    for path in [*site.folder.rglob("*.css"), *site.folder.rglob("*.svg")]:
        assert not re.search(r"(url\(|@import|href=)\s*[\"']?(https?:)?//", path.read_text()), path


def test_each_page_and_picture_is_described(pages: dict[Path, str]) -> None:
    """Each page has a description for search engines, and each picture a text that is more than its name."""
    for path, text in pages.items():
        if path.stem not in ("genindex", "search"):
            assert re.search(r'<meta name="description" content="[^"]{20,}"', text), path
        assert all(len(alt) > 20 for alt in re.findall(r'<img[^>]+alt="([^"]*)"', text)), path


def test_pages_do_not_tell_where_they_were_built(pages: dict[Path, str]) -> None:
    """What is published holds no path of the machine that built it."""
    assert [path.name for path, text in pages.items() if str(ROOT) in text] == []


def test_compatibility_says_what_is_required_and_tested() -> None:
    """The page has the ranges of the package, the pinned CLI, the Pythons, the function's runtime and the Regions."""
    page = (ROOT / "docs" / "compatibility.md").read_text()
    about = (ROOT / "pyproject.toml").read_text()
    for name, least, below in re.findall(r'"([\w-]+)>=([\d.]+),<(\d+)"', about):
        assert f"| `{name}` | {least} or newer, below {below} |" in page
    pythons = re.findall(r"Python :: (3\.\d+)", about)
    assert f"| {pythons[0]} to {pythons[-1]} |" in page
    cli = json.loads((ROOT / "package.json").read_text())["devDependencies"]["aws-cdk"]
    assert f"a 2.x from {cli} on" in page
    assert "crhelper==" + re.findall(r"exactly ([\d.]+)", page)[0] in about
    assert set(re.findall(r"`([a-z]+-[a-z]+-\d)`", page)) == CUSTOM_LABELS
    for name in ("compatibility.md", "index.md"):
        assert f"ersion {cdk_rekognition_project_policy.__version__}" in (ROOT / "docs" / name).read_text()
