"""The rules of a project policy's document: what the service accepts, and who counts as everybody.

It needs nothing but the standard library and is used twice: by the handler, and by the construct at synthesis, so that
what synthesis accepts is what the handler accepts. The rules are those of 'Copying an Amazon Rekognition Custom Labels
model (SDK)', 'Creating a project policy document', in the Custom Labels developer guide.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from custom_resource.errors import shorten
from rekognition.arns import VERSIONS, Project

from .document import as_list, minify

MAX_SIZE = 2000
"""Characters of a document, minified (PutProjectPolicy, ``PolicyDocument``)."""

COPY_ACTION = "rekognition:CopyProjectVersion"
"""The only action that a project policy can allow or deny."""

_TOP_LEVEL = ("Version", "Id", "Statement")
_VERSIONS = ("2012-10-17", "2008-10-17")
_REQUIRED = ("Effect", "Principal", "Action", "Resource")
_ALLOWED = (*_REQUIRED, "Sid", "Condition")
_EVERYBODY = "*"

_ACCOUNT_ID = re.compile("[0-9]{12}")
_PRINCIPAL_ARN = re.compile(
    r"arn:[a-z0-9-]+:(iam|sts)::[0-9]{12}:(root|(role|user|assumed-role|federated-user)/[A-Za-z0-9_+=,.@/-]+)"
)
_OPERATOR = re.compile(
    r"(For(AllValues|AnyValue):)?"
    r"(String(Not)?(Equals|EqualsIgnoreCase|Like)|Arn(Not)?(Equals|Like)|(Not)?IpAddress|Bool|BinaryEquals"
    r"|(Numeric|Date)((Not)?Equals|(Less|Greater)Than(Equals)?))(IfExists)?|Null",
    re.ASCII | re.IGNORECASE,
)
"""Condition operators (IAM user guide, 'IAM JSON policy elements: Condition operators')."""

LIMITING_KEYS = (
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:SourceVpc",
    "aws:SourceVpce",
)
"""Condition keys whose fixed values limit ``Principal: "*"`` (Amazon S3 user guide, 'The meaning of "public"')."""

_LIMITING_KEYS = frozenset(key.lower() for key in LIMITING_KEYS)
_LIMITING_OPERATOR = re.compile(
    r"(ForAnyValue:)?(StringEquals|StringEqualsIgnoreCase|StringLike|ArnEquals|ArnLike)", re.ASCII | re.IGNORECASE
)
_SEVERAL_VALUES = "aws:principalorgpaths"
"""The one limiting key that has several values in a request, so that it needs ForAnyValue."""
_ORGANIZATION_KEY = re.compile("aws:(principal|resource|source|vpce)org(id|paths)")
_ACCOUNT_KEY = re.compile("aws:(principal|resource|source|vpce)account")
_ORGANIZATION = re.compile("o-[a-z0-9]{10,32}")
"""An organization's ID (AWS Organizations API reference, Organization)."""
_WILDCARDS_AFTER = {
    "aws:principalorgpaths": re.compile(r"o-[^/]+/"),
    "aws:principalarn": re.compile("arn:[^:]+:[^:]+:[^:]*:[0-9]{12}:"),
}
"""What stands before the first wildcard of a value that limits: an organization, or an ARN up to its account."""
_UNIQUE_ID = re.compile("A[A-Z0-9]{15,}")


def _nothing_unknown(_value: object) -> bool:
    return False


def violations(
    document: Mapping[str, object],
    *,
    project: Project | None,
    block_public_policy: bool = True,
    is_unknown: Callable[[object], bool] = _nothing_unknown,
    beginning: Callable[[object], str] = str,
) -> list[str]:
    """Return a sentence for each rule that the document's elements break; ``size_violations`` has the rule of its size.

    ``project`` is whose versions the resources must be, None if it is not known. ``block_public_policy`` rejects an
    Allow for everybody (``Principal: "*"``) that no condition limits. ``is_unknown`` tells values that are not known
    yet, such as CloudFormation's intrinsic functions at synthesis: they break no rule, unless the ``beginning`` of the
    value, which is known, breaks it already.
    """
    return list(_Rules(project, block_public_policy, is_unknown, beginning).of_document(document))


def differences(resource: object, project: Project | None) -> list[str]:
    """Return what keeps a resource, which may have wildcards, from matching model versions of the project."""
    if resource == "*":
        return []
    arn = resource.split(":", 5) if isinstance(resource, str) else []
    if len(arn) < 6 or arn[0] != "arn" or arn[2] != "rekognition":
        return ["it isn't an ARN of Rekognition"]
    kind, _, rest = arn[5].partition("/")
    name, _, version = rest.partition("/")
    # A project's own ARN ends in a number; a model version's continues with "version/".
    if kind == "project" and version.isdecimal():
        return ["it is the ARN of a project"]
    if kind != "project" or not VERSIONS.fullmatch(version):
        return ["it doesn't name a model version and its number"]
    if project is None:
        return []
    return [
        f'its {part} is "{shorten(given)}", not "{own}"'
        for part, given, own in (
            ("partition", arn[1], project.partition),
            ("Region", arn[3], project.region),
            ("account", arn[4], project.account),
            ("project", name, project.name),
        )
        if not fnmatch.fnmatchcase(own, given.replace("[", "[[]"))  # IAM knows * and ? only
    ]


def size_violations(document: Mapping[str, object]) -> list[str]:
    """Return a sentence if the document is too large, which is the one rule about its size."""
    size = len(minify(document))
    if size <= MAX_SIZE:
        return []
    too_large = (
        f"the document has {size} characters without white space, {size - MAX_SIZE} more than {MAX_SIZE}; name fewer "
        "principals or model versions, or split it into two policies."
    )
    return [too_large]


@dataclass(frozen=True)
class _Rules:
    """The rules, and what they depend on."""

    project: Project | None
    block_public_policy: bool
    is_unknown: Callable[[object], bool]
    beginning: Callable[[object], str]

    def of_document(self, document: Mapping[str, object]) -> Iterator[str]:
        for element in document:
            if element not in _TOP_LEVEL:
                yield f'unknown element "{shorten(element)}" in the document; allowed: {_listed(_TOP_LEVEL)}.'
        version = document.get("Version", _VERSIONS[0])
        if version not in _VERSIONS and not self.is_unknown(version):
            yield f'Version "{shorten(str(version))}" is not valid; use "{_VERSIONS[0]}".'
        statements = document.get("Statement", [])
        if self.is_unknown(statements):
            return
        statements = as_list(statements)
        if not statements:
            yield "the document has no Statement, so it shares nothing; add one, or leave the policy out."
        for number, statement in enumerate(statements, start=1):
            if not self.is_unknown(statement):
                for rule in self._of_statement(statement):
                    yield f"statement {number}: {rule}"

    def _of_statement(self, statement: object) -> Iterator[str]:
        if not isinstance(statement, Mapping):
            yield "is not an object."
            return
        for element in statement:
            if element not in _ALLOWED:
                yield f'unknown element "{shorten(str(element))}"; allowed: {_listed(_ALLOWED)}.'
        missing = [element for element in _REQUIRED if element not in statement]
        if missing:
            yield f"missing {_listed(missing)}; each statement needs {_listed(_REQUIRED)}."
        yield from self._of_effect(statement)
        yield from self._of_action(statement)
        yield from self._of_resource(statement)
        yield from self._of_condition(statement)
        yield from self._of_principal(statement)
        yield from self._of_tested_values(statement)

    def _of_effect(self, statement: Mapping[str, object]) -> Iterator[str]:
        effect = statement.get("Effect", "Allow")
        if not self.is_unknown(effect) and effect not in ("Allow", "Deny"):
            yield f'Effect "{shorten(str(effect))}" is not valid; use "Allow" or "Deny".'

    def _of_action(self, statement: Mapping[str, object]) -> Iterator[str]:
        for action in self._values(statement.get("Action", COPY_ACTION)):
            if action != COPY_ACTION:
                yield f'Action "{shorten(str(action))}" is not allowed; the only one is "{COPY_ACTION}".'
        yield from self._not_empty(statement, "Action")

    def _of_resource(self, statement: Mapping[str, object]) -> Iterator[str]:
        every_version = self.project.every_version if self.project else ".../project/NAME/version/*"
        for resource in self._values(statement.get("Resource", "*")):
            found = differences(resource, self.project)
            if found:
                yield (
                    f'Resource "{shorten(str(resource))}" isn\'t a model version of this project: {_listed(found)}; '
                    f'use "{every_version}", a full ARN, or "*".'
                )
        yield from self._not_empty(statement, "Resource")

    def _of_principal(self, statement: Mapping[str, object]) -> Iterator[str]:
        principal = statement.get("Principal", {"AWS": []})
        if self.is_unknown(principal):
            return
        if isinstance(principal, str):
            if principal != _EVERYBODY:
                yield f'Principal "{shorten(principal)}" is not valid; use {{"AWS": "{shorten(principal)}"}}.'
                return
            principal = {"AWS": _EVERYBODY}
        if isinstance(principal, (int, float)):
            principal = {"AWS": principal}
        if not isinstance(principal, Mapping):
            yield 'Principal is not valid; use {"AWS": "ACCOUNT"} or an ARN in place of the account.'
            return
        if "Principal" in statement and not any(as_list(values) for values in principal.values()):
            yield 'Principal is empty; use {"AWS": "ACCOUNT"} or an ARN in place of the account.'
        for kind, values in principal.items():
            if kind != "AWS":
                yield f'unknown element "{shorten(str(kind))}" in Principal; allowed: AWS.'
            else:
                for value in self._values(values):
                    yield from self._of_aws_principal(value, statement)

    def _of_aws_principal(self, value: object, statement: Mapping[str, object]) -> Iterator[str]:
        if value == _EVERYBODY:
            if self.block_public_policy and statement.get("Effect") == "Allow" and not self._may_limit(statement):
                yield (
                    'Principal "*" shares the model with every AWS account; name accounts, test one of '
                    f"{_listed(LIMITING_KEYS)} for fixed, quoted values, or set BlockPublicPolicy to false "
                    "(block_public_policy=False)."
                )
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield f"Principal {value} is a number; quote the account ID, because a number loses its leading zeros."
        elif not isinstance(value, str) or not any(
            pattern.fullmatch(value) for pattern in (_ACCOUNT_ID, _PRINCIPAL_ARN, _UNIQUE_ID)
        ):
            yield (
                f'Principal "{shorten(str(value))}" isn\'t a 12-digit account ID or the ARN of an account, role or '
                "user, without wildcards; quote an account ID."
            )
        elif self.project and value.startswith("arn:") and value.split(":")[1] != self.project.partition:
            yield (
                f'Principal "{shorten(value)}" can\'t copy the model, because the project is in the partition '
                f'"{self.project.partition}"; specify a principal of that partition.'
            )

    def _may_limit(self, statement: Mapping[str, object]) -> bool:
        """Return whether a condition limits the statement, as far as it is known.

        Tests are joined by AND, so one that limits is enough; a test's values are joined by OR, so each must limit.
        Spellings of one operator or key count as one test, since the service may do the same.
        """
        condition = statement.get("Condition", {})
        if self.is_unknown(condition):
            return True
        for operator, keys in condition.items() if isinstance(condition, Mapping) else ():
            if self.is_unknown(keys) and _LIMITING_OPERATOR.fullmatch(operator):
                return True
        return any(self._test_may_limit(*test, values) for test, values in self._tests(condition).items())

    def _tests(self, condition: object) -> Mapping[tuple[str, str], Sequence[object]]:
        """Return the values of each operator and key, both in lower case, as far as they are known."""
        tests: dict[tuple[str, str], list[object]] = {}
        for operator, keys in condition.items() if isinstance(condition, Mapping) else ():
            for key, values in keys.items() if isinstance(keys, Mapping) and not self.is_unknown(keys) else ():
                tests.setdefault((str(operator).lower(), str(key).lower()), []).extend(as_list(values))
        return tests

    def _test_may_limit(self, operator: str, key: str, values: Sequence[object]) -> bool:
        operators = _LIMITING_OPERATOR.fullmatch(operator)
        if key not in _LIMITING_KEYS or operators is None or (key == _SEVERAL_VALUES and not operators[1]):
            return False
        return bool(values) and all(self._value_may_limit(key, value) for value in values)

    def _value_may_limit(self, key: str, value: object) -> bool:
        """Return whether a value is fixed: no policy variable, and no wildcard but at the end of a fixed beginning."""
        unknown = self.is_unknown(value)
        known = self.beginning(value) if unknown else value
        if not isinstance(known, str) or "${" in known:
            return False
        before, *wildcards = re.split("[*?]", known)
        if not wildcards:
            return unknown or bool(known)
        return key in _WILDCARDS_AFTER and bool(_WILDCARDS_AFTER[key].match(before))

    def _of_condition(self, statement: Mapping[str, object]) -> Iterator[str]:
        condition = statement.get("Condition", {})
        if self.is_unknown(condition):
            return
        if not isinstance(condition, Mapping) or not all(map(self._are_tests, condition.values())):
            yield 'Condition is not valid; use {"OPERATOR": {"KEY": "VALUE"}}, with strings, numbers or booleans.'
        for operator in condition if isinstance(condition, Mapping) else ():
            if not _OPERATOR.fullmatch(operator):
                yield f'unknown condition operator "{shorten(operator)}"; use one of IAM\'s, such as "StringEquals".'

    def _of_tested_values(self, statement: Mapping[str, object]) -> Iterator[str]:
        """Yield a sentence for each value that no principal can have, so that a Deny with it would deny nobody."""
        for (operator, key), values in self._tests(statement.get("Condition")).items():
            for value in map(str, self._values(values)) if "string" in operator else ():
                first = value.split("/", maxsplit=1)[0] if key.endswith("paths") else value
                first = first.lower() if "ignorecase" in operator else first
                is_fixed = not re.search(r"[*?$]", first)
                prefixes = ("ForAnyValue:", "ForAllValues:") if key == _SEVERAL_VALUES else ("", "")
                if key in _LIMITING_KEYS and "equals" in operator and "$" not in value and re.search("[*?]", value):
                    yield (
                        f'Condition tests for "{shorten(value)}" with an operator that takes wildcards literally; use '
                        f"{prefixes[0]}StringLike or {prefixes[1]}StringNotLike."
                    )
                elif _ORGANIZATION_KEY.fullmatch(key) and is_fixed and not _ORGANIZATION.fullmatch(first):
                    yield (
                        f"Condition tests an organization against \"{shorten(value)}\", which isn't an organization's "
                        'ID; specify "o-" and its 10 to 32 lower-case letters and digits.'
                    )
                elif _ACCOUNT_KEY.fullmatch(key) and is_fixed and not _ACCOUNT_ID.fullmatch(value):
                    yield (
                        f'Condition tests an account against "{shorten(value)}", which isn\'t an account ID; specify '
                        "all 12 digits, without hyphens and in quotation marks."
                    )

    def _are_tests(self, tests: object) -> bool:
        """Return whether each key of an operator has at least one value, and no value but a scalar."""
        return self.is_unknown(tests) or (
            isinstance(tests, Mapping)
            and bool(tests)
            and all(map(as_list, tests.values()))
            and all(isinstance(each, (str, int, float)) for values in tests.values() for each in self._values(values))
        )

    def _not_empty(self, statement: Mapping[str, object], element: str) -> Iterator[str]:
        if not as_list(statement.get(element, "present")):
            yield f"{element} is empty; it needs at least one value."

    def _values(self, value: object) -> Iterator[object]:
        if not self.is_unknown(value):
            yield from (each for each in as_list(value) if not self.is_unknown(each))


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
