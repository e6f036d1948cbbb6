"""The page of messages: each message of the code has an entry, and each entry is what the code says.

An entry of docs/errors.md is a bullet: the message as code, with an ellipsis for each value in it, then what to do.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam

from cdk_rekognition_project_policy import ProjectPolicy
from custom_resource.errors import RejectedError
from project_policy.errors import SENTENCES
from project_policy.properties import Properties
from rekognition.arns import Environment
from rekognition.errors import SENTENCES as COMMON_SENTENCES
from rekognition.errors import ServiceError
from tests.packaging import ROOT

PAGE = (ROOT / "docs" / "errors.md").read_text()
OTHERS = "What CloudFormation and the CDK say"  # a section whose messages are not this project's
SOURCES = sorted(path for folder in ("constructs", "lambda") for path in (ROOT / folder).rglob("*.py"))
SHOWN = re.compile(r"\w*(Error|Refuse|Reject|add_warning_v2|add_info_v2|logger\.warning|logger\.error)")
INTERNAL = re.compile(r"AssertionError|TypeError|OutOfDateError|ServiceError")
SENTENCE = re.compile(r"\S\.( |$)")
VALUE = re.compile(r"\{\w+\}|%[sd]")
SHORTEST = 12  # characters of a message's fixed words that the page must have

PROJECT_ARN = "arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815"
STATEMENT = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "*", "Resource": "*"}


def plain(markdown: str) -> str:
    """Return the words of a text: without code marks, escapes, emphasis and line breaks, and in lower case."""
    return " ".join(re.sub(r"[`\\*]", "", markdown).lower().split())


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
    return [" ".join(entry.split()) for entry in re.findall(r"^- `([^`]+)`\\$", own, re.MULTILINE)]


def test_every_message_has_an_entry() -> None:
    """The page has the fixed words of each message, what to do included; add an entry or correct it."""
    page, missing = plain(PAGE), []
    for path in SOURCES:
        for line, message in sorted(messages(path)):
            for part in re.split(r"…|[.;] ", message):
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


def properties(**changes: object) -> Callable[[], object]:
    """Return what rejects these properties."""
    given = {"ProjectArn": PROJECT_ARN, "PolicyName": "sharing", "PolicyDocument": {"Statement": [STATEMENT]}}

    def reject() -> None:
        wanted = Properties.parse({**given, **changes}, Environment("us-east-1", "123456789012"))
        raise RejectedError(wanted.violation)

    return reject


def policy(**given: Any) -> ProjectPolicy:
    """Return a policy in an app of its own."""
    return ProjectPolicy(Stack(App(analytics_reporting=False), "Stack"), "Sharing", **given)


@pytest.mark.parametrize(
    "reject",
    [
        properties(),
        properties(ProjectArn="logos"),
        properties(PolicyName="two words"),
        properties(PolicyNam="sharing"),
        properties(AdoptExisting="yes"),
        properties(PolicyDocument='{"Id": 1, "Id": 2}'),
        lambda: policy(project=None),
        lambda: policy(project=PROJECT_ARN, policy_name="two words"),
        lambda: policy(project=PROJECT_ARN, document="sharing.json"),
        lambda: policy(project=PROJECT_ARN).grant_copy(iam.AccountPrincipal("1234")),
        lambda: policy(project=PROJECT_ARN).grant_copy([iam.AccountPrincipal("111122223333")]),  # type: ignore[arg-type]
        lambda: policy(project=PROJECT_ARN).grant_copy(iam.AccountPrincipal("111122223333"), versions=[]),
    ],
)
def test_a_message_is_found_by_its_words(reject: Callable[[], object]) -> None:
    """A message that was really raised fits an entry."""
    with pytest.raises((RejectedError, ValueError)) as raised:
        reject()
    assert fits(str(raised.value)), raised.value


@pytest.mark.parametrize("code", [*COMMON_SENTENCES, *SENTENCES, "UnknownException"])
def test_an_error_code_is_found_by_its_name_and_its_words(code: str) -> None:
    """The sentence of each code fits an entry, and the page has the code itself."""
    assert fits(ServiceError("PutProjectPolicy", code, "").sentence(SENTENCES))
    assert f"`{code}`" in PAGE or code == "UnknownException"


def fits(said: str) -> bool:
    """Return whether a message has the words of an entry."""
    return any(re.search(re.escape(entry).replace("…", ".+"), said) for entry in entries())
