"""The service's errors, by AWS's codes."""

from __future__ import annotations

from functools import partial

# The API reference gives 500 for both; ProvisionedThroughputExceededException has 400.
_STATUS_500 = ("InternalServerError", "ThrottlingException")


class AwsError(Exception):
    """An error response: a code, a message and an HTTP status."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = 500 if code in _STATUS_500 else 400


class ConnectionDroppedError(Exception):
    """The caller gets no response."""


access_denied = partial(AwsError, "AccessDeniedException")
in_use = partial(AwsError, "ResourceInUseException")
invalid_parameter = partial(AwsError, "InvalidParameterException")
malformed_document = partial(AwsError, "MalformedPolicyDocumentException")
not_found = partial(AwsError, "ResourceNotFoundException")
wrong_revision = partial(AwsError, "InvalidPolicyRevisionIdException")

# Each call makes a new one: an exception that is raised twice would keep both tracebacks.
internal_error = partial(AwsError, "InternalServerError", "An internal error occurred.")
throttled = partial(AwsError, "ThrottlingException", "Rate exceeded")
unrecognized_client = partial(
    AwsError, "UnrecognizedClientException", "The security token included in the request is invalid."
)
