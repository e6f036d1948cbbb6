"""What to do about a request, given what is live: the rules of the lifecycle, without effects.

docs/maintainers/copy-lifecycle.md has the rules as a table. lifecycle.py has when a rollback looks for a canceled
Update's orphan, and the IDs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from custom_resource.decision import LAG_SECONDS, UNRECEIVED_RESPONSE_SECONDS, Adopt, Keep, Reject, Wait
from custom_resource.request import Request
from custom_resource.timeouts import CLOCK_SKEW_SECONDS, DEFAULT_SERVICE_TIMEOUT

from .identity import RESPONDED_TAG, Owner, PhysicalId
from .properties import Properties
from .versions import LiveVersion

MAX_START_SECONDS = 150
"""How many seconds after its request a Create or an Update may start to copy: a late delivery starts nothing, and a
Delete knows how long to wait for the Create that it cancels."""

MAX_CALL_SECONDS = 20
"""How many seconds a CopyProjectVersion that was called in time may take to have its effect."""

POLL_SECONDS = 10
"""How many seconds lie between two reads of what takes its time."""

_IN_PROGRESS = frozenset({"COPYING_IN_PROGRESS", "TRAINING_IN_PROGRESS"})
_FAILED = frozenset({"COPYING_FAILED", "TRAINING_FAILED"})
_ENDED = frozenset({"EXPIRED", "DEPRECATED"})
# FAILED is a finished copy that couldn't be started.
_FINISHED = frozenset({"COPYING_COMPLETED", "STARTING", "RUNNING", "STOPPING", "STOPPED", "FAILED"})
_RUNNING = frozenset({"STARTING", "RUNNING"})
_DELETING = "DELETING"


@dataclass(frozen=True)
class Copy:
    """Start to copy."""

    wanted: Properties


@dataclass(frozen=True)
class Retag:
    """Set these tags, take those away, and succeed."""

    arn: str
    add: Mapping[str, str]
    remove: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stop:
    """Stop the running model version, then read again."""

    arn: str


@dataclass(frozen=True)
class Remove:
    """Delete the model version, then read until it is gone."""

    arn: str


@dataclass(frozen=True)
class Replace:
    """The model version under the physical ID isn't the one that is wanted: make another one."""


Decision = Copy | Adopt | Retag | Stop | Remove | Wait | Keep | Replace | Reject


@dataclass(frozen=True)
class Observation:
    """What a decision depends on besides the request and the model version."""

    now: float
    requested_at: float
    """When the request was made; if it doesn't tell, when its first run began."""
    unchanged: float
    """For how many seconds the same model version and status, or none, have been read."""
    claimed_arn: str
    """The ARN of the copy that this request makes, or that it has claimed or begun to delete."""

    @property
    def is_late(self) -> bool:
        """Whether it is too late to start."""
        return self.now > self.requested_at + MAX_START_SECONDS


def is_made_for(request: Request, wanted: Properties, live: LiveVersion, requested_at: float) -> bool:
    """Return whether a live model version is the one that a Create or a replacement makes.

    It is this request's own; or a canceled deployment of this resource left it, under a name made for this resource.
    """
    owner = Owner.of_request(request)
    if live.owner == owner:
        return request.time is None or _may_have_made(request.time, request.time + MAX_START_SECONDS, live)
    # In an Update it may have been responded in vain; before a Create, it may have been retained as quickly as that.
    was_received = _was_received(live, requested_at) if request.type == "Update" else live.responded is not None
    # A rollback would be stuck on one that has failed; a Create fails with its ARN, so that its Delete removes it.
    is_useless = live.status == _DELETING or (live.status in _FAILED and request.type == "Update")
    is_left = owner.is_same_resource(live.owner) and not was_received and not is_useless
    # Others can set tags, and compute the default name, so it counts only if it is what the template would make.
    return is_left and not wanted.version_name and wanted.inputs.match(live.inputs)


def is_orphan(request: Request, wanted: Properties, live: LiveVersion, requested_at: float) -> bool:
    """Return whether a canceled Create or replacement of this resource made a model version.

    Tags alone prove nothing, because others can set them: its source and its age have to fit as well.
    """
    owner = live.owner
    if owner is None or not owner.is_same_resource(Owner.of_request(request)):
        return False
    if _was_received(live, requested_at):
        return False
    if request.in_doubt_times and not request.is_in_doubt_of(owner.request):
        return False
    return wanted.inputs.have_the_source_of(live.inputs) and _canceled_request_may_have_made(
        request, live, requested_at
    )


def _was_received(live: LiveVersion, requested_at: float) -> bool:
    """Return whether CloudFormation has received the ARN of a copy of the resource.

    It hasn't if the copy's request was in progress when it was undone, however late each of the two is delivered.
    """
    if live.responded is None:
        return False
    asked_at, responded_at = live.responded
    return not asked_at <= requested_at <= responded_at and (
        abs(responded_at - requested_at) > UNRECEIVED_RESPONSE_SECONDS
    )


def _may_start_within(request: Request) -> float:
    """Return for how many seconds after this request the one that it undoes may still start to copy.

    A Create may, because its Delete overtakes it. An Update back, which would take that long each time, waits for no
    later start.
    """
    return MAX_START_SECONDS if request.type == "Delete" else 0


def _canceled_request_may_have_made(request: Request, live: LiveVersion, requested_at: float) -> bool:
    """Return whether what this request cancels can have made a model version, by when that was made."""
    longest = request.service_timeout or DEFAULT_SERVICE_TIMEOUT
    first, last = request.in_doubt_times or (requested_at - longest, requested_at)
    return _may_have_made(first, last + _may_start_within(request), live)


def _may_have_made(first: float, last: float, live: LiveVersion) -> bool:
    """Return whether a CopyProjectVersion that was called between these times can have made a model version."""
    return first - CLOCK_SKEW_SECONDS <= live.created_at <= last + MAX_CALL_SECONDS


def decide_create(request: Request, wanted: Properties, live: LiveVersion | None, observation: Observation) -> Decision:
    """Decide about a Create, and about an Update that makes another copy (a replacement)."""
    if observation.claimed_arn and (live is None or live.arn != observation.claimed_arn):
        if observation.unchanged < LAG_SECONDS:
            return Wait(LAG_SECONDS)
        return Reject("was deleted while it was being copied. Deploy again.")
    if live is None:
        if not observation.is_late:
            return Copy(wanted)
        if observation.unchanged < LAG_SECONDS:
            return Wait(LAG_SECONDS)
        return Reject(
            f"couldn't be started within {MAX_START_SECONDS} seconds of the request. Deploy again, or, in a rollback, "
            "continue it (ContinueUpdateRollback). If many copies are made at once, make fewer, because each one uses "
            "one of the account's concurrent Lambda executions (Service Quotas)."
        )
    if live.arn == observation.claimed_arn:
        if live.status in _FINISHED:
            owner = Owner.of_request(request)
            own = {**owner.tags, RESPONDED_TAG: f"{int(observation.requested_at)}-{int(observation.now)}"}
            if live.owner in (None, owner):
                return Retag(live.arn, own)
            # It was taken over from a deployment that may have set others.
            return Retag(live.arn, {**wanted.tags, **own}, tuple(key for key in live.tags if key not in wanted.tags))
        return _follow(live)
    return _name_is_taken(request, wanted, live, observation)


def _name_is_taken(request: Request, wanted: Properties, live: LiveVersion, observation: Observation) -> Decision:
    """Decide if a model version that this request doesn't make has the name."""
    if live.status == _DELETING and not observation.is_late:
        return Wait(LAG_SECONDS)
    if live.owner is None and observation.unchanged < LAG_SECONDS:
        return Wait(LAG_SECONDS)  # it may be this request's own, whose tags aren't shown yet
    if wanted.adopt_existing:
        if live.status in _FINISHED and wanted.inputs.match(live.inputs):
            return Adopt()
        return Reject(
            f"already exists ({live.status}) and isn't a finished copy of the same, so it wasn't adopted. Choose "
            "another VersionName, or leave it out."
        )
    if Owner.of_request(request).is_same_resource(live.owner):
        delete = (
            "Delete it (DeleteProjectVersion), then deploy again, or, in a rollback, continue it "
            "(ContinueUpdateRollback)"
        )
        if live.status in _FAILED:
            return Reject(f"{_failure(live)} {delete}.")
        return Reject(
            "already exists, and its tags name this resource: an earlier deployment made it, and CloudFormation "
            f"retained it or never received the response. {delete}; or, to take it over, specify its name as "
            "VersionName and set AdoptExisting."
        )
    return Reject(
        "already exists and wasn't changed. Choose another VersionName, or leave it out; or, to take over a finished "
        "copy of the same, retain it where it is now (DeletionPolicy: Retain), then set AdoptExisting."
    )


def decide_update(
    physical_id: PhysicalId,
    wanted: Properties,
    name: str,
    live: LiveVersion | None,
    observation: Observation,
    *,
    old_tags: Mapping[str, str],
) -> Decision:
    """Decide about an Update, given the model version that the physical ID names.

    What is live tells whether it is the copy that is wanted, not OldResourceProperties: in a rollback those are of an
    update that may have done nothing. Only which tags to take away is told by them, because others set tags, too.
    """
    if live is None or live.arn != physical_id.version.arn:
        return Wait(LAG_SECONDS) if observation.unchanged < LAG_SECONDS else Replace()
    if live.status == _DELETING:
        return Replace()
    if not _is_wanted(physical_id, wanted, name, live):
        if name != live.name:
            return Replace()
        return Reject(
            "can't be replaced by a copy of something else under the same name. Choose another VersionName, or leave "
            "it out."
        )
    if physical_id.adopted:
        return Keep("it was adopted, so it stays as it is")
    if live.status in _FAILED:
        return Replace()
    if live.status in _IN_PROGRESS:
        return Wait(POLL_SECONDS)
    add = {key: value for key, value in wanted.tags.items() if live.tags.get(key) != value}
    remove = tuple(key for key in old_tags if key in live.tags and key not in wanted.tags)
    if add or remove:
        return Retag(live.arn, add, remove)
    if old_tags != wanted.tags and observation.unchanged < LAG_SECONDS:
        return Wait(LAG_SECONDS)  # the update that this one rolls back may be just about to set its own
    return Keep("it already matches the template")


def _is_wanted(physical_id: PhysicalId, wanted: Properties, name: str, live: LiveVersion) -> bool:
    """Return whether a live model version is the copy that is wanted, its tags aside."""
    if not wanted.version_name and live.name == name:
        return True  # the name is made from the inputs
    if wanted.version_name not in ("", live.name):
        return False
    if live.inputs_digest and not physical_id.adopted:
        # Others can set the tag, so it isn't believed if Describe contradicts it.
        return (
            wanted.inputs.have_the_source_of(live.inputs)
            and wanted.inputs.digest == live.inputs_digest
            and not wanted.inputs.are_contradicted_by(live.inputs)
        )
    return wanted.inputs.match(live.inputs)


def decide_delete(arn: str, live: LiveVersion | None, observation: Observation, *, stop_running: bool) -> Decision:
    """Decide about a Delete of the model version that the physical ID names."""
    if live is None:
        # Were it there after all, this deletes it.
        return Keep("it is gone") if observation.claimed_arn else Remove(arn)
    if live.arn != arn:
        return Keep("it is gone; another one has its name, which isn't this resource's")
    return _remove(live, stop_running=stop_running)


def decide_orphan(
    request: Request, live: LiveVersion | None, observation: Observation, *, stop_running: bool
) -> Decision:
    """Decide about what a Create or a replacement that CloudFormation has canceled leaves: it may still run."""
    shown_by = observation.requested_at + MAX_CALL_SECONDS + LAG_SECONDS
    is_awaited = observation.now < shown_by + (0 if observation.claimed_arn else _may_start_within(request))
    if live is None:
        return Wait(LAG_SECONDS) if is_awaited else Keep("there is no copy of this resource")
    if live.arn == observation.claimed_arn:
        return _remove(live, stop_running=stop_running)
    if (
        live.owner is None
        and (observation.now < shown_by or observation.unchanged < LAG_SECONDS)
        and _canceled_request_may_have_made(request, live, observation.requested_at)
    ):
        return Wait(LAG_SECONDS)  # its tags may not be shown yet
    if live.status == _DELETING and is_awaited:
        return Wait(LAG_SECONDS)  # so does the Create, and then it copies
    return Keep("no canceled deployment of this resource left it")


def _follow(live: LiveVersion) -> Decision:
    """Decide about a copy of this function that isn't finished."""
    if live.status in _FAILED | _ENDED:
        return Reject(_failure(live))
    if live.status == _DELETING:
        return Reject("is being deleted, by somebody else or by a rollback. Deploy again.")
    return Wait(POLL_SECONDS)


def _failure(live: LiveVersion) -> str:
    message = live.message.rstrip(". ") or "Rekognition gave no reason"
    return f"couldn't be copied ({live.status}): {message}."


def _remove(live: LiveVersion, *, stop_running: bool) -> Decision:
    if live.status in (_DELETING, "STOPPING"):
        return Wait(POLL_SECONDS)
    if live.status not in _RUNNING:
        return Remove(live.arn)
    if not stop_running:
        return Reject(
            f"is running ({live.status}) and was left as it is. Stop it (StopProjectVersion) or set StopRunning; then "
            "delete again."
        )
    return Stop(live.arn) if live.status == "RUNNING" else Wait(POLL_SECONDS)
