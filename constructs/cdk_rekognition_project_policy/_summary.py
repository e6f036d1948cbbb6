"""Who may copy, in words: what a person who approves a deployment reads in the output of the CDK CLI.

``cdk diff`` and the question of ``cdk deploy`` don't show the properties of a new resource, but they do show its
annotations.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ._handler import document as documents
from ._tokens import is_intrinsic, is_unknown, render

_ROOT = re.compile(r"arn:(?:<[^>]+>|[^:]+):iam::([^/]+):root")
_ACCOUNT = re.compile(r"\d{12}")
_PLAIN = re.compile(r"[A-Za-z0-9:/_-]+")
"""A condition's key that can't pass for something else."""
_UNSAFE = re.compile(r"[^ -~]|\[(?=ack:)")
"""What could forge or hide a part of the output: line feeds and the like, and the tag that the CLI cuts out."""


def summary(project: object, document: object) -> str:
    """Return a sentence for each statement of a resolved document, with every grantee, model version and condition.

    Nothing is cut off: a document has at most 2000 characters. What only the deployment will tell is shown as
    ``<LogicalId>`` or ``<LogicalId.Attribute>``. ``project`` is the project's name or its ARN.
    """
    name = _shown(project)
    if name.startswith("arn:"):
        name = name.rpartition(":project/")[2].partition("/")[0]
    if isinstance(document, str) and not is_unknown(document):
        document = documents.parse(document)
    if not isinstance(document, Mapping) or is_intrinsic(document):
        return f"Project {name}: the deployment decides who may copy: {_shown(document)}."
    return "\n   ".join(f"Project {name}: {_sentence(each)}." for each in documents.as_list(document["Statement"]))


def _sentence(statement: Any) -> str:  # noqa: ANN401 - any JSON
    may, every = {"Allow": ("may", "every"), "Deny": ("may not", "any")}.get(str(statement.get("Effect")), ("", ""))
    if not may:
        return f"the deployment decides who may copy: {_shown(statement)}"
    who = ", ".join(_grantees(statement["Principal"]))
    versions = ", ".join(_versions(each, every) for each in documents.as_list(statement["Resource"]))
    conditions = " and ".join(_conditions(statement.get("Condition", {})))
    return f"{who} {may} copy {versions}{' if ' if conditions else ''}{conditions}"


def _grantees(principal: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    named = principal.values() if isinstance(principal, Mapping) and not is_intrinsic(principal) else [principal]
    for arn in (_shown(each) for values in named for each in documents.as_list(values)):
        root = _ROOT.fullmatch(arn)
        account = root[1] if root else arn if _ACCOUNT.fullmatch(arn) else None
        yield f"account {account}" if account else "everyone (*)" if arn == "*" else arn


def _versions(resource: object, every: str) -> str:
    arn = _shown(resource)
    _, found, name = arn.rpartition("/version/")
    if arn == "*" or (found and name in ("*", "*/*")):
        return f"{every} model version"
    if not found:
        return f"model versions that match {arn}"
    name = name.removesuffix("/*")
    return f"model version{'s that match' if '*' in name or '?' in name else ''} {name}"


def _conditions(condition: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if is_intrinsic(condition):
        yield _shown(condition)
        return
    for operator, keys in condition.items():
        if is_intrinsic(keys):
            yield f"{_shown(operator)} {_shown(keys)}"
            continue
        for key, values in keys.items():
            quoted = (_shown(json.dumps(render(value))) for value in documents.as_list(values))
            plain = _shown(key) if _PLAIN.fullmatch(key) else _shown(json.dumps(key))
            yield f"{_shown(operator)} {plain} {' or '.join(quoted)}"


def _shown(value: object) -> str:
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", render(value))
