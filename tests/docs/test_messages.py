"""The page of messages: each entry is what the code says.

An entry of docs/errors.md is a bullet: the beginning of a message as code, with an ellipsis for each value in it, and
what the message doesn't say.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.packaging import ROOT

PAGE = (ROOT / "docs" / "errors.md").read_text()
OTHERS = "What CloudFormation and the CDK say"  # a section whose messages are not this project's
VALUE = re.compile(r"\{\w+\}|%[sd]")


def plain(markdown: str) -> str:
    """Return the words of a text: without code marks, escapes, emphasis and line breaks."""
    return " ".join(re.sub(r"[`\\*]", "", markdown).split())


def strings() -> Iterator[str]:
    """Return each string of the code, with an ellipsis for each value in it."""
    for path in (path for folder in ("constructs", "lambda") for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = (each.value if isinstance(each, ast.Constant) else "…" for each in node.values)
                yield VALUE.sub("…", "".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield VALUE.sub("…", node.value)


def entries() -> list[str]:
    """Return the message of each entry that is this project's."""
    own = re.sub(rf"^## {OTHERS}$.*?(?=^## |\Z)", "", PAGE, flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"^- `([^`]+)`", own, re.MULTILINE)
    return [" ".join(entry.split()) for entry in found if " " in entry]  # an error code is one word


def test_every_entry_is_a_message() -> None:
    """No entry stays when its message goes."""
    said = plain("\n".join(strings()))
    assert len(entries()) > 30
    assert [entry for entry in entries() if plain(entry) not in said] == []
