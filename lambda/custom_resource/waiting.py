"""A custom resource whose requests may outlast one run of the function: the next run goes on with what isn't finished.

crhelper's polling protocol (its poll functions, ``CrHelperPoll`` and ``CrHelperData`` in the event), carried by the
function invoking itself asynchronously. crhelper's own way is an EventBridge rule and a statement in the function's
policy for each request, which it leaves behind, or removes before it has responded. A function that invokes itself
makes nothing, so nothing can be left behind.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crhelper import FAILED

from .errors import shorten
from .request import Request
from .resource import Context, CustomResource
from .run import Clock, Outcome, Run
from .timeouts import DEFAULT_SERVICE_TIMEOUT

logger = logging.getLogger(__name__)

MAX_RUNS = 12
"""Runs of one request; Lambda ends a chain of about 16 invocations by itself (recursive loop detection)."""

RESPOND_BEFORE = 60
"""A request is responded to this many seconds, or half the ServiceTimeout, before CloudFormation gives up."""

HAND_OVER_RESERVE = 20
"""A run ends this many seconds before its deadline at the latest."""

_INITIAL_BACKOFF, _MAX_BACKOFF = 0.5, 8.0


@dataclass(frozen=True)
class WaitingRun(Run):
    """One run of a request that may take several."""

    ends: float
    """When this run hands over; no wait goes beyond it."""
    respond_by: float
    """When the request has to be responded to, however it stands."""
    requested_at: float
    """When CloudFormation made the request; if the event doesn't tell, when the first run of this delivery began."""
    progress: Mapping[str, Any]
    """What the run before has left for this one; empty in the first run."""

    @property
    def is_last(self) -> bool:
        """Whether the request has to be responded to before this run could hand over."""
        return self.respond_by == self.ends


@dataclass(frozen=True)
class Unfinished:
    """What ``respond`` returns for a request that the next run goes on with."""

    physical_id: str
    """The physical ID to respond with should no run get further."""
    progress: Mapping[str, Any]
    """What the next run has to know, as JSON can hold it."""
    because: str
    """What it still waits for, as a failure."""


class RunOverError(Exception):
    """A wait that would go beyond the run's end; ``cause`` is what the last call met, if it failed."""

    def __init__(self, cause: Exception | None = None) -> None:
        super().__init__(cause)
        self.cause = cause


Respond = Callable[[Request, WaitingRun], "Outcome | Unfinished"]
"""Does what can be done for a request in one run, and returns how it ended, or that it goes on."""

Invoke = Callable[[str, bytes], None]
"""Invokes a function, given its ARN, asynchronously with an event (JSON)."""


class WaitingResource(CustomResource):
    """A custom resource that responds to each request once, from whichever run finishes it."""

    def __init__(
        self,
        resource_type: str,
        respond: Respond,
        *,
        attributes: Sequence[str],
        invoke: Invoke,
        run_seconds: Callable[[], float],
        clock: Clock | None = None,
    ) -> None:
        """Define the handler of a resource type, as ``CustomResource`` does.

        :param respond: What one run does for a request.
        :param invoke: How the function invokes itself.
        :param run_seconds: Returns how long a run lasts before it hands over.
        """
        super().__init__(resource_type, self._respond_or_wait, attributes=attributes, clock=clock)
        # What keeps crhelper from making clients that aren't used here would also keep it from polling.
        self._sam_local = None
        self._respond_in_one_run = respond
        self._invoke = invoke
        self._run_seconds = run_seconds
        self._run: WaitingRun | None = None
        self._unfinished: Unfinished | None = None
        for register in (self.poll_create, self.poll_update, self.poll_delete):
            register(self._handle)

    def __call__(self, event: Mapping[str, Any], context: Context) -> None:
        """Respond to an event of CloudFormation or of the run before, or hand it over to the next run."""
        self._run, self._unfinished = None, None
        super().__call__(event, context)

    def _respond_or_wait(self, request: Request, run: Run) -> Outcome:
        data = self._data
        known_id = data.get("PhysicalResourceId")
        if known_id:
            run.reserve_physical_id(known_id)  # a timeout of this run responds with what the run before knew
        now = self._clock.now()
        requested_at = float(data.get("Requested", now if request.time is None else request.time))
        service_timeout = request.service_timeout or DEFAULT_SERVICE_TIMEOUT
        respond_by = requested_at + service_timeout - min(RESPOND_BEFORE, service_timeout / 2)
        latest = run.deadline - HAND_OVER_RESERVE
        self._run = WaitingRun(
            **vars(run),
            # Another run would have no time for what this one can still wait for.
            ends=respond_by if respond_by <= latest else min(now + self._run_seconds(), latest),
            respond_by=respond_by,
            requested_at=requested_at,
            progress=data.get("Progress", {}),
        )
        outcome = self._respond_in_one_run(request, self._run)
        if isinstance(outcome, Unfinished):
            self._unfinished = outcome
            return Outcome(outcome.physical_id)
        return outcome

    @property
    def _data(self) -> Mapping[str, Any]:
        """What the run before has left in the event."""
        data = self._delivery.event.get("CrHelperData")
        return data if isinstance(data, Mapping) else {}

    def _poll_enabled(self) -> bool:
        """Return whether crhelper is to poll; by itself it would, two minutes later, for what is finished at once."""
        return self._unfinished is not None

    def _polling_init(self, _event: Mapping[str, Any]) -> None:
        """Hand over to the next run, at the end of this one: crhelper calls this in place of sending a response."""
        run, unfinished = self._run, self._unfinished
        if run is None or unfinished is None:
            raise AssertionError("crhelper polls only for what is unfinished")
        runs = int(self._data.get("Runs", "1"))
        if runs >= MAX_RUNS:
            self._fail(
                "It takes more runs of the provider function than it may have. In a template of your own, give the "
                f"function the Timeout of the shipped templates. {unfinished.because}"
            )
            return
        # A run that handed over early would make the chain of runs come to its end in seconds.
        self._clock.sleep(max(0.0, run.ends - self._clock.now()))
        with self._once:
            if self._delivery.is_responded:
                return
            self._delivery.is_responded = True  # crhelper's timer must not respond to a request that goes on
        following = {
            **self._delivery.event,
            "CrHelperPoll": True,
            "CrHelperData": {
                "Progress": unfinished.progress,
                "PhysicalResourceId": unfinished.physical_id,
                "Requested": str(run.requested_at),
                "Runs": str(runs + 1),
            },
        }
        error = self._invoke_until(run.deadline, run.function_arn, json.dumps(following).encode())
        if error is not None:
            self._delivery.is_responded = False
            self._fail(
                f"The provider function couldn't invoke itself to go on waiting ({shorten(str(error), 400)}). Allow "
                f"its execution role lambda:InvokeFunction on {run.function_arn}; deploy again."
            )

    def _invoke_until(self, deadline: float, function_arn: str, event: bytes) -> Exception | None:
        """Invoke the function; return the error if it failed until the deadline."""
        failures = 0
        while True:
            try:
                self._invoke(function_arn, event)
            except Exception as raised:  # noqa: BLE001 - whatever it is, there is no other way to go on
                error = raised
            else:
                return None
            failures += 1
            pause = self._clock.backoff(failures, _INITIAL_BACKOFF, _MAX_BACKOFF)
            if self._clock.now() + pause >= deadline:
                return error
            logger.warning("The function couldn't invoke itself (%s), retrying", type(error).__name__)
            self._clock.sleep(pause)

    def _fail(self, reason: str) -> None:
        """Let crhelper respond, with the physical ID that is known."""
        logger.error("%s", reason)
        self.Status, self.Reason, self._send_response = FAILED, reason, True
