"""The documents of a stack at synthesis, when every grant is known."""

from __future__ import annotations

from functools import cache

import jsii
from aws_cdk import Stack

from constructs import IConstruct, IValidation

from ._document import Document, DocumentRules
from ._synthesis import resolve


@jsii.implements(IValidation)
class DocumentsOfStack:
    """Holds the documents of one stack's policies to their rules.

    One validation for all of them, since each document by itself would cross to Node.js several times.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._documents: list[tuple[IConstruct, Document, DocumentRules]] = []
        stack.node.add_validation(self)

    @staticmethod
    @cache
    def of(stack: Stack) -> DocumentsOfStack:
        """Return those of a stack."""
        return DocumentsOfStack(stack)

    def add(self, policy: IConstruct, document: Document, rules: DocumentRules) -> None:
        """Let a policy's document be checked at synthesis."""
        self._documents.append((policy, document, rules))

    def validate(self) -> list[str]:
        # In a mapping each, for what resolves to nothing is left out.
        resolved = resolve(self._stack, [{"Document": document} for _, document, _ in self._documents])
        return [
            f"{policy.node.path}: {broken}"
            for (policy, _, rules), each in zip(self._documents, resolved, strict=True)
            for broken in rules.broken(each.get("Document"))
        ]
