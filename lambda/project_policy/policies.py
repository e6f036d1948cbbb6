"""The three calls of Rekognition that concern project policies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rekognition.client import RekognitionCalls
from rekognition.errors import NOT_FOUND, ServiceError, StaleReadError

from . import document as documents

PRINCIPAL_RETRY_SECONDS = 15
"""How many seconds a rejected principal is retried: one made just before may not be known everywhere yet."""

_CONFLICTS = frozenset({"InvalidPolicyRevisionIdException", "ResourceAlreadyExistsException"})
_OF_PRINCIPAL = frozenset({"MalformedPolicyDocumentException", "InvalidParameterException"})


@dataclass(frozen=True)
class LivePolicy:
    """A policy as ListProjectPolicies returns it; times are seconds since the epoch."""

    revision_id: str | None
    document: str
    created_at: float | None
    updated_at: float | None
    """None, like every element of a listed policy that the API doesn't require, if the service leaves it out."""

    def is_equivalent(self, wanted: object) -> bool:
        """Return whether the live document is equivalent to one that a template gives or gave."""
        return documents.are_equivalent(self.document, wanted)


class ProjectPolicies(RekognitionCalls):
    """The policies of Custom Labels projects, until a deadline.

    Every method raises ``ServiceError`` when a call fails for good or the deadline has come.
    """

    def find(self, project_arn: str, policy_name: str) -> LivePolicy | None:
        """Return the live policy of that name, None if there is none (ListProjectPolicies, until it is found)."""
        self._note_read(project_arn)
        page: dict[str, Any] = {"ProjectArn": project_arn}
        while True:
            response = self._call("ListProjectPolicies", self._client.list_project_policies, page)
            for policy in response.get("ProjectPolicies") or ():
                if policy.get("PolicyName") == policy_name:
                    created = policy.get("CreationTimestamp")
                    updated = policy.get("LastUpdatedTimestamp") or created
                    return LivePolicy(
                        revision_id=policy.get("PolicyRevisionId"),
                        document=policy.get("PolicyDocument") or "",
                        created_at=_seconds(created),
                        updated_at=_seconds(updated),
                    )
            if not response.get("NextToken"):
                return None
            page["NextToken"] = response["NextToken"]

    def put(self, project_arn: str, policy_name: str, document: str, revision_id: str | None) -> str:
        """Put a policy and return its new revision (PutProjectPolicy).

        Raises ``StaleReadError`` if the policy has to be read again before another try.
        """
        parameters = {"ProjectArn": project_arn, "PolicyName": policy_name, "PolicyDocument": document}
        if revision_id is not None:
            parameters["PolicyRevisionId"] = revision_id
            self._project_is_young = False  # a project whose policy was read is known
        try:
            response = self._call("PutProjectPolicy", self._client.put_project_policy, parameters, changes=True)
        except ServiceError as error:
            # With a revision, the service may return the same for a policy that is gone as for a project that is.
            if error.code in _CONFLICTS or (error.code == NOT_FOUND and revision_id is not None):
                raise StaleReadError(error, is_conflict=True) from error
            raise
        return str(response["PolicyRevisionId"])

    def delete(self, project_arn: str, policy_name: str, revision_id: str | None) -> bool:
        """Delete a policy, and return whether there was one; its project may be gone too (DeleteProjectPolicy).

        Raises ``StaleReadError`` if the policy has to be read again before another try.
        """
        parameters = {"ProjectArn": project_arn, "PolicyName": policy_name}
        if revision_id is not None:
            parameters["PolicyRevisionId"] = revision_id
        else:
            self._read_at = -math.inf  # another try could delete what has appeared since, so it reads again
        try:
            self._call("DeleteProjectPolicy", self._client.delete_project_policy, parameters, changes=True)
        except ServiceError as error:
            if error.code in _CONFLICTS:
                raise StaleReadError(error, is_conflict=True) from error
            if error.code != NOT_FOUND:
                raise
            return False
        return True

    def _retry_seconds(self, error: ServiceError) -> float:
        if error.code in _OF_PRINCIPAL and "principal" in error.message.lower():
            return PRINCIPAL_RETRY_SECONDS
        return super()._retry_seconds(error)


def _seconds(timestamp: datetime | None) -> float | None:
    return timestamp.timestamp() if timestamp else None
