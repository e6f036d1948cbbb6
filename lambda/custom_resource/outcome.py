"""How a request ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Outcome:
    """What a resource's ``respond`` returns, and what the response to CloudFormation is made of."""

    physical_id: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    """For Fn::GetAtt; the response has every attribute of the resource, empty where it isn't given here."""
    failure: str = ""
    """Why the request failed and what to do, as sentences; empty where it succeeded."""
    cause: str = ""
    """Where a call failed: the service's own code, message and request ID."""
