"""What an operation is, and what it has to act with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.rekognition.authorisation import Permission
from localcloud.rekognition.store import Store
from localcloud.rekognition.switches import Switches

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Scope:
    """Where a request acts: its caller's account, its Region, and the state and switches of the service."""

    account: str
    region: str
    store: Store
    switches: Switches


def nothing_more(scope: Scope, parameters: Parameters) -> Iterable[Permission]:  # noqa: ARG001
    """Need no other permission."""
    return ()


@dataclass(frozen=True)
class Operation:
    """An operation: the resource on which its caller needs permission, its effect, and other permissions it needs."""

    resource: Callable[[Scope, Parameters], str]
    perform: Callable[[Scope, Parameters], dict[str, Any]]
    also: Callable[[Scope, Parameters], Iterable[Permission]] = nothing_more


def project_of(scope: Scope, parameters: Parameters) -> str:  # noqa: ARG001 - every operation's resource is asked for alike
    """Return the project a request names, as the resource of most operations."""
    return str(parameters["ProjectArn"])


def timestamp(seconds: float) -> float:
    """Return a time as an answer has it, in milliseconds at most."""
    return round(seconds, 3)
