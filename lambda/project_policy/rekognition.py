"""The three calls of Rekognition that concern project policies, tried again for as long as that helps.

The SDK itself tries each call once: how long to go on depends on the request's deadline, which the SDK does not know,
and botocore would take the true quota error LimitExceededException for throttling.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.loaders import Loader
from botocore.session import get_session

from .decision import LivePolicy
from .timing import CONNECT_TIMEOUT, PERMISSION_PATIENCE, PRINCIPAL_PATIENCE, READ_TIMEOUT, STALE_LOOK

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

_THROTTLED = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "ProvisionedThroughputExceededException",
    }
)
_MISSED = frozenset({"InvalidPolicyRevisionIdException", "ResourceAlreadyExistsException"})
_NOT_FOUND = "ResourceNotFoundException"
_DENIED = "AccessDeniedException"
_OF_PRINCIPAL = frozenset({"MalformedPolicyDocumentException", "InvalidParameterException"})
UNREACHABLE = "Unreachable"
"""The code given to a call that got no answer; all codes but these two are the service's own."""
OUT_OF_TIME = "OutOfTime"
"""The code given to a call for which there was no time left."""

# Measured with a hundred policies queued at once, ten processes and five calls a second: a longer pause leaves the
# limit idle at the end, a shorter first one mostly makes more throttled calls.
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 2.0


class _Models(Loader):
    """Takes Rekognition's model for granted: botocore would look for those of all services, twice, for 12 ms."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - every kind of model is there
        return ["rekognition"]


def new_client() -> RekognitionClient:
    """Return the SDK's client, which tries each call once: botocore's, on which boto3 stands.

    boto3 itself would load its resources and its S3 transfers too, another 18 ms of a cold start.
    """
    session = get_session()
    session.register_component("data_loader", _Models())
    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        retries={"total_max_attempts": 1, "mode": "standard"},
    )
    return session.create_client("rekognition", config=config)  # type: ignore[return-value] # made of the model


class ServiceError(Exception):
    """A call of Rekognition that failed for good."""

    def __init__(self, operation: str, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{operation}: {code}: {message}")
        self.operation = operation
        """The API's operation, such as ``PutProjectPolicy``."""
        self.code = code
        """The API's error code, or UNREACHABLE."""
        self.message = message
        """What the service said; shown to people, never decided by."""
        self.status = status
        """The HTTP status of the answer; 0 where there was none."""

    @property
    def may_have_worked(self) -> bool:
        """Whether the call may have had its effect all the same."""
        return self.code == UNREACHABLE or self.status >= 500

    @property
    def missed(self) -> bool:
        """Whether the policies are not as they were when they were looked at."""
        return self.code in _MISSED


class OutOfDate(Exception):
    """A change that has to be decided anew, on another look: the last one may no longer be true."""

    def __init__(self, cause: ServiceError) -> None:
        super().__init__(str(cause))
        self.cause = cause


@dataclass(frozen=True)
class Clock:
    """Time as the handler knows it; a parameter, so that its rules can be tested on virtual time."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[float], float] = lambda limit: random.uniform(0, limit)  # noqa: S311 - spreads load, no secret


class ProjectPolicies:
    """The policies of Custom Labels projects, until a deadline.

    Every method raises ``ServiceError`` when a call fails for good or the deadline has come.
    """

    def __init__(self, client: RekognitionClient, *, clock: Clock, deadline: float) -> None:
        self._client = client
        self._clock = clock
        self._deadline = deadline
        self._pauses = 0
        self._denied_since: float | None = None
        self._doubted_since: float | None = None
        self._looked_at = 0.0

    def find(self, project_arn: str, policy_name: str) -> LivePolicy | None:
        """Return the live policy of that name, None where there is none (ListProjectPolicies, until it is found)."""
        self._looked_at = self._clock.now()
        page: dict[str, Any] = {"ProjectArn": project_arn}
        while True:
            answer = self._call("ListProjectPolicies", self._client.list_project_policies, page)
            for policy in answer["ProjectPolicies"]:
                if policy["PolicyName"] == policy_name:
                    return LivePolicy(
                        revision_id=policy["PolicyRevisionId"],
                        document=policy["PolicyDocument"],
                        created=_seconds(policy["CreationTimestamp"]),
                        updated=_seconds(policy["LastUpdatedTimestamp"]),
                    )
            if not answer.get("NextToken"):
                return None
            page["NextToken"] = answer["NextToken"]

    def put(self, project_arn: str, policy_name: str, document: str, revision_id: str | None) -> str:
        """Put a policy and return its new revision (PutProjectPolicy).

        Raises ``OutOfDate`` where the policy has to be looked at again before another try.
        """
        parameters = {"ProjectArn": project_arn, "PolicyName": policy_name, "PolicyDocument": document}
        if revision_id is not None:
            parameters["PolicyRevisionId"] = revision_id
        try:
            answer = self._call("PutProjectPolicy", self._client.put_project_policy, parameters, changes=True)
        except ServiceError as error:
            # With a revision, a policy that is gone may be answered like a project that is.
            if error.missed or (error.code == _NOT_FOUND and revision_id is not None):
                raise OutOfDate(error) from error
            raise
        return str(answer["PolicyRevisionId"])

    def delete(self, project_arn: str, policy_name: str, revision_id: str | None) -> bool:
        """Delete a policy, and tell whether there was one; its project may be gone as well (DeleteProjectPolicy).

        Raises ``OutOfDate`` where the policy has to be looked at again before another try.
        """
        parameters = {"ProjectArn": project_arn, "PolicyName": policy_name}
        if revision_id is not None:
            parameters["PolicyRevisionId"] = revision_id
        try:
            self._call("DeleteProjectPolicy", self._client.delete_project_policy, parameters, changes=True)
        except ServiceError as error:
            if error.missed:
                raise OutOfDate(error) from error
            if error.code != _NOT_FOUND:
                raise
            return False
        return True

    def wait(self, seconds: float, otherwise: ServiceError | None = None) -> None:
        """Sleep, or raise ``otherwise`` when the deadline would come first."""
        if self._clock.now() + seconds >= self._deadline:
            raise otherwise or ServiceError("ListProjectPolicies", OUT_OF_TIME, "")
        self._clock.sleep(seconds)

    def _call(
        self,
        operation: str,
        call: Callable[..., Any],
        parameters: Mapping[str, Any],
        *,
        changes: bool = False,
    ) -> Mapping[str, Any]:
        while True:
            # An answer may go out by itself after the deadline; what were changed then, nobody would know of.
            if self._clock.now() >= self._deadline:
                raise ServiceError(operation, OUT_OF_TIME, "")
            try:
                answer: Mapping[str, Any] = call(**parameters)
            except (ClientError, BotoCoreError) as raised:
                error = _service_error(operation, raised)
            else:
                return answer
            if not self._is_worth_another_try(error):
                raise error
            self._pause(error)
            if changes and (error.may_have_worked or self._clock.now() - self._looked_at > STALE_LOOK):
                raise OutOfDate(error)

    def _pause(self, error: ServiceError) -> None:
        """Wait before another try: full jitter, so that many functions that were throttled together spread out."""
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**self._pauses)
        self._pauses += 1
        self.wait(self._clock.jitter(longest), error)

    def _is_worth_another_try(self, error: ServiceError) -> bool:
        if error.code in _THROTTLED or error.may_have_worked:
            return True
        now = self._clock.now()
        if error.code == _DENIED:
            self._denied_since = self._denied_since or now
            return now - self._denied_since < PERMISSION_PATIENCE
        if error.code in _OF_PRINCIPAL and "principal" in error.message.lower():
            self._doubted_since = self._doubted_since or now
            return now - self._doubted_since < PRINCIPAL_PATIENCE
        return False


def _service_error(operation: str, raised: ClientError | BotoCoreError) -> ServiceError:
    if isinstance(raised, ClientError):
        answer = raised.response
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
        return ServiceError(operation, answer["Error"]["Code"], answer["Error"]["Message"], status)
    if isinstance(raised, HTTPClientError):  # a connection that failed, was dropped, or took too long
        return ServiceError(operation, UNREACHABLE, type(raised).__name__, 0)
    return ServiceError(operation, type(raised).__name__, str(raised))


def _seconds(timestamp: datetime | float) -> float:
    return timestamp.timestamp() if isinstance(timestamp, datetime) else float(timestamp)
