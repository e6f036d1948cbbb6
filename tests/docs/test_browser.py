"""The site in a real browser: nothing complains, everybody can use it.

Skipped where no Chromium is installed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, ViewportSize, sync_playwright

from tests.packaging import ROOT

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}

PAGES = ("index.html", "api.html", "limits.html", "how-to/without-cdk.html")
"""Pages that have all that the site has: code in Python, shell, JSON and YAML, wide tables, long names, a picture."""

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="The site is tested in a browser only where Chromium is installed (apt install chromium)"
)


@pytest.fixture
def page() -> Iterator[Page]:
    """A page in a Chromium that asks nothing of the network by itself; what it complains about fails the test."""
    quiet = ("background-networking", "component-update", "sync")
    arguments = ["--no-sandbox", "--disable-gpu", "--no-first-run", *(f"--disable-{each}" for each in quiet)]
    complaints: list[str] = []
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=arguments) as browser,
    ):
        page = browser.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
    assert complaints == []


@pytest.mark.parametrize(("scheme", "viewport"), [("light", PHONE), ("dark", PHONE), ("light", DESKTOP)])
def test_everybody_can_use_it(site: Path, page: Page, scheme: Literal["light", "dark"], viewport: ViewportSize) -> None:
    """No page is wider than the window, and axe-core finds nothing serious: contrast, what only a mouse can scroll."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(viewport)
    wrong = []
    for name in PAGES:
        page.goto((site / name).as_uri())
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            wrong.append(f"{name}: is wider than the window")
        page.add_script_tag(path=AXE)
        found = page.evaluate("axe.run({resultTypes: ['violations'], preload: false})")
        wrong += [
            f"{name}: {each['id']}: {each['nodes'][0]['html'][:150]} ({len(each['nodes'])})"
            for each in found["violations"]
            if each["impact"] in ("serious", "critical")
        ]
    assert wrong == []
