"""The properties of the resource: what a template gives, checked before anything is called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from custom_resource.errors import RejectedError
from custom_resource.properties import check_names, flag, matching
from rekognition.arns import Environment, Project

from . import document as documents
from . import document_rules
from .identity import PhysicalId, check_policy_name

RESOURCE_TYPE = "Custom::RekognitionProjectPolicy"
"""The type that a template gives the resource."""

_REQUIRED = ("ProjectArn", "PolicyName", "PolicyDocument")
_OPTIONAL = ("AdoptExisting", "BlockPublicPolicy", "Trigger")
_ANYTHING = re.compile(".*", re.DOTALL)


@dataclass(frozen=True)
class Properties:
    """The properties of one policy, checked: what the template wants to be live."""

    project: Project
    policy_name: str
    document: Mapping[str, object]
    adopt_existing: bool = False
    violation: str = ""
    """The first rule of documents that this one breaks. A policy may be live all the same, put under other rules."""
    is_blocked: bool = False
    """Whether BlockPublicPolicy is one of those rules."""

    @classmethod
    def parse(cls, given: Mapping[str, object], environment: Environment) -> Properties:
        """Read and check ``ResourceProperties``; raises ``RejectedError`` for the first rule that they break.

        What breaks a rule of documents is returned with its ``violation``.
        """
        check_names(given, RESOURCE_TYPE, required=_REQUIRED, optional=_OPTIONAL)
        try:
            project = Project.parse(given["ProjectArn"])
            project.check_environment(environment)
        except ValueError as error:
            raise RejectedError(str(error)) from None
        policy_name = check_policy_name(given["PolicyName"])
        block_public_policy = flag(given, "BlockPublicPolicy", default=True)
        adopt_existing = flag(given, "AdoptExisting")
        # Not used: another value is only what makes CloudFormation send an Update.
        matching("Trigger", given.get("Trigger", ""), _ANYTHING, "Specify a string.")
        try:
            document = documents.parse(given["PolicyDocument"])
        except RejectedError as error:
            raise RejectedError(about(policy_name, project.name, f": {error}")) from None
        # First the size: the other rules take long to check a document that is far too large.
        too_large = document_rules.size_violations(document)
        blocking, others = (
            [] if too_large else document_rules.violations(document, project=project, block_public_policy=blocks)
            for blocks in (block_public_policy, False)
        )
        violations = too_large or blocking
        is_blocked = blocking != others
        return cls(project, policy_name, document, adopt_existing, violations[0] if violations else "", is_blocked)

    @property
    def physical_id(self) -> PhysicalId:
        """The ID of the policy that these properties ask for."""
        return PhysicalId(self.project.arn, self.policy_name)


def about(policy_name: str, project_name: str, sentence: str) -> str:
    """Return a message about a policy: ``Policy "P" of project "N"`` and what ``sentence`` says of it."""
    return f'Policy "{policy_name}" of project "{project_name}"{sentence}'
