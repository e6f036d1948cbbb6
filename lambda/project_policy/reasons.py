"""What a person reads when Rekognition refuses: for every error code the cause, and what to do about it."""

from __future__ import annotations

from .errors import REASON_LIMIT, about, shorten
from .rekognition import OUT_OF_TIME, UNREACHABLE, ServiceError
from .timing import FUNCTION_TIMEOUT

_QUOTA = (
    "the project has as many policies as its quota allows (five unless raised). Delete one, or raise the quota in "
    "Service Quotas."
)
_THROTTLED = (
    "Rekognition throttled {operation} for as long as there was time. Deploy again, fewer policies at once, or raise "
    "the quota."
)

REASONS = {
    "AccessDeniedException": (
        "{operation} was denied. Allow the provider's role rekognition:{operation} on the project; or, if it does, "
        "the Region has no Custom Labels."
    ),
    "InternalServerError": "Rekognition failed inside. Deploy again; if it lasts, look at the AWS Health Dashboard.",
    "InvalidPaginationTokenException": "the project's policies changed while they were listed. Deploy again.",
    "InvalidParameterException": "Rekognition refused a value. Check the principals and the project.",
    "InvalidPolicyRevisionIdException": (
        "it was changed by others each time it was about to be changed here. Stop the other changes, then deploy again."
    ),
    "LimitExceededException": _QUOTA,
    "MalformedPolicyDocumentException": (
        "Rekognition refused PolicyDocument. Check that its principals exist and its resources are versions of this "
        "project."
    ),
    "ProvisionedThroughputExceededException": _THROTTLED,
    "ResourceAlreadyExistsException": (
        "it is there already. Choose another PolicyName, or set AdoptExisting to take over one that says the same."
    ),
    "ResourceNotFoundException": "the project does not exist. Check ProjectArn, its Region and its number at the end.",
    "ServiceQuotaExceededException": _QUOTA,
    "ThrottlingException": _THROTTLED,
    OUT_OF_TIME: (
        "no time was left for {operation}. Deploy again; in a template of your own, give the function a Timeout of "
        f"{FUNCTION_TIMEOUT} seconds."
    ),
    UNREACHABLE: "{operation} got no answer from Rekognition. Deploy again; check the function's way to the network.",
}
"""The sentence for each error code of PutProjectPolicy, ListProjectPolicies and DeleteProjectPolicy."""

_WORTH_SAYING = 24
"""Characters of the service's own words; fewer tell nobody anything."""

_UNKNOWN = "{operation} failed with {code}. Look the code up in the Rekognition API reference."


def reason(error: ServiceError, policy_name: str, project_name: str) -> str:
    """Return the Reason for a failed call: the policy, the cause, the remedy, and in what room is left the service."""
    sentence = REASONS.get(error.code, _UNKNOWN).format(operation=error.operation, code=shorten(error.code, 60))
    text = about(policy_name, project_name, f": {sentence}")
    room = REASON_LIMIT - len(text) - len(" ()")
    if error.message and room >= _WORTH_SAYING:
        text += f" ({shorten(error.message, room)})"
    return text
