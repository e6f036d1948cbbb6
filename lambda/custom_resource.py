"""crhelper, made safe: what its 2.0.12 leaves to its callers is guarded here and nowhere else.

Each guard names what would go wrong without it. The class overrides one private method, ``_send``, so the version is
pinned exactly and a test names what is relied on.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Protocol

from project_policy import answer
from project_policy.errors import REASON_LIMIT, shorten
from project_policy.lifecycle import Outcome, fallback_id
from project_policy.rekognition import Clock
from project_policy.request import REQUEST_TYPES
from project_policy.timing import ANSWER_TIMEOUT

# crhelper imports boto3 for its polling, which is not used here: 18 ms of a cold start. An empty module stands in.
_boto3 = sys.modules.setdefault("boto3", ModuleType("boto3"))
from crhelper import FAILED, CfnResource  # noqa: E402 - after what it imports

if not hasattr(_boto3, "client"):
    del sys.modules["boto3"]

_TIMER_REASON = "Execution timed out"
_OUT_OF_TIME = "The provider function ran out of time. Its log tells what it waited for; deploy again."
_NEEDED = ("RequestType", "ResponseURL", "StackId", "RequestId", "LogicalResourceId")


class Context(Protocol):
    """What is needed of Lambda's context object."""

    invoked_function_arn: str

    def get_remaining_time_in_millis(self) -> int:
        """Return how long this invocation may still run."""
        ...


Announce = Callable[[str], None]
Respond = Callable[[Mapping[str, object], Context, Announce], Outcome]


class CustomResource(CfnResource):
    """A crhelper resource that answers each request once, with an id and all attributes, whatever happens."""

    def __init__(self, respond: Respond, clock: Clock) -> None:
        # With AWS_SAM_LOCAL crhelper leaves out three clients that only polling uses: a quarter of a cold start, and
        # without AWS_REGION the failure of every request. DEBUG would log ResponseURL; sleep_on_delete is 120 s.
        before = os.environ.get("AWS_SAM_LOCAL")
        os.environ["AWS_SAM_LOCAL"] = "true"
        try:
            super().__init__(log_level="INFO", boto_level="ERROR", sleep_on_delete=0)
        finally:
            if before is None:
                del os.environ["AWS_SAM_LOCAL"]
            else:
                os.environ["AWS_SAM_LOCAL"] = before
        self._respond = respond
        self._clock = clock
        self._once = threading.Lock()
        self._answered = False
        self._lost: answer.AnswerLost | None = None
        for register in (self.create, self.update, self.delete):
            register(self._handle)

    def __call__(self, event: Mapping[str, Any], context: Context) -> None:
        """Answer one event of CloudFormation.

        Raises ``ValueError`` for an event that nobody could answer, where crhelper would answer the one before, and
        ``AnswerLost`` where the answer did not arrive, so that Lambda delivers a young event again.
        """
        missing = [name for name in _NEEDED if not event.get(name)]
        if missing:
            raise ValueError(
                f"This event lacks {', '.join(missing)}, so it is no request of CloudFormation. "
                "The function is the ServiceToken of a custom resource; deploy a template that has one."
            )
        self._delivery = (event, context)
        self._answered, self._lost = False, None
        super().__call__(dict(event), context)
        if self._lost is not None:
            raise self._lost

    def _handle(self, event: Mapping[str, Any], context: Context) -> str:
        """Run the request; the id is set first, since crhelper answers a time-out or an error with what is there."""
        self.PhysicalResourceId = fallback_id(event)
        self.Data = Outcome(self.PhysicalResourceId).data
        try:
            outcome = self._respond(event, context, self._announce)
        except BaseException as error:  # after a SystemExit crhelper would not answer at all
            raise RuntimeError(
                f"The provider function failed on its own ({type(error).__name__}). Its log tells more; deploy again."
            ) from error
        self.Data = outcome.data
        if outcome.failure:
            self.Status, self.Reason = FAILED, outcome.failure
        return outcome.physical_id

    def _announce(self, physical_id: str) -> None:
        """Take the id that even a time-out has to answer with, for from now on the policy may be there.

        Raises ``RuntimeError`` when a time-out has answered already, so that nothing is put that nobody would know of.
        """
        with self._once:
            if self._answered:
                raise RuntimeError("This request has been answered already.")
            self.PhysicalResourceId = physical_id

    def _send(self, status: str | None = None, reason: str = "", **_: object) -> None:
        """Send the one answer of this event: checked, within its limits, with time-outs, and tried again.

        crhelper's timer would send FAILED and its handler SUCCESS a moment later; the first one counts here.
        """
        with self._once:
            if self._answered:
                return
            self._answered = True
        event, context = self._delivery
        status, reason = status or self.Status, str(reason or self.Reason)
        if reason == _TIMER_REASON:
            reason = _OUT_OF_TIME
        if event["RequestType"] not in REQUEST_TYPES:
            status, reason = FAILED, f"RequestType is none of {', '.join(REQUEST_TYPES)}. Update the provider."
        physical_id = str(self.PhysicalResourceId or fallback_id(event))
        encoded = answer.body(
            {
                "Status": status,
                "Reason": shorten(reason, REASON_LIMIT),
                "PhysicalResourceId": physical_id,
                "StackId": event["StackId"],
                "RequestId": event["RequestId"],
                "LogicalResourceId": event["LogicalResourceId"],
                "NoEcho": False,
                "Data": self.Data or Outcome(physical_id).data,
            }
        )
        deadline = self._clock.now() + context.get_remaining_time_in_millis() / 1000 - ANSWER_TIMEOUT
        try:
            answer.send(event["ResponseURL"], encoded, clock=self._clock, deadline=deadline)
        except answer.AnswerLost as lost:
            self._lost = lost
