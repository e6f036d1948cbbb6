"""What is a copy's own in its lifecycle: it takes several runs, may be taken over, and its tags tell whose it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from custom_resource.decision import LAG_SECONDS, Adopt
from custom_resource.errors import RejectedError
from custom_resource.lifecycle import RequestHandler
from custom_resource.request import Request
from custom_resource.run import Outcome
from custom_resource.timeouts import DEFAULT_SERVICE_TIMEOUT
from custom_resource.waiting import RunOverError, Unfinished, WaitingRun
from rekognition.arns import Environment, ModelVersion, Project
from rekognition.errors import ACCESS_DENIED, NOT_FOUND, OUT_OF_TIME, UNREACHABLE, ServiceError, StaleReadError

from . import decision as decisions
from .decision import POLL_SECONDS, Copy, Observation, Remove, Replace, Retag, Stop
from .errors import IN_USE, sentence
from .identity import INPUTS_TAG, Owner, PhysicalId
from .properties import Properties, about
from .versions import LiveVersion, ProjectVersions

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

ATTRIBUTES = ("ProjectVersionArn", "VersionName", "ProjectArn")
"""What Fn::GetAtt returns of the resource."""

_COULD_NOT_READ = "nothing: its Create couldn't read either, so it made nothing"
_GONE = "gone"  # in place of a status, if no model version of the name is live
_ABANDONED = "CloudFormation no longer waits for this request, so nothing was changed. Deploy again."
_IN_USE = (
    " is in use, so it is probably running, and was left as it is. Stop it (StopProjectVersion); then delete again."
)

Claim = Callable[[LiveVersion], bool]
"""Whether a model version is the one that a request makes, or deletes without knowing its ARN."""


def respond(
    request: Request, run: WaitingRun, client: RekognitionClient, *, poll_seconds: float = POLL_SECONDS
) -> Outcome | Unfinished:
    """Do what can be done for a request in one run; return how it ended, or that it goes on.

    Writes one line to the log. ``poll_seconds`` is the longest pause between two reads.
    """
    handler = _RequestHandler(request, run, client, poll_seconds)
    outcome = handler.outcome()
    return handler.unfinished(outcome) if handler.is_unfinished else outcome


@dataclass
class Progress:
    """What a run leaves for the next one."""

    is_making: bool = False
    """Whether the request makes a copy."""
    arn: str = ""
    """The ARN of the copy that the request makes or deletes."""
    is_taken_over: bool = False
    """Whether this request makes that copy its own, although another request made it."""
    in_doubt_id: str = ""
    """The physical ID after a CopyProjectVersion whose effect is in doubt."""
    seen: str = ""
    """The model version and the status that were read last, or that there is none."""
    seen_since: float = 0.0
    last_error: str = ""
    """What the last call that failed has met."""
    failing_since: dict[str, float] = field(default_factory=dict)
    """When each error was met first, by its operation and code."""


@dataclass
class _Target:
    """A model version's name in a project, and its status as far as it is known."""

    project_arn: str = ""
    project_name: str = ""
    name: str = ""
    status: str = ""

    @classmethod
    def of(cls, project: Project, name: str) -> _Target:
        """Return the model version of a name."""
        return cls(project.arn, project.name, name)


class _RequestHandler(
    RequestHandler[PhysicalId, Properties, _Target, LiveVersion, Observation, "ServiceError | RunOverError"]
):
    """One run for a request about a copy; the next run goes on with its progress."""

    failures = (ServiceError, RunOverError)
    run: WaitingRun

    def __init__(self, request: Request, run: WaitingRun, client: RekognitionClient, poll_seconds: float) -> None:
        super().__init__(request, run, PhysicalId.parse(request.physical_id), _Target())
        self._poll_seconds = poll_seconds
        self._progress = Progress(**run.progress)
        self._versions = ProjectVersions(
            client, run.clock, run.deadline, ends=run.ends, failing_since=self._progress.failing_since
        )
        self._owner = Owner.of_request(request)
        self._claim: Claim = lambda _live: False
        self._live: LiveVersion | None = None
        self._conflict: ServiceError | None = None
        """What the last change ran into."""
        self._adopted = ""
        """The ID of what this request has adopted."""
        self._may_be_own = False
        """Whether what was read last may be what an earlier delivery of a Create has made."""

    @property
    def _physical_id(self) -> str:
        own_arn = self._progress.arn if self._progress.is_making else ""
        made = self._adopted or own_arn or self._progress.in_doubt_id
        # Whatever made nothing responds with a marker: a Delete would meet what this run has met, and fail as well.
        return made or self.request.fallback_id(self._now, made_nothing=not self._may_be_own)

    @property
    def _attributes(self) -> Mapping[str, str]:
        copy = PhysicalId.parse(self._physical_id)
        arn = copy.version.arn if copy else ""
        return dict(zip(ATTRIBUTES, (arn, self.target.name, self.target.project_arn), strict=True))

    @property
    def _observed(self) -> Mapping[str, object]:
        return {
            "project": self.target.project_arn,
            "model_version": self.target.name,
            "status": self.target.status,
            "unfinished": self.is_unfinished,
        }

    def _message(self, predicate: str) -> str:
        return about(self.target.name, self.target.project_name, predicate)

    def _failure_of(self, error: ServiceError | RunOverError) -> tuple[str, str]:
        if isinstance(error, ServiceError):
            return self._message(f": {sentence(error)}"), error.cause
        met, self.is_unfinished = error.cause, not self.run.is_last
        if met is None and not self.target.status:  # the next run would have no time to read, either
            met, self.is_unfinished = ServiceError("DescribeProjectVersions", OUT_OF_TIME, ""), False
        if self.request.type == "Delete" and self.target.status == _GONE and not met and not self.is_unfinished:
            return "", ""
        if isinstance(met, ServiceError) and met.code != IN_USE:
            self._progress.last_error = met.cause
            return self._message(f": {sentence(met)}"), met.cause
        way_out = "Delete it again." if self.request.type == "Delete" else "A longer copy can't be a custom resource."
        still = f" is still {self.target.status} after as long as CloudFormation waits. {way_out}"
        return self._message(still), ""

    @property
    def _last_error(self) -> str:
        return self._progress.last_error

    def unfinished(self, outcome: Outcome) -> Unfinished:
        """Return what the next run goes on with; ``outcome`` is how the request would end now."""
        because = f"{outcome.failure} ({outcome.cause})" if outcome.cause else outcome.failure
        return Unfinished(outcome.physical_id, asdict(self._progress), because)

    @property
    def _now(self) -> float:
        return self.run.clock.now()

    @property
    def _environment(self) -> Environment:
        return Environment.of(self.run.function_arn)

    def _parse(self, properties: Mapping[str, object]) -> Properties:
        return Properties.parse(properties, self._environment)

    def _is_here(self, current_id: PhysicalId) -> bool:
        return current_id.version.environment == self._environment

    def _name(self, wanted: Properties) -> str:
        return wanted.name(self._owner.stack, self._owner.resource)

    def _create_or_update(self) -> None:
        wanted, current = self._parse(self.request.properties), self.current_id
        self.target = _Target.of(wanted.destination, self._name(wanted))
        if self._now >= self.run.respond_by:
            raise RejectedError(self._message(f": {_ABANDONED}"))
        if current is not None and current.version.is_of(wanted.destination) and not self._progress.is_making:
            self.target.name = current.version.name
            old_tags = self.request.old_properties.get("Tags")
            old_tags = old_tags if isinstance(old_tags, Mapping) else {}
            decide = partial(decisions.decide_update, current, wanted, self._name(wanted), old_tags=old_tags)
            decision = self._settle(decide)
            self._remove_canceled_replacement(wanted)
            if not isinstance(decision, Replace):
                return
            self.target = _Target.of(wanted.destination, self._name(wanted))
            self._track("")
        self._progress.is_making = True
        self._claim = partial(decisions.is_made_for, self.request, wanted, requested_at=self.run.requested_at)
        if isinstance(self._settle(partial(decisions.decide_create, self.request, wanted)), Adopt) and self._live:
            self._adopted = str(PhysicalId(ModelVersion.parse(self._live.arn), adopted=True))

    def _makes_another(self, canceled: Properties, wanted: Properties) -> bool:
        current = self.current_id.version if self.current_id else None
        if current and current.is_of(canceled.destination) and current.name == self._name(canceled):
            return False
        return canceled.inputs != wanted.inputs or bool(canceled.version_name)

    def _delete_own(self, current_id: PhysicalId) -> None:
        version = current_id.version
        self.target = _Target(project_name=version.project, name=version.name)
        try:
            project = Project.parse(self.request.properties.get("DestinationProjectArn"))
        except ValueError:
            project = None
        # The Delete that cleans up after a replacement may have the new properties, with another project.
        if project is not None and version.is_of(project):
            self.target = _Target.of(project, version.name)
            stop_running = self.request.properties.get("StopRunning") in (True, "true")
            decide = partial(decisions.decide_delete, version.arn, stop_running=stop_running)
            self._unless_gone(lambda: self._settle(decide))
        else:
            self._unless_gone(lambda: self._delete_by_arn_alone(version))

    def _remove_orphan(self, canceled: Properties) -> None:
        """Remove what a canceled request has made; if it can never be read, that request couldn't read either."""
        self.target = _Target.of(canceled.destination, self._name(canceled))
        self._claim = partial(decisions.is_orphan, self.request, canceled, requested_at=self.run.requested_at)
        decide = partial(decisions.decide_orphan, self.request, stop_running=canceled.stop_running)
        try:
            self._unless_gone(lambda: self._settle(decide))
        except ServiceError as error:
            if error.code != ACCESS_DENIED or not self._has_read_nothing:
                raise
            self.result = _COULD_NOT_READ
        except RunOverError as over:
            was_unreachable = isinstance(over.cause, ServiceError) and over.cause.code == UNREACHABLE
            if not (was_unreachable and self.run.is_last and self._has_read_nothing):
                raise
            self.result = _COULD_NOT_READ

    @property
    def _has_read_nothing(self) -> bool:
        """Whether no run of a Delete could read, so that the Create that it undoes couldn't, either."""
        has_read = self._versions.has_read or self._progress.seen
        return not (has_read or self._progress.arn or self.request.in_doubt_times)

    def _unless_gone(self, delete: Callable[[], object]) -> None:
        try:
            delete()
        except ServiceError as error:
            if error.code != NOT_FOUND:
                raise
            self.result = "nothing: the project is gone, and its model versions with it"

    def _delete_by_arn_alone(self, version: ModelVersion) -> None:
        """Delete a model version whose project is unknown, so that its status can't be read."""
        while True:
            try:
                if not self._versions.delete(version.arn):
                    self.result = self.result or "nothing: it was gone already"
                    return
                self.result, self._progress.arn = "deleted", version.arn
            except StaleReadError as stale:
                is_too_old_to_be_copying = self._now > version.created_at + DEFAULT_SERVICE_TIMEOUT
                if stale.cause.code == IN_USE and not self._progress.arn and is_too_old_to_be_copying:
                    raise RejectedError(self._message(_IN_USE)) from None
            self.target.status = "there"
            self._wait(POLL_SECONDS)

    def _read(self) -> LiveVersion | None:
        live = self._versions.find(self.target.project_arn, self.target.name, without_tags=self._arn_without_tags)
        if live is not None and self._claim(live):
            self._track(live.arn)
            self._progress.is_taken_over = self._progress.is_making and live.owner != self._owner
        # While a model version shows no tags, an earlier delivery of this request may have made it.
        self._may_be_own = live is not None and live.owner is None
        self.target.status = live.status if live else _GONE
        self._live, self._conflict = live, None
        return live

    def _observe(self, live: LiveVersion | None) -> Observation:
        now, seen = self._now, f"{live.arn} {live.status}" if live else "none"
        if seen != self._progress.seen:
            self._progress.seen, self._progress.seen_since = seen, now
        return Observation(
            now=now,
            requested_at=self.run.requested_at,
            unchanged=now - self._progress.seen_since,
            claimed_arn=self._progress.arn,
        )

    def _act(self, decision: object) -> float | None:
        try:
            return super()._act(decision)
        except StaleReadError as stale:
            self._conflict, self._progress.last_error = stale.cause, stale.cause.cause
            return POLL_SECONDS if stale.cause.code == IN_USE else 0.0

    def _change(self, decision: object) -> float | None:
        match decision:
            case Copy(wanted):
                self._copy(wanted)
                return LAG_SECONDS
            case Remove(arn):
                was_there = self._versions.delete(arn)
                self._track(arn)
                self.result = "deleted" if was_there else self.result or "nothing: it was gone already"
                return None if self.current_id is not None and not was_there else LAG_SECONDS
            case Stop(arn):
                self._versions.stop(arn)
                self.result = "stopped"
                return POLL_SECONDS
            case Retag(arn, add, remove):
                self._versions.retag(arn, add, remove)
                self.result = self.result or "tagged"
        return None  # Replace: another one is made

    def _copy(self, wanted: Properties) -> None:
        in_doubt_id = self.request.in_doubt_id(self._now)
        self.run.reserve_physical_id(in_doubt_id)
        tags = {**wanted.tags, **self._owner.tags, INPUTS_TAG: wanted.inputs.digest}
        try:
            arn = self._versions.copy(wanted, self.target.name, tags)
        except (StaleReadError, RunOverError) as error:
            if isinstance(error.cause, ServiceError) and error.cause.may_have_worked:
                # Should this request fail now, its Delete has to look for what may be there.
                self._progress.in_doubt_id = in_doubt_id
            raise
        self.result = "copied"
        self._track(arn)
        self.run.reserve_physical_id(arn)

    def _wait(self, seconds: float) -> None:
        self._versions.wait(min(seconds, self._poll_seconds), self._conflict)

    def _track(self, arn: str) -> None:
        """Follow the copy that this request makes, or deletes; what was seen before says nothing of it."""
        if self._progress.arn != arn:
            self._progress.arn, self._progress.seen, self._progress.last_error = arn, "", ""

    @property
    def _arn_without_tags(self) -> str:
        """The ARN of a model version that needs no tags to tell whose it is."""
        if self.request.type == "Delete" and self.current_id is not None:
            return self.current_id.version.arn
        return "" if self._progress.is_taken_over else self._progress.arn
