"""Documents: a given one as one that grants can be added to, and the rules that synthesis holds it to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from constructs import IConstruct, IValidation

from . import _tokens
from ._checks import in_app
from ._handler import arns, errors
from ._handler import document as documents
from ._summary import summary

VERSION = "2012-10-17"
"""The version that an ``iam.PolicyDocument`` has; a document of another one stays as it is."""

_INFO = "aws:cdk:info"
"""The type of an information annotation (``ArtifactMetadataEntryType.INFO``)."""

_FILE_NAME = re.compile(r'[^{}"\n]*[./\\][^{}"\n]+')

Document = iam.PolicyDocument | Mapping[str, Any] | str | Path


class DocumentRules:
    """The rules of one policy's document, as far as its values are known."""

    def __init__(self, stack: Stack, project: arns.Project | None, *, block_public_policy: bool) -> None:
        self._stack = stack
        self._project = project
        self._block_public_policy = block_public_policy

    def read(self, given: Document | None) -> Document:
        """Return the document as one that statements can be added to, or unchanged if they can't.

        Raises ``RejectedError`` for a document that breaks a rule already. ``iam.PolicyDocument.from_json`` would drop
        unknown elements, such as ``Conditions``, and take a missing ``Effect`` for Allow, so it gets checked documents
        only. It would also take ``Fn::If`` for a type of principal and sort its values, so it gets no intrinsic
        functions.
        """
        if given is None:
            return iam.PolicyDocument(minimize=True)
        if isinstance(given, iam.PolicyDocument):
            _reject(self._broken_so_far(given.to_json() or {}))
            return given
        if isinstance(given, Path):
            given = _text_of(given)
        if not isinstance(given, (str, Mapping)):
            raise errors.RejectedError(
                f"document is {given!r}. Give an iam.PolicyDocument, a mapping, a JSON string or the Path of a file."
            )
        if isinstance(given, str) and _FILE_NAME.fullmatch(given):
            raise errors.RejectedError(
                f'document "{errors.shorten(given)}" looks like the name of a file. Give Path(...) or '
                "Path(...).read_text() with that name."
            )
        if _tokens.is_token(given) and not str(given).lstrip().startswith("{"):
            return given  # a token as a whole; a string with tokens in it is JSON
        document: Mapping[str, Any] = _plain(given if isinstance(given, Mapping) else documents.parse(given))
        _reject(self._broken_so_far(document))
        if document.get("Version", VERSION) != VERSION or "Id" in document or _is_partly_unknown(document):
            return document
        return iam.PolicyDocument(
            minimize=True,
            statements=[iam.PolicyStatement.from_json(statement) for statement in _statements_of(document)],
        )

    def check_statement(self, statement: iam.PolicyStatement) -> None:
        """Raise ``RejectedError`` for a statement that breaks a rule, as far as its values are known."""
        broken = self._broken_so_far({"Statement": statement.to_statement_json()})
        _reject([rule.removeprefix("statement 1: ") for rule in broken])

    def broken(self, resolved: object) -> list[str]:
        """Return the rules that a whole document with its grants breaks, as far as its values are known.

        None stands for an ``iam.PolicyDocument`` without statements.
        """
        resolved = {} if resolved is None else _tokens.joined(resolved, self._partition)
        if isinstance(resolved, str):  # of a token
            try:
                resolved = documents.parse(resolved)
            except documents.InvalidDocument as invalid:
                return [str(invalid)]
        if isinstance(resolved, Mapping) and not _tokens.is_intrinsic(resolved):
            return self._violations(resolved) + documents.size_violations(_tokens.shortest(resolved))
        return _size_of_partly_known(_tokens.shortest(resolved))

    def _broken_so_far(self, document: Mapping[str, Any]) -> list[str]:
        """Return the rules that a document breaks to which statements can still be added."""
        statements = document.get("Statement", [])
        resolved = documents.parse(_tokens.joined(_tokens.resolve(self._stack, document), self._partition) or {})
        if statements == []:
            resolved["Statement"] = {"Ref": "Unknown"}
        return self._violations(resolved)

    def _violations(self, resolved: Mapping[str, Any]) -> list[str]:
        violations: list[str] = documents.violations(
            resolved,
            project=self._project,
            block_public_policy=self._block_public_policy,
            is_unknown=_tokens.is_intrinsic,
            beginning=_tokens.beginning,
        )
        return violations

    @property
    def _partition(self) -> Mapping[str, str]:
        return {"AWS::Partition": self._project.partition if self._project else "aws"}


@jsii.implements(IValidation)
class DocumentsOfStack:
    """Checks the documents of one stack's policies, and says in the CLI's output who may copy.

    One validation checks all of them, because a validation of each would cross to Node.js several times. It runs before
    the CDK collects annotations.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._documents: list[tuple[IConstruct, str, Document, DocumentRules]] = []
        self._told: dict[IConstruct, str] = {}
        stack.node.add_validation(self)

    @staticmethod
    @cache
    def of(stack: Stack) -> DocumentsOfStack:
        """Return the documents of a stack."""
        return DocumentsOfStack(stack)

    def add(self, policy: IConstruct, project_arn: str, document: Document, rules: DocumentRules) -> None:
        """Have a policy's document checked at synthesis."""
        self._documents.append((policy, project_arn, document, rules))

    def validate(self) -> list[str]:
        # In a mapping each, because the CDK leaves out what resolves to nothing.
        resolved = _tokens.resolve(
            self._stack,
            [{"ProjectArn": project_arn, "Document": document} for _, project_arn, document, _ in self._documents],
        )
        found = []
        for (policy, _, _, rules), each in zip(self._documents, resolved, strict=True):
            broken = rules.broken(each.get("Document"))
            found += [f"{policy.node.path}: {in_app(rule)}" for rule in broken]
            if not broken:
                self._tell(policy, summary(each["ProjectArn"], each["Document"]))
        return found

    def _tell(self, policy: IConstruct, text: str) -> None:
        """Have the CLI print a string, once however often the app is synthesized.

        ``Annotations`` would add a stack trace, whose file differs with each synthesis.
        """
        if self._told.get(policy) != text:
            self._told[policy] = text
            policy.node.add_metadata(_INFO, text)


def _reject(broken: Sequence[str]) -> None:
    """Raise ``RejectedError`` if any rule is broken."""
    if broken:
        raise errors.RejectedError(" ".join(broken))


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise errors.RejectedError(
            f'document file "{file.absolute()}" can\'t be read ({reason}). Give the path of a JSON file in UTF-8.'
        ) from None


def _statements_of(document: Mapping[str, Any]) -> Sequence[Any]:
    statements = document.get("Statement", [])
    return statements if isinstance(statements, (list, tuple)) else [statements]


def _size_of_partly_known(text: object) -> list[str]:
    """Return the rule about the size if a string without its unknown parts, which may not be JSON, breaks it."""
    try:
        return documents.size_violations(documents.parse(text))
    except documents.InvalidDocument:
        return []


def _plain(value: object) -> Any:  # noqa: ANN401 - any JSON
    """Return a value in the types of JSON; objects of the CDK, such as tokens, stay."""
    if isinstance(value, Mapping):
        return {key: _plain(element) for key, element in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(element) for element in value]
    if isinstance(value, iam.PolicyStatement):
        return value.to_statement_json()
    if value is None:
        raise documents.InvalidDocument(
            "document contains None, which would be dropped from the template. Give a value, or omit the element."
        )
    if isinstance(value, (str, bool, int, float)) or _is_of_the_cdk(value):
        return value
    raise documents.InvalidDocument(
        f"document is not JSON: it contains a {type(value).__name__}. Give strings, lists and mappings."
    )


def _is_partly_unknown(value: object) -> bool:
    """Return whether a document has intrinsic functions of CloudFormation or objects of the CDK in it."""
    if isinstance(value, Mapping):
        return _tokens.is_intrinsic(value) or any(_is_partly_unknown(element) for element in value.values())
    if isinstance(value, list):
        return any(_is_partly_unknown(element) for element in value)
    return _is_of_the_cdk(value)


def _is_of_the_cdk(value: object) -> bool:
    return hasattr(type(value), "__jsii_type__")
