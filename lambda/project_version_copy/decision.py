"""What to do about a request, given what is live: every rule of the lifecycle, in one place and without effects.

docs/maintainers/copy-lifecycle.md has the rules as a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from custom_resource.request import Request
from custom_resource.timeouts import DEFAULT_SERVICE_TIMEOUT

from .identity import Owner, PhysicalId
from .properties import Properties
from .versions import LiveVersion

LAG = 2
"""How many seconds the service is given to show a change, and the tags of a copy that was just begun."""

BEGIN_WITHIN = 150
"""How many seconds after its request a Create or an Update may begin to copy: a late delivery begins nothing, and a
Delete knows how long to wait for the Create that it cancels."""

LONGEST_CALL = 20
"""How many seconds a CopyProjectVersion that began in time may take to have its effect."""

MADE_UP_ID_MARGIN = 60
"""Added to a Create's ServiceTimeout when its Delete comes with an ID that CloudFormation made up."""

LATE_START = 45
"""A Delete whose first run begins this many seconds after its request is one that Lambda delivered late, or again."""

LATE_START_MARGIN = 30
"""Such a Delete leaves what was made more than this many seconds after its request: it may be a later deployment's."""

POLL = 10
"""How many seconds lie between two reads of what takes its time."""

_AT_WORK = frozenset({"COPYING_IN_PROGRESS", "TRAINING_IN_PROGRESS"})
_FAILED = frozenset({"COPYING_FAILED", "TRAINING_FAILED", "FAILED"})
_ENDED = frozenset({"EXPIRED", "DEPRECATED"})
_FINISHED = frozenset({"COPYING_COMPLETED", "STARTING", "RUNNING", "STOPPING", "STOPPED"})
_RUNNING = frozenset({"STARTING", "RUNNING"})
_DELETING = "DELETING"


@dataclass(frozen=True)
class Copy:
    """Begin to copy."""


@dataclass(frozen=True)
class Retag:
    """Make the tags what the template says, and be done."""

    add: Mapping[str, str]
    remove: tuple[str, ...]


@dataclass(frozen=True)
class Stop:
    """Stop the running model version, then read again."""


@dataclass(frozen=True)
class Remove:
    """Delete the model version, then read until it is gone."""


@dataclass(frozen=True)
class Wait:
    """Read again later: it takes its time, or what was read may be out of date."""

    seconds: float = POLL


@dataclass(frozen=True)
class Keep:
    """Change nothing and succeed."""

    because: str
    adopted: bool = False


@dataclass(frozen=True)
class Replace:
    """The model version under the physical ID isn't the one that is wanted: make another one."""


@dataclass(frozen=True)
class Fail:
    """Fail; a copy that this request has made is left to its Delete."""

    because: str


Decision = Copy | Retag | Stop | Remove | Wait | Keep | Replace | Fail


@dataclass(frozen=True)
class Moment:
    """What a decision depends on besides the request and the model version."""

    now: float
    requested: float
    """When the request was made; where it doesn't tell, when its first run began."""
    since: float
    """When the first run of this delivery began."""
    unchanged: float
    """For how many seconds the same model version and status, or none, have been read."""
    own_arn: str
    """The ARN of the copy that this request has made, as it or the copy's tags tell, or that it has begun to delete."""
    own_created: float | None
    """When that copy was made."""

    @property
    def is_late(self) -> bool:
        """Whether it is too late to begin."""
        return self.now > self.requested + BEGIN_WITHIN


def decide_create(wanted: Properties, live: LiveVersion | None, moment: Moment) -> Decision:
    """Decide about a Create, and about an Update that makes another copy (a replacement)."""
    if moment.own_arn and (live is None or live.arn != moment.own_arn):
        if moment.unchanged < LAG:
            return Wait(LAG)
        return Fail("was deleted while it was being copied. Deploy again.")
    if live is None:
        if not moment.is_late:
            return Copy()
        if moment.unchanged < LAG:
            return Wait(LAG)
        return Fail(f"couldn't be begun within {BEGIN_WITHIN} seconds of the request. Deploy again.")
    if live.arn == moment.own_arn:
        return _progress(live)
    return _name_is_taken(wanted, live, moment)


def _name_is_taken(wanted: Properties, live: LiveVersion, moment: Moment) -> Decision:
    """Decide where a model version that this request hasn't made has the name."""
    if live.status == _DELETING and not moment.is_late:
        return Wait(LAG)
    if live.owner is None and moment.unchanged < LAG:
        return Wait(LAG)  # it may be this request's own, whose tags aren't shown yet
    is_same = wanted.facts.are_those_of(live.facts, live.all_tags)
    if not wanted.adopt_existing:
        return Fail(
            "already exists and wasn't changed. Choose another VersionName, or leave it out; or set AdoptExisting to "
            "take over a finished copy of the same."
        )
    if is_same and live.status in _FINISHED:
        return Keep("it existed and is a copy of the same, so it is adopted", adopted=True)
    return Fail(
        f"already exists ({live.status}) and isn't a finished copy of the same, so it wasn't adopted. Choose another "
        "VersionName, or leave it out."
    )


def decide_update(
    given: PhysicalId, wanted: Properties, name: str, live: LiveVersion | None, moment: Moment, *, tags_changed: bool
) -> Decision:
    """Decide about an Update, given the model version that the physical ID names.

    What is live is compared, never the old properties: in a rollback those are of an update that may have done nothing.
    """
    if live is None or live.arn != given.version.arn:
        return Wait(LAG) if moment.unchanged < LAG else Replace()
    if live.status == _DELETING:
        return Replace()
    if not _is_wanted(wanted, name, live):
        if name != live.name:
            return Replace()
        return Fail(
            "can't be replaced by a copy of something else under the same name. Choose another VersionName, or leave "
            "it out."
        )
    if given.adopted:
        return Keep("it was adopted, so it stays as it is")
    if live.status in _AT_WORK or live.status in _FAILED:
        return _progress(live)
    add = {key: value for key, value in wanted.tags.items() if live.tags.get(key) != value}
    remove = tuple(key for key in live.tags if key not in wanted.tags)
    if add or remove:
        return Retag(add, remove)
    if tags_changed and moment.unchanged < LAG:
        return Wait(LAG)  # what another update has tagged a moment ago may not be shown yet
    return Keep("it is so already")


def _is_wanted(wanted: Properties, name: str, live: LiveVersion) -> bool:
    """Return whether a live model version is the copy that is wanted, its tags aside."""
    if not wanted.version_name and live.name == name:
        return True  # the name is made from the facts
    return wanted.version_name in ("", live.name) and wanted.facts.are_those_of(live.facts, live.all_tags)


def decide_delete(arn: str, live: LiveVersion | None, moment: Moment, *, stop_running: bool) -> Decision:
    """Decide about a Delete of the model version that the physical ID names."""
    if live is None:
        return Keep("it is gone") if moment.own_arn else Remove()  # were it there after all, this deletes it
    if live.arn != arn:
        return Keep("it is gone; another one has its name, which isn't this resource's")
    return _remove(live, stop_running=stop_running)


def decide_delete_of_unknown(
    request: Request, wanted: Properties, live: LiveVersion | None, moment: Moment
) -> Decision:
    """Decide about a Delete whose physical ID nobody here made: it cancels a Create, which may still run."""
    begun_by = min(moment.requested, moment.own_created or moment.requested) + BEGIN_WITHIN + LONGEST_CALL + LAG
    is_awaited = moment.now < begun_by
    if live is None:
        return Wait(LAG) if is_awaited else Keep("there is no copy of this resource")
    if live.arn == moment.own_arn:
        return _remove(live, stop_running=wanted.stop_running)
    if live.owner is None and moment.unchanged < LAG:
        return Wait(LAG)  # its tags may not be shown yet
    if not Owner.of_request(request).is_same_resource(live.owner):
        if live.status == _DELETING and is_awaited:
            return Wait(LAG)  # so does the Create, and then it copies
        return Keep("no Create of this resource made it")
    if not _was_made_by_the_canceled_create(request, live, moment):
        return Keep("it wasn't made by the Create that was canceled")
    return _remove(live, stop_running=wanted.stop_running)


def _was_made_by_the_canceled_create(request: Request, live: LiveVersion, moment: Moment) -> bool:
    """Return whether a copy of the resource is that of the Create: by the request's ID, or else by its time."""
    if request.in_doubt_since is not None and live.owner is not None:
        return f":{live.owner.request}:" in request.physical_id
    earliest = moment.requested - (request.service_timeout or DEFAULT_SERVICE_TIMEOUT) - MADE_UP_ID_MARGIN
    is_late = moment.since > moment.requested + LATE_START
    latest = moment.requested + (LATE_START_MARGIN if is_late else BEGIN_WITHIN + LONGEST_CALL)
    return earliest <= live.created <= latest


def _progress(live: LiveVersion) -> Decision:
    """Decide about a copy that this request has made."""
    if live.status in _FAILED or live.status in _ENDED:
        return Fail(f"couldn't be copied ({live.status}): {live.message or 'Rekognition gave no reason'}.")
    if live.status == _DELETING:
        return Fail("is being deleted by somebody else. Deploy again.")
    return Keep("it is copied") if live.status in _FINISHED else Wait()


def _remove(live: LiveVersion, *, stop_running: bool) -> Decision:
    if live.status in (_DELETING, "STOPPING"):
        return Wait()
    if live.status not in _RUNNING:
        return Remove()
    if not stop_running:
        return Fail(
            f"is running ({live.status}) and was left as it is. Stop it (StopProjectVersion) or set StopRunning; then "
            "delete again."
        )
    return Stop() if live.status == "RUNNING" else Wait()
