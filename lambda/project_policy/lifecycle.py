"""The lifecycle of a project policy: read what is live, decide, act, and say how it went.

If the policy changed meanwhile (somebody else was faster), or a change's response was lost, the function reads and
decides again; it never blindly repeats a change.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from custom_resource.errors import RejectedError
from custom_resource.request import Request
from custom_resource.run import Outcome, Run
from rekognition.arns import NOT_HERE, Environment, Project
from rekognition.client import CALL_RESERVE
from rekognition.errors import ACCESS_DENIED, NOT_FOUND, UNREACHABLE, ServiceError, StaleReadError

from . import decision as decisions
from . import document as documents
from .decision import LAG_SECONDS, REDELIVERY_SECONDS, Adopt, Decision, Keep, Observation, Put, Reject, Remove, Wait
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

Decide = Callable[["LivePolicy | None", Observation], Decision]


def respond(request: Request, run: Run, client: RekognitionClient) -> Outcome:
    """Do what a request asks for and return how it ended; writes one line to the log."""
    return _RequestHandler(request, run, client).outcome()


class _RequestHandler:
    """One run for a request; holds what is known so far, for the response and the log."""

    def __init__(self, request: Request, run: Run, client: RekognitionClient) -> None:
        self._request = request
        self._run = run
        self._policies = ProjectPolicies(client, run.clock, run.deadline)
        self._current_id = PhysicalId.parse(request.physical_id)
        self._made = ""
        """The ID of what this request has made, or may have made; empty if it's nothing."""
        self._reserved_id = request.physical_id
        """The ID of what this request makes if it puts a policy."""
        self._has_read = False
        self._project_arn = self._project_name = self._name = ""
        self._revision_before = self._revision_after = self._result = ""
        if self._current_id is not None:
            self._set_target(self._current_id)

    def outcome(self) -> Outcome:
        failure = cause = ""
        try:
            if self._request.type == "Delete":
                self._delete()
            else:
                self._create_or_update()
        except RejectedError as error:
            failure = str(error)
        except ServiceError as error:
            failure, cause = self._message(f": {sentence(error)}"), error.cause
        if failure:
            self._result = "nothing"
        self._log(failure, cause)
        attributes = dict(zip(ATTRIBUTES, (self._revision_after, self._name, self._project_arn), strict=True))
        return Outcome(self._physical_id, attributes, failure, cause)

    @property
    def _physical_id(self) -> str:
        """The physical ID to respond with: of what this request has made, as far as that is known."""
        # A Create that couldn't even read has made nothing: its Delete would meet the same and fail as well.
        return self._made or self._request.fallback_id(self._run.clock.now(), made_nothing=True)

    def _create_or_update(self) -> None:
        wanted = self._parse(self._request.properties)
        target, current = wanted.physical_id, self._current_id
        self._set_target(target)
        if current is not None and replace(current, adopted=False) == target:
            decision = self._settle(partial(decisions.decide_update, self._request, wanted, adopted=current.adopted))
            if decision != Put(wanted.document, None):  # else it comes late: a later update has replaced the policy
                self._remove_canceled_replacement(target)
            return
        if wanted.violation:
            raise RejectedError(self._message(f": {wanted.violation}"))
        self._reserved_id = str(target)
        decision = self._settle(partial(decisions.decide_create, self._request, wanted))
        self._made = str(replace(target, adopted=isinstance(decision, Adopt)))

    def _remove_canceled_replacement(self, target: PhysicalId) -> None:
        """Remove what the Update that this one rolls back may have put: CloudFormation never received its ID."""
        try:
            canceled = self._parse(self._request.old_properties)
        except RejectedError:
            return
        if canceled.physical_id == target or canceled.violation:
            return
        did, revision = self._result, self._revision_after
        self._remove_orphan(canceled)
        self._set_target(target)
        self._result, self._revision_after = f"{did}; of the canceled replacement: {self._result}", revision

    def _delete(self) -> None:
        if self._request.made_nothing:
            self._result = "nothing: the Create had made nothing"
        elif self._current_id is None:
            self._delete_canceled()
        elif self._current_id.adopted:
            self._result = "nothing: the policy was adopted, so it stays"
        elif Project.parse(self._current_id.project_arn).environment != self._environment:
            self._result = NOT_HERE
        else:
            self._unless_gone(partial(decisions.decide_delete, self._request))

    def _delete_canceled(self) -> None:
        """Delete what a Create put that CloudFormation canceled, or that never responded."""
        try:
            canceled = self._parse(self._request.properties)
        except RejectedError as error:
            self._result = f"nothing: its Create was rejected ({error})"
            return
        self._remove_orphan(canceled)

    def _remove_orphan(self, canceled: Properties) -> None:
        """Remove what a canceled request has put; if it can never be read, that request couldn't read either."""
        self._set_target(canceled.physical_id)
        self._result, self._has_read = "", False
        try:
            self._unless_gone(partial(decisions.decide_orphan, self._request, canceled))
        except ServiceError as error:
            if self._has_read or error.code not in (ACCESS_DENIED, UNREACHABLE):
                raise
            logger.warning("%s couldn't be read, so it's taken for not made: %s", self._message(""), error.cause)
            self._result = "nothing: the canceled request couldn't read either, so it made nothing"

    @property
    def _environment(self) -> Environment:
        return Environment.of(self._run.function_arn)

    def _parse(self, properties: Mapping[str, object]) -> Properties:
        return Properties.parse(properties, self._environment)

    def _unless_gone(self, decide: Decide) -> None:
        try:
            self._settle(decide)
        except ServiceError as error:
            if error.code != NOT_FOUND:
                raise
            self._result = "nothing: the project is gone, and its policies with it"

    def _settle(self, decide: Decide) -> Decision:
        """Read, decide and act until there is nothing more to do; return the last decision."""
        observation, conflicts = Observation(self._run.clock.now()), 0
        while True:
            live = self._policies.find(self._project_arn, self._name)
            self._has_read = True
            self._check_still_waited_for()
            self._revision_after = (live.revision_id or "") if live else ""
            self._revision_before = self._revision_before or self._revision_after
            observation = replace(
                observation,
                now=self._run.clock.now(),
                time_left=self._time_left,
                was_throttled=self._policies.was_throttled,
                has_read_none=observation.has_read_none or live is None,
                put_may_have_worked=bool(self._made),
            )
            decision = decide(live, observation)
            try:
                pause = self._act(decision)
            except StaleReadError as stale:
                if isinstance(decision, Put) and not decision.is_fencing_write:
                    observation = replace(
                        observation, stale_revision=observation.stale_revision or decision.revision_id
                    )
                if stale.is_conflict:
                    conflicts += 1
                    if conflicts >= _MAX_CONFLICTS:
                        raise stale.cause from stale
                    # The list may show late what the change ran into.
                    self._policies.wait(LAG_SECONDS, stale.cause)
                continue
            except ServiceError as error:
                # If it never got through, the old document may be gone by now, and the rollback has to be continued.
                if not (isinstance(decision, Put) and decision.is_fencing_write and error.code in _REJECTED):
                    raise
                observation, pause = replace(observation, rejected=error.code), LAG_SECONDS
            if pause is None:
                return decision
            self._policies.wait(pause)
            has_removed = observation.has_removed or isinstance(decision, Remove)
            observation = replace(observation, waited=observation.waited + pause, has_removed=has_removed)

    def _act(self, decision: Decision) -> float | None:
        """Do what was decided; return how long to wait before the next read, or None when nothing is left to do."""
        match decision:
            case Wait(seconds):
                return seconds
            case Reject(because):
                self._made = ""  # what is live is not this request's, not even in doubt
                raise RejectedError(self._message(f" {because}"))
            case Keep(because):
                self._result = self._result or f"nothing: {because}"
            case Adopt():
                self._result = "nothing: it existed and is equivalent, so it's adopted"
            case Put(document, revision_id):
                self._put(documents.minify(document), revision_id)
            case Remove(revision_id, reads_again):
                was_there = self._policies.delete(self._project_arn, self._name, revision_id)
                self._revision_after = ""
                self._result = self._result or ("deleted" if was_there else "nothing: it was gone already")
                return REDELIVERY_SECONDS if reads_again else None
        return None

    def _put(self, document: str, revision_id: str | None) -> None:
        self._run.reserve_physical_id(self._reserved_id)
        try:
            self._revision_after = self._policies.put(self._project_arn, self._name, document, revision_id)
        except (StaleReadError, ServiceError) as error:
            cause = error.cause if isinstance(error, StaleReadError) else error
            if cause.may_have_worked:
                self._made = (
                    self._reserved_id
                )  # should this request fail now, the rollback has to remove what may be there
            raise
        self._result = "put"

    @property
    def _time_left(self) -> float:
        """For how many seconds a wait helps: then there is one more read, and the response."""
        now, longest = self._run.clock.now(), self._request.service_timeout
        ends = self._run.deadline - CALL_RESERVE - _READ_SECONDS
        if self._request.time is not None and longest:
            ends = min(ends, self._request.time + longest - min(_READ_SECONDS, longest / 2))
        return ends - now

    def _check_still_waited_for(self) -> None:
        if self._request.type != "Delete" and self._request.is_abandoned(self._run.clock.now()):
            raise RejectedError(self._message(f": {_ABANDONED}"))

    def _set_target(self, policy: PhysicalId) -> None:
        """Read this policy from now on."""
        self._project_arn, self._name = policy.project_arn, policy.policy_name
        self._project_name = Project.parse(policy.project_arn).name

    def _message(self, sentence: str) -> str:
        return about(self._name, self._project_name, sentence)

    def _log(self, failure: str, cause: str) -> None:
        line = {
            "request": self._request.type,
            "project": self._project_arn,
            "policy": self._name,
            "revision_before": self._revision_before,
            "revision_after": self._revision_after,
            "did": self._result,
            "failure": failure,
            "cause": cause,
            "physical_id": self._physical_id,
        }
        logger.log(logging.ERROR if failure else logging.INFO, json.dumps(line))
