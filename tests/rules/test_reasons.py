"""Reasons: for every error code of the operations a sentence that people can act on, and the service's own message."""

from __future__ import annotations

import botocore.session
import pytest

import project_version_copy.errors as copies
from project_policy.errors import SENTENCES
from rekognition import errors as service
from rekognition.errors import OUT_OF_TIME, UNREACHABLE, ServiceError
from tests.rules.support import says

OPERATIONS = ("PutProjectPolicy", "ListProjectPolicies", "DeleteProjectPolicy")
COPY, DELETE = "CopyProjectVersion", "DeleteProjectVersion"


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
        ("AccessDeniedException", ". Allow the provider's …, then deploy again (or continue the rollback); if it is"),
        ("LimitExceededException", "(five unless raised). Delete one, or raise the quota in Service Quotas."),
        ("ServiceQuotaExceededException", "(five unless raised). Delete one, or raise the quota in Service Quotas."),
        ("MalformedPolicyDocumentException", "Check that its principals exist and its resources are versions of"),
        ("InvalidParameterException", "Rekognition rejected a value. Check the principals and the project."),
        ("InvalidPolicyRevisionIdException", "concurrent changes …. Stop the other changes, then deploy again."),
        ("InvalidPaginationTokenException", "changed while they were listed. Deploy again (or continue the rollback)."),
        ("ResourceAlreadyExistsException", "it already exists. Choose another PolicyName; or, …, then set"),
        ("ResourceNotFoundException", "Check ProjectArn, …(ContinueUpdateRollback with ResourcesToSkip)."),
        ("ThrottlingException", "throttled PutProjectPolicy …. Deploy again (or continue the rollback), fewer"),
        ("ProvisionedThroughputExceededException", "throttled PutProjectPolicy …, or raise the quota."),
        ("InternalServerError", "error. Deploy again (or continue the rollback); if it lasts, see AWS Health."),
        ("Unreachable", "PutProjectPolicy got no response from Rekognition. Deploy again …, give it a way to"),
        ("OutOfTime", "no time was left for PutProjectPolicy. Deploy again …, give the function the Timeout of"),
        ("SomethingNewException", "failed with SomethingNewException. Look the code up in the Rekognition API"),
    ],
)
def test_a_sentence_names_cause_and_remedy(code: str, words: str) -> None:
    """Each sentence says what to do."""
    assert says(ServiceError("PutProjectPolicy", code, "said").sentence(SENTENCES), words)


@pytest.mark.parametrize(
    ("operation", "code", "words"),
    [
        (COPY, "ResourceNotFoundException", "SourceProjectVersionArn and DestinationProjectArn; in a rollback"),
        (COPY, "ResourceInUseException", "name is taken, or the source is in use. Choose another VersionName, or"),
        (COPY, "AccessDeniedException", "A project policy of the source project has to allow this account or the …"),
        (COPY, "LimitExceededException", "100 unless raised), or tags (50, …). Delete some, or raise the quota"),
        (COPY, "InvalidParameterException", "Rekognition rejected a value. Check the bucket, the KMS key and the tags"),
        (DELETE, "ResourceNotFoundException", "Check DestinationProjectArn, …(ContinueUpdateRollback with "),
        (DELETE, "ResourceInUseException", "DeleteProjectVersion found it in use: it is running, …. Deploy again"),
    ],
)
def test_a_copys_sentence_is_its_operations(operation: str, code: str, words: str) -> None:
    """What does not exist may be the source, but only when it is copied."""
    assert says(copies.sentence(ServiceError(operation, code, "said")), words)
