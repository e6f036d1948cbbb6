"""What to do about a request, given what is live: every rule of the lifecycle, in one place and without effects.

Why the rules compare times: an event may be delivered late or twice, a list may lag, and the service's clock may differ
from CloudFormation's. docs/maintainers/lifecycle.md has the rules as a table, and what they can't tell apart.
"""

from __future__ import annotations

from dataclasses import dataclass

from custom_resource.errors import RejectedError
from custom_resource.request import Request

from . import document as documents
from .identity import PhysicalId
from .policies import LivePolicy
from .properties import Properties

LIST_LAG = 2
"""How long ListProjectPolicies is given to show a change; also the grain of a request's time, which is in seconds."""

OWN_WORK_TOLERANCE = 1
"""A policy put this long before the request's time, rounded to seconds, may still be the request's own work."""

OWN_WORK_GUESS = 900
"""How young a policy may be to pass as a request's own work where the request tells no time."""

CANCELED_CREATE_PATIENCE = 10
"""How long a Delete that overtook its own Create waits for the policy to appear."""

LONGEST_CREATE = 900
"""The longest that a Create is taken to have run, when its policy is told from others by its age."""

MADE_UP_ID_MARGIN = 60
"""Added to a Create's ServiceTimeout when its Delete comes with an ID that CloudFormation made up."""

LATE = 45
"""An event older than this probably isn't delivered for the first time: Lambda's second try comes after a minute."""

LATE_PUT = 30
"""How long after the Delete of a canceled Create, or after a Create gave up in doubt, its policy may still appear."""


@dataclass(frozen=True)
class Put:
    """Put the policy: a new one without a revision, an edit with the revision it replaces."""

    revision_id: str | None


@dataclass(frozen=True)
class Confirm:
    """Put the policy although it's equivalent already: its revision misses if the list was out of date."""

    revision_id: str | None


@dataclass(frozen=True)
class Remove:
    """Delete the policy, at the revision given where one was seen."""

    revision_id: str | None
    more_may_come: bool = False
    """Whether to go on reading afterwards: the Create that put it may still run, or be delivered twice."""


@dataclass(frozen=True)
class Keep:
    """Change nothing and succeed."""

    because: str
    physical_id: str = ""
    """The resource's ID from now on, where it isn't the one that names the wanted policy."""


@dataclass(frozen=True)
class ReadAgain:
    """Wait and read once more: what was seen may be out of date."""

    seconds: float


@dataclass(frozen=True)
class Reject:
    """Change nothing and fail."""

    because: str
    """What follows the policy's name in the message."""


Decision = Put | Confirm | Remove | Keep | ReadAgain | Reject


@dataclass(frozen=True)
class Moment:
    """What a decision depends on besides the request and the policy."""

    now: float
    started: float
    """When this run began its work; its age tells a first delivery from a late one, however long the work takes."""
    waited: float = 0.0
    """Seconds waited so far because of ReadAgain."""
    put_in_doubt: bool = False
    """Whether a put of this very run may have worked although its response was lost."""
    rejected: str = ""
    """The code with which the service rejected the document when this run put it although it was equivalent."""
    missed_revision: str | None = None
    """The revision that this run meant to replace by another document, when it has to read again after its put."""


def decide_create(request: Request, wanted: Properties, live: LivePolicy | None, moment: Moment) -> Decision:
    """Decide about a Create, and about an Update that makes another policy (a replacement)."""
    if live is None:
        return Put(None)
    if live.is_equivalent(wanted.document):
        if moment.put_in_doubt or _is_own_work(request, live, moment):
            return Keep("this request has put it already")
        if request.type == "Update" and _has_foreign_id(request, wanted):
            return Keep("it's equivalent, and its ID is another provider's", physical_id=request.physical_id)
        if wanted.adopt_existing and moment.waited >= LIST_LAG:  # not what is being deleted at this moment
            policy = wanted.physical_id
            adopted = PhysicalId(policy.project_arn, policy.policy_name, adopted=True)
            return Keep("it existed and is equivalent, so it's adopted", physical_id=str(adopted))
    if moment.waited < LIST_LAG:
        return ReadAgain(LIST_LAG)
    if wanted.adopt_existing:
        return Reject(
            " already exists and isn't equivalent, so it wasn't adopted. Give the live document as PolicyDocument, or "
            "choose another PolicyName."
        )
    return Reject(
        " already exists and wasn't changed. Choose another PolicyName; or, to take it over, retain it "
        "where it is now (DeletionPolicy: Retain), then set AdoptExisting."
    )


def decide_update(request: Request, wanted: Properties, live: LivePolicy | None, moment: Moment) -> Decision:
    """Decide about an Update of the policy that the physical ID names."""
    if live is not None and live.is_equivalent(wanted.document):
        return _decide_update_to_equivalent(request, wanted, live, moment)
    if wanted.violation:
        return Reject(
            f": {wanted.violation} In a rollback, continue it without this resource (ContinueUpdateRollback with "
            "ResourcesToSkip)."
        )
    policy = PhysicalId.parse(request.physical_id)
    adopted = policy is not None and policy.adopted
    if live is None:
        if adopted:  # it wouldn't go with the stack, so nobody would ever delete it
            return Reject(
                " was adopted, and its owner has deleted it since, so it wasn't put again. To own one, choose "
                "another PolicyName or logical ID; in a rollback, continue it without this resource "
                "(ContinueUpdateRollback with ResourcesToSkip)."
            )
        if _is_late(request, moment):
            return Reject(
                " was deleted, and this update comes too late to put it again. Deploy again, or, in a rollback, "
                "continue it (ContinueUpdateRollback)."
            )
        return Put(None)
    if moment.missed_revision not in (None, live.revision_id) and _is_what_it_was(request, live):
        return Reject(
            " was restored to its old document while this update ran, so the update is taken as canceled. Deploy "
            "again, or, in a rollback, continue it (ContinueUpdateRollback)."
        )
    if adopted and not _is_what_it_was(request, live):
        return Reject(
            " was adopted, and its owner has changed it since, so it wasn't changed. Give the live document as "
            "PolicyDocument; in a rollback, restore the document that the stack had, or continue the rollback without "
            "this resource (ContinueUpdateRollback with ResourcesToSkip)."
        )
    if request.time is not None and live.updated is not None and live.updated > request.time + LIST_LAG:
        return Reject(
            " was changed by somebody else while this update ran, and wasn't changed again. Deploy again, or, in a "
            "rollback, continue it (ContinueUpdateRollback), to put the template's document."
        )
    return Put(live.revision_id)


def _decide_update_to_equivalent(request: Request, wanted: Properties, live: LivePolicy, moment: Moment) -> Decision:
    if _wanted_before(request, wanted):
        return Keep("it's equivalent already")
    if moment.rejected:  # and it has been read again since
        return Keep(f"it's equivalent already, and putting it again was rejected ({moment.rejected})")
    if not _is_own_edit(request, live, moment):
        # In a rollback: the update that is rolled back may put its document yet, and the list show it late.
        return Confirm(live.revision_id)
    return ReadAgain(LIST_LAG) if moment.waited < LIST_LAG else Keep("this request has put it already")


def decide_delete(request: Request, live: LivePolicy | None, moment: Moment) -> Decision:
    """Decide about a Delete of the policy that the physical ID names."""
    if live is None:
        # The list may lag: if it does, this deletes the policy; a late Delete could meet the next owner's.
        return Keep("it was gone already") if _is_late(request, moment) else Remove(None)
    if _is_after(live.created, request, LIST_LAG, moment):
        return Keep("it was created after this request, so it isn't this resource's")
    return Remove(live.revision_id)


def decide_delete_of_unknown(request: Request, wanted: Properties, live: LivePolicy | None, moment: Moment) -> Decision:
    """Decide about a Delete whose ID names no policy: CloudFormation canceled a Create, or that gave up in doubt."""
    if live is None:
        if moment.waited < CANCELED_CREATE_PATIENCE:
            return ReadAgain(LIST_LAG)
        return Keep("there is no such policy")
    if live.is_equivalent(wanted.document) and _may_be_the_canceled_creates(request, live, moment):
        return Remove(live.revision_id, more_may_come=moment.waited < CANCELED_CREATE_PATIENCE)
    return Keep("no Create of this resource has put it")


def _is_own_work(request: Request, live: LivePolicy, moment: Moment) -> bool:
    """Return whether an equivalent policy was put by this very request, delivered before."""
    return live.created is not None and live.created >= _earliest_own_work(request, moment)


def _is_own_edit(request: Request, live: LivePolicy, moment: Moment) -> bool:
    """Return whether an equivalent document may be the work of this very request, delivered before."""
    return live.updated is None or live.updated >= _earliest_own_work(request, moment)


def _earliest_own_work(request: Request, moment: Moment) -> float:
    return moment.now - OWN_WORK_GUESS if request.time is None else request.time - OWN_WORK_TOLERANCE


def _may_be_the_canceled_creates(request: Request, live: LivePolicy, moment: Moment) -> bool:
    """Return whether the Create that a Delete undoes can have put a policy, by when that was created."""
    if live.created is None:
        return False
    ran = (
        min(request.service_timeout, LONGEST_CREATE) + MADE_UP_ID_MARGIN if request.service_timeout else OWN_WORK_GUESS
    )
    gave_up = request.in_doubt_since
    if gave_up is not None:
        return gave_up - ran <= live.created <= gave_up + LATE_PUT
    if _is_late(request, moment) and _is_after(live.created, request, LATE_PUT, moment):
        return False
    return live.created >= (moment.now if request.time is None else request.time) - ran


def _has_foreign_id(request: Request, wanted: Properties) -> bool:
    """Return whether the code behind the ServiceToken was another one, which managed this same policy."""
    old = (request.old_properties.get("ProjectArn"), request.old_properties.get("PolicyName"))
    return PhysicalId.parse(request.physical_id) is None and old == (wanted.project.arn, wanted.policy_name)


def _is_late(request: Request, moment: Moment) -> bool:
    return request.time is not None and moment.started - request.time > LATE


def _is_after(when: float | None, request: Request, grain: float, moment: Moment) -> bool:
    """Return whether something was done after the request; a time in the future proves only that clocks differ."""
    return when is not None and request.time is not None and request.time + grain < when <= moment.now


def _wanted_before(request: Request, wanted: Properties) -> bool:
    """Return whether the resource's old properties asked for an equivalent document."""
    try:
        old = documents.parse(request.old_properties.get("PolicyDocument"))
        return documents.canonical(old) == documents.canonical(wanted.document)
    except (RejectedError, KeyError, TypeError, RecursionError):
        return False


def _is_what_it_was(request: Request, live: LivePolicy) -> bool:
    """Return whether the live document is what the resource's old properties asked for."""
    try:
        return live.is_equivalent(documents.parse(request.old_properties.get("PolicyDocument")))
    except RejectedError:
        return False
