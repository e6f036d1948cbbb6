"""A project policy's document: how it is read and sent, and when two documents are equivalent.

It needs nothing but the standard library and is used twice, as ``document_rules`` is: by the handler and the construct.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from custom_resource.errors import RejectedError, shorten

_DEFAULT_VERSION = "2008-10-17"
"""The language by which IAM reads a policy without a Version (IAM user guide, 'IAM JSON policy elements: Version')."""
_ROOT_ARN = re.compile(r"arn:[a-z0-9-]+:iam::([0-9]{12}):root")
_BEYOND_LATIN_1 = re.compile("[^\u0000-\u00ff]")


def parse(value: object) -> dict[str, object]:
    """Return the document that ``value`` is: a JSON string, or an object already.

    Raises ``RejectedError`` for a string that isn't a JSON object or has a duplicate key, which would hide a value.
    """
    if not isinstance(value, (str, Mapping)):
        raise RejectedError(
            'PolicyDocument must be an object or a JSON string. Specify {"Version": ..., "Statement": [...]}.'
        )
    try:
        # An object is written as JSON first, so that the same rules apply to it as to a string.
        text = value if isinstance(value, str) else json.dumps(value)
        parsed = json.loads(text, object_pairs_hook=_without_duplicates)
    except RecursionError:
        raise RejectedError("PolicyDocument is nested too deeply to be a policy. Write it flat.") from None
    except (TypeError, ValueError) as error:
        raise RejectedError(f"PolicyDocument is not JSON: {shorten(str(error), 80)}. Correct it.") from None
    if not isinstance(parsed, dict):
        raise RejectedError('PolicyDocument is JSON but not an object. Specify {"Version": ..., "Statement": [...]}.')
    return parsed


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    elements: dict[str, object] = {}
    for key, value in pairs:
        if key in elements:
            raise ValueError(f'duplicate key "{shorten(key, 30)}"')
        elements[key] = value
    return elements


def minify(document: Mapping[str, object]) -> str:
    """Return the document as it is sent to the service: compact JSON in the characters that PutProjectPolicy accepts.

    Those are U+0009, U+000A, U+000D and U+0020 to U+00FF, so characters beyond are escaped.
    """
    compact = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return _BEYOND_LATIN_1.sub(lambda match: json.dumps(match[0])[1:-1], compact)


def canonical(document: Mapping[str, object]) -> str:
    """Return the string that equivalent documents have in common, and no others.

    AWS may return a document in another form than it was given: an account's id for its root ARN, a scalar for a list
    of one, another order. None of that changes what the policy allows.
    """
    statements = sorted({_json(_canonical_statement(statement)) for statement in as_list(document["Statement"])})
    return _json({**document, "Version": document.get("Version", _DEFAULT_VERSION), "Statement": statements})


def are_equivalent(live: str, wanted: object) -> bool:
    """Return whether the string ``live``, as the service returned it, is equivalent to the document ``wanted``.

    What isn't a document is equivalent to none.
    """
    # No JSON begins with "%"; IAM percent-encodes the documents that it returns, and Rekognition may do the same.
    live = unquote(live) if live.startswith("%") else live
    try:
        return canonical(parse(live)) == canonical(parse(wanted))
    except (RejectedError, KeyError, TypeError, RecursionError):
        return False


def _canonical_statement(statement: object) -> object:
    if not isinstance(statement, Mapping):
        return statement
    elements: dict[str, object] = dict(statement)
    for name, each in (("Action", str.lower), ("Resource", str)):
        if name in elements:
            elements[name] = sorted({each(str(value)) for value in as_list(elements[name])})
    if "Principal" in elements:
        elements["Principal"] = _canonical_principal(elements["Principal"])
    if isinstance(condition := elements.get("Condition"), Mapping):
        elements["Condition"] = _canonical_condition(condition)
    if not elements.get("Condition", True):
        del elements["Condition"]
    return elements


def _canonical_principal(principal: object) -> object:
    if not isinstance(principal, Mapping):
        principal = {"AWS": principal}
    return {
        kind: sorted({_account_of_root(str(value)) for value in as_list(values)}) for kind, values in principal.items()
    }


def _account_of_root(principal: str) -> str:
    root = _ROOT_ARN.fullmatch(principal)
    return root[1] if root else principal


def _canonical_condition(condition: Mapping[str, object]) -> object:
    """Return the condition with its values sorted, and its keys in lower case, because IAM compares keys without case.

    Operators stay as they are spelled: AWS doesn't document that it compares those without case.
    """
    return {operator: _canonical_tests(tests) for operator, tests in condition.items()}


def _canonical_tests(tests: object) -> object:
    if not isinstance(tests, Mapping):
        return tests
    values_of: dict[str, set[str]] = {}
    for key, values in tests.items():  # two spellings of one key are one test
        values_of.setdefault(str(key).lower(), set()).update(map(_scalar, as_list(values)))
    return {key: sorted(values) for key, values in values_of.items()}


def _scalar(value: object) -> str:
    """Return a condition's value as CloudFormation and IAM write it: every scalar is a string."""
    return value if isinstance(value, str) else json.dumps(value)


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def as_list(value: object) -> Sequence[Any]:
    """Return a value that may be a scalar in place of a list of one."""
    return value if isinstance(value, (list, tuple)) else [value]
