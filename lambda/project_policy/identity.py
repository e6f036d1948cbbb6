"""What identifies a project policy: the project's ARN, the policy's name, and the physical id made of both.

The patterns and limits are those of the Rekognition API's own model (PutProjectPolicy's ``ProjectArn`` and
``PolicyName``), narrowed where a name could not be told from a separator.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import Refused, shorten

MAX_POLICY_NAME_LENGTH = 128
"""Characters of a policy's name (PutProjectPolicy)."""

MAX_PROJECT_ARN_LENGTH = 880
"""Characters of a project's ARN. The API says 2048, but a physical id, which holds it, is at most 1 KB
(CloudFormation); a real one, with a name of 255 characters, has about 340."""

_POLICY_NAME = re.compile(r"[a-zA-Z0-9_.\-]{1,128}", re.ASCII)
_VERSION_NAME = re.compile(r"[a-zA-Z0-9_.\-]{1,255}", re.ASCII)
_PROJECT_ARN = re.compile(
    r"arn:(?P<partition>[a-z\d-]+):rekognition:(?P<region>[a-z\d-]+):(?P<account>\d{12})"
    r":project/(?P<name>[a-zA-Z0-9_.\-]{1,255})/[0-9]+",
    re.ASCII,
)

_SEPARATOR = "|"
_ADOPTED = "adopted"
_NOT_CREATED = "not-created:"
_IN_DOUBT = "in-doubt:"


@dataclass(frozen=True)
class Home:
    """An account and a Region: where a stack and its function are, and the only place whose projects they manage."""

    region: str
    account: str

    @classmethod
    def of(cls, arn: str) -> Home:
        """Return the home that an ARN tells, such as the function's."""
        _, _, _, region, account, *_ = arn.split(":")
        return cls(region, account)


@dataclass(frozen=True)
class Project:
    """A Custom Labels project, as its ARN names it."""

    arn: str
    partition: str
    region: str
    account: str
    name: str

    @classmethod
    def parse(cls, arn: object) -> Project:
        """Read a project's ARN, ``arn:P:rekognition:REGION:ACCOUNT:project/NAME/TIMESTAMP``.

        Raises ``Refused`` when ``arn`` is anything else, such as the ARN of one of the project's versions.
        """
        match = _PROJECT_ARN.fullmatch(arn) if isinstance(arn, str) else None
        if match is None or len(match[0]) > MAX_PROJECT_ARN_LENGTH:
            raise Refused(
                f'ProjectArn "{shorten(str(arn), 80)}" is not the ARN of a Custom Labels project. '
                "Give arn:PARTITION:rekognition:REGION:ACCOUNT:project/NAME/NUMBER, as DescribeProjects shows it."
            )
        return cls(match[0], match["partition"], match["region"], match["account"], match["name"])

    def check_home(self, home: Home) -> None:
        """Raise ``Refused`` unless the project is where the stack is."""
        if (self.region, self.account) != (home.region, home.account):
            raise Refused(
                f'Project "{shorten(self.name)}" is in account {self.account}, Region {self.region}, but this stack '
                f"is in account {home.account}, Region {home.region}. Deploy the policy's stack where the project is."
            )


def check_policy_name(name: object) -> None:
    """Raise ``Refused`` unless ``name`` is 1 to 128 letters, digits, ``_``, ``.`` or ``-`` (PutProjectPolicy)."""
    if not isinstance(name, str) or _POLICY_NAME.fullmatch(name) is None:
        raise Refused(
            f'PolicyName "{shorten(str(name))}" is not valid. Use 1 to {MAX_POLICY_NAME_LENGTH} letters, digits, '
            "hyphens, underscores or full stops."
        )


def is_version_name(name: object) -> bool:
    """Tell whether ``name`` may be a model version's: 1 to 255 letters, digits, ``_``, ``.`` or ``-``."""
    return isinstance(name, str) and _VERSION_NAME.fullmatch(name) is not None


@dataclass(frozen=True)
class PhysicalId:
    """The physical resource id of a policy: its project and name, and whether the stack only adopted it.

    ``PROJECT_ARN|POLICY_NAME``, stable for the life of the policy, so that a Delete needs nothing else;
    ``PROJECT_ARN|POLICY_NAME|adopted`` for a policy that was there before, which no Delete touches.
    """

    project_arn: str
    policy_name: str
    adopted: bool = False

    def __str__(self) -> str:
        """Return the id as CloudFormation keeps it."""
        parts = [self.project_arn, self.policy_name] + [_ADOPTED] * self.adopted
        return _SEPARATOR.join(parts)

    @classmethod
    def parse(cls, text: str) -> PhysicalId | None:
        """Return the id that ``text`` is, or None where nobody here made it (a marker, CloudFormation's own)."""
        project_arn, *rest = text.split(_SEPARATOR)
        if not _PROJECT_ARN.fullmatch(project_arn) or not rest or not _POLICY_NAME.fullmatch(rest[0]):
            return None
        if rest[1:] not in ([], [_ADOPTED]):
            return None
        return cls(project_arn, rest[0], adopted=len(rest) > 1)


def not_created(logical_id: str, request_id: str) -> str:
    """Return the physical id of a Create that made nothing, so that its Delete knows there is nothing to undo."""
    return f"{_NOT_CREATED}{logical_id}:{request_id}"


def in_doubt(logical_id: str, request_id: str) -> str:
    """Return the physical id of a Create that failed before it saw whether an earlier delivery of it had put a policy.

    It names no policy, so its Delete looks for one that only this Create can have made, and takes no other.
    """
    return f"{_IN_DOUBT}{logical_id}:{request_id}"


def is_not_created(text: str) -> bool:
    """Tell whether ``text`` is the physical id of a Create that made nothing."""
    return text.startswith(_NOT_CREATED)
