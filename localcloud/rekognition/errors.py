"""What the service refuses, by AWS's codes."""

from __future__ import annotations


class AwsError(Exception):
    """An error as AWS answers it: a code, a message and an HTTP status."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status if status is not None else (500 if code == "InternalServerError" else 400)


def invalid_parameter(message: str) -> AwsError:
    """Refuse a request that breaks the service model."""
    return AwsError("InvalidParameterException", message)


def malformed_document(message: str) -> AwsError:
    """Refuse a policy document that breaks the rules for project policies."""
    return AwsError("MalformedPolicyDocumentException", message)


def not_found(message: str) -> AwsError:
    """Refuse a project, version or policy that does not exist."""
    return AwsError("ResourceNotFoundException", message)


def in_use(message: str) -> AwsError:
    """Refuse a name that is taken, and a change to what is busy or still needed."""
    return AwsError("ResourceInUseException", message)


def wrong_revision(message: str) -> AwsError:
    """Refuse a revision that is not the policy's current one."""
    return AwsError("InvalidPolicyRevisionIdException", message)


def access_denied(message: str) -> AwsError:
    """Refuse a caller that may not do this here."""
    return AwsError("AccessDeniedException", message)


def invalid_token() -> AwsError:
    """Refuse a NextToken that this service did not give out."""
    return AwsError("InvalidPaginationTokenException", "The pagination token is not valid.")


def throttled() -> AwsError:
    """Answer a caller that is too quick; for tests that inject it."""
    return AwsError("ThrottlingException", "Rate exceeded")


def internal_error() -> AwsError:
    """Admit that AWS itself is at fault; for tests that inject it."""
    return AwsError("InternalServerError", "An internal error occurred.")
