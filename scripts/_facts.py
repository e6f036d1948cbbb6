"""The questions of ./scripts/verify (questions.yaml), and the report of their answers, without names of the account."""

from __future__ import annotations

import json
import re
import subprocess
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import yaml

from localcloud.rekognition import Switches

ROOT = Path(__file__).resolve().parents[1]
VERSION = metadata.version("cdk-rekognition-project-policy")
DIFFERS, NOT_KNOWN = "DIFFERS", "not known"


@dataclass(frozen=True)
class Question:
    """A question, and what a reader of its answer needs to know; questions.yaml says what each element is."""

    question: str
    answers: str
    depends: str
    otherwise: str
    in_aws: str = NOT_KNOWN

    def allows(self, answer: object) -> bool:
        """Return whether this answers the question."""
        if self.answers == "number":
            return isinstance(answer, (int, float)) or str(answer).startswith("at least ")
        return answer in self.answers.split()


QUESTIONS = {
    name: Question(**each)
    for name, each in yaml.safe_load(Path(__file__).with_name("questions.yaml").read_text(encoding="utf-8")).items()
}


def assumed(name: str) -> Any:  # noqa: ANN401 - a number or a word
    """Return what the local cloud assumes."""
    answers = QUESTIONS[name].answers
    return int(Switches().as_dict()[name]) if answers == "number" else answers.split()[0]


class Answer(NamedTuple):
    """What was found, with the service's own words; None if it isn't known, with the reason."""

    found: Any
    said: str


def report(about: Mapping[str, str], answers: Mapping[str, Answer], calls: Iterable[str], secret: Iterable[str]) -> Any:  # noqa: ANN401
    """Return the answers with all that a reader needs, and without what is secret."""
    facts: list[dict[str, Any]] = []
    for name, each in QUESTIONS.items():
        answer = answers.get(name, Answer(None, "Not asked."))
        found = answer.found
        verdict = NOT_KNOWN if found is None else "as assumed" if found == assumed(name) else DIFFERS
        facts.append({"fact": name, "question": each.question, "assumed": assumed(name), "found": found})
        facts[-1] |= {"verdict": verdict, "said": mask(answer.said, secret)}
        facts[-1] |= {"depends": each.depends, "otherwise": each.otherwise}
    return {
        **{key: mask(value, secret) for key, value in about.items()},
        "date": datetime.now(timezone.utc).date().isoformat(),
        "version": VERSION,
        "commit": _commit(),
        "boto3": boto3.__version__,
        "facts": facts,
        "calls": [mask(call, secret) for call in calls],
    }


def as_json(report: Any) -> str:  # noqa: ANN401 - any JSON
    """Return the report as a file has it, with its first element, who answered, in its first line."""
    return "{" + json.dumps(report, indent=2)[1:].lstrip() + "\n"


def as_text(report: Any) -> str:  # noqa: ANN401 - any JSON
    """Return the report as the screen shows it: the table, what to do about what differs, and what isn't known, why."""
    lines = [report["answered_by"], f"  {'':<31}{'the local cloud':<34}here"]
    reasons: dict[str, list[str]] = {}
    for each in report["facts"]:
        verdict, differs = each["verdict"], each["verdict"] == DIFFERS
        lines += [f"{'! ' if differs else '  '}{each['fact']:<31}{each['assumed']!s:<34}"]
        lines[-1] += NOT_KNOWN if verdict == NOT_KNOWN else str(each["found"]).removesuffix(".0")
        if differs:
            lines += [_filled(f"What depends on it: {each['depends']}"), _filled(f"What to do: {each['otherwise']}")]
        if verdict == NOT_KNOWN:
            reasons.setdefault(each["said"], []).append(each["fact"])
    for said, names in reasons.items():
        lines += ["", f"Not known: {said}", _filled(", ".join(names))]
    return "\n".join(lines)


def _filled(text: str) -> str:
    return textwrap.fill(text, 112, initial_indent=" " * 6, subsequent_indent=" " * 8)


def mask(text: str, secret: Iterable[str]) -> str:
    """Return a text without ARNs, numbers of accounts, IDs of keys, and what is secret."""
    names = (re.escape(name) for name in sorted(secret, key=len, reverse=True) if name)
    patterns = {
        "ARN": r"""arn(?::|%3[Aa])(?:(?!%22)[^\s"'\\)\]}])*(?<![.,:;])""",
        "ID": r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|mrk-[0-9a-f]{32}|A(?:KI|SI|ID|RO)A[A-Z0-9]{8,}",
        "NAME": rf"(?<![A-Za-z0-9])(?:{'|'.join(names) or '(?!)'})(?![A-Za-z0-9])",
        "NUMBER": r"\d{12,}",
    }
    # In one pass, in which an ARN comes before a name in it: a bucket may be called `arn`.
    pattern = "|".join(f"(?P<{kind}>{each})" for kind, each in patterns.items())
    return re.sub(pattern, lambda match: f"<{match.lastgroup}>", text)


@cache
def _commit() -> str:
    """Return the commit of the checkout, with `-dirty` if it was changed since."""
    if not (ROOT / ".git").exists():
        return "not a git checkout"
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return NOT_KNOWN
