"""The life of a project policy: look what is live, decide, act at most once, and say how it went.

A change that misses (somebody else was faster) or whose answer is lost is decided anew on another look, never blindly
repeated.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from . import decision as decisions
from . import document as documents
from .decision import Decision, Keep, LivePolicy, LookAgain, Moment, Put, Refuse, Remove
from .errors import REASON_LIMIT, Refused, about, shorten
from .identity import Home, PhysicalId, Project, in_doubt, not_created
from .reasons import reason
from .rekognition import Clock, OutOfDate, ProjectPolicies, ServiceError
from .request import Properties, Request
from .timing import LIST_LAG

logger = logging.getLogger(__name__)

_MOST_MISSES = 5
_ABANDONED = "CloudFormation no longer waits for this request, so nothing was changed. Deploy again."


@dataclass(frozen=True)
class Outcome:
    """What CloudFormation is answered."""

    physical_id: str
    revision_id: str = ""
    policy_name: str = ""
    project_arn: str = ""
    failure: str = ""
    """Why the request failed; empty where it succeeded."""

    @property
    def data(self) -> dict[str, str]:
        """The attributes for Fn::GetAtt: always all of them, since one that goes missing breaks every GetAtt."""
        return {
            "PolicyRevisionId": self.revision_id,
            "PolicyName": self.policy_name,
            "ProjectArn": self.project_arn,
        }


def respond(
    event: Mapping[str, object],
    policies: ProjectPolicies,
    *,
    home: Home,
    clock: Clock,
    announce: Callable[[str], None],
) -> Outcome:
    """Do what an event of CloudFormation asks for and return what to answer; writes one line to the log.

    ``announce`` is told the physical id to answer with, should this function never return, before a policy is put.
    """
    return _Run(Request.parse(event), policies, home, clock, announce).outcome()


def fallback_id(event: Mapping[str, object]) -> str:
    """Return the physical id to answer with as long as nothing else is known: the given one, else one in doubt."""
    return str(event.get("PhysicalResourceId") or in_doubt(str(event["LogicalResourceId"]), str(event["RequestId"])))


class _Run:
    """One request on its way; holds what is known so far, for the answer and the log."""

    def __init__(
        self,
        request: Request,
        policies: ProjectPolicies,
        home: Home,
        clock: Clock,
        announce: Callable[[str], None],
    ) -> None:
        self._request = request
        self._policies = policies
        self._home = home
        self._clock = clock
        self._announce = announce
        # What to answer when nothing was made; until the service has been looked at, an earlier delivery may have.
        self._id_untouched = request.physical_id or not_created(request.logical_id, request.request_id)
        self._id_once_put = self._id_untouched
        self._physical_id = request.physical_id or in_doubt(request.logical_id, request.request_id)
        self._doubted = False
        self._policy = request.policy
        self._revision_before = ""
        self._revision_after = ""
        self._did = ""

    def outcome(self) -> Outcome:
        failure = ""
        try:
            if self._request.type == "Delete":
                self._delete()
            else:
                self._create_or_update(self._wanted())
        except Refused as error:
            failure = str(error)
        except ServiceError as error:
            failure = reason(error, *self._names())
        if failure:
            self._did = "nothing"
        self._log(failure)
        known = self._policy
        return Outcome(
            physical_id=self._physical_id,
            revision_id=self._revision_after,
            policy_name=known.policy_name if known else "",
            project_arn=known.project_arn if known else "",
            failure=shorten(failure, REASON_LIMIT),
        )

    def _wanted(self) -> Properties:
        try:
            return Properties.parse(self._request.properties, self._home)
        except Refused:
            self._physical_id = self._id_untouched  # no delivery of this request can have made anything
            raise

    def _create_or_update(self, wanted: Properties) -> None:
        target, given = wanted.physical_id, self._request.policy
        self._policy = target
        in_place = given is not None and (given.project_arn, given.policy_name) == (
            target.project_arn,
            target.policy_name,
        )
        if in_place:
            self._settle(target, partial(decisions.decide_update, self._request, wanted), wanted)
            return
        self._id_once_put = str(target)
        settled = self._settle(target, partial(decisions.decide_create, self._request, wanted), wanted)
        adopted = isinstance(settled, Keep) and settled.adopted
        self._physical_id = str(PhysicalId(target.project_arn, target.policy_name, adopted))

    def _delete(self) -> None:
        if self._request.made_nothing:
            self._did = "nothing: the Create had made nothing"
        elif self._policy is None:
            self._delete_what_a_cancelled_create_left()
        elif self._policy.adopted:
            self._did = "nothing: the policy was adopted, so it stays"
        else:
            self._settle_or_gone(self._policy, partial(decisions.decide_delete, self._request))

    def _delete_what_a_cancelled_create_left(self) -> None:
        try:
            wanted = Properties.parse(self._request.properties, self._home)
        except Refused as error:
            self._did = f"nothing: its Create was refused ({error})"
            return
        self._policy = wanted.physical_id
        self._settle_or_gone(wanted.physical_id, partial(decisions.decide_delete_of_unknown, self._request, wanted))

    def _settle_or_gone(self, policy: PhysicalId, decide: Callable[[LivePolicy | None, Moment], Decision]) -> None:
        try:
            self._settle(policy, decide)
        except ServiceError as error:
            if error.code != "ResourceNotFoundException":
                raise
            self._did = "nothing: the project is gone, and its policies with it"

    def _settle(
        self,
        policy: PhysicalId,
        decide: Callable[[LivePolicy | None, Moment], Decision],
        wanted: Properties | None = None,
    ) -> Decision:
        """Look and decide until there is nothing more to do; return the last decision."""
        waited, misses = 0.0, 0
        while True:
            self._check_still_waited_for()
            live = self._policies.find(policy.project_arn, policy.policy_name)
            if not self._doubted:
                self._physical_id = self._id_untouched
            self._revision_after = live.revision_id if live else ""
            self._revision_before = self._revision_before or self._revision_after
            decision = decide(live, Moment(self._clock.now(), waited))
            try:
                pause = self._act(policy, decision, wanted)
            except OutOfDate as missed:
                misses += missed.cause.missed
                if misses >= _MOST_MISSES:
                    raise missed.cause from missed
                if missed.cause.missed:
                    self._policies.wait(LIST_LAG, missed.cause)  # the list may show late what the change ran into
                continue
            if pause is None:
                return decision
            self._policies.wait(pause)
            waited += pause

    def _act(self, policy: PhysicalId, decision: Decision, wanted: Properties | None) -> float | None:
        """Do what was decided; return how long to wait before the next look, None where there is none."""
        match decision:
            case LookAgain(seconds):
                return seconds
            case Refuse(because):
                self._physical_id = self._id_untouched  # what is live is not this request's, not even in doubt
                raise Refused(about(*self._names(), f" {because}"))
            case Keep(because):
                self._did = self._did or f"nothing: {because}"
            case Put(revision_id):
                self._put(policy, wanted, revision_id)
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
        except (OutOfDate, ServiceError) as error:
            cause = error.cause if isinstance(error, OutOfDate) else error
            if cause.may_have_worked:
                # Should this request fail now, the roll-back has to remove what may be there.
                self._physical_id, self._doubted = self._id_once_put, True
            raise
        self._did = "put"

    def _check_still_waited_for(self) -> None:
        if self._request.type != "Delete" and self._request.is_abandoned(self._clock.now()):
            raise Refused(about(*self._names(), f": {_ABANDONED}"))

    def _names(self) -> tuple[str, str]:
        """Return the policy's name and its project's."""
        if self._policy is None:
            raise AssertionError("nothing is asked of the service before the policy is known")
        return self._policy.policy_name, Project.parse(self._policy.project_arn).name

    def _log(self, failure: str) -> None:
        line = {
            "request": self._request.type,
            "project": self._policy.project_arn if self._policy else "",
            "policy": self._policy.policy_name if self._policy else "",
            "revision_before": self._revision_before,
            "revision_after": self._revision_after,
            "did": self._did,
            "failure": failure,
            "physical_id": self._physical_id,
        }
        logger.log(logging.ERROR if failure else logging.INFO, json.dumps(line))
