"""What goes wrong in a call of Rekognition, and what a person can do about it."""

from __future__ import annotations

from collections.abc import Mapping

THROTTLED = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "ProvisionedThroughputExceededException",
    }
)
"""The error codes that stand for too many calls; ThrottlingException comes with HTTP status 500."""

ACCESS_DENIED = "AccessDeniedException"
NOT_FOUND = "ResourceNotFoundException"
UNREACHABLE = "Unreachable"
"""The code given to a call that got no response; another error of the SDK has the name of its class."""
OUT_OF_TIME = "OutOfTime"
"""The code given to a call for which there was no time left."""

_THROTTLED_SENTENCE = (
    "Rekognition throttled {operation} for as long as there was time. Deploy again (or continue the rollback), fewer "
    "resources at once, or raise the quota."
)

SENTENCES = {
    ACCESS_DENIED: (
        "{operation} was denied. Allow the provider's execution role rekognition:{operation} on the project, then "
        "deploy again (or continue the rollback); if it is allowed, another policy denies it, or the Region has no "
        "Custom Labels."
    ),
    "InternalServerError": (
        "Rekognition returned an internal error. Deploy again (or continue the rollback); if it lasts, see AWS Health."
    ),
    "ProvisionedThroughputExceededException": _THROTTLED_SENTENCE,
    "ThrottlingException": _THROTTLED_SENTENCE,
    OUT_OF_TIME: (
        "no time was left for {operation}. Deploy again (or continue the rollback); in a template of your own, give "
        "the function the Timeout of the shipped templates."
    ),
    UNREACHABLE: (
        "{operation} got no response from Rekognition. Deploy again (or continue the rollback); if the function is in "
        "a VPC, give it a way to Rekognition's endpoint."
    ),
}
"""A sentence for the error codes that mean the same for each operation; a resource adds those of its own."""

_UNKNOWN = "{operation} failed with {code}. Look the code up in the Rekognition API reference."


class ServiceError(Exception):
    """A call of Rekognition that failed, or for which no time was left."""

    def __init__(self, operation: str, code: str, message: str, status: int = 400, request_id: str = "") -> None:
        super().__init__(f"{operation}: {code}: {message}")
        self.operation = operation
        """The API's operation, such as ``DescribeProjects``."""
        self.code = code
        """The API's error code, UNREACHABLE or OUT_OF_TIME."""
        self.message = message
        """What the service said; shown to people."""
        self.status = status
        """The HTTP status of the response; 400 if there was none."""
        self.request_id = request_id
        """The service's ID of the call."""

    @property
    def may_have_worked(self) -> bool:
        """Whether the call may have had its effect all the same; a throttled one was never begun."""
        return self.code == UNREACHABLE or (self.status >= 500 and self.code not in THROTTLED)

    @property
    def cause(self) -> str:
        """What the service returned: its code, whole message and request ID."""
        said = f"{self.code}: {self.message}" if self.message else self.code
        return f"{said}; request ID {self.request_id}" if self.request_id else said

    def sentence(self, own: Mapping[str, str]) -> str:
        """Return what went wrong and what to do; ``own`` has a resource's sentences, by error code."""
        template = {**SENTENCES, **own}.get(self.code, _UNKNOWN)
        return template.format(operation=self.operation, code=self.code)


class StaleReadError(Exception):
    """A change that has to be decided again, on another read: the last one may no longer be true."""

    def __init__(self, cause: ServiceError, *, is_conflict: bool = False) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.is_conflict = is_conflict
        """Whether the change was rejected because what was read is no longer so."""
