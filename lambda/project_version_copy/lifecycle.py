"""The lifecycle of a copy: read what is live, decide, act, wait; the next run goes on with what isn't finished."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from custom_resource.errors import RejectedError
from custom_resource.request import Request
from custom_resource.run import Outcome
from custom_resource.timeouts import DEFAULT_SERVICE_TIMEOUT
from custom_resource.waiting import RunOverError, Unfinished, WaitingRun
from rekognition.arns import NOT_HERE, Environment, ModelVersion, Project
from rekognition.errors import ACCESS_DENIED, NOT_FOUND, OUT_OF_TIME, UNREACHABLE, ServiceError, StaleReadError

from . import decision as decisions
from .errors import IN_USE, sentence
from .identity import INPUTS_TAG, Owner, PhysicalId
from .properties import Properties, about
from .versions import LiveVersion, ProjectVersions

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

logger = logging.getLogger(__name__)

ATTRIBUTES = ("ProjectVersionArn", "VersionName", "ProjectArn")
"""What Fn::GetAtt returns of the resource."""

_COULD_NOT_READ = "nothing: its Create couldn't read either, so it made nothing"
_GONE = "gone"  # in place of a status, if no model version of the name is live
_ABANDONED = "CloudFormation no longer waits for this request, so nothing was changed. Deploy again."
_IN_USE = (
    " is in use, so it is probably running, and was left as it is. Stop it (StopProjectVersion); then delete again."
)

Decide = Callable[["LiveVersion | None", decisions.Observation], decisions.Decision]
Claim = Callable[[LiveVersion], bool]
"""Whether a model version is the one that a request makes, or deletes without knowing its ARN."""


def respond(
    request: Request, run: WaitingRun, client: RekognitionClient, *, poll_seconds: float = decisions.POLL_SECONDS
) -> Outcome | Unfinished:
    """Do what can be done for a request in one run; return how it ended, or that it goes on.

    Writes one line to the log. ``poll_seconds`` is the longest pause between two reads.
    """
    return _RequestHandler(request, run, client, poll_seconds).outcome()


@dataclass
class Progress:
    """What a run leaves for the next one."""

    is_making: bool = False
    """Whether the request makes a copy."""
    arn: str = ""
    """The ARN of the copy that the request makes or deletes."""
    is_taken_over: bool = False
    """Whether another request made that copy."""
    in_doubt_id: str = ""
    """The physical ID after a CopyProjectVersion without a response."""
    seen: str = ""
    """The model version and the status that were read last, or that there is none."""
    seen_since: float = 0.0
    last_error: str = ""
    """What the last call that failed has met."""
    first_met: dict[str, float] = field(default_factory=dict)
    """When each error was met first, by its operation and code."""


class _RequestHandler:
    """One run for a request; holds what is known so far, for the response, the log and the next run."""

    def __init__(self, request: Request, run: WaitingRun, client: RekognitionClient, poll_seconds: float) -> None:
        self._request = request
        self._run = run
        self._poll_seconds = poll_seconds
        self._progress = Progress(**run.progress)
        self._versions = ProjectVersions(
            client, run.clock, run.deadline, ends=run.ends, first_met=self._progress.first_met
        )
        self._owner = Owner.of_request(request)
        self._current_id = PhysicalId.parse(request.physical_id)
        self._adopted = ""
        """The ID of what this request has adopted."""
        self._may_be_own = False
        """Whether what was read last may be what an earlier delivery of a Create has made."""
        self._project_arn = self._project_name = self._name = self._status = self._result = ""

    @property
    def _physical_id(self) -> str:
        """The physical ID to respond with: of what this request has made, as far as that is known."""
        own_arn = self._progress.arn if self._progress.is_making else ""
        made = self._adopted or own_arn or self._progress.in_doubt_id
        # A Create that couldn't even read has made nothing: its Delete would meet the same and fail as well.
        return made or self._request.fallback_id(self._now, made_nothing=not self._may_be_own)

    def outcome(self) -> Outcome | Unfinished:
        failure = cause = ""
        is_unfinished = False
        try:
            if self._request.type == "Delete":
                self._delete()
            else:
                self._create_or_update()
        except RejectedError as error:
            failure, cause = str(error), self._progress.last_error
        except ServiceError as error:
            failure, cause = self._message(f": {sentence(error)}"), error.cause
        except RunOverError as over:
            met, is_unfinished = over.cause, not self._run.is_last
            if met is None and not self._status:  # the next run would have no time to read, either
                met, is_unfinished = ServiceError("DescribeProjectVersions", OUT_OF_TIME, ""), False
            if is_unfinished or self._request.type != "Delete" or self._status != _GONE or met:
                failure, cause = self._still_waiting(met)
        self._log(failure, cause, is_unfinished=is_unfinished)
        if is_unfinished:
            return Unfinished(self._physical_id, asdict(self._progress), f"{failure} ({cause})" if cause else failure)
        return Outcome(self._physical_id, self._attributes, failure, cause)

    def _create_or_update(self) -> None:
        wanted = self._parse(self._request.properties)
        name = wanted.name(self._owner.stack, self._owner.resource)
        self._set_target(wanted.destination, name)
        if self._now >= self._run.respond_by:
            raise RejectedError(self._message(f": {_ABANDONED}"))
        given = self._current_id
        if given is not None and given.version.is_of(wanted.destination) and not self._progress.is_making:
            self._name = given.version.name
            old_tags = self._request.old_properties.get("Tags")
            old_tags = old_tags if isinstance(old_tags, Mapping) else {}
            decide = partial(decisions.decide_update, given, wanted, name, old_tags=old_tags)
            decision = self._settle(decide)
            self._remove_canceled_replacement(given, wanted)
            if not isinstance(decision, decisions.Replace):
                return
            self._set_target(wanted.destination, name)
            self._note_own("")
        self._progress.is_making = True
        self._settle(
            partial(decisions.decide_create, self._request, wanted),
            partial(decisions.is_made_for, self._request, wanted, requested_at=self._run.requested_at),
        )

    def _remove_canceled_replacement(self, given: PhysicalId, wanted: Properties) -> None:
        """Remove what the Update that this one rolls back may have made: CloudFormation never received its ARN."""
        try:
            canceled = self._parse(self._request.old_properties)
        except RejectedError:
            return
        name = canceled.name(self._owner.stack, self._owner.resource)
        has_its_name = given.version.is_of(canceled.destination) and given.version.name == name
        if has_its_name or (canceled.inputs == wanted.inputs and not canceled.version_name):
            return  # it has changed this very copy, or was rejected
        self._remove_orphan(canceled)
        self._set_target(wanted.destination, given.version.name)

    def _delete(self) -> None:
        if self._request.made_nothing:
            self._result = "nothing: the Create had made nothing"
        elif self._current_id is None:
            self._delete_canceled()
        elif self._current_id.adopted:
            self._result = "nothing: it was adopted, so it stays"
        elif self._current_id.version.environment != self._environment:
            self._result = NOT_HERE
        else:
            self._delete_own(self._current_id.version)

    def _delete_own(self, version: ModelVersion) -> None:
        self._name, self._project_name = version.name, version.project
        try:
            project = Project.parse(self._request.properties.get("DestinationProjectArn"))
        except ValueError:
            project = None
        # The Delete that cleans up after a replacement may have the new properties, with another project.
        if project is not None and version.is_of(project):
            self._set_target(project, version.name)
            stop_running = self._request.properties.get("StopRunning") in (True, "true")
            decide = partial(decisions.decide_delete, version.arn, stop_running=stop_running)
            self._unless_gone(lambda: self._settle(decide))
        else:
            self._unless_gone(lambda: self._delete_by_arn_alone(version))

    def _delete_canceled(self) -> None:
        try:
            canceled = self._parse(self._request.properties)
        except RejectedError as error:
            self._result = f"nothing: its Create was rejected ({error})"
            return
        try:
            self._remove_orphan(canceled)
        except ServiceError as error:
            if error.code != ACCESS_DENIED or not self._made_nothing:
                raise
            self._result = _COULD_NOT_READ
        except RunOverError as over:
            was_unreachable = isinstance(over.cause, ServiceError) and over.cause.code == UNREACHABLE
            if not (was_unreachable and self._run.is_last and self._made_nothing):
                raise
            self._result = _COULD_NOT_READ

    @property
    def _made_nothing(self) -> bool:
        """Whether the Create that a Delete undoes has made nothing, because no run of the Delete could read either."""
        has_read = self._versions.has_read or self._progress.seen
        return not (has_read or self._progress.arn or self._request.in_doubt_times)

    def _remove_orphan(self, canceled: Properties) -> None:
        """Remove the copy that a Create or a replacement with these properties made, but CloudFormation canceled."""
        self._set_target(canceled.destination, canceled.name(self._owner.stack, self._owner.resource))
        decide = partial(decisions.decide_orphan, self._request, stop_running=canceled.stop_running)
        claim = partial(decisions.is_orphan, self._request, canceled, requested_at=self._run.requested_at)
        self._unless_gone(lambda: self._settle(decide, claim))

    def _unless_gone(self, delete: Callable[[], object]) -> None:
        try:
            delete()
        except ServiceError as error:
            if error.code != NOT_FOUND:
                raise
            self._result = "nothing: the project is gone, and its model versions with it"

    def _delete_by_arn_alone(self, version: ModelVersion) -> None:
        """Delete a model version whose project is unknown, so that its status can't be read."""
        while True:
            try:
                if not self._versions.delete(version.arn):
                    self._result = self._result or "nothing: it was gone already"
                    return
                self._result, self._progress.arn = "deleted", version.arn
            except StaleReadError as stale:
                is_too_old_to_be_copying = self._now > version.created_at + DEFAULT_SERVICE_TIMEOUT
                if stale.cause.code == IN_USE and not self._progress.arn and is_too_old_to_be_copying:
                    raise RejectedError(self._message(_IN_USE)) from None
            self._status = "there"
            self._wait(decisions.POLL_SECONDS)

    def _settle(self, decide: Decide, claim: Claim | None = None) -> decisions.Decision:
        """Read, decide and act until there is nothing more to do; return the last decision."""
        while True:
            live = self._versions.find(self._project_arn, self._name, without_tags=self._arn_without_tags)
            if live is not None and claim is not None and claim(live):
                self._note_own(live.arn)
                self._progress.is_taken_over = self._progress.is_making and live.owner != self._owner
            # While a model version shows no tags, an earlier delivery of this request may have made it.
            self._may_be_own = live is not None and live.owner is None
            decision = decide(live, self._observe(live))
            missed = None
            try:
                pause = self._act(decision)
            except StaleReadError as stale:
                missed = stale.cause
                self._progress.last_error = missed.cause
                pause = decisions.POLL_SECONDS if missed.code == IN_USE else 0.0
            if pause is None:
                return decision
            self._wait(pause, missed)

    def _observe(self, live: LiveVersion | None) -> decisions.Observation:
        """Note what is live, and return what a decision depends on besides."""
        now = self._now
        self._status = live.status if live else _GONE
        seen = f"{live.arn} {live.status}" if live else "none"
        if seen != self._progress.seen:
            self._progress.seen, self._progress.seen_since = seen, now
        return decisions.Observation(
            now=now,
            requested_at=self._run.requested_at,
            unchanged=now - self._progress.seen_since,
            claimed_arn=self._progress.arn,
        )

    def _act(self, decision: decisions.Decision) -> float | None:
        """Do what was decided; return how long to wait before the next read, or None when nothing is left to do."""
        match decision:
            case decisions.Wait(seconds):
                return seconds
            case decisions.Reject(because):
                raise RejectedError(self._message(f" {because}"))
            case decisions.Keep(because):
                self._result = self._result or f"nothing: {because}"
                return None
            case decisions.Replace():
                return None
            case decisions.Adopt(arn):
                self._result = "nothing: it existed and is a copy of the same, so it is adopted"
                self._adopted = str(PhysicalId(ModelVersion.parse(arn), adopted=True))
                return None
            case decisions.Copy(wanted):
                self._copy(wanted)
                return decisions.LAG_SECONDS
            case decisions.Remove(arn):
                was_there = self._versions.delete(arn)
                self._note_own(arn)
                self._result = "deleted" if was_there else self._result or "nothing: it was gone already"
                return None if self._current_id is not None and not was_there else decisions.LAG_SECONDS
            case decisions.Stop(arn):
                self._versions.stop(arn)
                self._result = "stopped"
                return decisions.POLL_SECONDS
            case decisions.Retag(arn, add, remove):
                self._versions.retag(arn, add, remove)
                self._result = self._result or "tagged"
                return None

    def _copy(self, wanted: Properties) -> None:
        doubt = self._request.in_doubt_id(self._now)
        self._run.reserve_physical_id(doubt)
        tags = {**wanted.tags, **self._owner.tags, INPUTS_TAG: wanted.inputs.digest}
        try:
            arn = self._versions.copy(wanted, self._name, tags)
        except (StaleReadError, RunOverError) as error:
            if isinstance(error.cause, ServiceError) and error.cause.may_have_worked:
                # Should this request fail now, its Delete has to look for what may be there.
                self._progress.in_doubt_id = doubt
            raise
        self._result = "copied"
        self._note_own(arn)
        self._run.reserve_physical_id(arn)

    def _note_own(self, arn: str) -> None:
        """Note the copy that this request makes, or deletes; what was seen before says nothing of it."""
        if self._progress.arn != arn:
            self._progress.arn, self._progress.seen, self._progress.last_error = arn, "", ""

    @property
    def _arn_without_tags(self) -> str:
        """The ARN of a model version that needs no tags to tell whose it is."""
        if self._request.type == "Delete" and self._current_id is not None:
            return self._current_id.version.arn
        return "" if self._progress.is_taken_over else self._progress.arn

    @property
    def _now(self) -> float:
        return self._run.clock.now()

    @property
    def _attributes(self) -> dict[str, str]:
        copy = PhysicalId.parse(self._physical_id)
        arn = copy.version.arn if copy else ""
        return dict(zip(ATTRIBUTES, (arn, self._name, self._project_arn), strict=True))

    @property
    def _environment(self) -> Environment:
        return Environment.of(self._run.function_arn)

    def _parse(self, properties: Mapping[str, object]) -> Properties:
        return Properties.parse(properties, self._environment)

    def _set_target(self, project: Project, name: str) -> None:
        """Read a model version of this name from now on."""
        self._project_arn, self._project_name, self._name = project.arn, project.name, name

    def _wait(self, seconds: float, missed: ServiceError | None = None) -> None:
        self._versions.wait(min(seconds, self._poll_seconds), missed)

    def _message(self, what: str) -> str:
        return about(self._name, self._project_name, what)

    def _still_waiting(self, cause: Exception | None) -> tuple[str, str]:
        """Return what a request is still waiting for, as a failure and its cause."""
        if isinstance(cause, ServiceError) and cause.code != IN_USE:
            self._progress.last_error = cause.cause
            return self._message(f": {sentence(cause)}"), cause.cause
        way_out = "Delete it again." if self._request.type == "Delete" else "A longer copy can't be a custom resource."
        return self._message(f" is still {self._status} after as long as CloudFormation waits. {way_out}"), ""

    def _log(self, failure: str, cause: str, *, is_unfinished: bool) -> None:
        line = {
            "request": self._request.type,
            "project": self._project_arn,
            "model_version": self._name,
            "status": self._status,
            "did": self._result,
            "unfinished": is_unfinished,
            "failure": "" if is_unfinished else failure,
            "cause": "" if is_unfinished else cause,
            "physical_id": self._physical_id,
        }
        logger.log(logging.ERROR if line["failure"] else logging.INFO, json.dumps(line))
