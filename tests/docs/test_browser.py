"""The site in a real browser: pages fit, search finds, nothing complains, everybody can use it.

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

COLORFUL = ("index.html", "api.html", "how-to/without-cdk.html")
"""Pages that have every color of the site: code in Python, shell, JSON and YAML, and tables."""

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
    """A page as wide as a desktop's. What it complains about fails the test."""
    context = browser.new_context(viewport=DESKTOP)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def pages(site: Site) -> list[str]:
    """Return each page that has a text of its own."""
    generated = {"genindex.html", "py-modindex.html", "search.html"}
    return sorted(
        path.relative_to(site.folder).as_posix() for path in site.folder.rglob("*.html") if path.name not in generated
    )


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_pages_fit(site: Site, address: str, page: Page, viewport: ViewportSize) -> None:
    """No page is wider than the window, no word is broken; what is wider scrolls, by the keyboard too."""
    page.set_viewport_size(viewport)
    wrong = []
    for name in pages(site):
        page.goto(f"{address}/{name}")
        wrong += [f"{name}: {each}" for each in page.evaluate(WHAT_IS_WRONG)]
    assert wrong == []


WHAT_IS_WRONG = """() => {
    const wrong = [];
    if (document.documentElement.scrollWidth > window.innerWidth) wrong.push("the page is wider than the window");
    for (const code of document.querySelectorAll("article pre")) {
        if (code.scrollWidth <= code.clientWidth + 1) continue;
        if (code.tabIndex !== 0) wrong.push("code that the keyboard can't scroll: " + code.innerText.slice(0, 30));
    }
    for (const name of document.querySelectorAll("article :is(h1, h2, h3, code.literal .pre)")) {
        for (const text of name.childNodes) for (const word of text.textContent.matchAll(/[A-Za-z0-9]{2,}/g)) {
            if (text.nodeType !== Node.TEXT_NODE) continue;
            const range = document.createRange();
            range.setStart(text, word.index);
            range.setEnd(text, word.index + word[0].length);
            if (new Set([...range.getClientRects()].map((part) => part.top)).size > 1) wrong.push("broken: " + word[0]);
        }
    }
    const contents = document.querySelector(".toc-drawer:not(.no-toc)");
    if (window.innerWidth >= 1280 && contents && contents.getBoundingClientRect().right > window.innerWidth) {
        wrong.push("the contents aren't in sight");
    }
    for (const box of document.querySelectorAll("article .table-wrapper")) {
        if (box.scrollWidth <= box.clientWidth + 1) continue;
        const words = box.innerText.slice(0, 30);
        if (getComputedStyle(box).overflowX !== "auto") wrong.push("a table that doesn't scroll: " + words);
        if (box.tabIndex !== 0) wrong.push("a table that the keyboard can't scroll: " + words);
        if (getComputedStyle(box).backgroundAttachment.indexOf("local") < 0) wrong.push("no cue: " + words);
    }
    return wrong;
}"""


WORDS = {
    "rollback": "maintainers/lifecycle.html",
    "drift": "how-to/pipelines.html",
    "cost": "faq.html",
    "unit test": "how-to/who-may-copy.html",
    "TypeScript": "how-to/without-cdk.html",
    "revoke": "how-to/who-may-copy.html",
    "VPC": "how-to/vpc.html",
    "third-party": "security.html",
}
"""What readers look for, and the page that tells about it."""


def test_search_finds(address: str, page: Page) -> None:
    """The site's search finds the page that tells about a word."""
    for word, expected in WORDS.items():
        page.goto(f"{address}/index.html")
        page.get_by_placeholder("Search").first.fill(word)
        page.keyboard.press("Enter")
        page.locator(f"#search-results a[href^='{expected}']").first.wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(site: Site, address: str, page: Page, scheme: Literal["light", "dark"]) -> None:
    """axe-core finds nothing serious: contrast, names of buttons and pictures, the keyboard."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(PHONE)  # where most of what scrolls does
    wrong = []
    for name in pages(site) if scheme == "light" else COLORFUL:
        page.goto(f"{address}/{name}")
        page.add_script_tag(path=AXE)
        # What surrounds the articles is the same on every page, and the colors of code on most of them.
        within = ["html"] if name == "index.html" else ["article"]
        without = [] if name in COLORFUL else [".highlight span"]
        found = page.evaluate(
            "([include, exclude]) => axe.run({include, exclude}, {resultTypes: ['violations']})", [within, without]
        )
        wrong += [
            f"{name}: {each['id']}: {each['nodes'][0]['html'][:150]} ({len(each['nodes'])})"
            for each in found["violations"]
            if each["impact"] in ("serious", "critical")
        ]
    assert wrong == []
