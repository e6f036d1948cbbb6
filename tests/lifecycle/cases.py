"""What a case of the lifecycle is made of: pure data, which ``simulated.py`` plays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.documents import MINE

# -- what a template has -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Policy:
    """A Custom::RekognitionProjectPolicy in a template; its logical ID is Sharing unless a case says so."""

    document: Any = field(default_factory=lambda: MINE)
    name: str = "sharing"
    project: str = "logos"
    """The project's name."""
    adopt_existing: bool = False
    block_public_policy: bool = True
    trigger: str | None = None
    retain: bool = False
    """DeletionPolicy and UpdateReplacePolicy: Retain."""
    service_timeout: int | None = 900
    needs: str = ""
    """The logical ID of a resource that has to be there first."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further properties, or other values of these; None takes one away."""


@dataclass(frozen=True)
class Copy:
    """A Custom::RekognitionProjectVersionCopy in a template; its logical ID is Copy unless a case says so."""

    source: str = "v1"
    """The name of the source's model version: v1 or v2."""
    name: str | None = None
    """VersionName; None leaves it out."""
    bucket: str = "results"
    kms_key: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    destination: str = "copies"
    adopt_existing: bool = False
    stop_running: bool = False
    retain: bool = False
    service_timeout: int | None = 3600
    needs: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Other:
    """A resource of another type: made or changed after some seconds, or failing then."""

    fails: bool = False
    after: float = 5.0
    needs: str = ""


FAILS_LAST = Other(fails=True, needs="*")
"""Another resource, which fails when all others are done."""


def fails_after(seconds: float) -> Other:
    """Return another resource, which fails so many seconds after the deployment's beginning: it cancels the others."""
    return Other(fails=True, after=seconds)


Template = Mapping[str, Policy | Copy | Other]


def with_other(template: Template, other: Other) -> Template:
    """Return a template with another resource."""
    return {**template, "Other": other}


# -- what requests meet ------------------------------------------------------------------------------------------------

LOST_BEFORE, LOST_AFTER, HANGS = "lost before", "lost after", "hangs"
DIES = "dies"
Fault = str
"""An error code, or LOST_BEFORE or LOST_AFTER (the effect), or HANGS (for the SDK's read timeout)."""


@dataclass(frozen=True)
class Attempt:
    """What one invocation meets."""

    faults: Mapping[int, Fault] = field(default_factory=dict)
    """What the call of a number, from 0, meets."""
    dies_before: int | None = None
    dies_after: int | None = None
    """The call before or after whose effect the process ends."""
    others: Mapping[int, tuple[Put | Remove, ...]] = field(default_factory=dict)
    """What somebody does just before the call of a number takes effect."""
    responses: tuple[int | str, ...] = ()
    """What its tries to respond meet, before one arrives: an HTTP status, or DIES."""


def meets(*faults: Fault, **more: Any) -> Attempt:
    """Return an attempt whose first calls meet these faults, in order; an empty one meets nothing."""
    return Attempt({number: fault for number, fault in enumerate(faults) if fault}, **more)


@dataclass(frozen=True)
class Delivery:
    """How one request arrives: late, more than once, and what its attempts meet."""

    delay: float = 0.0
    repeats: tuple[float, ...] = ()
    """When the event is delivered once more, in seconds after the first time."""
    attempts: tuple[Attempt, ...] = ()
    """What the attempts of the first delivery meet, in order; later ones meet nothing."""
    empties_id: bool = False
    """Whether the response arrives without its ID, as crhelper alone would send some."""


def once(kind: str, *attempts: Attempt, **more: Any) -> dict[str, tuple[Delivery, ...]]:
    """Return how the first request of a type arrives."""
    return {kind: (Delivery(attempts=attempts, **more),)}


# -- what happens ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Deploy:
    """CreateStack or UpdateStack, whichever it takes."""

    template: Template
    ends: str
    """The stack's status in the end."""
    arrive: Mapping[str, tuple[Delivery, ...]] = field(default_factory=dict)
    """How the first requests of each type are delivered, such as ``{"Create": (Delivery(delay=5),)}``."""
    disable_rollback: bool = False
    stack: str = "one"
    reason: str = ""
    """What the last failure's reason has in it."""


@dataclass(frozen=True)
class Delete:
    """DeleteStack."""

    ends: str = "DELETE_COMPLETE"
    arrive: Mapping[str, tuple[Delivery, ...]] = field(default_factory=dict)
    stack: str = "one"
    reason: str = ""


@dataclass(frozen=True)
class ContinueRollback:
    """ContinueUpdateRollback."""

    ends: str = "UPDATE_ROLLBACK_COMPLETE"
    arrive: Mapping[str, tuple[Delivery, ...]] = field(default_factory=dict)
    stack: str = "one"
    reason: str = ""


@dataclass(frozen=True)
class Wait:
    """Nothing happens for so many seconds."""

    seconds: float = 86_400.0


@dataclass(frozen=True)
class Put:
    """Somebody puts a policy by hand, as a new one or over one that is there."""

    document: Mapping[str, Any]
    name: str = "sharing"


@dataclass(frozen=True)
class Remove:
    """Somebody deletes a policy by hand, or a whole project."""

    name: str = "sharing"
    project: str = ""


@dataclass(frozen=True)
class Somebody:
    """Somebody copies, starts or deletes a model version by hand, or attaches or detaches the source's policy."""

    does: str
    """copies, starts, deletes, allows or denies."""
    name: str = "mine"
    """The model version's name; the empty one is that of the only one there is."""
    after: float = 0.0
    """How many seconds into the next operation that happens."""


@dataclass(frozen=True)
class Both:
    """An operation, and another one that begins so many seconds after its end, while its events may still come."""

    first: Deploy | Delete
    then: Deploy | Delete
    after: float


Operation = Deploy | Delete | ContinueRollback
Step = Operation | Wait | Put | Remove | Somebody | Both

MADE, FAILED, BACK, DONE = ("CREATE_COMPLETE", "ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE")
"""How operations end."""
SAME = "the same again"
"""What CloudFormation sends in a row that is about every request."""

# -- a case ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """What happens, and what is live afterward."""

    title: str
    steps: tuple[Step, ...]
    live: Mapping[str, Any] | tuple[str, ...]
    """The live documents by their policies' names, with the project's name before it if that isn't logos (p/n).

    For copies: the sources of all live model versions, in order; "another's v1" where no stack made it.
    """
    service: Mapping[str, Any] = field(default_factory=dict)
    """What the service is like: the local cloud's switches, by name."""
    behavior: Mapping[str, Any] = field(default_factory=dict)
    """What CloudFormation is like where that isn't certain, by the names of the simulated one's."""
    sent: str = ""
    """What CloudFormation sends in the last operation, where that isn't what the row says."""


@dataclass(frozen=True)
class Row:
    """A row of a page's table "Case by case", in its words, and the cases that prove it."""

    case: str
    sent: str
    """What CloudFormation sends in the last operation, and under which physical ID."""
    live: str
    cases: tuple[Case, ...]


def case(title: str, live: Mapping[str, Any] | tuple[str, ...], *steps: Step, **more: Any) -> Case:
    """Return a case of these steps."""
    return Case(title, steps, live, **more)


def row(words: str, sent: str, live: str, *cases: Case) -> Row:
    """Return a row of these cases."""
    return Row(words, sent, live, cases)
