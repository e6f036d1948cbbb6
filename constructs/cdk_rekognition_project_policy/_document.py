"""What a user gives as a document, made into one that grants can be added to; and its rules at synthesis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Token
from aws_cdk import aws_iam as iam

from constructs import Construct

from . import _synthesis
from ._handler import document as documents
from ._handler import errors, identity

VERSION = "2012-10-17"
"""The version that an ``iam.PolicyDocument`` has; a document of another one stays as it is."""

Document = iam.PolicyDocument | Mapping[str, Any] | str


class DocumentRules:
    """The rules of one policy's document, as far as its values are known."""

    def __init__(self, scope: Construct, project: identity.Project | None, *, block_public_policy: bool) -> None:
        self._scope = scope
        self._project = project
        self._block_public_policy = block_public_policy

    def read(self, given: Document | None) -> Document:
        """Return the document that statements can be added to; one that they cannot stays as it is.

        Raises ``Refused`` for what breaks a rule already. ``iam.PolicyDocument.from_json`` would drop what it does not
        know, such as ``Conditions``, and take a missing ``Effect`` for Allow, so nothing reaches it unchecked.
        """
        if given is None or isinstance(given, iam.PolicyDocument):
            return given or iam.PolicyDocument(minimize=True)
        if isinstance(given, str) and Token.is_unresolved(given) and not given.lstrip().startswith("{"):
            return given  # a token as a whole; a text with tokens in it is JSON like any other
        document: Mapping[str, Any] = given if isinstance(given, Mapping) else documents.parse(given)
        broken = self._broken_so_far(document)
        if broken:
            raise errors.Refused(" ".join(broken))
        if document.get("Version", VERSION) != VERSION or "Id" in document:
            return document
        statements = document.get("Statement", [])
        return iam.PolicyDocument(
            minimize=True,
            statements=[
                iam.PolicyStatement.from_json(statement)
                for statement in (statements if isinstance(statements, (list, tuple)) else [statements])
            ],
        )

    def broken(self, document: Document) -> list[str]:
        """Return the rules that a whole document breaks, its grants included, as far as it is known at synthesis."""
        resolved = _synthesis.resolve(self._scope, document, self._partition)
        if resolved is None:  # a PolicyDocument without statements
            resolved = {}
        if not isinstance(resolved, Mapping) or _synthesis.is_intrinsic(resolved):
            return []
        return self._violations(resolved) + documents.size_violations(_synthesis.shortest(resolved))

    def _broken_so_far(self, document: Mapping[str, Any]) -> list[str]:
        """Return the rules that a document breaks to which statements may yet be added."""
        if not document.get("Statement", True):
            document = {member: value for member, value in document.items() if member != "Statement"}
        resolved = documents.parse(_synthesis.resolve(self._scope, document, self._partition) or {})
        if "Statement" not in resolved:
            resolved = {**resolved, "Statement": {"Ref": "Unknown"}}
        return self._violations(resolved)

    def _violations(self, resolved: Mapping[str, Any]) -> list[str]:
        violations: list[str] = documents.violations(
            resolved,
            project=self._project,
            block_public_policy=self._block_public_policy,
            is_unknown=_synthesis.is_intrinsic,
        )
        return violations

    @property
    def _partition(self) -> str:
        return self._project.partition if self._project else "aws"
