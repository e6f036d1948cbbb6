"""What Rekognition's errors mean for a project policy, and what to do about them."""

from __future__ import annotations

from rekognition.errors import NOT_FOUND, ServiceError

_QUOTA = (
    "the project has as many policies as its quota allows (five unless raised). Delete one, or raise the quota in "
    "Service Quotas."
)

SENTENCES = {
    NOT_FOUND: (
        "the project does not exist. Check ProjectArn, its Region and its number at the end; in a rollback, continue "
        "it without this resource (ContinueUpdateRollback with ResourcesToSkip)."
    ),
    "InvalidPaginationTokenException": (
        "the project's policies changed while they were listed. Deploy again (or continue the rollback)."
    ),
    "InvalidParameterException": "Rekognition rejected a value. Check the principals and the project.",
    "InvalidPolicyRevisionIdException": (
        "concurrent changes kept invalidating its revision. Stop the other changes, then deploy again."
    ),
    "LimitExceededException": _QUOTA,
    "MalformedPolicyDocumentException": (
        "Rekognition rejected PolicyDocument. Check that its principals exist and its resources are versions of this "
        "project."
    ),
    "ResourceAlreadyExistsException": (
        "it already exists. Choose another PolicyName; or, to take it over, retain it where it is now (DeletionPolicy: "
        "Retain), then set AdoptExisting."
    ),
    "ServiceQuotaExceededException": _QUOTA,
}


def sentence(error: ServiceError) -> str:
    """Return what went wrong in a call, and what to do."""
    return error.sentence(SENTENCES)
