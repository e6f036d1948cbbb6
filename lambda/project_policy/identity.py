"""What identifies a project policy: its name, and the physical ID made of the project's ARN and the name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from custom_resource.properties import matching
from rekognition.arns import Project

MAX_POLICY_NAME_LENGTH = 128
"""Characters of a policy's name (PutProjectPolicy, ``PolicyName``)."""

_POLICY_NAME = re.compile(r"[a-zA-Z0-9_.\-]{1,128}")
_SEPARATOR = "|"
_ADOPTED = "adopted"


def check_policy_name(name: object) -> str:
    """Return a policy's name, 1 to 128 letters, digits, ``_``, ``.`` or ``-`` (PutProjectPolicy).

    Raises ``RejectedError`` for anything else.
    """
    advice = f"Use 1 to {MAX_POLICY_NAME_LENGTH} letters, digits, hyphens, underscores or periods."
    return matching("PolicyName", name, _POLICY_NAME, advice)


@dataclass(frozen=True)
class PhysicalId:
    """The physical resource ID of a policy: its project and name, and whether the stack only adopted it.

    ``PROJECT_ARN|POLICY_NAME``, stable for the life of the policy, so that a Delete needs nothing else;
    ``PROJECT_ARN|POLICY_NAME|adopted`` for a policy that existed before, which no Delete touches.
    """

    project_arn: str
    policy_name: str
    adopted: bool = False

    def __str__(self) -> str:
        """Return the ID as CloudFormation keeps it."""
        parts = [self.project_arn, self.policy_name] + [_ADOPTED] * self.adopted
        return _SEPARATOR.join(parts)

    @classmethod
    def parse(cls, text: str) -> PhysicalId | None:
        """Return the ID that ``text`` is, or None if it is another's (a marker, one made up by CloudFormation)."""
        project_arn, *rest = text.split(_SEPARATOR)
        if not rest or not _POLICY_NAME.fullmatch(rest[0]) or rest[1:] not in ([], [_ADOPTED]):
            return None
        try:
            Project.parse(project_arn)
        except ValueError:
            return None
        return cls(project_arn, rest[0], adopted=len(rest) > 1)
