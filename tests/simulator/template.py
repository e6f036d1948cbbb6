"""What a simulated stack is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tests.documents import ACCOUNT, REGION


class Managed(Protocol):
    """A custom resource of this project."""

    @property
    def resource_type(self) -> str:
        """The type that a template gives it."""

    @property
    def service_timeout(self) -> int | None:
        """How long CloudFormation waits for a response."""

    @property
    def retain(self) -> bool:
        """DeletionPolicy and UpdateReplacePolicy: Retain."""

    @property
    def needs(self) -> str:
        """The logical ID of a resource that has to be there first."""

    @property
    def provider(self) -> str:
        """The name of the function."""

    @property
    def key(self) -> tuple[str, ...]:
        """What another value of makes another resource."""

    @property
    def properties(self) -> dict[str, Any]:
        """The properties as an event has them."""

    def is_what(self, properties: Mapping[str, Any]) -> bool:
        """Return whether a request with these properties makes this resource."""


@dataclass(frozen=True)
class Policy:
    """A Custom::RekognitionProjectPolicy."""

    project_arn: str
    policy_name: str
    document: Mapping[str, Any]
    adopt_existing: bool = False
    service_timeout: int | None = 900
    retain: bool = False
    """DeletionPolicy and UpdateReplacePolicy: Retain."""
    needs: str = ""
    """The logical ID of a resource that has to be there first."""
    trigger: str | None = None
    provider: str = "provider"
    """The name of the function."""

    resource_type = "Custom::RekognitionProjectPolicy"

    @property
    def key(self) -> tuple[str, str]:
        """Which policy of the service it is."""
        return self.project_arn, self.policy_name

    def is_what(self, properties: Mapping[str, Any]) -> bool:
        """Return whether a request with these properties makes this policy."""
        return (properties["ProjectArn"], properties["PolicyName"]) == self.key

    @property
    def properties(self) -> dict[str, Any]:
        """The properties as an event has them."""
        properties: dict[str, Any] = {
            "ServiceToken": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.provider}",
            "ProjectArn": self.project_arn,
            "PolicyName": self.policy_name,
            "PolicyDocument": self.document,
        }
        if self.adopt_existing:
            properties["AdoptExisting"] = "true"
        if self.trigger is not None:
            properties["Trigger"] = self.trigger
        if self.service_timeout is not None:
            properties["ServiceTimeout"] = str(self.service_timeout)
        return properties


@dataclass(frozen=True)
class Other:
    """A resource of another type: made after some seconds, or failing then."""

    version: int = 1
    fails: bool = False
    after: float = 5.0
    needs: str = ""


Template = Mapping[str, Managed | Other]
