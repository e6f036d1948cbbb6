"""The page of messages: each message of the code has an entry, and each entry is what the code says.

An entry of docs/errors.md is a bullet: the beginning of a message as code, with an ellipsis for each value in it, and
what the rest of the message doesn't say.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from project_policy.errors import SENTENCES
from project_version_copy.errors import SENTENCES as SENTENCES_OF_COPIES
from rekognition.errors import SENTENCES as COMMON_SENTENCES
from tests.packaging import ROOT

PAGE = (ROOT / "docs" / "errors.md").read_text()
OTHERS = "What CloudFormation and the CDK say"  # a section whose messages are not this project's
SOURCES = sorted(path for folder in ("constructs", "lambda") for path in (ROOT / folder).rglob("*.py"))
SHOWN = re.compile(r"\w*(Error|Refuse|Reject|add_warning_v2|add_info_v2|logger\.warning|logger\.error)")
INTERNAL = re.compile(r"AssertionError|TypeError|StaleReadError|ServiceError")
SENTENCE = re.compile(r"\S\.( |$)")
VALUE = re.compile(r"\{\w+\}|%[sd]")
SHORTEST = 12  # characters of a message's fixed words that the page must have


def plain(markdown: str) -> str:
    """Return the words of a text: without code marks, escapes, emphasis and line breaks."""
    return " ".join(re.sub(r"[`\\*]", "", markdown).split())


def messages(path: Path) -> Iterator[tuple[int, str]]:
    """Return each message of a module and its line: what reads as a sentence, or is given to what people see."""
    tree = ast.parse(path.read_text())
    hidden: set[ast.AST] = {each.value for each in ast.walk(tree) if isinstance(each, ast.Expr)}  # docstrings
    shown: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            hidden |= set(ast.walk(node)) - {node}
        elif isinstance(node, ast.Call):
            within = {each for argument in node.args for each in ast.walk(argument)}
            name = ast.unparse(node.func)
            name = name if name.startswith("logger.") else name.rpartition(".")[2]
            if INTERNAL.fullmatch(name):
                hidden |= within
            elif SHOWN.fullmatch(name):
                shown |= within
    for node in set(ast.walk(tree)) - hidden:
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
            if node in shown or SENTENCE.search(text):
                yield node.lineno, VALUE.sub("…", text)


def entries() -> list[str]:
    """Return the message of each entry that is this project's."""
    own = re.sub(rf"^## {OTHERS}$.*?(?=^## |\Z)", "", PAGE, flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"^- `([^`]+)`", own, re.MULTILINE)
    return [" ".join(entry.split()) for entry in found if " " in entry]  # an error code is one word


def test_every_message_has_an_entry() -> None:
    """The page has the fixed words that each message begins with; add an entry or correct it."""
    page, missing = plain(PAGE), []
    for path in SOURCES:
        for line, message in sorted(messages(path)):
            for part in re.split(r"[.;] ", message)[0].split("…"):
                words = part.strip(" :.;,(\"')")
                if len(words) >= SHORTEST and plain(words) not in page:
                    missing.append(f"{path.relative_to(ROOT)}:{line}: docs/errors.md lacks: {words}")
    if missing:
        pytest.fail("\n".join(missing), pytrace=False)


def test_every_entry_is_a_message() -> None:
    """No entry stays when its message goes."""
    said = plain("\n".join(message for path in SOURCES for _, message in messages(path)))
    assert len(entries()) > 50
    stale = [entry for entry in entries() if plain(entry) not in said]
    if stale:
        pytest.fail("\n".join(["no message has these words of docs/errors.md:", *stale]), pytrace=False)


@pytest.mark.parametrize("code", sorted({*COMMON_SENTENCES, *SENTENCES, *SENTENCES_OF_COPIES}))
def test_an_error_code_is_found_by_its_name(code: str) -> None:
    """The page has each code that a reason may show."""
    assert f"`{code}`" in PAGE
