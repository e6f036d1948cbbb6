"""What nobody outside AWS knows of the real service: each unknown is a switch, to try a client on both sides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_type_hints


@dataclass
class Switches:
    """The emulator's switches. The defaults are what is thought most likely of the real service.

    Every field may be changed at any time; the next request sees it.
    """

    put_existing_without_revision: Literal["refuse", "overwrite"] = "refuse"
    """A put without a revision of a name that exists: ResourceAlreadyExistsException, or silently overwritten."""

    put_revision_absent: Literal["InvalidPolicyRevisionIdException", "ResourceNotFoundException"] = (
        "InvalidPolicyRevisionIdException"
    )
    """The error for a put that has a revision, of a name that doesn't exist."""

    quota_error: Literal["LimitExceededException", "ServiceQuotaExceededException"] = "LimitExceededException"
    """The error for a policy beyond the quota."""

    policies_per_project: int = 5
    """The quota of policies per project (AWS can raise it)."""

    projects_per_account: int = 100
    """The quota of projects per account and Region."""

    list_lag: float = 0.0
    """Seconds after which ListProjectPolicies shows a put or delete. Put and Delete themselves always see the truth."""

    training_time: float = 0.0
    """Seconds for which a version is TRAINING_IN_PROGRESS, counted from its CreateProjectVersion."""

    copying_time: float = 0.0
    """Seconds for which a version is COPYING_IN_PROGRESS, counted from its CopyProjectVersion."""

    copy_permissions: Literal["documented", "copy_only"] = "documented"
    """What CopyProjectVersion is authorized for on the destination: the Service Authorization Reference lists
    CreateProjectVersion and TagResource as well, the API reference CopyProjectVersion only."""

    returned_form: Literal["as_given", "normalised"] = "as_given"
    """How documents come back: the text as it was put; or in another form with the same meaning (account ids as root
    ARNs, lists of one as scalars, the statements in another order)."""

    end_of_list: Literal["no_token", "empty_token"] = "no_token"
    """What NextToken is on the last page."""

    permission_delay: float = 0.0
    """Seconds for which a role is still denied what policies newly allow, counted from the first call they would
    have allowed. Root keys are not affected."""

    custom_labels_everywhere: bool = False
    """Whether Regions that lack Custom Labels in AWS have it here (other partitions can then be tried)."""

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
    try:
        number = kind(value)
    except (TypeError, ValueError):
        number = -1
    if number < 0:
        raise ValueError(f"{name} is a number, 0 or more; not '{value}'.")
    return number
