"""What to do about a request, given what is live: the rules of the lifecycle, without effects.

Why the rules compare times: an event may be delivered twice, a list may lag, and the service's clock may differ from
CloudFormation's. docs/maintainers/lifecycle.md has the rules as a table, and what they can't tell apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from custom_resource.request import Request

from .policies import LivePolicy
from .properties import Properties

LAG = 2
"""How many seconds ListProjectPolicies is given to show a change; also the grain of a request's time, in seconds."""

OWN_WORK_TOLERANCE = 1
"""A policy put this long before the request's time, rounded to seconds, may still be the request's own work."""

OWN_WORK_GUESS = 900
"""How young a policy may be to pass as a request's own work if the request tells no time."""

ORPHAN_RETRY_SECONDS = 40
"""How long a Delete that overtook its own Create waits for its policy: a denied Create tries for 30 seconds."""

THROTTLED_ORPHAN_RETRY_SECONDS = 150
"""The same if its own calls were throttled: its Create's are, too, and may get through long afterward."""

REDELIVERY_SECONDS = 10
"""How long after it has removed a policy it reads again: the Create may have been delivered twice."""

LONGEST_CREATE = 900
"""The longest that a Create is taken to have run, when its policy is told from others by its age."""

CREATE_MARGIN = 5
"""How many seconds clocks may differ, when a policy's age tells whether a canceled Create can have put it."""

UNRECEIVED_RESPONSE_SECONDS = 20
"""How long before the Update that rolls it back a canceled replacement may have put its policy: had it responded
earlier, CloudFormation would have received the policy's ID."""


@dataclass(frozen=True)
class Put:
    """Put the policy: a new one without a revision, an edit with the revision it replaces."""

    document: Mapping[str, object]
    revision_id: str | None
    only_confirms: bool = False
    """Whether it's equivalent already: putting it fails if the list was out of date."""


@dataclass(frozen=True)
class Remove:
    """Delete the policy, at its revision if one was seen."""

    revision_id: str | None
    reads_again: bool = False
    """Whether to read once more afterward: the request that put it may be delivered twice."""


@dataclass(frozen=True)
class Keep:
    """Change nothing and succeed."""

    because: str
    adopted: bool = False


@dataclass(frozen=True)
class Wait:
    """Read again later: what was read may be out of date."""

    seconds: float


@dataclass(frozen=True)
class Reject:
    """Change nothing and fail."""

    because: str
    """What follows the policy's name in the message."""


Decision = Put | Remove | Keep | Wait | Reject


@dataclass(frozen=True)
class Moment:
    """What a decision depends on besides the request and the policy."""

    now: float
    waited: float = 0.0
    """Seconds waited so far because of Wait."""
    was_throttled: bool = False
    """Whether a call of this very run was throttled."""
    has_removed: bool = False
    """Whether this very run has removed the policy."""
    put_may_have_worked: bool = False
    """Whether a put of this very run may have worked although its response was lost."""
    rejected: str = ""
    """The code with which the service rejected a put that only confirms."""
    missed_revision: str | None = None
    """The revision that this run meant to replace by another document, when it has to read again after its put."""


def decide_create(request: Request, wanted: Properties, live: LivePolicy | None, moment: Moment) -> Decision:
    """Decide about a Create, and about an Update that makes another policy (a replacement)."""
    if live is None:
        return Put(wanted.document, None)
    is_equivalent = live.is_equivalent(wanted.document)
    if is_equivalent and (moment.put_may_have_worked or _is_own_work(request, live, moment)):
        return Keep("this request has put it already")
    if moment.waited < LAG:
        return Wait(LAG)
    if not wanted.adopt_existing:
        return Reject(
            " already exists and wasn't changed. Choose another PolicyName; or, to take it over, retain it "
            "where it is now (DeletionPolicy: Retain), then set AdoptExisting."
        )
    if not is_equivalent:
        return Reject(
            " already exists and isn't equivalent, so it wasn't adopted. Give the live document as PolicyDocument, or "
            "choose another PolicyName."
        )
    return Keep("it existed and is equivalent, so it's adopted", adopted=True)


def decide_update(
    request: Request, wanted: Properties, live: LivePolicy | None, moment: Moment, *, adopted: bool
) -> Decision:
    """Decide about an Update of the policy that the physical ID names."""
    if live is not None and live.is_equivalent(wanted.document) and not wanted.is_blocked:
        return _decide_update_to_equivalent(request, wanted, live, moment)
    if wanted.violation:
        return Reject(
            f": {wanted.violation} In a rollback, continue it without this resource (ContinueUpdateRollback with "
            "ResourcesToSkip)."
        )
    if live is None:
        if adopted:  # it wouldn't go with the stack, so nobody would ever delete it
            return Reject(
                " was adopted, and its owner has deleted it since, so it wasn't put again. To own one, choose "
                "another PolicyName or logical ID; in a rollback, continue it without this resource "
                "(ContinueUpdateRollback with ResourcesToSkip)."
            )
        return Put(wanted.document, None)
    if moment.missed_revision not in (None, live.revision_id) and _has_old_document(request, live):
        return Reject(
            " was restored to its old document while this update ran, so the update is taken as canceled. Deploy "
            "again, or, in a rollback, continue it (ContinueUpdateRollback)."
        )
    if adopted and not _has_old_document(request, live):
        return Reject(
            " was adopted, and its owner has changed it since, so it wasn't changed. Give the live document as "
            "PolicyDocument; in a rollback, restore the document that the stack had, or continue the rollback without "
            "this resource (ContinueUpdateRollback with ResourcesToSkip)."
        )
    if request.time is not None and live.updated is not None and live.updated > request.time + LAG:
        return Reject(
            " was changed by somebody else while this update ran, and wasn't changed again. Deploy again, or, in a "
            "rollback, continue it (ContinueUpdateRollback), to put the template's document."
        )
    return Put(wanted.document, live.revision_id)


def _decide_update_to_equivalent(request: Request, wanted: Properties, live: LivePolicy, moment: Moment) -> Decision:
    if _has_old_document(request, live):
        return Keep("it's equivalent already")
    if moment.rejected:  # and it has been read again since
        return Keep(f"it's equivalent already, and putting it again was rejected ({moment.rejected})")
    if not _is_own_edit(request, live, moment):
        # In a rollback: the update that is rolled back may put its document yet, and the list show it late.
        return Put(wanted.document, live.revision_id, only_confirms=True)
    return Wait(LAG) if moment.waited < LAG else Keep("this request has put it already")


def decide_delete(request: Request, live: LivePolicy | None, moment: Moment) -> Decision:
    """Decide about a Delete of the policy that the physical ID names."""
    if live is None:
        return Remove(None)  # the list may lag: if it does, this deletes the policy
    # A time that is still to come proves only that clocks differ.
    if live.created is not None and request.time is not None and request.time + LAG < live.created <= moment.now:
        return Keep("it was created after this request, so it isn't this resource's")
    return Remove(live.revision_id)


def decide_orphan(request: Request, canceled: Properties, live: LivePolicy | None, moment: Moment) -> Decision:
    """Decide about what a Create or a replacement that CloudFormation has canceled leaves: it may still run."""
    if live is None:
        if moment.has_removed or canceled.violation:
            return Keep("there is no such policy")
        longest = THROTTLED_ORPHAN_RETRY_SECONDS if moment.was_throttled else ORPHAN_RETRY_SECONDS
        left = longest - moment.waited
        # Pauses grow, because each read competes with what is waited for.
        return Wait(min(max(LAG, moment.waited / 2), left)) if left > 0 else Keep("there is no such policy")
    if live.is_equivalent(canceled.document) and _canceled_request_may_have_put(request, live, moment):
        return Remove(live.revision_id, reads_again=not moment.has_removed)
    return Keep("no canceled request of this resource has put it")


def _is_own_work(request: Request, live: LivePolicy, moment: Moment) -> bool:
    """Return whether an equivalent policy was put by this very request, delivered before."""
    return live.created is not None and live.created >= _earliest_own_work(request, moment)


def _is_own_edit(request: Request, live: LivePolicy, moment: Moment) -> bool:
    """Return whether an equivalent document may be the work of this very request, delivered before."""
    return live.updated is None or live.updated >= _earliest_own_work(request, moment)


def _earliest_own_work(request: Request, moment: Moment) -> float:
    return moment.now - OWN_WORK_GUESS if request.time is None else request.time - OWN_WORK_TOLERANCE


def _canceled_request_may_have_put(request: Request, live: LivePolicy, moment: Moment) -> bool:
    """Return whether what this request undoes can have put a policy, by when that was created."""
    if live.created is None:
        return False
    ran = LONGEST_CREATE
    if request.type == "Update":
        ran = UNRECEIVED_RESPONSE_SECONDS
    elif request.service_timeout:
        ran = min(request.service_timeout, LONGEST_CREATE) + CREATE_MARGIN
    return live.created >= (moment.now if request.time is None else request.time) - ran


def _has_old_document(request: Request, live: LivePolicy) -> bool:
    """Return whether the live document is OldResourceProperties': in a rollback, that of the update rolled back."""
    return live.is_equivalent(request.old_properties.get("PolicyDocument"))
