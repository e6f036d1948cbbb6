"""What to do about a request, given what is live: every rule of the lifecycle, in one place and without effects.

'The list may lag' and 'a repeated delivery' are why the rules look at times; docs/lifecycle.md has them as a table.
"""

from __future__ import annotations

from dataclasses import dataclass

from custom_resource.errors import RejectedError
from custom_resource.request import Request

from . import document as documents
from .policies import LivePolicy
from .properties import Properties

LIST_LAG = 2
"""How long ListProjectPolicies is given to show a change; also the grain of a request's time, which is in seconds."""

OWN_WORK_TOLERANCE = 1
"""A policy made this long before the request's time, rounded to seconds, may still be the request's own work."""

OWN_WORK_GUESS = 900
"""How young a policy may be to pass as a request's own work where the request tells no time."""

LATE_CREATE_PATIENCE = 10
"""How long a Delete that overtook its own Create waits for the policy to appear."""

MADE_UP_ID_MARGIN = 60
"""Added to a Create's ServiceTimeout when its Delete comes with an id that CloudFormation made up."""


@dataclass(frozen=True)
class Put:
    """Put the policy: a new one without a revision, an edit with the revision it replaces."""

    revision_id: str | None


@dataclass(frozen=True)
class Remove:
    """Delete the policy, at the revision given where one was seen."""

    revision_id: str | None
    more_may_come: bool = False
    """Whether to go on looking afterwards: the Create that put it may run yet, or be delivered twice."""


@dataclass(frozen=True)
class Keep:
    """Change nothing and succeed."""

    because: str
    adopted: bool = False


@dataclass(frozen=True)
class LookAgain:
    """Wait and look once more: what was seen may be out of date."""

    seconds: float


@dataclass(frozen=True)
class Refuse:
    """Change nothing and fail."""

    because: str


Decision = Put | Remove | Keep | LookAgain | Refuse


@dataclass(frozen=True)
class Moment:
    """What a decision depends on besides the request and the policy."""

    now: float
    waited: float = 0.0
    """Seconds waited so far because of LookAgain."""


def decide_create(request: Request, wanted: Properties, live: LivePolicy | None, moment: Moment) -> Decision:
    """Decide about a Create, and about an Update that makes another policy (a replacement)."""
    if live is None:
        return Put(None)
    if live.is_equivalent(wanted.document):
        if _is_own_work(request, live, moment):
            return Keep("this request has put it already")
        if wanted.adopt_existing:
            return Keep("it was there and says the same, so it is adopted", adopted=True)
    if moment.waited < LIST_LAG:
        return LookAgain(LIST_LAG)
    if wanted.adopt_existing:
        return Refuse(
            "is there already and says something else, so it was not adopted. Make PolicyDocument say what is live, "
            "or choose another PolicyName."
        )
    return Refuse(
        "is there already and was left as it is. Choose another PolicyName; or, to take it over, retain it "
        "where it is now (DeletionPolicy: Retain), then set AdoptExisting."
    )


def decide_update(request: Request, wanted: Properties, live: LivePolicy | None, moment: Moment) -> Decision:
    """Decide about an Update of the policy that the physical id names."""
    if live is None:
        return Put(None)
    if live.is_equivalent(wanted.document):
        if moment.waited < LIST_LAG and not _wanted_before(request, wanted):
            return LookAgain(LIST_LAG)
        return Keep("it says so already")
    if request.time is not None and live.updated > request.time + LIST_LAG:
        return Refuse(
            "was changed by somebody else while this update ran, and was left as it is. Deploy again to put the "
            "template's document."
        )
    return Put(live.revision_id)


def decide_delete(request: Request, live: LivePolicy | None, _moment: Moment) -> Decision:
    """Decide about a Delete of the policy that the physical id names."""
    if live is None:
        return Remove(None)  # the list may lag: were it there after all, this deletes it
    if request.time is not None and live.created > request.time + LIST_LAG:
        return Keep("it was made anew after this request, so it is not this resource's")
    return Remove(live.revision_id)


def decide_delete_of_unknown(request: Request, wanted: Properties, live: LivePolicy | None, moment: Moment) -> Decision:
    """Decide about a Delete whose physical id nobody here made: CloudFormation cancelled a Create."""
    if live is None:
        if moment.waited < LATE_CREATE_PATIENCE:
            return LookAgain(LIST_LAG)
        return Keep("there is no such policy")
    if live.is_equivalent(wanted.document) and live.created >= _earliest_create(request, moment):
        return Remove(live.revision_id, more_may_come=moment.waited < LATE_CREATE_PATIENCE)
    return Keep("no Create of this resource has made it")


def _is_own_work(request: Request, live: LivePolicy, moment: Moment) -> bool:
    """Tell whether a policy that says what is wanted was put by this very request, delivered before."""
    if request.time is None:
        return live.created >= moment.now - OWN_WORK_GUESS
    return live.created >= request.time - OWN_WORK_TOLERANCE


def _earliest_create(request: Request, moment: Moment) -> float:
    """Return when the Create that a Delete cancels can have put its policy at the earliest."""
    since = moment.now if request.time is None else request.time
    if request.service_timeout is None:
        return since - OWN_WORK_GUESS
    return since - request.service_timeout - MADE_UP_ID_MARGIN


def _wanted_before(request: Request, wanted: Properties) -> bool:
    """Tell whether the resource's old properties asked for the same document."""
    try:
        old = documents.parse(request.old_properties.get("PolicyDocument"))
        return documents.canonical(old) == documents.canonical(wanted.document)
    except (RejectedError, KeyError, TypeError, RecursionError):
        return False
