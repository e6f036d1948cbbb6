"""What to do about a request, given what is live: the rules of the lifecycle, without effects.

Why the rules compare times: an event may be delivered twice, a list may lag, and the service's clock may differ from
CloudFormation's. docs/maintainers/lifecycle.md has the rules as a table, and what they can't tell apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from custom_resource.decision import LAG_SECONDS, UNRECEIVED_RESPONSE_SECONDS, Adopt, Keep, Reject, Wait
from custom_resource.request import Request
from custom_resource.timeouts import CLOCK_SKEW_SECONDS, FUNCTION_TIMEOUT, RESPONSE_RESERVE

from .policies import LivePolicy
from .properties import Properties

OWN_WORK_TOLERANCE_SECONDS = 1
"""A policy put this long before the request's time, rounded to seconds, may still be the request's own work."""

OWN_WORK_SECONDS = 60
"""How long after its request an earlier delivery may have put a policy that passes as the request's own work."""

OWN_WORK_GUESS_SECONDS = 900
"""How young a policy may be to pass as a request's own work if the request tells no time."""

ORPHAN_RETRY_SECONDS = 40
"""How long a Delete that overtook its own Create waits for its policy: a denied Create tries for 30 seconds."""

THROTTLED_ORPHAN_RETRY_SECONDS = 150
"""The same if its own calls were throttled: its Create's are, too, and may get through long afterward."""

REDELIVERY_SECONDS = 10
"""How long after it has removed a policy it reads again: the Create may have been delivered twice."""

THROTTLED_PUT_SECONDS = FUNCTION_TIMEOUT - RESPONSE_RESERVE
"""How long after the request that undoes it a throttled request may put its policy: until its run ends."""

MAX_CREATE_SECONDS = 900
"""The longest that a Create is taken to have run, when its policy is told from others by its age."""

CLOCK_MARGIN_SECONDS = 5
"""How many seconds clocks may differ, when a policy's age tells whether a canceled Create can have put it."""


@dataclass(frozen=True)
class Put:
    """Put the policy: a new one without a revision, an edit with the revision it replaces."""

    document: Mapping[str, object]
    revision_id: str | None
    is_fencing_write: bool = False
    """Whether it's equivalent already: putting it fails if the list was out of date."""


@dataclass(frozen=True)
class Remove:
    """Delete the policy, at its revision if one was seen."""

    revision_id: str | None
    reads_again: bool = False
    """Whether to read once more afterward: the request that put it may be delivered twice."""


Decision = Put | Remove | Keep | Adopt | Wait | Reject


@dataclass(frozen=True)
class Observation:
    """What a decision depends on besides the request and the policy."""

    now: float
    waited: float = 0.0
    """Seconds waited so far between reads."""
    time_left: float = math.inf
    """Seconds for which this run may still wait, and CloudFormation does: a canceled request has no more, either."""
    was_throttled: bool = False
    """Whether a call of this very run was throttled."""
    has_read_none: bool = False
    """Whether this very run has read that there was no such policy."""
    has_removed: bool = False
    """Whether this very run has removed the policy."""
    put_may_have_worked: bool = False
    """Whether a put of this very run may have worked although its response was lost."""
    rejected: str = ""
    """The code with which the service rejected a put that only confirms."""
    stale_revision: str | None = None
    """The revision that this run meant to replace by another document, when it has to read again after its put."""


def decide_create(request: Request, wanted: Properties, live: LivePolicy | None, observation: Observation) -> Decision:
    """Decide about a Create, and about an Update that makes another policy (a replacement)."""
    if live is None:
        return Put(wanted.document, None)
    is_equivalent = live.is_equivalent(wanted.document)
    # What appeared while all puts of this run were rejected is another's.
    is_own = observation.put_may_have_worked or (
        not observation.has_read_none
        and live.created_at is not None
        and _earliest_own_work(request, observation) <= live.created_at <= _latest_own_work(request)
    )
    if is_equivalent and is_own:
        return Keep("this request has put it already")
    if observation.waited < LAG_SECONDS:
        return Wait(LAG_SECONDS)
    if not wanted.adopt_existing:
        return Reject(
            "already exists and wasn't changed. Choose another PolicyName; or, to take it over, retain it "
            "where it is now (DeletionPolicy: Retain), then set AdoptExisting."
        )
    if not is_equivalent:
        return Reject(
            "already exists and isn't equivalent, so it wasn't adopted. Specify the live document as PolicyDocument, "
            "or choose another PolicyName."
        )
    return Adopt()


def decide_update(
    request: Request, wanted: Properties, live: LivePolicy | None, observation: Observation, *, adopted: bool
) -> Decision:
    """Decide about an Update of the policy that the physical ID names."""
    if live is not None and live.is_equivalent(wanted.document) and not wanted.is_blocked:
        return _decide_update_to_equivalent(request, wanted, live, observation)
    if wanted.violation:
        return Reject(
            f"would break a rule: {wanted.violation} In a rollback, continue it without this resource "
            "(ContinueUpdateRollback with ResourcesToSkip)."
        )
    if live is None:
        if adopted:  # it wouldn't go with the stack, so nobody would ever delete it
            return Reject(
                "was adopted, and its owner has deleted it since, so it wasn't put again. To own one, choose "
                "another PolicyName or logical ID; in a rollback, continue it without this resource "
                "(ContinueUpdateRollback with ResourcesToSkip)."
            )
        return Put(wanted.document, None)
    if observation.stale_revision not in (None, live.revision_id) and _has_old_document(request, live):
        return Reject(
            "was restored to its old document while this update ran, so the update is taken as canceled. Deploy "
            "again, or, in a rollback, continue it (ContinueUpdateRollback)."
        )
    if adopted and not _has_old_document(request, live):
        return Reject(
            "was adopted, and its owner has changed it since, so it wasn't changed. Specify the live document as "
            "PolicyDocument; in a rollback, restore the document that the stack had, or continue the rollback without "
            "this resource (ContinueUpdateRollback with ResourcesToSkip)."
        )
    if request.time is not None and live.updated_at is not None and live.updated_at > request.time + LAG_SECONDS:
        return Reject(
            "was changed by somebody else while this update ran, and wasn't changed again. Deploy again, or, in a "
            "rollback, continue it (ContinueUpdateRollback), to put the template's document."
        )
    return Put(wanted.document, live.revision_id)


def _decide_update_to_equivalent(
    request: Request, wanted: Properties, live: LivePolicy, observation: Observation
) -> Decision:
    if _has_old_document(request, live):
        return Keep("it's equivalent already")
    if observation.rejected:  # and it has been read again since
        return Keep(f"it's equivalent already, and putting it again was rejected ({observation.rejected})")
    if live.updated_at is not None and live.updated_at < _earliest_own_work(request, observation):
        # In a rollback: the update that is rolled back may put its document yet, and the list show it late.
        return Put(wanted.document, live.revision_id, is_fencing_write=True)
    return Wait(LAG_SECONDS) if observation.waited < LAG_SECONDS else Keep("this request has put it already")


def decide_delete(request: Request, live: LivePolicy | None, observation: Observation) -> Decision:
    """Decide about a Delete of the policy that the physical ID names."""
    if live is None:
        return Remove(None)  # the list may lag: if it does, this deletes the policy
    # A time that is still to come proves only that clocks differ.
    if (
        live.created_at is not None
        and request.time is not None
        and request.time + LAG_SECONDS < live.created_at <= observation.now
    ):
        return Keep("it was created after this request, so it isn't this resource's")
    return Remove(live.revision_id)


def decide_orphan(
    request: Request, canceled: Properties, live: LivePolicy | None, observation: Observation
) -> Decision:
    """Decide about what a Create or a replacement that CloudFormation has canceled leaves: it may still run."""
    first, last = _canceled_request_may_have_put(request, observation)
    if live is None:
        longest = THROTTLED_ORPHAN_RETRY_SECONDS if observation.was_throttled else ORPHAN_RETRY_SECONDS
        left = min(longest - observation.waited, observation.time_left, last + LAG_SECONDS - observation.now)
        if observation.has_removed or canceled.violation or left <= 0:
            return Keep("there is no such policy")
        # Pauses grow, because each read competes with what is waited for.
        return Wait(min(max(LAG_SECONDS, observation.waited / 2), left))
    is_own = live.created_at is not None and first <= live.created_at <= last
    if is_own and live.is_equivalent(canceled.document):
        has_time = observation.time_left > REDELIVERY_SECONDS  # else CloudFormation would take the removal for failed
        return Remove(live.revision_id, reads_again=has_time and not observation.has_removed)
    return Keep("no canceled request of this resource has put it")


def _earliest_own_work(request: Request, observation: Observation) -> float:
    """Return when this very request, delivered before, can have put its document at the earliest."""
    if request.time is None:
        return observation.now - OWN_WORK_GUESS_SECONDS
    return request.time - OWN_WORK_TOLERANCE_SECONDS


def _latest_own_work(request: Request) -> float:
    """Return until when an earlier delivery of this very request can have put a policy."""
    return math.inf if request.time is None else request.time + OWN_WORK_SECONDS


def _canceled_request_may_have_put(request: Request, observation: Observation) -> tuple[float, float]:
    """Return from when until when the request that this one undoes can have put its policy.

    Where the time of this request isn't known, it counts as made now: the one rule that is weaker then.
    """
    requested_at = observation.now if request.time is None else request.time
    ran = MAX_CREATE_SECONDS
    if request.type == "Update":
        ran = UNRECEIVED_RESPONSE_SECONDS
    elif request.service_timeout:
        ran = min(request.service_timeout, MAX_CREATE_SECONDS) + CLOCK_MARGIN_SECONDS
    first = requested_at - ran
    if request.in_doubt_times:
        first = max(first, request.in_doubt_times[0] - CLOCK_SKEW_SECONDS)
    tries = THROTTLED_PUT_SECONDS if observation.was_throttled else ORPHAN_RETRY_SECONDS
    return first, requested_at + tries + CLOCK_MARGIN_SECONDS


def _has_old_document(request: Request, live: LivePolicy) -> bool:
    """Return whether the live document is OldResourceProperties': in a rollback, that of the update rolled back."""
    return live.is_equivalent(request.old_properties.get("PolicyDocument"))
