"""A CloudFormation request for a project policy, read from the event and checked before anything is called."""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from . import document as documents
from .errors import Refused, about, shorten
from .identity import Home, PhysicalId, Project, check_policy_name, is_not_created
from .timing import DEFAULT_SERVICE_TIMEOUT

RESOURCE_TYPE = "Custom::RekognitionProjectPolicy"
"""The type a template gives the resource."""

REQUEST_TYPES = ("Create", "Update", "Delete")
"""What CloudFormation may ask of a custom resource."""

_REQUIRED = ("ProjectArn", "PolicyName", "PolicyDocument")
_OPTIONAL = ("AdoptExisting", "BlockPublicPolicy", "Trigger")
# Trigger is not read: a new value is only what makes CloudFormation send an Update.
_OF_CLOUDFORMATION = ("ServiceToken", "ServiceTimeout")

_EXPIRES_AFTER = 7200  # seconds from a ResponseURL's signing to its Expires, as seen in real events


@dataclass(frozen=True)
class Properties:
    """The properties of one policy, checked: what the template wants to be live."""

    project: Project
    policy_name: str
    document: Mapping[str, object]
    adopt_existing: bool = False

    @classmethod
    def parse(cls, given: Mapping[str, object], home: Home) -> Properties:
        """Read and check ``ResourceProperties``; raises ``Refused`` for the first rule that they break."""
        for name in given:
            if name not in (*_REQUIRED, *_OPTIONAL, *_OF_CLOUDFORMATION):
                raise Refused(
                    f'Property "{shorten(str(name))}" is not one of {RESOURCE_TYPE}. '
                    f"Remove it; there are {', '.join((*_REQUIRED, *_OPTIONAL))}."
                )
        for name in _REQUIRED:
            if not given.get(name):
                raise Refused(f"Property {name} is missing or empty. Give it in the resource's Properties.")
        project = Project.parse(_text(given, "ProjectArn"))
        project.check_home(home)
        policy_name = _text(given, "PolicyName")
        check_policy_name(policy_name)
        block_public_policy = _flag(given, "BlockPublicPolicy", default=True)
        adopt_existing = _flag(given, "AdoptExisting", default=False)
        try:
            document = documents.parse(given["PolicyDocument"])
        except documents.InvalidDocument as error:
            raise Refused(about(policy_name, project.name, f": {error}")) from None
        violations = documents.violations(document, project=project, block_public_policy=block_public_policy)
        violations += documents.size_violations(document)
        if violations:
            raise Refused(about(policy_name, project.name, f": {violations[0]}"))
        return cls(project, policy_name, document, adopt_existing)

    @property
    def physical_id(self) -> PhysicalId:
        """The id of the policy that these properties ask for."""
        return PhysicalId(self.project.arn, self.policy_name)


def _text(given: Mapping[str, object], name: str) -> str:
    value = given[name]
    if not isinstance(value, str):
        raise Refused(f"Property {name} is not a text. Give one text.")
    return value


def _flag(given: Mapping[str, object], name: str, *, default: bool) -> bool:
    """Read a boolean, which CloudFormation delivers as the text ``true`` or ``false``."""
    value = given.get(name, default)
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise Refused(f'Property {name} is "{shorten(str(value))}". Give true or false.')


@dataclass(frozen=True)
class Request:
    """One request of CloudFormation, as far as an event tells before its properties are checked."""

    type: str
    request_id: str
    logical_id: str
    physical_id: str
    properties: Mapping[str, object]
    old_properties: Mapping[str, object]
    time: float | None
    """When CloudFormation made the request, in seconds since the epoch; None where the event does not tell."""

    @classmethod
    def parse(cls, event: Mapping[str, object]) -> Request:
        """Read an event of CloudFormation."""
        properties, old_properties = event.get("ResourceProperties"), event.get("OldResourceProperties")
        return cls(
            type=str(event["RequestType"]),
            request_id=str(event["RequestId"]),
            logical_id=str(event["LogicalResourceId"]),
            physical_id=str(event.get("PhysicalResourceId", "")),
            properties=properties if isinstance(properties, Mapping) else {},
            old_properties=old_properties if isinstance(old_properties, Mapping) else {},
            time=time_of(str(event.get("ResponseURL", ""))),
        )

    @property
    def policy(self) -> PhysicalId | None:
        """The policy that the physical id names; None for a Create, a marker and an id nobody here made."""
        return PhysicalId.parse(self.physical_id)

    @property
    def made_nothing(self) -> bool:
        """Whether the physical id is the marker of a Create that made nothing."""
        return is_not_created(self.physical_id)

    @property
    def service_timeout(self) -> int | None:
        """How long CloudFormation waits for the answer, in seconds; None where the template does not say."""
        given = str(self.properties.get("ServiceTimeout", ""))
        return int(given) if re.fullmatch(r"[0-9]{1,4}", given) else None

    def is_abandoned(self, now: float) -> bool:
        """Tell whether CloudFormation has surely stopped waiting, so that nothing may be made for it any more."""
        patience = self.service_timeout or DEFAULT_SERVICE_TIMEOUT
        return self.time is not None and now - self.time > patience


def time_of(response_url: str) -> float | None:
    """Return when a ResponseURL was signed, which is when the request was made; None where it does not tell.

    Real ones carry ``X-Amz-Date=YYYYMMDDTHHMMSSZ``, older ones ``Expires``, two hours later in epoch seconds.
    Neither is documented by CloudFormation.
    """
    try:
        query = parse_qs(urlsplit(response_url).query)
        if "X-Amz-Date" in query:
            return float(calendar.timegm(time.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ")))
        if "Expires" in query:
            return float(int(query["Expires"][0]) - _EXPIRES_AFTER)
    except ValueError:
        pass
    return None
