"""Reasons: for every error code of the three operations a sentence that people can act on, and that fits."""

from __future__ import annotations

import botocore.session
import pytest

from project_policy.reasons import REASONS, reason
from project_policy.rekognition import OUT_OF_TIME, UNREACHABLE, ServiceError

OPERATIONS = ("PutProjectPolicy", "ListProjectPolicies", "DeleteProjectPolicy")


def modelled_codes() -> set[str]:
    """Return every error code that the API's own model names for the three operations."""
    model = botocore.session.get_session().get_service_model("rekognition")
    return {shape.name for operation in OPERATIONS for shape in model.operation_model(operation).error_shapes}


def test_every_code_of_the_api_has_a_sentence() -> None:
    """The table has exactly the codes of the API's model, and the two for no answer."""
    assert set(REASONS) == modelled_codes() | {UNREACHABLE, OUT_OF_TIME}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("code", [*sorted(REASONS), "SomethingNewException", "X" * 300])
@pytest.mark.parametrize("message", ["", "Short.", "m" * 1000])
def test_a_reason_fits_with_the_longest_names(operation: str, code: str, message: str) -> None:
    """Within 256 characters, so that crhelper cuts nothing, it names policy, project and what to do."""
    text = reason(ServiceError(operation, code, message), "p" * 128, "n" * 255)
    assert len(text) <= 256
    assert text.startswith('Policy "pp')
    assert 'project "nn' in text
    assert "{" not in text


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("AccessDeniedException", ["role", "rekognition:PutProjectPolicy", "Region"]),
        ("LimitExceededException", ["five", "Service Quotas"]),
        ("ServiceQuotaExceededException", ["five", "Service Quotas"]),
        ("MalformedPolicyDocumentException", ["PolicyDocument", "principals"]),
        ("InvalidPolicyRevisionIdException", ["by others", "again"]),
        ("ResourceAlreadyExistsException", ["another PolicyName", "AdoptExisting"]),
        ("ResourceNotFoundException", ["does not exist", "ProjectArn"]),
        ("ThrottlingException", ["PutProjectPolicy", "quota"]),
        ("SomethingNewException", ["SomethingNewException", "API reference"]),
    ],
)
def test_a_reason_names_cause_and_remedy(code: str, words: list[str]) -> None:
    """Each sentence has the words that tell what to do."""
    text = reason(ServiceError("PutProjectPolicy", code, "said"), "sharing", "logos")
    assert all(word in text for word in words)
