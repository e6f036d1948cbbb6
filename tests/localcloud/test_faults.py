"""Trouble on purpose: before or after the effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ConnectionClosedError

from localcloud.rekognition import DROP, AwsError, LocalRekognition, Switches, no_fault
from localcloud.rekognition.errors import internal_error, throttled
from tests.localcloud.support import VirtualClock, put, rejected

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient


def policies(client: RekognitionClient, project: str) -> int:
    """Count the policies."""
    return len(client.list_project_policies(ProjectArn=project)["ProjectPolicies"])


def test_each_fault_is_met_once(rekognition: LocalRekognition, client: RekognitionClient, project: str) -> None:
    """Only the next requests of that operation meet the faults, one each; before the effect, nothing was done."""
    rekognition.faults.inject("PutProjectPolicy", throttled(), internal_error())
    assert policies(client, project) == 0
    for code, status in (("ThrottlingException", 500), ("InternalServerError", 500)):
        with rejected(code) as told:
            put(client, project)
        assert told.status == status
    assert policies(client, project) == 0
    put(client, project)
    assert policies(client, project) == 1


def test_a_quota_throttles_each_operation_of_an_account(clock: VirtualClock) -> None:
    """Five calls pass at once and five more each second; what is throttled has no effect and costs nothing."""
    with LocalRekognition(Switches(calls_per_second=5), clock) as rekognition:
        client = rekognition.client()
        for seconds, passing in ((0.0, 5), (0.5, 2), (60.0, 5)):
            clock.forward(seconds)
            for _ in range(passing):
                client.describe_projects()
            for _ in range(3):
                with rejected("ThrottlingException") as told:
                    client.describe_projects()
                assert told.status == 500
        client.create_project(ProjectName="demo")
        rekognition.client("111122223333").describe_projects()
        rekognition.client(region="eu-west-1").describe_projects()


@pytest.mark.parametrize(("when", "left"), [("before", 0), ("after", 1)])
def test_the_effect_may_be_there(
    rekognition: LocalRekognition, client: RekognitionClient, project: str, when: Any, left: int
) -> None:
    """The caller sees an error or no response at all, whether the request took effect or not."""
    rekognition.faults.inject("PutProjectPolicy", internal_error(), when=when)
    with rejected("InternalServerError"):
        put(client, project)
    assert policies(client, project) == left
    rekognition.faults.inject("PutProjectPolicy", DROP, when=when)
    with pytest.raises(ConnectionClosedError):
        put(client, project, "other")
    assert policies(client, project) == 2 * left


def test_hooks_see_each_request(rekognition: LocalRekognition, client: RekognitionClient, project: str) -> None:
    """A hook decides by operation and parameters, and may use the service itself meanwhile."""
    rival = rekognition.client()

    def overtake(operation: str, parameters: Mapping[str, Any]) -> AwsError | None:
        if operation == "PutProjectPolicy" and parameters["PolicyName"] == "share":
            rekognition.faults.before = no_fault
            put(rival, project)
        return None

    rekognition.faults.before = overtake
    with rejected("ResourceAlreadyExistsException"):
        put(client, project)
    assert policies(client, project) == 1
    rekognition.faults.after = lambda operation, _parameters: DROP if operation == "PutProjectPolicy" else None
    with pytest.raises(ConnectionClosedError):
        put(client, project, "other")
    assert policies(client, project) == 2
