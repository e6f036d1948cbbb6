"""What isn't known of the real service outside AWS: each unknown is a switch, to try a client on both sides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_type_hints


@dataclass
class Switches:
    """The emulator's switches. The defaults are what is most likely of the real service, and nothing takes time.

    Every field may be changed at any time; the next request sees it.
    """

    # -- policies

    put_existing_without_revision: Literal["reject", "overwrite"] = "reject"
    """A put without a revision of a name that exists: ResourceAlreadyExistsException, or silently overwritten."""

    put_revision_absent: Literal["InvalidPolicyRevisionIdException", "ResourceNotFoundException"] = (
        "InvalidPolicyRevisionIdException"
    )
    """The error for a put that has a revision, of a name that doesn't exist."""

    list_lag: float = 0.0
    """Seconds after which ListProjectPolicies shows a put or delete. Put and Delete themselves always see the truth."""

    returned_form: Literal["as_given", "normalized"] = "as_given"
    """How documents come back: the string as it was put; or in another form with the same meaning (account ids as root
    ARNs, lists of one as scalars, the statements in another order)."""

    # -- model versions

    training_time: float = 0.0
    """Seconds for which a model version is TRAINING_IN_PROGRESS, counted from its CreateProjectVersion."""

    copying_time: float = 0.0
    """Seconds for which a model version is COPYING_IN_PROGRESS, counted from its CopyProjectVersion."""

    copying_ends: Literal["COPYING_COMPLETED", "COPYING_FAILED"] = "COPYING_COMPLETED"
    """How the copies that begin from now on end."""

    withdrawing_while_copying: Literal["completes", "fails"] = "completes"
    """A policy of the source project is deleted while another account copies: the copy completes or fails."""

    starting_time: float = 0.0
    """Seconds for which a model version is STARTING or STOPPING."""

    deleting_time: float = 0.0
    """Seconds for which a model version is DELETING, counted from its DeleteProjectVersion."""

    delete_while_copying: Literal["reject", "delete"] = "reject"
    """DeleteProjectVersion of a copy in progress: ResourceInUseException, or deleted."""

    deleting_versions_keep_project: bool = True
    """Whether DeleteProject is rejected while a model version is still DELETING."""

    version_name_taken: Literal["ResourceInUseException", "InvalidParameterException"] = "ResourceInUseException"
    """The error for a model version whose name is taken."""

    versions_lag: float = 0.0
    """Seconds after which DescribeProjectVersions shows a new model version, a status or a deletion."""

    key_form: Literal["as_given", "arn"] = "as_given"
    """How DescribeProjectVersions shows a KMS key that was given by its id or alias."""

    # -- tags and permissions

    tags_lag: float = 0.0
    """Seconds after which ListTagsForResource shows the tags of a new project or model version."""

    source_tags_copied: bool = False
    """Whether a copy has the tags of its source too."""

    resource_tags: Literal["honored", "ignored"] = "honored"
    """Whether aws:ResourceTag has the tags of a model version."""

    copy_permissions: Literal["documented", "copy_only"] = "documented"
    """What CopyProjectVersion is authorized for on the destination: the Service Authorization Reference lists
    CreateProjectVersion and TagResource as well, the API reference CopyProjectVersion only."""

    permission_delay: float = 0.0
    """Seconds for which a role is still denied what policies newly allow, counted from the first call they would
    have allowed. Root keys are not affected."""

    # -- quotas, and the service as a whole

    calls_per_second: float = 0.0
    """The quota of calls per second of each operation, per account and Region (5 in AWS); 0 throttles nothing."""

    policies_per_project: int = 5
    """The quota of policies per project (AWS can raise it)."""

    versions_per_project: int = 100
    """The quota of model versions per project."""

    running_versions: int = 2
    """The quota of model versions that run at the same time, per account and Region."""

    projects_per_account: int = 100
    """The quota of projects per account and Region."""

    quota_error: Literal["LimitExceededException", "ServiceQuotaExceededException"] = "LimitExceededException"
    """The error for a policy or model version beyond the quota."""

    end_of_list: Literal["no_token", "empty_token"] = "no_token"
    """What NextToken is on the last page."""

    denied_by_organization: str = "none"
    """The action, such as rekognition:PutProjectPolicy, that a service control policy of the organization denies."""

    custom_labels_everywhere: bool = False
    """Whether Regions that lack Custom Labels in AWS have it here (other partitions can then be tried)."""

    def __post_init__(self) -> None:
        """Reject unknown values."""
        self.change(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """All switches by name, in values JSON knows."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def change(self, changes: Mapping[str, Any]) -> None:
        """Set switches by name, from JSON values or a shell's strings; a ValueError changes nothing."""
        hints = get_type_hints(type(self))
        converted = {}
        for name, value in changes.items():
            if name not in hints:
                raise ValueError(f"There is no switch '{name}'; there are: {', '.join(hints)}.")
            converted[name] = _convert(name, value, hints[name])
        for name, value in converted.items():
            setattr(self, name, value)


def _convert(name: str, value: Any, kind: Any) -> Any:  # noqa: ANN401 - a switch can hold any JSON scalar
    choices = get_args(kind)
    if choices:
        if value not in choices:
            raise ValueError(f"{name} is one of: {', '.join(choices)}; not '{value}'.")
        return value
    if kind is bool:
        words = {"true": True, "false": False}
        if str(value).lower() not in words:
            raise ValueError(f"{name} is true or false; not '{value}'.")
        return words[str(value).lower()]
    if kind is str:
        return str(value)
    try:
        number = kind(value)
    except (TypeError, ValueError):
        number = -1
    if number < 0:
        raise ValueError(f"{name} is a number, 0 or more; not '{value}'.")
    return number
