"""The documents of project policies: what each statement needs, their union, and an equivalent form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from localcloud.rekognition.errors import malformed_document

ACTION = "rekognition:CopyProjectVersion"
REQUIRED = ("Effect", "Principal", "Action", "Resource")


def check_document(text: str) -> None:
    """Raise MalformedPolicyDocumentException unless the text is a document with statements that have what they need.

    The function's own rules are finer, and reject before they call.
    """
    try:
        statements = _as_list(json.loads(text)["Statement"])
    except (ValueError, RecursionError, KeyError, TypeError) as problem:
        raise malformed_document(f"The policy document is not valid: {problem}") from problem
    if not statements or not all(isinstance(each, dict) and each.keys() >= {*REQUIRED} for each in statements):
        raise malformed_document(f"The policy document needs statements with {', '.join(REQUIRED)}.")


def merged(texts: Iterable[str]) -> str:
    """Return one document with the statements of all of a project's documents."""
    statements = [statement for text in texts for statement in _as_list(json.loads(text)["Statement"])]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def normalized(text: str, partition: str) -> str:
    """Return an equivalent document: account ids as root ARNs, lists of one as scalars, other order of statements."""
    document = json.loads(text)
    statements = [_normalized(statement, partition) for statement in reversed(_as_list(document["Statement"]))]
    return json.dumps({**document, "Statement": _scalar(statements)}, ensure_ascii=False, indent=1)


def _normalized(statement: dict[str, Any], partition: str) -> dict[str, Any]:
    changed = {name: _scalar(value) for name, value in sorted(statement.items())}
    if statement["Principal"] != "*":
        names = [
            f"arn:{partition}:iam::{name}:root" if re.fullmatch(r"\d{12}", name) else name
            for name in _as_list(statement["Principal"]["AWS"])
        ]
        changed["Principal"] = {"AWS": _scalar(names)}
    return changed


def _scalar(value: Any) -> Any:  # noqa: ANN401 - a policy's elements are any JSON
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _as_list(value: Any) -> list[Any]:  # noqa: ANN401 - a policy's elements are any JSON
    return value if isinstance(value, list) else [value]
