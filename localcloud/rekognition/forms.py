"""The other form in which the real service may give a document back: other words, the same meaning."""

from __future__ import annotations

import json
import re
from typing import Any

from localcloud.rekognition.documents import as_list


def normalised(text: str, partition: str) -> str:
    """Write account ids as root ARNs, lists of one as scalars, and the statements in another order."""
    document = json.loads(text)
    statements = [_statement(statement, partition) for statement in reversed(as_list(document["Statement"]))]
    return json.dumps({**document, "Statement": _scalar(statements)}, ensure_ascii=False, indent=1)


def _statement(statement: dict[str, Any], partition: str) -> dict[str, Any]:
    changed = {name: _scalar(value) for name, value in sorted(statement.items())}
    if statement["Principal"] != "*":
        names = [_principal(name, partition) for name in as_list(statement["Principal"]["AWS"])]
        changed["Principal"] = {"AWS": _scalar(names)}
    return changed


def _principal(name: str, partition: str) -> str:
    return f"arn:{partition}:iam::{name}:root" if re.fullmatch(r"\d{12}", name) else name


def _scalar(value: Any) -> Any:  # noqa: ANN401 - a policy's elements are any JSON
    return value[0] if isinstance(value, list) and len(value) == 1 else value
