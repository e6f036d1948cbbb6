"""Hardened crhelper wrapper: what its 2.0.12 leaves to its callers is guarded here, and for polling in ``waiting``.

Each guard names what would go wrong without it. The class overrides one private method, ``_send``, so the version is
pinned exactly and a test names what is relied on.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from crhelper import FAILED, CfnResource

from . import response
from .errors import ResponseLostError, shorten
from .request import REQUEST_TYPES, Request
from .run import Clock, Outcome, Run
from .timeouts import RESPONSE_RESERVE, RESPONSE_TIMEOUT

# Otherwise crhelper makes three clients that only its polling uses, and without AWS_REGION every request fails.
os.environ.setdefault("AWS_SAM_LOCAL", "true")

_TIMER_REASON = "Execution timed out"
_OUT_OF_TIME = "The provider function ran out of time. See its CloudWatch log; deploy again."
_MIN_CAUSE_LENGTH = 200
_REQUIRED = ("RequestType", "ResponseURL", "StackId", "RequestId", "LogicalResourceId")


class Context(Protocol):
    """What is needed of Lambda's context object."""

    invoked_function_arn: str
    log_stream_name: str

    def get_remaining_time_in_millis(self) -> int:
        """Return how long this invocation may still run."""
        ...


@dataclass
class Delivery:
    """One delivery of an event: what came, and what has become of it so far."""

    event: Mapping[str, Any]
    context: Context
    is_responded: bool = False
    """Whether the one response has been sent, or needs none from this invocation."""
    failed: Exception | None = None
    """What the invocation is to fail with at its end, so that Lambda delivers a young event again."""


Respond = Callable[[Request, Run], Outcome]
"""Does what a request asks for, and returns how it ended."""


class CustomResource(CfnResource):
    """A crhelper resource that responds to each request once, with an ID and all attributes, whatever happens."""

    def __init__(
        self, resource_type: str, respond: Respond, *, attributes: Sequence[str], clock: Clock | None = None
    ) -> None:
        """Define the handler of a resource type.

        :param resource_type: The type that templates give, such as ``Custom::Example``; another one is rejected.
        :param respond: What is done for a request.
        :param attributes: The names of the resource's attributes. Every response has all of them, because one that goes
            missing breaks every Fn::GetAtt.
        :param clock: The time. Default: the machine's.
        """
        # DEBUG would log ResponseURL; sleep_on_delete is 120 s.
        super().__init__(log_level="INFO", boto_level="ERROR", sleep_on_delete=0)
        self._resource_type = resource_type
        self._respond = respond
        self._attributes = tuple(attributes)
        self._clock = clock or Clock()
        self._once = threading.Lock()
        self._delivery: Delivery
        for register in (self.create, self.update, self.delete):
            register(self._handle)

    def __call__(self, event: Mapping[str, Any], context: Context) -> None:
        """Respond to one event of CloudFormation.

        Raises ``ValueError`` for an event that can't be responded to, because crhelper would respond to the one before,
        and ``ResponseLostError`` if the response didn't arrive, so that Lambda delivers a young event again.
        """
        missing = [name for name in _REQUIRED if not event.get(name)]
        if missing:
            raise ValueError(
                f"This event lacks {', '.join(missing)}, so it isn't a request of CloudFormation. "
                "The function is the ServiceToken of a custom resource; deploy a template that has one."
            )
        if not str(event["ResponseURL"]).startswith(("https://", "http://")):  # http is an emulator's
            raise ValueError("ResponseURL of this event isn't an https URL, so nobody could receive a response.")
        self._delivery = Delivery(event, context)
        super().__call__(dict(event), context)
        if self._delivery.failed is not None:
            raise self._delivery.failed

    def _handle(self, event: Mapping[str, Any], context: Context) -> str:
        """Run the request; the ID is set first, because crhelper responds to a timeout with what is there."""
        request = Request.parse(event, self._clock.now())
        self.PhysicalResourceId = request.fallback_id(self._clock.now())
        try:
            outcome = self._outcome(request, event.get("ResourceType"), context)
        except BaseException as error:  # after a SystemExit crhelper wouldn't respond at all
            raise RuntimeError(
                f"The provider function raised an unexpected error ({type(error).__name__}). "
                "See its CloudWatch log; deploy again."
            ) from error
        self.Data = dict(outcome.attributes)
        if outcome.failure:
            self.Status, self.Reason = FAILED, _reason(outcome)
        return outcome.physical_id

    def _outcome(self, request: Request, resource_type: object, context: Context) -> Outcome:
        if resource_type != self._resource_type:
            if request.type == "Delete":  # every Create of another type was rejected
                return Outcome(request.physical_id)
            return Outcome(
                request.fallback_id(self._clock.now(), made_nothing=True),
                failure=(
                    f'Resource type "{shorten(str(resource_type))}" isn\'t managed by this provider. '
                    f"Use {self._resource_type}, or the ServiceToken of another provider."
                ),
            )
        left = context.get_remaining_time_in_millis() / 1000 - RESPONSE_RESERVE
        run = Run(self._clock, self._clock.now() + left, context.invoked_function_arn, self._reserve_physical_id)
        return self._respond(request, run)

    def _reserve_physical_id(self, physical_id: str) -> None:
        with self._once:
            if self._delivery.is_responded:
                raise RuntimeError("This request has been responded to already.")
            self.PhysicalResourceId = physical_id

    def _send(self, status: str | None = None, reason: str = "", **_: object) -> None:
        """Send the one response of this event: checked, within its limits, with timeouts and retries.

        crhelper's timer would send FAILED and its handler SUCCESS a moment later; the first one counts here.
        """
        delivery = self._delivery
        with self._once:
            if delivery.is_responded:
                return
            delivery.is_responded = True
        event, context, now = delivery.event, delivery.context, self._clock.now()
        status, reason = status or self.Status, str(reason or self.Reason)
        if reason == _TIMER_REASON:
            reason = _OUT_OF_TIME
        if event["RequestType"] not in REQUEST_TYPES:
            status, reason = FAILED, f"RequestType isn't one of {', '.join(REQUEST_TYPES)}. Update the provider."
        reason = shorten(reason, response.REASON_LIMIT)
        if status == FAILED:  # the CDK CLI looks for the log by these words, and takes what is behind them for its name
            reason += f" CloudWatch Log Stream: {context.log_stream_name}"
        encoded = response.body(
            {
                "Status": status,
                "Reason": reason,
                "PhysicalResourceId": str(self.PhysicalResourceId or Request.parse(event, now).fallback_id(now)),
                "StackId": event["StackId"],
                "RequestId": event["RequestId"],
                "LogicalResourceId": event["LogicalResourceId"],
                "NoEcho": False,
                "Data": {name: self.Data.get(name, "") for name in self._attributes},
            }
        )
        deadline = now + context.get_remaining_time_in_millis() / 1000 - RESPONSE_TIMEOUT
        try:
            response.send(event["ResponseURL"], encoded, clock=self._clock, deadline=deadline)
        except ResponseLostError as lost:
            delivery.failed = lost


def _reason(outcome: Outcome) -> str:
    """Return the Reason of a failure: what to do, then what a failed call returned, which is cut first."""
    if not outcome.cause:
        return outcome.failure
    room = max(response.REASON_LIMIT - len(outcome.failure) - len(" ()"), _MIN_CAUSE_LENGTH)
    return f"{outcome.failure} ({shorten(outcome.cause, room)})"
