"""Documents: a given one as one that grants can be added to, and the rules that synthesis holds it to."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from constructs import IConstruct, IValidation

from ._condition_keys import warn_of_keys
from ._handler import document as documents
from ._handler import document_rules, errors
from ._project import Project
from ._summary import summary
from ._tokens import is_intrinsic, is_unknown, known_prefix, known_text, resolve, resolve_known

VERSION = "2012-10-17"
"""The version that an ``iam.PolicyDocument`` has; a document of another one stays as it is."""

_INFO = "aws:cdk:info"
"""The type of an information annotation (``ArtifactMetadataEntryType.INFO``)."""

_FIRST: dict[object, IConstruct] = {}
"""The first policy of each name on a project: of a stack, and of an app where the project is surely the same."""

Document = iam.PolicyDocument | Mapping[str, object] | str | Path


class DocumentRules:
    """The rules of one policy's document, as far as its values are known."""

    def __init__(self, project: Project, block_public_policy: bool) -> None:  # noqa: FBT001 - it is given one
        self._stack, self._project = project.stack, project.known
        self._block_public_policy = block_public_policy
        self._references = {"AWS::Partition": self._project.partition if self._project else "aws"}

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
            path = given
            try:
                given = path.read_text(encoding="utf-8")
            except OSError as unreadable:
                raise errors.RejectedError(
                    f"document is the path of a file that can't be read: {path.absolute()} ({unreadable.strerror}). "
                    "A relative path begins where the app runs."
                ) from None
        elif isinstance(given, str) and given.endswith(".json"):
            raise errors.RejectedError(f'document is the string "{given}". For a file, specify Path("{given}").')
        if isinstance(given, str) and is_unknown(given) and not given.lstrip().startswith("{"):
            return given  # a token as a whole; a string with tokens in it is JSON
        document: Mapping[str, Any] = _plain(given if isinstance(given, Mapping) else documents.parse(given))
        _reject(self._broken_so_far(document))
        if document.get("Version", VERSION) != VERSION or "Id" in document or _is_partly_unknown(document):
            return document
        return iam.PolicyDocument(
            minimize=True,
            statements=[*map(iam.PolicyStatement.from_json, documents.as_list(document.get("Statement", [])))],
        )

    def check_statement(self, statement: iam.PolicyStatement) -> None:
        """Raise ``RejectedError`` for a statement that breaks a rule, as far as its values are known."""
        broken = self._broken_so_far({"Statement": statement.to_statement_json()})
        _reject([rule.removeprefix("statement 1: ") for rule in broken])

    def broken(self, resolved: object) -> list[str]:
        """Return the rules that a whole document with its grants breaks, as far as its values are known.

        None stands for an ``iam.PolicyDocument`` without statements.
        """
        resolved = {} if resolved is None else resolve_known(resolved, self._references)
        if isinstance(resolved, str) and not is_unknown(resolved):  # of a token
            try:
                resolved = documents.parse(resolved)
            except errors.RejectedError as invalid:
                return [str(invalid)]
        if not isinstance(resolved, Mapping) or is_intrinsic(resolved):
            return []
        return self._violations(resolved) + document_rules.size_violations(known_text(resolved, self._references))

    def _broken_so_far(self, document: Mapping[str, Any]) -> list[str]:
        """Return the rules that a document breaks to which statements can still be added."""
        statements = document.get("Statement", [])
        resolved = documents.parse(resolve_known(resolve(self._stack, document), self._references) or {})
        if statements == []:
            resolved["Statement"] = {"Ref": "Unknown"}
        return self._violations(resolved)

    def _violations(self, resolved: Mapping[str, Any]) -> list[str]:
        return document_rules.violations(
            resolved,
            project=self._project,
            block_public_policy=self._block_public_policy,
            is_unknown=is_unknown,
            beginning=lambda value: known_prefix(value, self._references),
        )


@jsii.implements(IValidation)
class PoliciesOfStack:
    """Checks the policies of one stack when their grants are known, and says in the CLI's output who may copy.

    One validation checks all of them, because a validation of each would cross to Node.js several times. It runs before
    the CDK collects annotations.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.policies: list[tuple[IConstruct, Project, str, Document, DocumentRules]] = []
        self._told: dict[IConstruct, str] = {}
        stack.node.add_validation(self)

    @staticmethod
    @cache
    def of(stack: Stack) -> PoliciesOfStack:
        """Return the policies of a stack."""
        return PoliciesOfStack(stack)

    def validate(self) -> list[str]:
        # In a mapping each, because the CDK leaves out what resolves to nothing.
        resolved = resolve(
            self._stack,
            [{"Id": [project.arn, name], "Document": document} for _, project, name, document, _ in self.policies],
        )
        found = []
        root = self._stack.node.root
        for (policy, project, _, _, rules), each in zip(self.policies, resolved, strict=True):
            broken = rules.broken(each.get("Document"))
            # In another stack, only what is known, or refers to the same construct, is surely the same.
            keys: list[object] = [(self._stack, json.dumps(each["Id"]))]
            if project.identity is not None and isinstance(each["Id"][1], str):
                keys.append((root, project.identity, each["Id"][1]))
            broken += [
                f"{other.node.path} has the same policy name on the same project, so each would be edited and "
                "deleted for the other. Specify a name of its own for each, or combine the two."
                for other in {_FIRST.setdefault(key, policy) for key in keys} - {policy}
            ]
            found += [f"{policy.node.path}: {rule}" for rule in broken]
            if not broken:
                who = summary(project.shown, each["Document"])
                if self._told.get(policy) != who:  # once, however often the app is synthesized
                    self._told[policy] = who
                    # Annotations would add a stack trace, whose file differs with each synthesis.
                    policy.node.add_metadata(_INFO, who)
                warn_of_keys(policy, each["Document"])
        return found


def _reject(broken: Sequence[str]) -> None:
    """Raise ``RejectedError`` if any rule is broken."""
    if broken:
        raise errors.RejectedError(" ".join(broken))


def _plain(value: object) -> Any:  # noqa: ANN401 - any JSON
    """Return a value in the types of JSON; objects of the CDK, such as tokens, stay."""
    if isinstance(value, Mapping):
        return {key: _plain(element) for key, element in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(element) for element in value]
    if isinstance(value, iam.PolicyStatement):
        return value.to_statement_json()
    if value is None:
        raise errors.RejectedError(
            "PolicyDocument contains None, which would be dropped from the template. Specify a value, or "
            "omit the element."
        )
    if isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value)) or _is_of_the_cdk(value):
        return value
    raise errors.RejectedError(
        f"PolicyDocument is not JSON: it contains a {type(value).__name__}. Use strings, lists and mappings."
    )


def _is_partly_unknown(value: object) -> bool:
    """Return whether a document has intrinsic functions of CloudFormation or objects of the CDK in it."""
    if isinstance(value, Mapping):
        return is_intrinsic(value) or any(_is_partly_unknown(element) for element in value.values())
    if isinstance(value, list):
        return any(_is_partly_unknown(element) for element in value)
    return _is_of_the_cdk(value)


def _is_of_the_cdk(value: object) -> bool:
    return hasattr(type(value), "__jsii_type__")
