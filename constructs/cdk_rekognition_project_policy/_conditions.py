"""The operators of a statement's conditions. The service refuses others; at synthesis that is told before deploying."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from ._handler import errors
from ._synthesis import is_intrinsic

_OPERATOR = re.compile(
    r"(For(AllValues|AnyValue):)?"
    r"(String(Not)?(Equals|EqualsIgnoreCase|Like)|Arn(Not)?(Equals|Like)|(Not)?IpAddress|Bool|BinaryEquals"
    r"|(Numeric|Date)((Not)?Equals|(Less|Greater)Than(Equals)?))(IfExists)?|Null",
    re.IGNORECASE,
)
"""Condition operators (IAM user guide, 'IAM JSON policy elements: Condition operators')."""


def unknown_operators(statements: Sequence[object]) -> Iterator[str]:
    """Return, as sentences, which operators of a document's statements are none."""
    for number, statement in enumerate(statements, start=1):
        condition = statement.get("Condition") if isinstance(statement, Mapping) else None
        if not isinstance(condition, Mapping) or is_intrinsic(condition):
            continue
        for operator in condition:
            if not _OPERATOR.fullmatch(operator):
                yield (
                    f'statement {number}: Condition has the operator "{errors.shorten(operator)}", which IAM does not '
                    'know; use one such as "StringEquals".'
                )
