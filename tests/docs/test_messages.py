"""The page of messages: all that the code can say, and what it really says is found there."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam

from cdk_rekognition_project_policy import CopyProjectVersionPolicy, ProjectPolicy, ProjectPolicyProvider
from docs._extensions import messages
from project_policy import document as documents
from project_policy import reasons
from project_policy.errors import Refused
from project_policy.identity import Home, check_policy_name
from project_policy.rekognition import ServiceError
from project_policy.request import Properties
from tests.packaging import ROOT

PROJECT_ARN = "arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815"
SOURCES = sorted(
    [
        *(ROOT / "constructs").rglob("*.py"),
        *(ROOT / "lambda" / "project_policy").glob("*.py"),
        ROOT / "lambda" / "custom_resource.py",
    ]
)
RAISED = ("Refused", "InvalidDocument", "ValueError", "RuntimeError", "ImportError", "AnswerLost", "Refuse")
STATEMENT: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"AWS": "111122223333"},
    "Action": "rekognition:CopyProjectVersion",
    "Resource": "*",
}


def wordings(node: ast.AST) -> list[str]:
    """Return the fixed parts of a text that are long enough to be looked for."""
    parts = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return [part.strip(" :") for part in parts if len(part.strip(" :")) > 11]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_refusal_in_the_code_has_an_entry(path: Path) -> None:
    """Whatever is raised for people, and whatever a rule yields, is in the list in full."""
    listed = "\n".join(message.text for message in messages.collect())
    for node in (each for each in ast.walk(ast.parse(path.read_text())) if isinstance(each, ast.expr)):
        said: list[str] = []
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in RAISED:
            said = [part for argument in node.args for part in wordings(argument)]
        elif isinstance(node, ast.Yield) and node.value and path.stem == "document":
            said = wordings(node.value)
        for part in said:
            assert part in listed, f"{path.name}:{node.lineno}"


def test_every_error_code_has_an_entry() -> None:
    """Each code that has a sentence is a heading, and so is any other code."""
    codes = {code for message in messages.collect() if message.group == "service" for code in message.codes}
    assert codes == {*reasons.REASONS, "any other"}


def test_entries_say_what_to_do() -> None:
    """Nearly every message has a remedy of its own, and no link to one is taken twice."""
    without = [message.text for message in messages.collect() if not message.parts[1] and message.group != "log"]
    assert len(without) <= 3, without
    anchors = Counter(anchor for message in messages.collect() for anchor in message.anchors)
    assert [anchor for anchor, count in anchors.items() if count > 1] == []


def test_a_new_message_appears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who adds a refusal to the code adds nothing to the page."""
    (tmp_path / "colours.py").write_text(
        "LIMIT = 7\n"
        "def check(colour, shades):\n"
        '    """Not this sentence."""\n'
        "    raise Refused(f'Colour \"{colour}\" has {len(shades)} shades, of {LIMIT}. Take another.')\n"
    )
    monkeypatch.setattr(messages, "_HANDLER", tmp_path)
    (message,) = messages.of_module(tmp_path / "colours.py")
    assert message.text == 'Colour "COLOUR" has N shades, of 7. Take another.'
    assert [part.replace("\ue000", "").replace("\ue001", "") for part in message.parts] == [
        'Colour "COLOUR" has N shades, of 7.',
        "Take another.",
    ]


def test_a_remedy_that_callers_give_is_listed_for_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A helper that makes messages stands for those that it makes, also where a caller passes its words on."""
    (tmp_path / "shades.py").write_text(
        "def wrong(name, value, what):\n"
        "    return ValueError(f'{name} is {value}. Give {what}.')\n"
        "def check(name, value, what):\n"
        "    raise wrong(name, value, what)\n"
        "check('hue', None, 'a colour')\n"
        "wrong('size', 3, what='a number')\n"
    )
    monkeypatch.setattr(messages, "_HANDLER", tmp_path)
    monkeypatch.setattr(messages, "_import", lambda path: messages)
    texts = [message.text for message in messages.of_module(tmp_path / "shades.py")]
    assert texts == ["hue is VALUE. Give a colour.", "size is VALUE. Give a number."]


def document(**changes: Any) -> Callable[[], object]:
    """Return what refuses properties whose document has one statement with these changes."""
    statement = {key: value for key, value in {**STATEMENT, **changes}.items() if value is not None}
    return properties(PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def properties(**changes: Any) -> Callable[[], object]:
    """Return what refuses these properties."""
    given = {"ProjectArn": PROJECT_ARN, "PolicyName": "sharing", "PolicyDocument": {"Statement": [STATEMENT]}}
    home = Home("us-east-1", "123456789012")
    return lambda: Properties.parse({**given, **changes}, home)


def construct(kind: Callable[..., object], **given: Any) -> Callable[[], object]:
    """Return what defines a construct."""
    return lambda: kind(Stack(App(analytics_reporting=False), "Stack"), "Construct", **given)


BAD: dict[str, Callable[[], object]] = {
    "arn": properties(ProjectArn="logos"),
    "elsewhere": properties(ProjectArn=PROJECT_ARN.replace("us-east-1", "eu-west-1")),
    "name": lambda: check_policy_name("two words"),
    "missing": properties(PolicyName=""),
    "unknown property": properties(PolicyNam="sharing"),
    "flag": properties(AdoptExisting="yes"),
    "not JSON": lambda: documents.parse('{"a": 1, "a": 2}'),
    "too large": properties(PolicyDocument={"Statement": [{**STATEMENT, "Sid": "x" * 2000}]}),
    "effect": document(Effect="allow"),
    "action": document(Action="*"),
    "resource": document(Resource=PROJECT_ARN),
    "everybody": document(Principal="*"),
    "lacking": document(Principal=None),
    "not-action": document(NotAction="s3:*"),
    "neither project": construct(ProjectPolicy),
    "text for a flag": construct(ProjectPolicy, project_arn=PROJECT_ARN, adopt_existing="no"),
    "memory": construct(ProjectPolicyProvider, memory_size=64),
    "no versions": lambda: ProjectPolicy(
        Stack(App(analytics_reporting=False), "Stack"), "Construct", project_arn=PROJECT_ARN
    ).grant_copy(iam.AccountPrincipal("111122223333"), versions=[]),
    "two Regions": construct(
        CopyProjectVersionPolicy,
        source_project_arn=PROJECT_ARN,
        destination_project_arn=PROJECT_ARN.replace("us-east-1", "eu-west-1"),
        output_bucket=None,
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_really_said_is_listed(name: str) -> None:
    """A message that somebody met is found by its words, in one entry."""
    with pytest.raises((Refused, ValueError)) as raised:
        BAD[name]()
    said = str(raised.value)
    fitting = [message.text for message in messages.collect() if message.pattern.search(said)]
    assert fitting, said
    # Of a JSON error, the page has the general form as well.
    assert len(fitting) == 1 or "not JSON" in said, fitting


@pytest.mark.parametrize("code", reasons.REASONS)
def test_what_is_said_of_an_error_code_is_listed(code: str) -> None:
    """The Reason that CloudFormation shows for a code is the entry of that code."""
    said = reasons.reason(ServiceError("PutProjectPolicy", code, ""), "sharing", "logos")
    (entry,) = (message for message in messages.collect() if code in message.codes)
    assert entry.pattern.search(said)
