"""The site in a real browser: search finds, nothing complains, everybody can use it.

Skipped where no Chromium is installed.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.docs.conftest import Site
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


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, and doesn't log requests."""

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def address(site: Site) -> Iterator[str]:
    """Where the site is served, because its search fetches pages, which a browser doesn't do from files."""
    assert site.code == 0, site.printed
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site.folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium with a profile of its own, which asks nothing of the network by itself."""
    quiet = ("background-networking", "component-update", "sync")
    arguments = ["--no-sandbox", "--disable-gpu", "--no-first-run", *(f"--disable-{each}" for each in quiet)]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page, whose complaints fail the test."""
    context = browser.new_context()
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def test_search_finds(address: str, page: Page) -> None:
    """The site's search finds a page by a word in it."""
    page.goto(f"{address}/index.html")
    page.get_by_placeholder("Search").first.fill("rollback")
    page.keyboard.press("Enter")
    page.locator("#search-results a[href^='maintainers/lifecycle.html']").first.wait_for()


@pytest.mark.parametrize(("scheme", "viewport"), [("light", PHONE), ("dark", PHONE), ("light", DESKTOP)])
def test_everybody_can_use_it(
    address: str, page: Page, scheme: Literal["light", "dark"], viewport: ViewportSize
) -> None:
    """No page is wider than the window, and axe-core finds nothing serious: contrast, what only a mouse can scroll."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(viewport)
    wrong = []
    for name in PAGES:
        page.goto(f"{address}/{name}")
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            wrong.append(f"{name}: is wider than the window")
        page.add_script_tag(path=AXE)
        found = page.evaluate("axe.run({resultTypes: ['violations']})")
        wrong += [
            f"{name}: {each['id']}: {each['nodes'][0]['html'][:150]} ({len(each['nodes'])})"
            for each in found["violations"]
            if each["impact"] in ("serious", "critical")
        ]
    assert wrong == []
