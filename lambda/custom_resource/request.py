"""A request of CloudFormation to a custom resource, and the physical IDs that name no resource."""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from .timeouts import CLOCK_SKEW_SECONDS, DEFAULT_SERVICE_TIMEOUT

REQUEST_TYPES = ("Create", "Update", "Delete")
"""What CloudFormation may request of a custom resource."""

_NOT_CREATED = "not-created:"
_IN_DOUBT = "in-doubt:"


@dataclass(frozen=True)
class Request:
    """One request of CloudFormation, as far as an event tells before its properties are checked."""

    type: str
    request_id: str
    logical_id: str
    physical_id: str
    """Empty for a Create, and where an emulator gives none."""
    properties: Mapping[str, object]
    old_properties: Mapping[str, object]
    time: float | None
    """When CloudFormation made the request, in seconds since the epoch; None if the event doesn't tell."""
    stack_id: str = ""

    @classmethod
    def parse(cls, event: Mapping[str, object], now: float) -> Request:
        """Read an event of CloudFormation; a time that is still to come tells nothing."""
        time = time_of(str(event.get("ResponseURL", "")))
        properties, old_properties = event.get("ResourceProperties"), event.get("OldResourceProperties")
        return cls(
            type=str(event["RequestType"]),
            request_id=str(event["RequestId"]),
            logical_id=str(event["LogicalResourceId"]),
            physical_id=str(event.get("PhysicalResourceId") or ""),
            properties=properties if isinstance(properties, Mapping) else {},
            old_properties=old_properties if isinstance(old_properties, Mapping) else {},
            time=None if time is not None and time > now + CLOCK_SKEW_SECONDS else time,
            stack_id=str(event.get("StackId", "")),
        )

    def fallback_id(self, now: float, *, made_nothing: bool = False) -> str:
        """Return the physical ID to respond with while the request has made nothing that is known of: the given one.

        A Create has none. It responds with one in doubt, or, if it has made nothing, with a marker, so that its Delete
        knows there is nothing to undo.
        """
        marker = f"{_NOT_CREATED}{self.logical_id}:{self.request_id}"
        return self.physical_id or (marker if made_nothing else self.in_doubt_id(now))

    def in_doubt_id(self, now: float) -> str:
        """Return the physical ID of a Create, or a replacement, that fails now without knowing what it has made.

        It names no resource, so its Delete looks for one that this request can have made: the ID ends in the request's
        time (the earliest that it can have, if that isn't known) and in ``now``, when it may still have tried.
        """
        requested_at = now - DEFAULT_SERVICE_TIMEOUT if self.time is None else self.time
        return f"{_IN_DOUBT}{self.logical_id}:{self.request_id}:{int(requested_at)}-{int(now)}"

    @property
    def in_doubt_times(self) -> tuple[float, float] | None:
        """When the Create was requested, and the second time of the ID, if it is one in doubt; None if it isn't."""
        found = re.fullmatch(_IN_DOUBT + r".*:([0-9]{1,12})-([0-9]{1,12})", self.physical_id, re.DOTALL)
        return (float(found[1]), float(found[2])) if found else None

    def is_in_doubt_of(self, request_id: str) -> bool:
        """Return whether the physical ID is the one in doubt that a Create with this request ID responded with."""
        return self.physical_id.rpartition(":")[0] == f"{_IN_DOUBT}{self.logical_id}:{request_id}"

    @property
    def made_nothing(self) -> bool:
        """Whether the physical ID is the marker of a Create that made nothing."""
        return self.physical_id.startswith(_NOT_CREATED)

    @property
    def service_timeout(self) -> int | None:
        """How long CloudFormation waits for the response, in seconds; None if the template doesn't say."""
        given = str(self.properties.get("ServiceTimeout", ""))
        return int(given) if re.fullmatch(r"[0-9]{1,4}", given) else None

    def is_abandoned(self, now: float) -> bool:
        """Return whether CloudFormation has surely stopped waiting, so that nothing may be made for it anymore."""
        patience = self.service_timeout or DEFAULT_SERVICE_TIMEOUT
        return self.time is not None and now - self.time > patience


def time_of(response_url: str) -> float | None:
    """Return when a ResponseURL was signed, which is when the request was made; None if it doesn't tell.

    Real ones carry ``X-Amz-Date=YYYYMMDDTHHMMSSZ``, which CloudFormation doesn't document.
    """
    try:
        query = parse_qs(urlsplit(response_url).query)
        return float(calendar.timegm(time.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ")))
    except (KeyError, ValueError):
        return None
