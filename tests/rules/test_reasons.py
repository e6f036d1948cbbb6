"""Reasons: for every error code of the operations a sentence that people can act on, and the service's own message."""

from __future__ import annotations

import botocore.session
import pytest

import project_version_copy.errors as copies
from project_policy.errors import SENTENCES
from rekognition import errors as service
from rekognition.errors import OUT_OF_TIME, UNREACHABLE, ServiceError

OPERATIONS = ("PutProjectPolicy", "ListProjectPolicies", "DeleteProjectPolicy")


def modeled_codes() -> set[str]:
    """Return every error code that the API's own model names for the three operations."""
    model = botocore.session.get_session().get_service_model("rekognition")
    return {shape.name for operation in OPERATIONS for shape in model.operation_model(operation).error_shapes}


def test_every_code_of_the_api_has_a_sentence() -> None:
    """The sentences are for exactly the codes of the API's model, and the two for no response."""
    assert {*SENTENCES, *service.SENTENCES} == modeled_codes() | {UNREACHABLE, OUT_OF_TIME}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("AccessDeniedException", ["Allow the provider's execution role rekognition:PutProjectPolicy", "Region"]),
        ("LimitExceededException", ["five", "Service Quotas"]),
        ("ServiceQuotaExceededException", ["five", "Service Quotas"]),
        ("MalformedPolicyDocumentException", ["PolicyDocument", "principals"]),
        ("InvalidPolicyRevisionIdException", ["concurrent", "again"]),
        ("ResourceAlreadyExistsException", ["it already exists. Choose another PolicyName", "AdoptExisting"]),
        ("ResourceNotFoundException", ["does not exist", "ProjectArn", "ResourcesToSkip"]),
        ("ThrottlingException", ["PutProjectPolicy", "quota"]),
        ("SomethingNewException", ["SomethingNewException", "API reference"]),
    ],
)
def test_a_sentence_names_cause_and_remedy(code: str, words: list[str]) -> None:
    """Each sentence says what to do."""
    sentence = ServiceError("PutProjectPolicy", code, "said").sentence(SENTENCES)
    assert all(word in sentence for word in words)


@pytest.mark.parametrize(
    ("operation", "code", "words"),
    [
        (
            "CopyProjectVersion",
            "ResourceNotFoundException",
            "SourceProjectVersionArn and DestinationProjectArn; in a rollback, continue",
        ),
        ("DeleteProjectVersion", "ResourceNotFoundException", "Check DestinationProjectArn, its Region"),
    ],
)
def test_a_copys_sentence_is_its_operations(operation: str, code: str, words: str) -> None:
    """What does not exist may be the source, but only when it is copied."""
    assert words in copies.sentence(ServiceError(operation, code, "said"))


@pytest.mark.parametrize(
    ("message", "policy"),
    [
        (
            "User: u is not authorized to perform: a on resource: r with an explicit deny in a service control policy",
            "service control policy",
        ),
        ("... with an explicit deny in a resource control policy", "resource control policy"),
        ("... because no permissions boundary allows the rekognition:PutProjectPolicy action", "permissions boundary"),
        ("... with an explicit deny in an identity-based policy", "a policy"),
    ],
)
def test_an_explicit_denial_names_the_policy_and_no_wrong_remedy(message: str, policy: str) -> None:
    """Where allowing the role would not help, the sentence says which policy denies instead."""
    sentence = ServiceError("PutProjectPolicy", "AccessDeniedException", message).sentence(SENTENCES)
    assert policy in sentence
    assert "Allow the provider's" not in sentence
