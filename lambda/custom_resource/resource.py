"""Hardened crhelper wrapper: what its 2.0.12 leaves to its callers is guarded here and nowhere else.

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
from .clock import Clock
from .errors import ResponseLostError, shorten
from .outcome import Outcome
from .request import REQUEST_TYPES, Request, not_created
from .timeouts import RESPONSE_RESERVE, RESPONSE_TIMEOUT

# Otherwise crhelper makes three clients that only its polling uses, and without AWS_REGION every request fails.
os.environ.setdefault("AWS_SAM_LOCAL", "true")

_TIMER_REASON = "Execution timed out"
_OUT_OF_TIME = "The provider function ran out of time. See its CloudWatch log; deploy again."
_SHORTEST_CAUSE = 200
_REQUIRED = ("RequestType", "ResponseURL", "StackId", "RequestId", "LogicalResourceId")


class Context(Protocol):
    """What is needed of Lambda's context object."""

    invoked_function_arn: str
    log_stream_name: str

    def get_remaining_time_in_millis(self) -> int:
        """Return how long this invocation may still run."""
        ...


@dataclass(frozen=True)
class Run:
    """One run of the function."""

    clock: Clock
    deadline: float
    """When the work has to end, so that there is time to send the response."""
    function_arn: str
    announce: Callable[[str], None]
    """Takes the physical ID that even a timeout has to respond with, before the resource may exist.

    Raises ``RuntimeError`` when a timeout has responded already, so that nothing is made that nobody would know of.
    """


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
        self._responded = False
        self._lost: ResponseLostError | None = None
        for register in (self.create, self.update, self.delete):
            register(self._handle)

    def __call__(self, event: Mapping[str, Any], context: Context) -> None:
        """Respond to one event of CloudFormation.

        Raises ``ValueError`` for an event that nobody could respond to, where crhelper would respond to the one before,
        and ``ResponseLostError`` where the response didn't arrive, so that Lambda delivers a young event again.
        """
        missing = [name for name in _REQUIRED if not event.get(name)]
        if missing:
            raise ValueError(
                f"This event lacks {', '.join(missing)}, so it isn't a request of CloudFormation. "
                "The function is the ServiceToken of a custom resource; deploy a template that has one."
            )
        self._delivery = (event, context)
        self._responded, self._lost = False, None
        super().__call__(dict(event), context)
        if self._lost is not None:
            raise self._lost

    def _handle(self, event: Mapping[str, Any], context: Context) -> str:
        """Run the request; the ID is set first, because crhelper responds to a timeout with what is there."""
        request = Request.parse(event, self._clock.now())
        self.PhysicalResourceId = request.fallback_id(self._clock.now())
        try:
            outcome = self._outcome(request, event.get("ResourceType"), context)
        except BaseException as error:  # after a SystemExit crhelper wouldn't respond at all
            raise RuntimeError(
                f"The provider function raised an unexpected error ({type(error).__name__}). "
                f"See its CloudWatch log, stream {context.log_stream_name}; deploy again."
            ) from error
        self.Data = dict(outcome.attributes)
        if outcome.failure:
            self.Status, self.Reason = FAILED, _reason(outcome, context.log_stream_name)
        return outcome.physical_id

    def _outcome(self, request: Request, resource_type: object, context: Context) -> Outcome:
        if resource_type != self._resource_type and not request.made_nothing:
            return Outcome(
                request.physical_id or not_created(request.logical_id, request.request_id),
                failure=(
                    f'Resource type "{shorten(str(resource_type))}" isn\'t managed by this provider. '
                    f"Use {self._resource_type}, or the ServiceToken of another provider."
                ),
            )
        left = context.get_remaining_time_in_millis() / 1000 - RESPONSE_RESERVE
        run = Run(self._clock, self._clock.now() + left, context.invoked_function_arn, self._announce)
        return self._respond(request, run)

    def _fallback_id(self, event: Mapping[str, Any]) -> str:
        now = self._clock.now()
        return Request.parse(event, now).fallback_id(now)

    def _announce(self, physical_id: str) -> None:
        with self._once:
            if self._responded:
                raise RuntimeError("This request has been responded to already.")
            self.PhysicalResourceId = physical_id

    def _send(self, status: str | None = None, reason: str = "", **_: object) -> None:
        """Send the one response of this event: checked, within its limits, with timeouts and retries.

        crhelper's timer would send FAILED and its handler SUCCESS a moment later; the first one counts here.
        """
        with self._once:
            if self._responded:
                return
            self._responded = True
        event, context = self._delivery
        status, reason = status or self.Status, str(reason or self.Reason)
        if reason == _TIMER_REASON:
            reason = _OUT_OF_TIME
        if event["RequestType"] not in REQUEST_TYPES:
            status, reason = FAILED, f"RequestType isn't one of {', '.join(REQUEST_TYPES)}. Update the provider."
        encoded = response.body(
            {
                "Status": status,
                "Reason": shorten(reason, response.REASON_LIMIT),
                "PhysicalResourceId": str(self.PhysicalResourceId or self._fallback_id(event)),
                "StackId": event["StackId"],
                "RequestId": event["RequestId"],
                "LogicalResourceId": event["LogicalResourceId"],
                "NoEcho": False,
                "Data": {name: self.Data.get(name, "") for name in self._attributes},
            }
        )
        deadline = self._clock.now() + context.get_remaining_time_in_millis() / 1000 - RESPONSE_TIMEOUT
        try:
            response.send(event["ResponseURL"], encoded, clock=self._clock, deadline=deadline)
        except ResponseLostError as lost:
            self._lost = lost


def _reason(outcome: Outcome, log_stream: str) -> str:
    """Return the Reason of a failure: what to do, then what a failed call returned, and where the log is."""
    if not outcome.cause:
        return outcome.failure
    end = f"; log stream {log_stream})"
    begin = f"{outcome.failure} ("
    room = max(response.REASON_LIMIT - len(begin) - len(end), _SHORTEST_CAUSE)
    return f"{begin}{shorten(outcome.cause, room)}{end}"
