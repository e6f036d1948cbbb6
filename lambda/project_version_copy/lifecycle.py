"""The lifecycle of a copy: read what is live, decide, act, wait; the next run goes on with what isn't finished."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from custom_resource.errors import RejectedError
from custom_resource.request import Request, in_doubt, not_created
from custom_resource.run import Outcome
from custom_resource.waiting import RunOverError, Unfinished, WaitingRun
from rekognition.arns import Environment, ModelVersion, Project
from rekognition.errors import NOT_FOUND, InvalidArnError, OutOfDateError, ServiceError

from . import decision as decisions
from .decision import LAG, POLL, Copy, Decision, Fail, Keep, Moment, Remove, Replace, Retag, Stop, Wait
from .errors import sentence
from .identity import Owner, PhysicalId, tags_of
from .properties import Properties, about, stops_running
from .versions import LiveVersion, ProjectVersions, is_in_use

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

logger = logging.getLogger(__name__)

ATTRIBUTES = ("ProjectVersionArn", "VersionName", "ProjectArn")
"""What Fn::GetAtt returns of the resource."""

LONGEST_COPY = 3600
"""After how many seconds a copy of this function can't be in progress anymore: CloudFormation waits no longer."""

# What a run leaves for the next one, besides since when which errors are met.
_ARN, _CREATED, _DOUBTED, _SEEN, _SEEN_SINCE, _MET = "Arn", "Created", "Doubted", "Seen", "SeenSince", "Met"

_GONE = "gone"  # in place of a status, where no model version of the name is live
_ABANDONED = "CloudFormation no longer waits for this request, so nothing was changed. Deploy again."
_IN_USE = (
    " is in use, so it is probably running, and was left as it is. Stop it (StopProjectVersion) or set StopRunning; "
    "then delete again."
)

Decide = Callable[["LiveVersion | None", Moment], Decision]


def respond(
    request: Request, run: WaitingRun, client: RekognitionClient, *, poll_seconds: float = POLL
) -> Outcome | Unfinished:
    """Do what can be done for a request in one run; return how it ended, or that it goes on.

    Writes one line to the log. ``poll_seconds`` is the longest pause between two reads.
    """
    return _Run(request, run, client, poll_seconds).outcome()


class _Run:
    """One run for a request; holds what is known so far, for the response, the log and the next run."""

    def __init__(self, request: Request, run: WaitingRun, client: RekognitionClient, poll_seconds: float) -> None:
        self._request = request
        self._run = run
        self._poll_seconds = poll_seconds
        self._known = dict(run.known)
        ends = min(run.ends, run.respond_by)
        self._versions = ProjectVersions(client, run.clock, run.deadline, ends=ends, met=self._known)
        self._owner = Owner.of_request(request)
        self._given = PhysicalId.parse(request.physical_id)
        self._id_untouched = request.physical_id or not_created(request.logical_id, request.request_id)
        # What to respond with until the service has been read: an earlier delivery may have made a copy.
        self._physical_id = run.known.get("PhysicalResourceId") or request.fallback_id(run.clock.now())
        self._is_making = False
        self._project_arn = self._project_name = self._name = self._status = self._did = ""

    def outcome(self) -> Outcome | Unfinished:
        failure = cause = ""
        is_unfinished = False
        try:
            if self._request.type == "Delete":
                self._delete()
            else:
                self._create_or_update()
        except RejectedError as error:
            failure, cause = str(error), self._known.get(_MET, "")
        except ServiceError as error:
            failure, cause = self._about(f": {sentence(error)}"), error.cause
        except RunOverError as over:
            is_unfinished = not self._run.is_last
            if is_unfinished or self._request.type != "Delete" or self._status != _GONE or over.cause:
                failure, cause = self._still_waiting(over.cause)
        self._log(failure, cause, is_unfinished=is_unfinished)
        if is_unfinished:
            return Unfinished(self._physical_id, self._known, f"{failure} ({cause})" if cause else failure)
        return Outcome(self._physical_id, self._attributes, failure, cause)

    def _create_or_update(self) -> None:
        try:
            wanted = Properties.parse(self._request.properties, Environment.of(self._run.function_arn))
        except RejectedError:
            self._physical_id = self._id_untouched  # no delivery of this request can have made anything
            raise
        name = wanted.name(self._owner.stack, self._owner.resource)
        self._look_at(wanted.destination, name)
        if self._now >= self._run.respond_by:
            raise RejectedError(self._about(f": {_ABANDONED}"))
        given = self._given
        if given is not None and given.version.is_of(wanted.destination) and _ARN not in self._known:
            self._name = given.version.name
            tags_changed = self._request.old_properties.get("Tags") != self._request.properties.get("Tags")
            decide = partial(decisions.decide_update, given, wanted, name, tags_changed=tags_changed)
            if not isinstance(self._settle(decide, wanted), Replace):
                return
            self._look_at(wanted.destination, name)
        self._is_making = True
        self._settle(partial(decisions.decide_create, wanted), wanted)

    def _delete(self) -> None:
        if self._request.made_nothing:
            self._did = "nothing: the Create had made nothing"
        elif self._given is None:
            self._delete_what_a_canceled_create_left()
        elif self._given.adopted:
            self._did = "nothing: it was adopted, so it stays"
        else:
            self._delete_own(self._given.version)

    def _delete_own(self, version: ModelVersion) -> None:
        self._name, self._project_name = version.name, version.project
        stop_running = stops_running(self._request.properties)
        try:
            project = Project.parse(self._request.properties.get("DestinationProjectArn"))
        except InvalidArnError:
            project = None
        # The Delete that cleans up after a replacement may have the new properties, with another project.
        if project is not None and version.is_of(project):
            self._look_at(project, version.name)
            decide = partial(decisions.decide_delete, version.arn, stop_running=stop_running)
            self._unless_gone(lambda: self._settle(decide))
        else:
            self._unless_gone(lambda: self._delete_by_arn_alone(version, stop_running=stop_running))

    def _delete_what_a_canceled_create_left(self) -> None:
        try:
            wanted = Properties.parse(self._request.properties, Environment.of(self._run.function_arn))
        except RejectedError as error:
            self._did = f"nothing: its Create was rejected ({error})"
            return
        self._look_at(wanted.destination, wanted.name(self._owner.stack, self._owner.resource))
        decide = partial(decisions.decide_delete_of_unknown, self._request, wanted)
        self._unless_gone(lambda: self._settle(decide))

    def _unless_gone(self, delete: Callable[[], object]) -> None:
        try:
            delete()
        except ServiceError as error:
            if error.code != NOT_FOUND:
                raise
            self._did = "nothing: the project is gone, and its model versions with it"

    def _delete_by_arn_alone(self, version: ModelVersion, *, stop_running: bool) -> None:
        """Delete a model version whose project is unknown, so that its status can't be read."""
        while True:
            try:
                if not self._versions.delete(version.arn):
                    self._did = self._did or "nothing: it was gone already"
                    return
                self._did, self._known[_ARN] = "deleted", version.arn
            except OutOfDateError as out_of_date:
                if is_in_use(out_of_date.cause) and _ARN not in self._known:
                    self._stop_or_reject(version, stop_running=stop_running)
            self._wait(POLL)

    def _stop_or_reject(self, version: ModelVersion, *, stop_running: bool) -> None:
        """Stop a model version in use; without StopRunning, reject one that is too old to be in use by a copy."""
        if stop_running:
            try:
                self._versions.stop(version.arn)
            except OutOfDateError:
                return  # it isn't running
            self._did = "stopped"
        elif self._now > version.created + LONGEST_COPY:
            raise RejectedError(self._about(_IN_USE))

    def _settle(self, decide: Decide, wanted: Properties | None = None) -> Decision:
        """Read, decide and act until there is nothing more to do; return the last decision."""
        while True:
            live = self._versions.find(self._project_arn, self._name, without_tags=self._arn_without_tags)
            decision = decide(live, self._moment(live))
            missed = None
            try:
                pause = self._act(decision, live, wanted)
            except OutOfDateError as out_of_date:
                missed = out_of_date.cause
                self._known[_MET] = missed.cause
                pause = POLL if is_in_use(missed) else 0.0
            if pause is None:
                return decision
            self._wait(pause, missed)

    def _moment(self, live: LiveVersion | None) -> Moment:
        """Note what is live, and return what a decision depends on besides."""
        now = self._now
        self._status = live.status if live else _GONE
        if live is not None and self._is_making and live.owner == self._owner:
            self._note_own(live.arn, live.created)
            self._physical_id = live.arn
        seen = f"{live.arn} {live.status}" if live else "none"
        if seen != self._known.get(_SEEN):
            self._known.update({_SEEN: seen, _SEEN_SINCE: str(now)})
        return Moment(
            now=now,
            requested=self._run.requested,
            since=self._run.since,
            unchanged=now - float(self._known[_SEEN_SINCE]),
            own_arn=self._known.get(_ARN, ""),
            own_created=float(self._known[_CREATED]) if _CREATED in self._known else None,
        )

    def _act(self, decision: Decision, live: LiveVersion | None, wanted: Properties | None) -> float | None:
        """Do what was decided; return how long to wait before the next read, or None when nothing is left to do."""
        match decision:
            case Wait(seconds):
                return seconds
            case Fail(because):
                self._note_nothing_made()
                raise RejectedError(self._about(f" {because}"))
            case Keep(because, adopted):
                self._did = self._did or f"nothing: {because}"
                if adopted and live is not None:
                    self._physical_id = str(PhysicalId(ModelVersion.parse(live.arn), adopted=True))
            case Copy():
                self._copy(wanted)
                return LAG
            case Remove():
                return self._remove(live)
            case Stop() if live is not None:
                self._versions.stop(live.arn)
                self._did = "stopped"
                return POLL
            case Retag(add, remove) if live is not None:
                self._versions.retag(live.arn, add, remove)
                self._did = "tagged"
        return None

    def _copy(self, wanted: Properties | None) -> None:
        if wanted is None:
            raise AssertionError("a Delete never copies")
        doubtful = in_doubt(self._request.logical_id, self._request.request_id, self._now)
        self._run.announce(doubtful)
        try:
            arn = self._versions.copy(wanted, self._name, {**wanted.tags, **tags_of(self._owner, wanted.facts)})
        except (OutOfDateError, ServiceError, RunOverError) as error:
            cause = error if isinstance(error, ServiceError) else error.cause
            if isinstance(cause, ServiceError) and cause.may_have_worked:
                # Should this request fail now, its Delete has to look for what may be there.
                self._physical_id, self._known[_DOUBTED] = doubtful, "yes"
            self._note_nothing_made()
            raise
        self._did, self._physical_id = "copied", arn
        self._note_own(arn, ModelVersion.parse(arn).created)
        self._run.announce(arn)

    def _remove(self, live: LiveVersion | None) -> float | None:
        arn = live.arn if live is not None else self._request.physical_id
        was_there = self._versions.delete(arn)
        self._note_own(arn, live.created if live is not None else self._run.requested)
        self._did = "deleted" if was_there else self._did or "nothing: it was gone already"
        return None if self._given is not None and not was_there else LAG

    def _note_own(self, arn: str, created: float) -> None:
        """Note the copy that this request has made, or has begun to delete; what was seen before says nothing of it."""
        if self._known.get(_ARN) != arn:
            self._known.update({_ARN: arn, _CREATED: str(created)})
            self._known.pop(_SEEN, None)
            self._known.pop(_MET, None)

    def _note_nothing_made(self) -> None:
        """Note that no copy of this request has been read, unless one may be there all the same."""
        if _ARN not in self._known and _DOUBTED not in self._known:
            self._physical_id = self._id_untouched

    @property
    def _arn_without_tags(self) -> str:
        """The ARN of a model version that needs no tags to tell whose it is."""
        if self._request.type == "Delete" and self._given is not None:
            return self._given.version.arn
        return self._known.get(_ARN, "")

    @property
    def _now(self) -> float:
        return self._run.clock.now()

    @property
    def _attributes(self) -> dict[str, str]:
        copy = PhysicalId.parse(self._physical_id)
        arn = copy.version.arn if copy else ""
        return dict(zip(ATTRIBUTES, (arn, self._name, self._project_arn), strict=True))

    def _look_at(self, project: Project, name: str) -> None:
        """Read a model version of this name from now on."""
        self._project_arn, self._project_name, self._name = project.arn, project.name, name

    def _wait(self, seconds: float, missed: ServiceError | None = None) -> None:
        self._versions.wait(min(seconds, self._poll_seconds), missed)

    def _about(self, what: str) -> str:
        return about(self._name, self._project_name, what)

    def _still_waiting(self, cause: Exception | None) -> tuple[str, str]:
        """Return what a request is still waiting for, as a failure and its cause."""
        if isinstance(cause, ServiceError) and not is_in_use(cause):
            self._known[_MET] = cause.cause
            return self._about(f": {sentence(cause)}"), cause.cause
        way_out = "Delete it again." if self._request.type == "Delete" else "A longer copy can't be a custom resource."
        return self._about(f" is still {self._status} after as long as CloudFormation waits. {way_out}"), ""

    def _log(self, failure: str, cause: str, *, is_unfinished: bool) -> None:
        line = {
            "request": self._request.type,
            "project": self._project_arn,
            "model_version": self._name,
            "status": self._status,
            "did": self._did,
            "unfinished": is_unfinished,
            "failure": "" if is_unfinished else failure,
            "cause": "" if is_unfinished else cause,
            "physical_id": self._physical_id,
        }
        logger.log(logging.ERROR if line["failure"] else logging.INFO, json.dumps(line))
