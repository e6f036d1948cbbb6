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
from ._tokens import is_intrinsic, readable

_PROJECT = re.compile(r"arn:.+?:rekognition:[^/]+:project/([^/]+)/\d+")
_ROOT = re.compile(r"arn:.+?:iam::([^/]+):root")
_ACCOUNT = re.compile(r"\d{12}")
_UNSAFE = re.compile(r"[^ -~]|\[(?=ack:)")
"""What could forge or hide a part of the output: line feeds and the like, and the tag that the CLI cuts out."""


def summary(project_arn: object, document: object) -> str:
    """Return a sentence for each statement of a resolved document, with every grantee, model version and condition.

    Nothing is cut off: a document has at most 2000 characters. What only the deployment will tell is shown as
    ``<LogicalId>`` or ``<LogicalId.Attribute>``.
    """
    arn = _shown(project_arn)
    known = _PROJECT.fullmatch(arn)
    name = known[1] if known else arn
    if isinstance(document, str):
        document = documents.parse(document)
    if not isinstance(document, Mapping) or is_intrinsic(document):
        return f"Project {name}: the deployment decides who may copy: {_shown(document)}."
    return "\n   ".join(f"Project {name}: {_sentence(each)}." for each in _listed(document["Statement"]))


def _sentence(statement: Any) -> str:  # noqa: ANN401 - any JSON
    may = {"Allow": "may", "Deny": "may not"}.get(str(statement.get("Effect")))
    if may is None:
        return f"the deployment decides who may copy: {_shown(statement)}"
    who = ", ".join(_grantees(statement["Principal"]))
    versions = ", ".join(_version(each) for each in _listed(statement["Resource"]))
    conditions = " and ".join(_conditions(statement.get("Condition", {})))
    return f"{who} {may} copy {versions}{' if ' if conditions else ''}{conditions}"


def _grantees(principal: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    named = principal.values() if isinstance(principal, Mapping) and not is_intrinsic(principal) else [principal]
    for arn in (_shown(each) for values in named for each in _listed(values)):
        root = _ROOT.fullmatch(arn)
        account = root[1] if root else arn if _ACCOUNT.fullmatch(arn) else None
        yield f"account {account}" if account else "everyone (*)" if arn == "*" else arn


def _version(resource: object) -> str:
    name = _shown(resource).rpartition("/version/")[2].removesuffix("/*")
    return "every model version" if name == "*" else f"model version {name}"


def _conditions(condition: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if is_intrinsic(condition):
        yield _shown(condition)
        return
    for operator, keys in condition.items():
        if is_intrinsic(keys):
            yield f"{_shown(operator)} {_shown(keys)}"
            continue
        for key, values in keys.items():
            quoted = (_shown(json.dumps(readable(value))) for value in _listed(values))
            yield f"{_shown(operator)} {_shown(key)} {' or '.join(quoted)}"


def _listed(value: object) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _shown(value: object) -> str:
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", readable(value))
