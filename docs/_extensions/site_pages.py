"""What the site adds to the pages: files from outside this folder, links to them, descriptions and heads of rows.

Links are written as a repository host follows them. On the site, a line that is only a link to a Markdown file outside
this folder becomes that file's text; for the examples, all of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from html import escape
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parents[1]
EXAMPLES = DOCS.parent / "examples"
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "report-a-fault.md",
    "examples/README.md": "examples.md",
}
"""The pages of the site that stand for files outside this folder."""

_LANGUAGES = {".json": "json", ".py": "python", ".yaml": "yaml"}
_INCLUDED = re.compile(r"^\[[^\]]+\]\((\.\./[\w./-]+\.md)\)$", re.MULTILINE)
_FENCE = re.compile(r"(^(```+)[^\n]*\n.*?^\2$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!\w+:|#|/)([^)#\s]+)(#[^)\s]*)?\)")
_LONGEST_EXAMPLE = 45
"""Lines of a file that the page of examples shows at once; a longer one is folded."""
_LONGEST_DESCRIPTION = 160
"""Characters of a page's description that search engines show, about."""


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", _read)
    app.connect("doctree-read", _repeat_heads_of_rows)
    app.connect("html-page-context", _describe)
    app.connect("html-page-context", _headings_of_the_sidebar, priority=900)  # after the theme's own
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _read(_app: Sphinx, docname: str, source: list[str]) -> None:
    folder = (DOCS / docname).parent
    text = _INCLUDED.sub(lambda found: _text_of((folder / found[1]).resolve()), source[0])
    source[0] = _outside_fences(text, lambda part: _with_links(part, folder, folder))


def _text_of(file: Path) -> str:
    """Return a file's Markdown without its title, for a page in this folder."""
    if file == EXAMPLES / "README.md":
        return "\n".join(_examples())
    _, text = file.read_text().split("\n", 1)
    return _outside_fences(text, lambda part: _with_links(part, file.parent, DOCS))


def _examples() -> Iterator[str]:
    """Yield the examples' README, then each example's README and code."""
    _, about = (EXAMPLES / "README.md").read_text().split("\n", 1)
    yield _with_links(about, EXAMPLES, DOCS)
    for folder in sorted(path.parent for path in EXAMPLES.glob("*/README.md")):
        text = _outside_fences((folder / "README.md").read_text(), partial(_one_level_down, folder=folder))
        yield f"({_anchor(folder.name)})=\n\n{text}"
        for path in sorted(path for path in folder.iterdir() if path.suffix in _LANGUAGES and path.name != "cdk.json"):
            file = path.relative_to(DOCS.parent).as_posix()
            language = _LANGUAGES[path.suffix]
            code = f"\n```{{literalinclude}} ../{file}\n:language: {language}\n```\n"
            lines = len(path.read_text().splitlines())
            if lines > _LONGEST_EXAMPLE:
                yield f"\n<details><summary><code>{path.name}</code>, {lines} lines</summary>\n{code}\n</details>\n"
            else:
                yield f"\n`{path.name}`:\n{code}"


def _one_level_down(text: str, folder: Path) -> str:
    """Return a README's Markdown as a section of the page of examples."""
    return re.sub(r"^(#+ )", r"#\1", _with_links(text, folder, DOCS), flags=re.MULTILINE)


def _outside_fences(text: str, change: Callable[[str], str]) -> str:
    """Return the text with everything but its blocks of code changed."""
    parts = _FENCE.split(text)
    return "".join(change(part) if number % 3 == 0 else part for number, part in enumerate(parts) if number % 3 != 2)


def _with_links(text: str, folder: Path, page: Path) -> str:
    """Return the Markdown of a file in ``folder`` with its links rewritten for a page in the folder ``page``."""

    def link(found: re.Match[str]) -> str:
        target, fragment = (folder / found[1]).resolve(), found[2] or ""
        name = target.relative_to(DOCS.parent).as_posix()
        if target.parent.parent == EXAMPLES and target.name == "README.md":
            return f"](#{_anchor(target.parent.name)})"
        target = DOCS / PAGES[name] if name in PAGES else target
        # A Markdown file outside the site is a download.
        scheme = "path:" if target.suffix == ".md" and not target.is_relative_to(DOCS) else ""
        return f"]({scheme}{os.path.relpath(target, page)}{fragment})"

    return _LINK.sub(link, text)


def _anchor(example: str) -> str:
    return f"example-{example}"


def _headings_of_the_sidebar(
    _app: Sphinx, _page: str, _template: str, context: dict[str, Any], _tree: nodes.document | None
) -> None:
    """Give the sidebar's headings their level, which Sphinx leaves out and screen readers need."""
    tree = context["furo_navigation_tree"]
    context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="2"')


def _repeat_heads_of_rows(_app: Sphinx, tree: nodes.document) -> None:
    """Give a row without a head that of the row above, which may be out of sight."""
    for body in tree.findall(nodes.tbody):
        head: nodes.Node | None = None
        for row in body.findall(nodes.row):
            first = row.children[0]
            if first.astext():
                head = first
            elif head is not None:
                row.replace(first, head.deepcopy())


def _describe(_app: Sphinx, _page: str, _template: str, context: dict[str, Any], tree: nodes.document | None) -> None:
    """Give the page its first paragraph as its description."""
    first = next((each.astext() for each in tree.findall(nodes.paragraph)), "") if tree else ""
    if first:
        words = shorten(" ".join(first.split()), _LONGEST_DESCRIPTION, placeholder=" …")
        context["metatags"] = f'{context.get("metatags", "")}<meta name="description" content="{escape(words)}" />'
