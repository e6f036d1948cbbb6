"""What a simulated stack is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from project_policy.properties import RESOURCE_TYPE
from tests.documents import ACCOUNT, REGION


@dataclass(frozen=True, kw_only=True)
class Managed:
    """A custom resource of this project."""

    resource_type: ClassVar[str]
    adopt_existing: bool = False
    retain: bool = False
    """DeletionPolicy and UpdateReplacePolicy: Retain."""
    needs: str = ""
    """The logical ID of a resource that has to be there first."""
    service_timeout: int | None = None

    @property
    def properties(self) -> dict[str, Any]:
        """The properties as an event has them."""
        raise NotImplementedError

    def is_what(self, properties: Mapping[str, Any]) -> bool:
        """Return whether a request with these properties makes this resource."""
        raise NotImplementedError


@dataclass(frozen=True)
class Policy(Managed):
    """A Custom::RekognitionProjectPolicy."""

    project_arn: str
    policy_name: str
    document: Mapping[str, Any]
    service_timeout: int | None = field(default=900, kw_only=True)
    trigger: str | None = None

    resource_type = RESOURCE_TYPE

    @property
    def key(self) -> tuple[str, ...]:
        """Which policy of the service it is."""
        return self.project_arn, self.policy_name

    @property
    def properties(self) -> dict[str, Any]:
        """The properties as an event has them."""
        properties = {
            "ServiceToken": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:provider",
            "ServiceTimeout": None if self.service_timeout is None else str(self.service_timeout),
            "ProjectArn": self.project_arn,
            "PolicyName": self.policy_name,
            "PolicyDocument": self.document,
            "AdoptExisting": "true" if self.adopt_existing else None,
            "Trigger": self.trigger,
        }
        return {name: value for name, value in properties.items() if value is not None}

    def is_what(self, properties: Mapping[str, Any]) -> bool:
        """Return whether a request with these properties makes this policy."""
        return (properties["ProjectArn"], properties["PolicyName"]) == self.key


@dataclass(frozen=True)
class Other:
    """A resource of another type: made after some seconds, or failing then."""

    version: int = 1
    fails: bool = False
    after: float = 5.0
    needs: str = ""


Template = Mapping[str, Managed | Other]
