"""CreateProject, DescribeProjects and DeleteProject."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from localcloud.rekognition import LocalRekognition
from tests.localcloud.support import VirtualClock, document, rejected

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient


def test_an_arn_tells_account_region_name_and_the_time_of_creation(clock: VirtualClock) -> None:
    """A project's ARN ends with its creation in milliseconds."""
    with LocalRekognition(clock=clock) as rekognition:
        arn = rekognition.client("111122223333", "eu-west-1").create_project(ProjectName="demo")["ProjectArn"]
    assert arn == "arn:aws:rekognition:eu-west-1:111122223333:project/demo/1700000000000"


def test_a_project_made_anew_has_another_arn(clock: VirtualClock) -> None:
    """Even within the same millisecond: the old ARN names nothing any more."""
    with LocalRekognition(clock=clock) as rekognition:
        client = rekognition.client()
        old = client.create_project(ProjectName="demo")["ProjectArn"]
        assert client.delete_project(ProjectArn=old)["Status"] == "DELETING"
        new = client.create_project(ProjectName="demo")["ProjectArn"]
        assert new != old
        with rejected("ResourceNotFoundException"):
            client.list_project_policies(ProjectArn=old)


def test_rejects_a_name_that_is_taken(client: RekognitionClient, project: str) -> None:
    """Names are unique in an account and Region."""
    with rejected("ResourceInUseException"):
        client.create_project(ProjectName="demo")
    assert [found["ProjectArn"] for found in client.describe_projects()["ProjectDescriptions"]] == [project]


def test_describes_projects_by_name_and_feature(client: RekognitionClient, project: str) -> None:
    """DescribeProjects shows all, or those asked for; a name that isn't there is no error."""
    client.create_project(ProjectName="other", Feature="CONTENT_MODERATION", AutoUpdate="ENABLED")
    described = client.describe_projects()["ProjectDescriptions"]
    assert [re.split("[:/]", found["ProjectArn"])[6] for found in described] == ["demo", "other"]
    assert described[0]["Status"] == "CREATED"
    assert (described[1]["Feature"], described[1]["AutoUpdate"]) == ("CONTENT_MODERATION", "ENABLED")
    (named,) = client.describe_projects(ProjectNames=["demo", "missing"])["ProjectDescriptions"]
    assert named["ProjectArn"] == project
    (moderation,) = client.describe_projects(Features=["CONTENT_MODERATION"])["ProjectDescriptions"]
    assert moderation["ProjectArn"] == described[1]["ProjectArn"]


def test_describes_projects_in_pages(client: RekognitionClient) -> None:
    """The paginator finds every project."""
    for number in range(5):
        client.create_project(ProjectName=f"p{number}")
    pages = list(client.get_paginator("describe_projects").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["ProjectDescriptions"]) for page in pages] == [2, 2, 1]


def test_an_account_has_a_hundred_projects(rekognition: LocalRekognition, client: RekognitionClient) -> None:
    """Beyond the quota a project is rejected; other Regions are not affected."""
    for number in range(100):
        rekognition.store.create_project("123456789012", "us-east-1", f"p{number}")
    with rejected("LimitExceededException"):
        client.create_project(ProjectName="one-more")
    rekognition.client(region="us-west-2").create_project(ProjectName="one-more")


def test_deleting_a_project_deletes_its_policies(client: RekognitionClient, project: str) -> None:
    """A project made anew under the name has none of the old one's policies."""
    client.put_project_policy(ProjectArn=project, PolicyName="share", PolicyDocument=document())
    client.delete_project(ProjectArn=project)
    for gone in (
        lambda: client.list_project_policies(ProjectArn=project),
        lambda: client.delete_project(ProjectArn=project),
    ):
        with rejected("ResourceNotFoundException"):
            gone()
    anew = client.create_project(ProjectName="demo")["ProjectArn"]
    assert client.list_project_policies(ProjectArn=anew)["ProjectPolicies"] == []
