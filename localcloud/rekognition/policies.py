"""The documents of project policies: the rules that AWS documents, their union, and an equivalent form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from localcloud.rekognition.errors import AwsError, malformed_document
from localcloud.rekognition.models import ProjectArn

ACTION = "rekognition:CopyProjectVersion"
REQUIRED = ("Effect", "Principal", "Action", "Resource")
PROHIBITED = ("NotAction", "NotResource", "NotPrincipal")
OPTIONAL = ("Sid", "Condition")
VERSIONS = ("2012-10-17", "2008-10-17")
_DENY_ALL = {"Effect": "Deny", "Principal": "*", "Action": ACTION, "Resource": "*"}
_OPERATOR = re.compile(
    r"(ForAllValues:|ForAnyValue:)?"
    r"(String(Not)?(Equals(IgnoreCase)?|Like)|Arn(Not)?(Equals|Like)|Bool|BinaryEquals|(Not)?IpAddress"
    r"|(Numeric|Date)((Not)?Equals|(Less|Greater)Than(Equals)?))(IfExists)?|Null",
    re.IGNORECASE,
)
_PRINCIPAL = re.compile(
    r"\*|\d{12}"
    r"|arn:[a-z\d-]+:iam::\d{12}:(root|(role|user)/[\w+=,.@/-]+)"
    r"|arn:[a-z\d-]+:sts::\d{12}:(assumed-role|federated-user)/[\w+=,.@/-]+"
    # What AWS shows in place of a principal that was deleted.
    r"|(AIDA|AROA)[A-Z0-9]{12,}"
)
_VERSION = re.compile(r"\*|[a-zA-Z0-9_.\-*?]+/[0-9*?]+")


def check_document(text: str, project: ProjectArn) -> None:
    """Raise MalformedPolicyDocumentException unless the text is a document that may be attached to the project."""
    try:
        document = json.loads(text, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as problem:
        raise malformed_document(f"The policy document is not valid JSON: {problem}") from problem
    if not isinstance(document, dict):
        raise malformed_document("The policy document must be a JSON object.")
    for element in document:
        if element not in {"Version", "Id", "Statement"}:
            raise malformed_document(f"The policy document has an unknown element: {element}.")
    if document.get("Version", VERSIONS[0]) not in VERSIONS:
        raise malformed_document(f"The policy's Version must be one of {', '.join(VERSIONS)}.")
    statements = _as_list(document.get("Statement", []))
    if not statements:
        raise malformed_document("The policy document must have at least one statement.")
    for statement in statements:
        _check_statement(statement, project)


def merged(texts: Iterable[str], project: ProjectArn) -> str:
    """Return one document with the statements of all of a project's documents.

    Where one of them breaks a rule, it denies everything to everybody: an evaluator might take what it can't read for
    a condition that isn't there.
    """
    statements: list[Any] = []
    for text in texts:
        try:
            check_document(text, project)
        except AwsError:
            return json.dumps({"Version": VERSIONS[0], "Statement": [_DENY_ALL]})
        statements += _as_list(json.loads(text)["Statement"])
    return json.dumps({"Version": VERSIONS[0], "Statement": statements})


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


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key is duplicated in an object")
    return result


def _check_statement(statement: Any, project: ProjectArn) -> None:  # noqa: ANN401 - any JSON
    if not isinstance(statement, dict):
        raise malformed_document("A statement must be a JSON object.")
    _check_elements(statement)
    if statement["Effect"] not in ("Allow", "Deny"):
        raise malformed_document("A statement's Effect must be Allow or Deny.")
    if not isinstance(statement.get("Sid", ""), str):
        raise malformed_document("A statement's Sid must be a string.")
    _check_condition(statement.get("Condition", {}))
    for action in _strings(statement["Action"], "Action"):
        if action != ACTION:
            raise malformed_document(f"The action {action} is not supported; the only one is {ACTION}.")
    for resource in _strings(statement["Resource"], "Resource"):
        if resource != "*" and not _is_version_of(resource, project):
            raise malformed_document(f"The resource {resource} is not a model version of {project}.")
    _check_principal(statement["Principal"])


def _check_elements(statement: dict[str, Any]) -> None:
    for element in statement:
        if element in PROHIBITED:
            raise malformed_document(f"The element {element} is prohibited in a project policy.")
        if element not in REQUIRED + OPTIONAL:
            raise malformed_document(f"A statement has an unknown element: {element}.")
    for element in REQUIRED:
        if element not in statement:
            raise malformed_document(f"A statement lacks the required element {element}.")


def _check_condition(condition: Any) -> None:  # noqa: ANN401 - any JSON
    if not isinstance(condition, dict):
        raise malformed_document("A statement's Condition must be a JSON object.")
    for operator, tests in condition.items():
        if _OPERATOR.fullmatch(operator) is None:
            raise malformed_document(f"Invalid condition operator: {operator}.")
        if not isinstance(tests, dict):
            raise malformed_document(f"The condition {operator} must be a JSON object.")
        for key, values in tests.items():
            if not all(isinstance(value, (str, int, float)) for value in _as_list(values)):
                raise malformed_document(f"The condition key {key} must have a string or a list of strings.")


def _strings(value: Any, element: str) -> Iterable[str]:  # noqa: ANN401 - any JSON
    values = _as_list(value)
    if not values or not all(isinstance(item, str) for item in values):
        raise malformed_document(f"The element {element} must be a string or a list of strings.")
    return values


def _is_version_of(resource: str, project: ProjectArn) -> bool:
    prefix = project.version_prefix
    return resource.startswith(prefix) and _VERSION.fullmatch(resource[len(prefix) :]) is not None


def _check_principal(principal: Any) -> None:  # noqa: ANN401 - any JSON
    if principal == "*":
        return
    if not isinstance(principal, dict) or set(principal) != {"AWS"}:
        raise malformed_document('A statement\'s Principal must be "*" or {"AWS": …}.')
    for name in _strings(principal["AWS"], "Principal"):
        if _PRINCIPAL.fullmatch(name) is None:
            raise malformed_document(f"Invalid principal in policy: {name}")
