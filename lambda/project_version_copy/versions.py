"""The calls of Rekognition that concern copies."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from custom_resource.waiting import RunOverError
from rekognition.client import RekognitionCalls
from rekognition.errors import ACCESS_DENIED, NOT_FOUND, ServiceError, StaleReadError

from .errors import IN_USE
from .identity import INPUTS_TAG, RESPONDED_TAG, TAG_PREFIX, CopyInputs, Owner
from .properties import Properties

GRANT_RETRY_SECONDS = 120
"""How many seconds a denied CopyProjectVersion is retried: the source's policy may have been attached just before."""

IN_USE_RETRY_SECONDS = 60
"""How many seconds a CopyProjectVersion whose name is taken is retried, as long as no model version of it is listed."""


@dataclass(frozen=True)
class LiveVersion:
    """A model version as DescribeProjectVersions and ListTagsForResource return it."""

    arn: str
    name: str
    status: str
    created_at: float
    """In seconds since the epoch."""
    inputs: CopyInputs
    """What it was made from, as DescribeProjectVersions shows it."""
    message: str = ""
    all_tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def owner(self) -> Owner | None:
        """The request that made it; None if no request of this function did, or its tags aren't known (yet)."""
        return Owner.of_tags(self.all_tags)

    @property
    def responded(self) -> tuple[float, float] | None:
        """When its request was made, and when CloudFormation was about to receive its ARN; None if it never was."""
        tag = self.all_tags.get(RESPONDED_TAG)
        if tag is None:
            return None
        times = re.fullmatch("([0-9]{1,12})-([0-9]{1,12})", tag)
        return (float(times[1]), float(times[2])) if times else (0.0, 0.0)

    @property
    def inputs_digest(self) -> str:
        """The digest of what it was made from; empty if the function didn't make it."""
        return self.all_tags.get(INPUTS_TAG, "")

    @property
    def tags(self) -> Mapping[str, str]:
        """Its tags, without those that the function and AWS have added."""
        return {key: value for key, value in self.all_tags.items() if not key.startswith((TAG_PREFIX, "aws:"))}


class ProjectVersions(RekognitionCalls):
    """The model versions of Custom Labels projects, until a run ends.

    Every method raises ``ServiceError`` when a call fails for good, and ``RunOverError`` if the run would be over
    before the next try: another run goes on, whatever the last call met.
    """

    has_read = False
    """Whether DescribeProjectVersions has worked."""

    def out_of_time(self, cause: ServiceError | None) -> Exception:
        """Return what is raised when the run's end would come first."""
        return RunOverError(cause)

    def find(self, project_arn: str, name: str, *, without_tags: str = "") -> LiveVersion | None:
        """Return the live model version of that name, None if there is none.

        ``without_tags`` is the ARN of one whose tags aren't needed, which saves a call.
        """
        self._note_read(project_arn)
        page: dict[str, Any] = {"ProjectArn": project_arn, "VersionNames": [name]}
        response = self._call("DescribeProjectVersions", self._client.describe_project_versions, page)
        self.has_read = True
        for found in response.get("ProjectVersionDescriptions", []):
            arn = found["ProjectVersionArn"]
            output = found.get("OutputConfig", {})
            inputs = CopyInputs(
                found.get("SourceProjectVersionArn", ""),
                project_arn,
                output.get("S3Bucket", ""),
                output.get("S3KeyPrefix", ""),
                found.get("KmsKeyId", ""),
            )
            created = found["CreationTimestamp"].timestamp() if "CreationTimestamp" in found else 0.0
            tags = {} if arn == without_tags else self._tags(arn)
            return LiveVersion(arn, name, found["Status"], created, inputs, found.get("StatusMessage", ""), tags)
        return None

    def copy(self, wanted: Properties, name: str, tags: Mapping[str, str]) -> str:
        """Begin to copy a model version and return the copy's ARN (CopyProjectVersion).

        Raises ``StaleReadError`` if the name has to be looked up again before another try.
        """
        inputs = wanted.inputs
        output = {"S3Bucket": inputs.bucket, "S3KeyPrefix": inputs.key_prefix}
        parameters: dict[str, Any] = {
            "SourceProjectArn": wanted.source_project.arn,
            "SourceProjectVersionArn": inputs.source_version_arn,
            "DestinationProjectArn": inputs.destination_project_arn,
            "VersionName": name,
            "OutputConfig": {key: value for key, value in output.items() if value},
            "Tags": dict(tags),
        }
        if inputs.kms_key:
            parameters["KmsKeyId"] = inputs.kms_key
        try:
            response = self._change("CopyProjectVersion", self._client.copy_project_version, parameters)
        except StaleReadError as error:
            if error.cause.code == IN_USE and not self._is_worth_retrying(error.cause, IN_USE_RETRY_SECONDS):
                raise error.cause from None
            raise
        return str(response["ProjectVersionArn"])

    def delete(self, arn: str) -> bool:
        """Begin to delete a model version, and return whether there was one (DeleteProjectVersion).

        Raises ``StaleReadError`` if it has to be read again before another try, as when it is in use.
        """
        try:
            self._change("DeleteProjectVersion", self._client.delete_project_version, {"ProjectVersionArn": arn})
        except ServiceError as error:
            if error.code != NOT_FOUND:
                raise
            return False
        return True

    def stop(self, arn: str) -> None:
        """Begin to stop a model version (StopProjectVersion); raises ``StaleReadError`` as ``delete`` does."""
        self._change("StopProjectVersion", self._client.stop_project_version, {"ProjectVersionArn": arn})

    def retag(self, arn: str, add: Mapping[str, str], remove: tuple[str, ...]) -> None:
        """Take tags away, then set others (UntagResource, TagResource): together there may be more than AWS allows."""
        if remove:
            self._change("UntagResource", self._client.untag_resource, {"ResourceArn": arn, "TagKeys": list(remove)})
        if add:
            self._change("TagResource", self._client.tag_resource, {"ResourceArn": arn, "Tags": dict(add)})

    def _tags(self, arn: str) -> Mapping[str, str]:
        try:
            response = self._call("ListTagsForResource", self._client.list_tags_for_resource, {"ResourceArn": arn})
        except ServiceError as error:
            if error.code != NOT_FOUND:
                raise
            return {}  # it has just been deleted, which the next read shows
        tags: Mapping[str, str] = response.get("Tags", {})
        return tags

    def _change(self, operation: str, call: Callable[..., Any], parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return self._call(operation, call, parameters, changes=True)
        except ServiceError as error:
            if error.code == IN_USE:
                raise StaleReadError(error) from error
            raise

    def _retry_seconds(self, error: ServiceError) -> float:
        if error.operation == "CopyProjectVersion" and error.code == ACCESS_DENIED:
            return GRANT_RETRY_SECONDS
        return super()._retry_seconds(error)
