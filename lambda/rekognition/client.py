"""Calls of Rekognition, retried for as long as that helps.

The SDK itself tries each call once: how long to go on depends on the request's deadline, which the SDK doesn't know,
and botocore would take the true quota error LimitExceededException for throttling.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from .arns import Project
from .errors import ACCESS_DENIED, NOT_FOUND, OUT_OF_TIME, THROTTLED, UNREACHABLE, ServiceError, StaleReadError

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

CONNECT_TIMEOUT = 5
"""How many seconds one connection to Rekognition may take to open."""

READ_TIMEOUT = 15
"""How many seconds one call of Rekognition may go without a byte."""

CALL_RESERVE = CONNECT_TIMEOUT + READ_TIMEOUT
"""No call of Rekognition begins when fewer seconds than this are left before the deadline."""

PERMISSION_RETRY_SECONDS = 30
"""How many seconds AccessDenied is retried: a permission deployed just before may not be known yet (aws-cdk#37675)."""

YOUNG_PROJECT_SECONDS = 120
"""How many seconds after it was created a project may not be known everywhere yet."""

PROJECT_RETRY_SECONDS = 15
"""How many seconds such a project is looked for."""

STALE_READ_SECONDS = 10
"""How many seconds after a read began it no longer counts: the service is read again before anything is changed."""

_INITIAL_BACKOFF = 1.0
_MAX_BACKOFF = 2.0
# Measured with 450 resources at once, each in a process of its own, and five calls a second of each operation: with 2
# seconds there are three times the throttled calls. If a rejected call counts as well, a hundred never get through.
_MAX_BACKOFF_OF_THROTTLED = 8.0


def new_client() -> RekognitionClient:
    """Return the SDK's client, which tries each call once."""
    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        retries={"total_max_attempts": 1, "mode": "standard"},
    )
    return boto3.client("rekognition", config=config)


class Clock(Protocol):
    """Time in seconds since the epoch, and how to let it pass."""

    def now(self) -> float:
        """Return the time."""

    def sleep(self, seconds: float) -> None:
        """Wait."""

    def backoff(self, failures: int, first: float, longest: float) -> float:
        """Return how long to pause after so many failures."""


class RekognitionCalls:
    """Calls of Rekognition until a deadline; a resource derives from it and names its operations.

    Every call raises ``ServiceError`` when it fails for good, or ``out_of_time`` when the deadline has come.
    """

    def __init__(
        self,
        client: RekognitionClient,
        clock: Clock,
        deadline: float,
        *,
        ends: float = math.inf,
        failing_since: MutableMapping[str, float] | None = None,
    ) -> None:
        """Call with a client.

        :param deadline: When the last call has to have returned.
        :param ends: When the last wait has to be over. Default: in time for another call.
        :param failing_since: When each error was met first, for whoever goes on later: retries count for the request.
        """
        self._client = client
        self._clock = clock
        self._deadline = deadline - CALL_RESERVE
        self._ends = min(ends, self._deadline)
        self._failing_since: MutableMapping[str, float] = {} if failing_since is None else failing_since
        self._operation = ""
        self._pauses = 0
        self._read_at = 0.0
        self._project_is_young = False
        self.was_throttled = False
        """Whether a call was throttled."""

    def wait(self, seconds: float, cause: ServiceError | None = None) -> None:
        """Sleep, or raise ``out_of_time`` when the end of waiting would come first."""
        if self._clock.now() + seconds >= self._ends:
            raise self.out_of_time(cause)
        self._clock.sleep(seconds)

    def out_of_time(self, cause: ServiceError | None) -> Exception:
        """Return what is raised when no time is left; ``cause`` is what the last call met, if it failed."""
        return cause or ServiceError(self._operation, OUT_OF_TIME, "")

    def _note_read(self, project_arn: str) -> None:
        """Note that what is decided from now on is decided on what is read of this project now."""
        self._read_at = self._clock.now()
        self._project_is_young = abs(self._read_at - Project.parse(project_arn).created_at) < YOUNG_PROJECT_SECONDS

    def _call(
        self,
        operation: str,
        call: Callable[..., Any],
        parameters: Mapping[str, Any],
        *,
        changes: bool = False,
    ) -> Mapping[str, Any]:
        """Call until it works; a change raises ``StaleReadError`` if it must be decided again before another try."""
        self._operation = operation
        while True:
            # A response may go out by itself after the deadline; nobody would know of what were changed then.
            if self._clock.now() >= self._deadline:
                raise self.out_of_time(None)
            try:
                response: Mapping[str, Any] = call(**parameters)
            except (ClientError, BotoCoreError) as raised:
                error = _service_error(operation, raised)
            else:
                for key in [key for key in self._failing_since if key.startswith(f"{operation} ")]:
                    del self._failing_since[key]
                return response
            if not self._is_worth_retrying(error, self._retry_seconds(error)):
                raise error
            self._pause(error)
            if changes and (error.may_have_worked or self._clock.now() - self._read_at > STALE_READ_SECONDS):
                raise StaleReadError(error)

    def _is_worth_retrying(self, error: ServiceError, patience: float) -> bool:
        """Return whether an error was met first, since its operation worked last, less than so many seconds ago."""
        now = self._clock.now()
        return now - self._failing_since.setdefault(f"{error.operation} {error.code}", now) < patience

    def _retry_seconds(self, error: ServiceError) -> float:
        """Return for how many seconds from its first occurrence an error is worth retrying."""
        if error.code in THROTTLED or error.may_have_worked:
            return math.inf
        if error.code == NOT_FOUND and self._project_is_young and not error.operation.startswith("Delete"):
            return PROJECT_RETRY_SECONDS
        return PERMISSION_RETRY_SECONDS if error.code == ACCESS_DENIED else 0

    def _pause(self, error: ServiceError) -> None:
        """Wait before another try."""
        is_throttled = error.code in THROTTLED
        self.was_throttled = self.was_throttled or is_throttled
        self._pauses += 1
        longest = _MAX_BACKOFF_OF_THROTTLED if is_throttled else _MAX_BACKOFF
        self.wait(self._clock.backoff(self._pauses, _INITIAL_BACKOFF, longest), error)


def _service_error(operation: str, raised: ClientError | BotoCoreError) -> ServiceError:
    if isinstance(raised, ClientError):
        response = raised.response
        metadata = response.get("ResponseMetadata", {})
        return ServiceError(
            operation,
            response["Error"]["Code"],
            response["Error"]["Message"],
            metadata.get("HTTPStatusCode", 400),
            metadata.get("RequestId", ""),
        )
    if isinstance(raised, (NoConnectionError, HTTPClientError)):  # not opened, dropped, or too slow
        return ServiceError(operation, UNREACHABLE, type(raised).__name__)
    return ServiceError(operation, type(raised).__name__, str(raised))
