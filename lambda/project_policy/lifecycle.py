"""What is a project policy's own in its lifecycle: how it is put and deleted, and what its orphan is.

If the policy changed meanwhile (somebody else was faster), or a change's response was lost, the function reads and
decides again. It repeats a change without a read only if that was clearly rejected and the read is young.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from custom_resource.decision import LAG_SECONDS, Adopt
from custom_resource.errors import RejectedError
from custom_resource.lifecycle import RequestHandler
from custom_resource.request import Request
from custom_resource.run import Outcome, Run
from rekognition.arns import Environment, Project
from rekognition.client import CALL_RESERVE
from rekognition.errors import ACCESS_DENIED, NOT_FOUND, UNREACHABLE, ServiceError, StaleReadError

from . import decision as decisions
from . import document as documents
from .decision import REDELIVERY_SECONDS, Observation, Put, Remove
from .errors import sentence
from .identity import PhysicalId
from .policies import LivePolicy, ProjectPolicies
from .properties import Properties, about

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

logger = logging.getLogger(__name__)

ATTRIBUTES = ("PolicyRevisionId", "PolicyName", "ProjectArn")
"""What Fn::GetAtt returns of the resource."""

_MAX_CONFLICTS = 5
_REJECTED = frozenset({ACCESS_DENIED, "MalformedPolicyDocumentException", "InvalidParameterException"})
"""What the service says, however often it's asked, of a document that today's rules or permissions don't allow."""
_READ_SECONDS = 10
"""How long the last read of an orphan may take, a throttled try and the response included."""
_ABANDONED = (
    "CloudFormation no longer waits for this request, so nothing was changed. Deploy again (or continue the rollback)."
)


def respond(request: Request, run: Run, client: RekognitionClient) -> Outcome:
    """Do what a request asks for and return how it ended; writes one line to the log."""
    return _RequestHandler(request, run, client).outcome()


@dataclass
class _Target:
    """A policy's name, and its revisions as far as they are known."""

    project_arn: str = ""
    name: str = ""
    has_been_read: bool = False
    revision_before: str = ""
    revision_after: str = ""

    @classmethod
    def of(cls, policy: PhysicalId | None) -> _Target:
        """Return the policy that a physical ID names."""
        return cls(policy.project_arn, policy.policy_name) if policy else cls()


class _RequestHandler(RequestHandler[PhysicalId, Properties, _Target, LivePolicy, Observation, ServiceError]):
    """One run for a request about a policy."""

    failures = (ServiceError,)

    def __init__(self, request: Request, run: Run, client: RekognitionClient) -> None:
        current_id = PhysicalId.parse(request.physical_id)
        super().__init__(request, run, current_id, _Target.of(current_id))
        self._policies = ProjectPolicies(client, run.clock, run.deadline)
        self._made = ""
        """The ID of what this request has made, may have made, or adopted; empty if it's nothing that is new to it."""
        self._reserved_id = request.physical_id
        """The ID of what this request makes if it puts a policy."""

    @property
    def _physical_id(self) -> str:
        # Whatever made nothing responds with a marker: a Delete would meet what this run has met, and fail as well.
        return self._made or self.request.fallback_id(self.run.clock.now(), made_nothing=True)

    @property
    def _attributes(self) -> Mapping[str, str]:
        values = (self.target.revision_after, self.target.name, self.target.project_arn)
        return dict(zip(ATTRIBUTES, values, strict=True))

    @property
    def _observed(self) -> Mapping[str, object]:
        return {
            "project": self.target.project_arn,
            "policy": self.target.name,
            "revision_before": self.target.revision_before,
            "revision_after": self.target.revision_after,
        }

    def _message(self, predicate: str) -> str:
        return about(self.target.name, Project.parse(self.target.project_arn).name, predicate)

    def _failure_of(self, error: ServiceError) -> tuple[str, str]:
        return self._message(f": {sentence(error)}"), error.cause

    @property
    def _environment(self) -> Environment:
        return Environment.of(self.run.function_arn)

    def _parse(self, properties: Mapping[str, object]) -> Properties:
        return Properties.parse(properties, self._environment)

    def _is_here(self, current_id: PhysicalId) -> bool:
        return Project.parse(current_id.project_arn).environment == self._environment

    def _create_or_update(self) -> None:
        wanted = self._parse(self.request.properties)
        current = self.current_id
        self.target = _Target.of(wanted.physical_id)
        if current is not None and replace(current, adopted=False) == wanted.physical_id:
            decision = self._settle(partial(decisions.decide_update, self.request, wanted, adopted=current.adopted))
            policy_was_missing = decision == Put(wanted.document, None)
            if not policy_was_missing:  # else it comes late: a later update has replaced the policy
                self._remove_canceled_replacement(wanted)
            return
        if wanted.violation:
            raise RejectedError(self._message(f": {wanted.violation}"))
        self._reserved_id = str(wanted.physical_id)
        decision = self._settle(partial(decisions.decide_create, self.request, wanted))
        self._made = str(replace(wanted.physical_id, adopted=isinstance(decision, Adopt)))

    def _delete_own(self, current_id: PhysicalId) -> None:  # noqa: ARG002 - it is the target already
        self._settle_unless_gone(partial(decisions.decide_delete, self.request))

    def _makes_another(self, canceled: Properties, wanted: Properties) -> bool:
        return canceled.physical_id != wanted.physical_id and not canceled.violation

    def _remove_orphan(self, canceled: Properties) -> None:
        """Remove what a canceled request has put; if it can never be read, that request couldn't read either."""
        self.target = _Target.of(canceled.physical_id)
        try:
            self._settle_unless_gone(partial(decisions.decide_orphan, self.request, canceled))
        except ServiceError as error:
            if self.target.has_been_read or error.code not in (ACCESS_DENIED, UNREACHABLE):
                raise
            logger.warning("%s couldn't be read, so it's taken for not made: %s", self._message(""), error.cause)
            self.result = "nothing: the canceled request couldn't read either, so it made nothing"

    def _settle_unless_gone(self, decide: Callable[[LivePolicy | None, Observation], object]) -> None:
        try:
            self._settle(decide)
        except ServiceError as error:
            if error.code != NOT_FOUND:
                raise
            self.result = "nothing: the project is gone, and its policies with it"

    def _settle(self, decide: Callable[[LivePolicy | None, Observation], object]) -> object:
        self._observation, self._conflicts = Observation(self.run.clock.now()), 0
        return super()._settle(decide)

    def _read(self) -> LivePolicy | None:
        target = self.target
        live = self._policies.find(target.project_arn, target.name)
        target.has_been_read = True
        if self.request.type != "Delete" and self.request.is_abandoned(self.run.clock.now()):
            raise RejectedError(self._message(f": {_ABANDONED}"))
        target.revision_after = (live.revision_id or "") if live else ""
        target.revision_before = target.revision_before or target.revision_after
        return live

    def _observe(self, live: LivePolicy | None) -> Observation:
        self._observation = replace(
            self._observation,
            now=self.run.clock.now(),
            time_left=self._time_left,
            was_throttled=self._policies.was_throttled,
            has_read_none=self._observation.has_read_none or live is None,
            put_may_have_worked=bool(self._made),
        )
        return self._observation

    def _act(self, decision: object) -> float | None:
        try:
            return super()._act(decision)
        except RejectedError:
            self._made = ""  # what is live is not this request's, not even in doubt
            raise
        except StaleReadError as stale:
            if isinstance(decision, Put) and not decision.is_fencing_write:
                # The first one: what this run meant to replace.
                first = self._observation.stale_revision or decision.revision_id
                self._observation = replace(self._observation, stale_revision=first)
            if stale.is_conflict:
                self._conflicts += 1
                if self._conflicts >= _MAX_CONFLICTS:
                    raise stale.cause from stale
                # The list may show late what the change ran into.
                self._policies.wait(LAG_SECONDS, stale.cause)
            return 0.0
        except ServiceError as error:
            # If it is throttled to the end instead, the canceled update may still put its document: that fails.
            if not (isinstance(decision, Put) and decision.is_fencing_write and error.code in _REJECTED):
                raise
            self._observation = replace(self._observation, rejected=error.code)
            return LAG_SECONDS

    def _change(self, decision: object) -> float | None:
        match decision:
            case Put(document, revision_id):
                self._put(documents.minify(document), revision_id)
            case Remove(revision_id, reads_again):
                was_there = self._policies.delete(self.target.project_arn, self.target.name, revision_id)
                self.target.revision_after = ""
                self.result = self.result or ("deleted" if was_there else "nothing: it was gone already")
                self._observation = replace(self._observation, has_removed=True)
                return REDELIVERY_SECONDS if reads_again else None
        return None

    def _put(self, document: str, revision_id: str | None) -> None:
        self.run.reserve_physical_id(self._reserved_id)
        try:
            revision = self._policies.put(self.target.project_arn, self.target.name, document, revision_id)
        except (StaleReadError, ServiceError) as error:
            cause = error.cause if isinstance(error, StaleReadError) else error
            if cause.may_have_worked:
                # Should this request fail now, the rollback has to remove what may be there.
                self._made = self._reserved_id
            raise
        self.target.revision_after, self.result = revision, "put"

    def _wait(self, seconds: float) -> None:
        self._policies.wait(seconds)
        self._observation = replace(self._observation, waited=self._observation.waited + seconds)

    @property
    def _time_left(self) -> float:
        """For how many seconds a wait helps: then there is one more read, and the response."""
        now, longest = self.run.clock.now(), self.request.service_timeout
        ends = self.run.deadline - CALL_RESERVE - _READ_SECONDS
        if self.request.time is not None and longest:
            ends = min(ends, self.request.time + longest - min(_READ_SECONDS, longest / 2))
        return ends - now
