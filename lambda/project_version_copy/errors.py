"""What Rekognition's errors mean for a copy, and what to do about them."""

from __future__ import annotations

from rekognition.errors import ACCESS_DENIED, NOT_FOUND, ServiceError

IN_USE = "ResourceInUseException"
"""The code of a call that failed because of what the model version, or its name, is doing."""

_QUOTA = (
    "a quota is used up: model versions of the destination project (100 unless raised), or tags (50, with those that "
    "the function adds). Delete some, or raise the quota in Service Quotas."
)

_SKIP = "in a rollback, continue it without this resource (ContinueUpdateRollback with ResourcesToSkip)."

SENTENCES = {
    "InvalidParameterException": "Rekognition rejected a value. Check the bucket, the KMS key and the tags.",
    IN_USE: "{operation} found it in use: it is running, being copied or being deleted. Deploy again later.",
    "LimitExceededException": _QUOTA,
    NOT_FOUND: (
        f"the project does not exist. Check DestinationProjectArn, its Region and its number at the end; {_SKIP}"
    ),
    "ServiceQuotaExceededException": _QUOTA,
}

_OF_COPY = {
    ACCESS_DENIED: (
        "CopyProjectVersion was denied. A project policy of the source project has to allow this account or the "
        "provider's execution role to copy, and the role needs the permission too, as it does for the bucket and the "
        f"KMS key; {_SKIP}"
    ),
    IN_USE: "its name is taken, or the source is in use. Choose another VersionName, or deploy again later.",
    NOT_FOUND: (
        "the source or the destination does not exist. Check SourceProjectArn, SourceProjectVersionArn and "
        f"DestinationProjectArn; {_SKIP}"
    ),
}


def sentence(error: ServiceError) -> str:
    """Return what went wrong in a call, and what to do."""
    return error.sentence({**SENTENCES, **_OF_COPY} if error.operation == "CopyProjectVersion" else SENTENCES)
