"""The documents of a stack at synthesis, when every grant is known."""

from __future__ import annotations

from functools import cache

import jsii
from aws_cdk import Stack

from constructs import IConstruct, IValidation

from ._document import Document, DocumentRules
from ._summary import summary
from ._synthesis import resolve

_INFO = "aws:cdk:info"
"""The type of an information annotation (``ArtifactMetadataEntryType.INFO``)."""


@jsii.implements(IValidation)
class DocumentsOfStack:
    """Holds the documents of one stack's policies to their rules, and says in the CLI's output who may copy.

    One validation for all of them, since each document by itself would cross to Node.js several times. It runs before
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
        """Return those of a stack."""
        return DocumentsOfStack(stack)

    def add(self, policy: IConstruct, project_arn: str, document: Document, rules: DocumentRules) -> None:
        """Let a policy's document be checked at synthesis."""
        self._documents.append((policy, project_arn, document, rules))

    def validate(self) -> list[str]:
        # In a mapping each, for what resolves to nothing is left out.
        resolved = resolve(
            self._stack,
            [{"ProjectArn": project_arn, "Document": document} for _, project_arn, document, _ in self._documents],
        )
        found = []
        for (policy, _, _, rules), each in zip(self._documents, resolved, strict=True):
            broken = rules.broken(each.get("Document"))
            found += [f"{policy.node.path}: {rule}" for rule in broken]
            if not broken:
                self._tell(policy, summary(each["ProjectArn"], each["Document"]))
        return found

    def _tell(self, policy: IConstruct, text: str) -> None:
        """Let the CLI print a text, once however often the app is synthesized.

        ``Annotations`` would add a stack trace, whose file differs with each synthesis.
        """
        if self._told.get(policy) != text:
            self._told[policy] = text
            policy.node.add_metadata(_INFO, text)
