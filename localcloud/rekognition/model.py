"""What the service keeps: projects, the versions of their models, and the policies attached to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from localcloud.rekognition.arns import ProjectArn, VersionArn


@dataclass(frozen=True)
class Policy:
    """A project policy at one of its revisions."""

    name: str
    document: str
    revision: str
    created: float
    updated: float


@dataclass(frozen=True)
class Version:
    """A version of a project's model: trained, or copied from another version."""

    arn: VersionArn
    created: float
    output: Mapping[str, str]
    kms_key: str | None = None
    description: str | None = None
    source: VersionArn | None = None
    """The version it is a copy of."""


@dataclass
class Project:
    """A project, its versions and policies by name, and what its list of policies looked like before."""

    arn: ProjectArn
    created: float
    feature: str | None = None
    auto_update: str | None = None
    versions: dict[str, Version] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    history: list[tuple[float, tuple[Policy, ...]]] = field(default_factory=list)
    """Each list of policies there was, with the time from which it was true, so that a lagging list can be shown."""

    def remember(self, now: float) -> None:
        """Note the list of policies as it is from now on."""
        self.history.append((now, tuple(self.policies.values())))

    def policies_at(self, when: float) -> tuple[Policy, ...]:
        """Return the policies there were at a time."""
        seen: tuple[Policy, ...] = ()
        for since, policies in self.history:
            if since <= when:
                seen = policies
        return seen
