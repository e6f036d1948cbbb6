"""The lifecycle of a project policy: read what is live, decide, act at most once, and say how it went.

If the policy changed meanwhile (somebody else was faster), or a change's response was lost, the function reads and
decides again; it never blindly repeats a change.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import partial

from custom_resource.errors import RejectedError
from custom_resource.request import Request, not_created
from custom_resource.run import Clock, Outcome
from rekognition.arns import Environment, Project
from rekognition.errors import ACCESS_DENIED, NOT_FOUND, OutOfDateError, ServiceError

from . import decision as decisions
from . import document as documents
from .decision import LIST_LAG, Confirm, Decision, Keep, Moment, Put, ReadAgain, Reject, Remove
from .errors import SENTENCES
from .identity import PhysicalId
from .policies import LivePolicy, ProjectPolicies, missed
from .properties import Properties, about

logger = logging.getLogger(__name__)

ATTRIBUTES = ("PolicyRevisionId", "PolicyName", "ProjectArn")
"""What Fn::GetAtt returns of the resource."""

_MOST_MISSES = 5
_REJECTED = frozenset({ACCESS_DENIED, "MalformedPolicyDocumentException", "InvalidParameterException"})
"""What the service says, however often it's asked, of a document that today's rules or permissions don't allow."""
_ABANDONED = (
    "CloudFormation no longer waits for this request, so nothing was changed. Deploy again (or continue the rollback)."
)


def respond(
    request: Request,
    policies: ProjectPolicies,
    *,
    environment: Environment,
    clock: Clock,
    announce: Callable[[str], None],
) -> Outcome:
    """Do what a request asks for and return how it ended; writes one line to the log.

    ``announce`` takes the physical ID to respond with, should this function never return, before a policy is put.
    """
    return _Run(request, policies, environment, clock, announce).outcome()


class _Run:
    """One request being handled; holds what is known so far, for the response and the log."""

    def __init__(
        self,
        request: Request,
        policies: ProjectPolicies,
        environment: Environment,
        clock: Clock,
        announce: Callable[[str], None],
    ) -> None:
        self._request = request
        self._policies = policies
        self._environment = environment
        self._clock = clock
        self._announce = announce
        self._started = clock.now()
        # What to respond with when nothing was made; until the service has been read, an earlier delivery may have.
        self._id_untouched = request.physical_id or not_created(request.logical_id, request.request_id)
        self._id_once_put = self._id_untouched
        self._physical_id: str | None = None
        self._put_in_doubt = False
        self._rejected = ""
        self._given = PhysicalId.parse(request.physical_id)
        self._policy = self._given
        self._revision_before = ""
        self._revision_after = ""
        self._did = ""

    def outcome(self) -> Outcome:
        failure = cause = ""
        try:
            if self._request.type == "Delete":
                self._delete()
            else:
                self._create_or_update(self._wanted())
        except RejectedError as error:
            failure = str(error)
        except ServiceError as error:
            failure, cause = about(*self._names(), f": {error.sentence(SENTENCES)}"), error.cause
        if failure:
            self._did = "nothing"
        physical_id = self._physical_id or self._request.fallback_id(self._clock.now())
        self._log(physical_id, failure, cause)
        known = self._policy
        return Outcome(
            physical_id=physical_id,
            attributes={
                "PolicyRevisionId": self._revision_after,
                "PolicyName": known.policy_name if known else "",
                "ProjectArn": known.project_arn if known else "",
            },
            failure=failure,
            cause=cause,
        )

    def _wanted(self) -> Properties:
        try:
            return Properties.parse(self._request.properties, self._environment)
        except RejectedError:
            self._physical_id = self._id_untouched  # no delivery of this request can have made anything
            raise

    def _create_or_update(self, wanted: Properties) -> None:
        target, given = wanted.physical_id, self._given
        self._policy = target
        in_place = given is not None and (given.project_arn, given.policy_name) == (
            target.project_arn,
            target.policy_name,
        )
        if in_place:
            self._settle(target, partial(decisions.decide_update, self._request, wanted), wanted)
            return
        if wanted.violation:
            self._physical_id = self._id_untouched
            raise RejectedError(about(*self._names(), f": {wanted.violation}"))
        self._id_once_put = str(target)
        settled = self._settle(target, partial(decisions.decide_create, self._request, wanted), wanted)
        self._physical_id = (isinstance(settled, Keep) and settled.physical_id) or str(target)

    def _delete(self) -> None:
        if self._request.made_nothing:
            self._did = "nothing: the Create had made nothing"
        elif self._policy is None:
            self._delete_what_a_canceled_create_left()
        elif self._policy.adopted:
            self._did = "nothing: the policy was adopted, so it stays"
        else:
            self._settle_or_gone(self._policy, partial(decisions.decide_delete, self._request))

    def _delete_what_a_canceled_create_left(self) -> None:
        try:
            wanted = Properties.parse(self._request.properties, self._environment)
        except RejectedError as error:
            self._did = f"nothing: its Create was rejected ({error})"
            return
        self._policy = wanted.physical_id
        self._settle_or_gone(wanted.physical_id, partial(decisions.decide_delete_of_unknown, self._request, wanted))

    def _settle_or_gone(self, policy: PhysicalId, decide: Callable[[LivePolicy | None, Moment], Decision]) -> None:
        try:
            self._settle(policy, decide)
        except ServiceError as error:
            if error.code != NOT_FOUND:
                raise
            self._did = "nothing: the project is gone, and its policies with it"

    def _settle(
        self,
        policy: PhysicalId,
        decide: Callable[[LivePolicy | None, Moment], Decision],
        wanted: Properties | None = None,
    ) -> Decision:
        """Read and decide until there is nothing more to do; return the last decision."""
        waited, misses = 0.0, 0
        missed_revision: str | None = None
        while True:
            self._check_still_waited_for()
            live = self._policies.find(policy.project_arn, policy.policy_name)
            if not self._put_in_doubt:
                self._physical_id = self._id_untouched
            self._revision_after = (live.revision_id or "") if live else ""
            self._revision_before = self._revision_before or self._revision_after
            now, rejected = self._clock.now(), self._rejected
            moment = Moment(now, self._started, waited, self._put_in_doubt, rejected, missed_revision)
            decision = decide(live, moment)
            try:
                pause = self._act(policy, decision, wanted)
            except OutOfDateError as out_of_date:
                if isinstance(decision, Put):
                    missed_revision = missed_revision or decision.revision_id
                if missed(out_of_date.cause) or out_of_date.cause.code == NOT_FOUND:
                    misses += 1
                    if misses >= _MOST_MISSES:
                        raise out_of_date.cause from out_of_date
                    # The list may show late what the change ran into.
                    self._policies.wait(LIST_LAG, out_of_date.cause)
                continue
            if pause is None:
                return decision
            self._policies.wait(pause)
            waited += pause

    def _act(self, policy: PhysicalId, decision: Decision, wanted: Properties | None) -> float | None:
        """Do what was decided; return how long to wait before the next read, or None when nothing is left to do."""
        match decision:
            case ReadAgain(seconds):
                return seconds
            case Reject(because):
                self._physical_id = self._id_untouched  # what is live is not this request's, not even in doubt
                raise RejectedError(about(*self._names(), because))
            case Keep(because):
                self._did = self._did or f"nothing: {because}"
            case Put(revision_id):
                self._put(policy, wanted, revision_id)
            case Confirm(revision_id):
                try:
                    self._put(policy, wanted, revision_id)
                except ServiceError as error:
                    if error.code not in _REJECTED:  # the old document may be gone by now: the rollback has to go on
                        raise
                    self._rejected = error.code
                    return LIST_LAG
            case Remove(revision_id, more_may_come):
                there = self._policies.delete(policy.project_arn, policy.policy_name, revision_id)
                self._revision_after = ""
                self._did = self._did or ("deleted" if there else "nothing: it was gone already")
                return LIST_LAG if more_may_come else None
        return None

    def _put(self, policy: PhysicalId, wanted: Properties | None, revision_id: str | None) -> None:
        if wanted is None:
            raise AssertionError("a Delete never puts")
        document = documents.minify(wanted.document)
        self._announce(self._id_once_put)
        try:
            self._revision_after = self._policies.put(policy.project_arn, policy.policy_name, document, revision_id)
        except (OutOfDateError, ServiceError) as error:
            cause = error.cause if isinstance(error, OutOfDateError) else error
            if cause.may_have_worked:
                # Should this request fail now, the rollback has to remove what may be there.
                self._physical_id, self._put_in_doubt = self._id_once_put, True
            raise
        self._did = "put"

    def _check_still_waited_for(self) -> None:
        if self._request.type != "Delete" and self._request.is_abandoned(self._clock.now()):
            raise RejectedError(about(*self._names(), f": {_ABANDONED}"))

    def _names(self) -> tuple[str, str]:
        """Return the policy's name and its project's."""
        if self._policy is None:
            raise AssertionError("nothing is asked of the service before the policy is known")
        return self._policy.policy_name, Project.parse(self._policy.project_arn).name

    def _log(self, physical_id: str, failure: str, cause: str) -> None:
        line = {
            "request": self._request.type,
            "project": self._policy.project_arn if self._policy else "",
            "policy": self._policy.policy_name if self._policy else "",
            "revision_before": self._revision_before,
            "revision_after": self._revision_after,
            "did": self._did,
            "failure": failure,
            "cause": cause,
            "physical_id": physical_id,
        }
        logger.log(logging.ERROR if failure else logging.INFO, json.dumps(line))
