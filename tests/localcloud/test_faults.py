"""Trouble on purpose: before or after the effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ConnectionClosedError

from localcloud.rekognition import DROP, AwsError, LocalRekognition
from localcloud.rekognition.errors import internal_error, throttled
from tests.localcloud.support import document, rejected

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient


def put(client: RekognitionClient, project: str) -> None:
    """Put a policy."""
    client.put_project_policy(ProjectArn=project, PolicyName="share", PolicyDocument=document())


def policies(client: RekognitionClient, project: str) -> int:
    """Count the policies."""
    return len(client.list_project_policies(ProjectArn=project)["ProjectPolicies"])


def test_an_error_before_the_effect(rekognition: LocalRekognition, client: RekognitionClient, project: str) -> None:
    """Nothing was done, and only the next requests of that operation meet the faults, one each."""
    rekognition.faults.inject("PutProjectPolicy", throttled(), internal_error())
    assert policies(client, project) == 0
    with rejected("ThrottlingException") as told:
        put(client, project)
    assert told.status == 400
    with rejected("InternalServerError") as told:
        put(client, project)
    assert told.status == 500
    assert policies(client, project) == 0
    put(client, project)
    assert policies(client, project) == 1


def test_an_error_after_the_effect(rekognition: LocalRekognition, client: RekognitionClient, project: str) -> None:
    """The caller sees an error although the policy is there."""
    rekognition.faults.inject("PutProjectPolicy", internal_error(), when="after")
    with rejected("InternalServerError"):
        put(client, project)
    assert policies(client, project) == 1


@pytest.mark.parametrize(("when", "left"), [("before", 0), ("after", 1)])
def test_a_connection_that_drops(
    rekognition: LocalRekognition, client: RekognitionClient, project: str, when: Any, left: int
) -> None:
    """The caller gets no response, whether the request took effect or not."""
    rekognition.faults.inject("PutProjectPolicy", DROP, when=when)
    with pytest.raises(ConnectionClosedError):
        put(client, project)
    assert policies(client, project) == left


def test_hooks_see_each_request(rekognition: LocalRekognition, client: RekognitionClient, project: str) -> None:
    """A hook decides by operation and parameters, and may use the service itself meanwhile."""
    rival = rekognition.client()

    def overtake(operation: str, parameters: Mapping[str, Any]) -> AwsError | None:
        if operation == "PutProjectPolicy" and parameters["PolicyName"] == "share":
            rekognition.faults.before = lambda _operation, _parameters: None
            put(rival, project)
        return None

    rekognition.faults.before = overtake
    with rejected("ResourceAlreadyExistsException"):
        put(client, project)
    assert policies(client, project) == 1


def test_a_hook_after_the_effect(rekognition: LocalRekognition, client: RekognitionClient, project: str) -> None:
    """A hook can lose every response of an operation."""
    rekognition.faults.after = lambda operation, _parameters: DROP if operation == "PutProjectPolicy" else None
    with pytest.raises(ConnectionClosedError):
        put(client, project)
    assert policies(client, project) == 1
