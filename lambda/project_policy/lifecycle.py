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
from rekognition.arns import Environment, Project
from rekognition.errors import ACCESS_DENIED, NOT_FOUND, OutOfDateError, ServiceError

from . import decision as decisions
from . import document as documents
from .decision import LAG, REDELIVERY_SECONDS, Decision, Keep, Moment, Put, Reject, Remove, Wait
from .errors import sentence
from .identity import PhysicalId
from .policies import LivePolicy, ProjectPolicies, missed
from .properties import Properties, about

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

logger = logging.getLogger(__name__)

ATTRIBUTES = ("PolicyRevisionId", "PolicyName", "ProjectArn")
"""What Fn::GetAtt returns of the resource."""

_MOST_MISSES = 5
_REJECTED = frozenset({ACCESS_DENIED, "MalformedPolicyDocumentException", "InvalidParameterException"})
"""What the service says, however often it's asked, of a document that today's rules or permissions don't allow."""
_ABANDONED = (
    "CloudFormation no longer waits for this request, so nothing was changed. Deploy again (or continue the rollback)."
)

Decide = Callable[["LivePolicy | None", Moment], Decision]


def respond(request: Request, run: Run, client: RekognitionClient) -> Outcome:
    """Do what a request asks for and return how it ended; writes one line to the log."""
    return _Run(request, run, client).outcome()


class _Run:
    """One run for a request; holds what is known so far, for the response and the log."""

    def __init__(self, request: Request, run: Run, client: RekognitionClient) -> None:
        self._request = request
        self._run = run
        self._policies = ProjectPolicies(client, run.clock, run.deadline)
        self._given = PhysicalId.parse(request.physical_id)
        self._made = ""
        """The ID of what this request has made, or may have made; empty if it's nothing."""
        self._own_id = request.physical_id
        """The ID of what this request makes if it puts a policy."""
        self._project_arn = self._project_name = self._name = ""
        self._revision_before = self._revision_after = self._did = ""
        if self._given is not None:
            self._look_at(self._given)

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
            failure, cause = self._about(f": {sentence(error)}"), error.cause
        if failure:
            self._did = "nothing"
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
        target, given = wanted.physical_id, self._given
        self._look_at(target)
        if given is not None and replace(given, adopted=False) == target:
            self._settle(partial(decisions.decide_update, self._request, wanted, adopted=given.adopted))
            self._remove_canceled_replacement(target)
            return
        if wanted.violation:
            raise RejectedError(self._about(f": {wanted.violation}"))
        self._own_id = str(target)
        settled = self._settle(partial(decisions.decide_create, self._request, wanted))
        is_adopted = isinstance(settled, Keep) and settled.adopted
        self._made = str(replace(target, adopted=is_adopted))

    def _remove_canceled_replacement(self, target: PhysicalId) -> None:
        """Remove what the Update that this one rolls back may have put: CloudFormation never received its ID."""
        try:
            canceled = self._parse(self._request.old_properties)
        except RejectedError:
            return
        if canceled.physical_id == target or canceled.violation:
            return
        did, revision = self._did, self._revision_after
        self._remove_orphan(canceled)
        self._look_at(target)
        self._did, self._revision_after = f"{did}; of the canceled replacement: {self._did}", revision

    def _delete(self) -> None:
        if self._request.made_nothing:
            self._did = "nothing: the Create had made nothing"
        elif self._given is None:
            self._delete_canceled()
        elif self._given.adopted:
            self._did = "nothing: the policy was adopted, so it stays"
        else:
            self._unless_gone(partial(decisions.decide_delete, self._request))

    def _delete_canceled(self) -> None:
        """Delete what a Create put that CloudFormation canceled, or that never responded."""
        try:
            canceled = self._parse(self._request.properties)
        except RejectedError as error:
            self._did = f"nothing: its Create was rejected ({error})"
            return
        self._remove_orphan(canceled)

    def _remove_orphan(self, canceled: Properties) -> None:
        self._look_at(canceled.physical_id)
        self._did = ""
        self._unless_gone(partial(decisions.decide_orphan, self._request, canceled))

    def _parse(self, properties: Mapping[str, object]) -> Properties:
        return Properties.parse(properties, Environment.of(self._run.function_arn))

    def _unless_gone(self, decide: Decide) -> None:
        try:
            self._settle(decide)
        except ServiceError as error:
            if error.code != NOT_FOUND:
                raise
            self._did = "nothing: the project is gone, and its policies with it"

    def _settle(self, decide: Decide) -> Decision:
        """Read, decide and act until there is nothing more to do; return the last decision."""
        moment, misses = Moment(self._run.clock.now()), 0
        while True:
            live = self._policies.find(self._project_arn, self._name)
            self._check_still_waited_for()
            self._revision_after = (live.revision_id or "") if live else ""
            self._revision_before = self._revision_before or self._revision_after
            moment = replace(
                moment,
                now=self._run.clock.now(),
                was_throttled=self._policies.was_throttled,
                put_may_have_worked=bool(self._made),
            )
            decision = decide(live, moment)
            try:
                pause = self._act(decision)
            except OutOfDateError as out_of_date:
                if isinstance(decision, Put) and not decision.only_confirms:
                    moment = replace(moment, missed_revision=moment.missed_revision or decision.revision_id)
                if missed(out_of_date.cause) or out_of_date.cause.code == NOT_FOUND:
                    misses += 1
                    if misses >= _MOST_MISSES:
                        raise out_of_date.cause from out_of_date
                    # The list may show late what the change ran into.
                    self._policies.wait(LAG, out_of_date.cause)
                continue
            except ServiceError as error:
                # If it never got through, the old document may be gone by now, and the rollback has to be continued.
                if not (isinstance(decision, Put) and decision.only_confirms and error.code in _REJECTED):
                    raise
                moment, pause = replace(moment, rejected=error.code), LAG
            if pause is None:
                return decision
            self._policies.wait(pause)
            has_removed = moment.has_removed or isinstance(decision, Remove)
            moment = replace(moment, waited=moment.waited + pause, has_removed=has_removed)

    def _act(self, decision: Decision) -> float | None:
        """Do what was decided; return how long to wait before the next read, or None when nothing is left to do."""
        match decision:
            case Wait(seconds):
                return seconds
            case Reject(because):
                self._made = ""  # what is live is not this request's, not even in doubt
                raise RejectedError(self._about(because))
            case Keep(because):
                self._did = self._did or f"nothing: {because}"
            case Put(document, revision_id):
                self._put(documents.minify(document), revision_id)
            case Remove(revision_id, reads_again):
                was_there = self._policies.delete(self._project_arn, self._name, revision_id)
                self._revision_after = ""
                self._did = self._did or ("deleted" if was_there else "nothing: it was gone already")
                return REDELIVERY_SECONDS if reads_again else None
        return None

    def _put(self, document: str, revision_id: str | None) -> None:
        self._run.announce(self._own_id)
        try:
            self._revision_after = self._policies.put(self._project_arn, self._name, document, revision_id)
        except (OutOfDateError, ServiceError) as error:
            cause = error.cause if isinstance(error, OutOfDateError) else error
            if cause.may_have_worked:
                self._made = self._own_id  # should this request fail now, the rollback has to remove what may be there
            raise
        self._did = "put"

    def _check_still_waited_for(self) -> None:
        if self._request.type != "Delete" and self._request.is_abandoned(self._run.clock.now()):
            raise RejectedError(self._about(f": {_ABANDONED}"))

    def _look_at(self, policy: PhysicalId) -> None:
        """Read this policy from now on."""
        self._project_arn, self._name = policy.project_arn, policy.policy_name
        self._project_name = Project.parse(policy.project_arn).name

    def _about(self, what: str) -> str:
        return about(self._name, self._project_name, what)

    def _log(self, failure: str, cause: str) -> None:
        line = {
            "request": self._request.type,
            "project": self._project_arn,
            "policy": self._name,
            "revision_before": self._revision_before,
            "revision_after": self._revision_after,
            "did": self._did,
            "failure": failure,
            "cause": cause,
            "physical_id": self._physical_id,
        }
        logger.log(logging.ERROR if failure else logging.INFO, json.dumps(line))
