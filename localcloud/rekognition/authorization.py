"""The caller and its permissions, decided by an `Authorizer`, so that a real IAM evaluator can be plugged in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from localcloud.rekognition.errors import unrecognized_client


@dataclass(frozen=True)
class Principal:
    """The caller, who signed the request."""

    arn: str
    account: str
    access_key_id: str = ""


@dataclass(frozen=True)
class Decision:
    """Whether a principal may do something; the reason is the end of AWS's sentence, where it may not."""

    allowed: bool
    reason: str = ""


@dataclass(frozen=True)
class ResourcePolicy:
    """The policy of a resource: the account that owns the resource, and the document."""

    owner: str
    document: str


@dataclass(frozen=True)
class Permission:
    """What a request needs: to do something to a resource, and the resource's policy where Rekognition keeps one."""

    action: str
    resource: str
    policy: ResourcePolicy | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    """Condition keys in lower case, beyond those about the caller, and their values in this request."""


ALLOWED = Decision(allowed=True)


class Authorizer(Protocol):
    """Finds the principal behind an access key, and decides what it may do."""

    def identify(self, access_key_id: str, session_token: str | None, region: str) -> Principal:
        """Find the principal behind an access key; raise an AwsError when the key isn't known."""

    def decide(self, principal: Principal, permission: Permission, region: str) -> Decision:
        """Decide whether the principal has the permission."""


class RootKeys:
    """The default: each access key of 12 digits is the root of the account with that id; there are no other keys.

    It reads no policies: what has one is open to the root of its own account, and closed to everyone else.
    """

    def identify(self, access_key_id: str, session_token: str | None, region: str) -> Principal:  # noqa: ARG002
        """Return the root of the account that the key names."""
        if re.fullmatch(r"\d{12}", access_key_id) is None:
            raise unrecognized_client()
        return Principal(f"arn:aws:iam::{access_key_id}:root", access_key_id)

    def decide(self, principal: Principal, permission: Permission, region: str) -> Decision:  # noqa: ARG002
        """Allow root everything on what its account owns."""
        if permission.policy is not None and permission.policy.owner != principal.account:
            return not_allowed_by_resource(permission.action)
        return ALLOWED


def not_allowed_by_resource(action: str) -> Decision:
    """Decide against what the resource's own policy would have to allow."""
    return Decision(allowed=False, reason=f"because no resource-based policy allows the {action} action")
