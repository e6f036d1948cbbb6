"""CreateProjectVersion, DescribeProjectVersions and DeleteProjectVersion."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.rekognition import LocalRekognition, Switches
from tests.localcloud.support import VirtualClock, document, rejected

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

OUTPUT: Any = {"S3Bucket": "results", "S3KeyPrefix": "demo"}


def train(client: RekognitionClient, project: str, name: str = "v1", **more: Any) -> str:
    """Make a version and return its ARN."""
    response = client.create_project_version(ProjectArn=project, VersionName=name, **{"OutputConfig": OUTPUT, **more})
    return response["ProjectVersionArn"]


def described(client: RekognitionClient, project: str, **more: Any) -> list[Any]:
    """Return the descriptions of a project's versions."""
    return list(client.describe_project_versions(ProjectArn=project, **more)["ProjectVersionDescriptions"])


def test_shows_a_version_as_it_was_made(clock: VirtualClock) -> None:
    """A version has its ARN, its time, its place for results, its key and its description, and is no copy."""
    with LocalRekognition(clock=clock) as rekognition:
        client = rekognition.client()
        project = client.create_project(ProjectName="demo")["ProjectArn"]
        clock.forward(1)
        arn = train(client, project, KmsKeyId="alias/results", VersionDescription="The first.")
        (version,) = described(client, project)
    assert arn == "arn:aws:rekognition:us-east-1:123456789012:project/demo/version/v1/1700000001000"
    assert version.pop("CreationTimestamp").timestamp() == 1_700_000_001
    assert version == {
        "ProjectVersionArn": arn,
        "Status": "TRAINING_COMPLETED",
        "OutputConfig": OUTPUT,
        "KmsKeyId": "alias/results",
        "VersionDescription": "The first.",
        "Feature": "CUSTOM_LABELS",
    }


def test_a_version_made_anew_has_another_arn(client: RekognitionClient, project: str) -> None:
    """Even within the same millisecond."""
    old = train(client, project)
    assert client.delete_project_version(ProjectVersionArn=old)["Status"] == "DELETING"
    new = train(client, project)
    assert new != old
    with rejected("ResourceNotFoundException"):
        client.delete_project_version(ProjectVersionArn=old)


def test_rejects_a_version_name_that_is_taken(client: RekognitionClient, project: str) -> None:
    """Names of versions are unique in their project, and only there."""
    first = train(client, project)
    with rejected("ResourceInUseException"):
        train(client, project)
    assert [version["ProjectVersionArn"] for version in described(client, project)] == [first]
    train(client, client.create_project(ProjectName="other")["ProjectArn"])


def test_training_may_take_time(clock: VirtualClock) -> None:
    """While a version is in training it can't be deleted; the switch's time later it is trained."""
    with LocalRekognition(Switches(training_time=60), clock) as rekognition:
        client = rekognition.client()
        project = client.create_project(ProjectName="demo")["ProjectArn"]
        arn = train(client, project)
        clock.forward(59.9)
        assert described(client, project)[0]["Status"] == "TRAINING_IN_PROGRESS"
        with rejected("ResourceInUseException"):
            client.delete_project_version(ProjectVersionArn=arn)
        clock.forward(0.1)
        assert described(client, project)[0]["Status"] == "TRAINING_COMPLETED"
        client.delete_project_version(ProjectVersionArn=arn)
        assert described(client, project) == []


def test_describes_the_latest_first_and_by_name(client: RekognitionClient, project: str) -> None:
    """A name that isn't there is no error."""
    arns = [train(client, project, f"v{number}") for number in range(3)]
    assert [version["ProjectVersionArn"] for version in described(client, project)] == arns[::-1]
    (named,) = described(client, project, VersionNames=["v1", "missing"])
    assert named["ProjectVersionArn"] == arns[1]


def test_describes_versions_in_pages(client: RekognitionClient, project: str) -> None:
    """The paginator finds every version, and a token belongs to its project."""
    other = client.create_project(ProjectName="other")["ProjectArn"]
    for number in range(5):
        train(client, project, f"v{number}")
    pages = list(
        client.get_paginator("describe_project_versions").paginate(ProjectArn=project, PaginationConfig={"PageSize": 2})
    )
    assert [len(page["ProjectVersionDescriptions"]) for page in pages] == [2, 2, 1]
    token = client.describe_project_versions(ProjectArn=project, MaxResults=2)["NextToken"]
    with rejected("InvalidPaginationTokenException"):
        client.describe_project_versions(ProjectArn=other, NextToken=token)


def test_a_project_with_versions_is_kept(client: RekognitionClient, project: str) -> None:
    """Policies go with their project, but versions must go first."""
    client.put_project_policy(ProjectArn=project, PolicyName="share", PolicyDocument=document())
    arn = train(client, project)
    with rejected("ResourceInUseException"):
        client.delete_project(ProjectArn=project)
    client.delete_project_version(ProjectVersionArn=arn)
    client.delete_project(ProjectArn=project)


@pytest.mark.parametrize("changed", ["project", "version"])
def test_deletes_only_the_version_that_is_named(client: RekognitionClient, project: str, changed: str) -> None:
    """An ARN that differs in the project's or the version's name is ResourceNotFoundException."""
    other = train(client, project).replace(f"{changed}/", f"{changed}/x")
    with rejected("ResourceNotFoundException"):
        client.delete_project_version(ProjectVersionArn=other)
    assert len(described(client, project)) == 1


def test_another_account_and_region_are_kept_out(
    rekognition: LocalRekognition, client: RekognitionClient, project: str
) -> None:
    """Versions are of their project's account and Region."""
    arn = train(client, project)
    other, elsewhere = rekognition.client("111122223333"), rekognition.client(region="eu-west-1")
    with rejected("AccessDeniedException"):
        train(other, project, "v2")
    with rejected("AccessDeniedException"):
        described(other, project)
    with rejected("AccessDeniedException"):
        other.delete_project_version(ProjectVersionArn=arn)
    with rejected("ResourceNotFoundException"):
        train(elsewhere, project, "v2")
    with rejected("ResourceNotFoundException"):
        described(elsewhere, project)
    with rejected("ResourceNotFoundException"):
        elsewhere.delete_project_version(ProjectVersionArn=arn)
    assert len(described(client, project)) == 1


def test_results_need_a_bucket(client: RekognitionClient, project: str) -> None:
    """Though the service model doesn't require one."""
    with rejected("InvalidParameterException") as told:
        train(client, project, OutputConfig={"S3KeyPrefix": "demo"})
    assert "S3Bucket" in told.message


def test_a_request_with_a_fraction_fits_the_model(client: RekognitionClient, project: str) -> None:
    """FeatureConfig has the only number that may have one; its limits hold all the same."""
    for name, threshold in (("whole", 50), ("fraction", 99.5)):
        train(client, project, name, FeatureConfig={"ContentModeration": {"ConfidenceThreshold": threshold}})
    with rejected("InvalidParameterException") as told:
        train(client, project, "v1", FeatureConfig={"ContentModeration": {"ConfidenceThreshold": 100.5}})
    assert re.search("confidenceThreshold.*value less than or equal to 100", told.message)
