"""The site: it builds without a warning, its links lead somewhere, and it needs no network."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import cdk_rekognition_project_policy
from cdk_rekognition_project_policy._environment import CUSTOM_LABELS
from tests.docs.conftest import Site
from tests.packaging import ROOT


class Page(HTMLParser):
    """What a page links to, loads and can be linked to by."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag has."""
        given = dict(attrs)
        self.anchors |= {value for value in (given.get("id"),) if value}
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        elif tag == "link" or given.get("src"):
            self.loads.append(str(given.get("src") or given.get("href")))
        if tag == "img":
            self.pictures.append(given)


@pytest.fixture(scope="module")
def pages(site: Site) -> dict[Path, Page]:
    """Every page of the site."""
    assert site.code == 0, site.printed
    found = {path: Page(path) for path in sorted(site.folder.rglob("*.html"))}
    assert len(found) > 5
    return found


def test_builds_without_a_warning(site: Site) -> None:
    """The build ends well, says nothing but where the site is, and says that."""
    assert site.code == 0, site.printed
    assert "WARNING" not in site.printed
    assert site.printed.rstrip().endswith(str(site.folder / "index.html"))


def test_every_link_within_the_site_leads_somewhere(pages: dict[Path, Page]) -> None:
    """A link's page is there, and so is the anchor in it."""
    broken = []
    for path, page in pages.items():
        for link in page.links:
            address = urlsplit(link)
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            missing = not target.exists() or (
                address.fragment and target in pages and unquote(address.fragment) not in pages[target].anchors
            )
            if not address.scheme and missing:
                broken.append(f"{path.name}: {link}")
    assert broken == []


def test_nothing_is_loaded_from_the_network(site: Site, pages: dict[Path, Page]) -> None:
    """Pages, styles and pictures load their parts from the site's own folder, which has them all."""
    for path, page in pages.items():
        for part in page.loads:
            address = urlsplit(part)
            assert not address.scheme, f"{path.name} loads {part}"
            assert not address.netloc, f"{path.name} loads {part}"
            assert (path.parent / unquote(address.path)).exists(), f"{path.name} loads {part}"
    for path in [*site.folder.rglob("*.css"), *site.folder.rglob("*.svg")]:
        assert not re.search(r"(url\(|@import|href=)\s*[\"']?(https?:)?//", path.read_text()), path


def test_pictures_are_told_to_who_cannot_see_them(pages: dict[Path, Page]) -> None:
    """Each picture has a text that is more than its name."""
    pictures = [picture for page in pages.values() for picture in page.pictures]
    assert pictures
    assert all(len(picture.get("alt") or "") > 20 for picture in pictures)


def test_pages_do_not_tell_where_they_were_built(pages: dict[Path, Page]) -> None:
    """What is published holds no path of the machine that built it."""
    assert [path.name for path in pages if str(ROOT) in path.read_text()] == []


def test_every_public_class_has_an_example() -> None:
    """The reference of the constructs shows each in use, and so in the repository as well."""
    page = (ROOT / "docs" / "api.md").read_text()
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    assert sorted(sections) == cdk_rekognition_project_policy.__all__
    for name, text in sections.items():
        (example,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        assert name in example


def test_the_constructs_are_shown_with_what_they_take(site: Site) -> None:
    """The reference has each public class with its keywords and no stand-in of the CDK's for them."""
    text = (site.folder / "api.html").read_text()
    for anchor in ("ProjectPolicy.grant_copy", "ProjectPolicyProvider.from_attributes", "CopyProjectVersionPolicy"):
        assert f'id="cdk_rekognition_project_policy.{anchor}"' in text
    for keyword in ("block_public_policy", "log_retention", "output_encryption_key"):
        assert f'<span class="pre">{keyword}</span>' in text
    assert "kwargs" not in text
    for parameter in ("block_public_policy", "stop_running"):  # once, not in each overload
        assert len(re.findall(rf'<span class="pre">{parameter}</span></span><span class="p">', text)) == 1


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
