"""What isn't known of the real service outside AWS: each unknown is a switch, to try a client on both sides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_type_hints


@dataclass
class Switches:
    """The emulator's switches: `localcloud/README.md` says what each does.

    The defaults are what is most likely of the real service, and nothing takes time. Times and lags are in seconds.
    Every field may be changed at any time; the next request sees it.
    """

    put_existing_without_revision: Literal["reject", "overwrite"] = "reject"
    put_revision_absent: Literal["InvalidPolicyRevisionIdException", "ResourceNotFoundException"] = (
        "InvalidPolicyRevisionIdException"
    )
    list_lag: float = 0.0
    returned_form: Literal["as_given", "normalized"] = "as_given"
    clock_behind: float = 0.0

    copying_time: float = 0.0
    copying_ends: Literal["COPYING_COMPLETED", "COPYING_FAILED"] = "COPYING_COMPLETED"
    starting_time: float = 0.0
    starting_ends: Literal["RUNNING", "FAILED"] = "RUNNING"
    deleting_time: float = 0.0
    delete_while_copying: Literal["reject", "delete"] = "reject"
    versions_lag: float = 0.0
    key_form: Literal["as_given", "arn"] = "as_given"
    tags_lag: float = 0.0

    denied_by_organization: str = "none"
    calls_per_second: float = 0.0
    throttled_calls_count: bool = False
    policies_per_project: int = 5
    running_versions: int = 2
    projects_per_account: int = 100
    quota_error: Literal["LimitExceededException", "ServiceQuotaExceededException"] = "LimitExceededException"
    end_of_list: Literal["no_token", "empty_token"] = "no_token"

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
    if kind is str:
        return str(value)
    if kind is bool:
        if str(value).lower() not in ("true", "false"):
            raise ValueError(f"{name} is true or false; not '{value}'.")
        return str(value).lower() == "true"
    try:
        number = kind(value)
    except (TypeError, ValueError):
        number = -1
    if number < 0:
        raise ValueError(f"{name} is a number, 0 or more; not '{value}'.")
    return number
