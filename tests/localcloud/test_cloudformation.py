"""CloudFormation in the local cloud: the project type, and custom resources as the real one calls them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.cloud import LocalCloud
from tests.localcloud.stacks import Stack, broken, custom, function, project, role
from tests.localcloud.support import document

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

# An account of its own, so that these tests may look at all there is.
ACCOUNT = "222233334444"
REF_AND_ARN = {"Name": {"Ref": "Project"}, "Arn": {"Fn::GetAtt": ["Project", "Arn"]}}


@pytest.fixture
def client(local_cloud: LocalCloud) -> Iterator[RekognitionClient]:
    """Return a client of the cloud's Rekognition, and leave no project behind."""
    client: RekognitionClient = local_cloud.client("rekognition", ACCOUNT)
    yield client
    for arn in arns(client):
        client.delete_project(ProjectArn=arn)


@pytest.fixture
def stack(local_cloud: LocalCloud, request: pytest.FixtureRequest) -> Stack:
    """Return a stack that doesn't exist yet, named after the test."""
    name = re.sub("[^a-zA-Z0-9]+", "-", request.node.name)
    return Stack(local_cloud.client("cloudformation", ACCOUNT), name)


def arns(client: RekognitionClient) -> list[str]:
    """Return the ARNs of all projects."""
    return [found["ProjectArn"] for found in client.describe_projects()["ProjectDescriptions"]]


def test_a_project_is_made_and_deleted(stack: Stack, client: RekognitionClient) -> None:
    """Ref is the name, Arn the ARN, and the stack's end is the project's."""
    assert stack.create(REF_AND_ARN, Project=project("demo")) == "CREATE_COMPLETE"
    assert [stack.outputs["Arn"]] == arns(client)
    assert stack.outputs["Name"] == "demo"
    assert re.fullmatch(rf"arn:aws:rekognition:us-east-1:{ACCOUNT}:project/demo/\d{{13}}", stack.outputs["Arn"])
    assert stack.delete() == "DELETE_COMPLETE"
    assert arns(client) == []


def test_another_name_replaces_the_project(stack: Stack, client: RekognitionClient) -> None:
    """ProjectName can't be changed: a new project is made first, then the old one is deleted."""
    stack.create(REF_AND_ARN, Project=project("old"))
    assert stack.update(REF_AND_ARN, Project=project("new")) == "UPDATE_COMPLETE"
    assert stack.outputs["Name"] == "new"
    assert [stack.outputs["Arn"]] == arns(client)
    assert "requires the creation of a new physical resource" in stack.reasons


def test_a_replacement_that_is_rolled_back_keeps_the_old_project(stack: Stack, client: RekognitionClient) -> None:
    """After a failed update the old project is there as before, and the new one is gone."""
    stack.create(REF_AND_ARN, Project=project("old"))
    before = arns(client)
    ended = stack.update(REF_AND_ARN, Project=project("new"), Broken={**broken(), "DependsOn": "Project"})
    assert ended == "UPDATE_ROLLBACK_COMPLETE"
    assert arns(client) == before


def test_other_changes_leave_the_project_alone(stack: Stack, client: RekognitionClient) -> None:
    """Tags change in place."""
    stack.create(REF_AND_ARN, Project=project("demo"))
    before = arns(client)
    for tags in ({"team": "vision"}, {"team": "audio", "more": ""}, {}):
        given = [{"Key": key, "Value": value} for key, value in tags.items()]
        assert stack.update(REF_AND_ARN, Project=project("demo", Tags=given)) == "UPDATE_COMPLETE"
        assert arns(client) == before == [stack.outputs["Arn"]]
        assert client.list_tags_for_resource(ResourceArn=before[0])["Tags"] == tags


def test_deleting_a_project_that_is_gone_succeeds(stack: Stack, client: RekognitionClient) -> None:
    """A project deleted behind CloudFormation's back doesn't hold up the stack."""
    stack.create(Project=project("demo"))
    client.delete_project(ProjectArn=arns(client)[0])
    assert stack.delete() == "DELETE_COMPLETE"


def test_deleting_a_project_takes_its_policies_along(stack: Stack, client: RekognitionClient) -> None:
    """Policies don't keep a project alive."""
    stack.create(Project=project("demo"))
    client.put_project_policy(ProjectArn=arns(client)[0], PolicyName="share", PolicyDocument=document())
    assert stack.delete() == "DELETE_COMPLETE"
    assert arns(client) == []


def test_a_project_with_versions_is_not_deleted(stack: Stack, client: RekognitionClient) -> None:
    """The stack's deletion fails until the versions are gone, as it does in AWS."""
    stack.create(Project=project("demo"))
    (arn,) = arns(client)
    version = client.create_project_version(ProjectArn=arn, VersionName="v1", OutputConfig={"S3Bucket": "results"})
    assert stack.delete() == "DELETE_FAILED"
    assert "has model versions; delete them first. (ResourceInUseException)" in stack.reasons
    client.delete_project_version(ProjectVersionArn=version["ProjectVersionArn"])
    assert stack.delete() == "DELETE_COMPLETE"
    assert arns(client) == []


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({}, "required key [ProjectName] not found"),
        ({"ProjectName": "a b"}, "does not match"),
        ({"ProjectName": "_a"}, "does not match"),
        ({"ProjectName": "demo", "Name": "x"}, "extraneous key [Name] is not permitted"),
        ({"ProjectName": "taken"}, "A project with the name taken already exists"),
    ],
)
def test_rejects_wrong_properties(
    stack: Stack, client: RekognitionClient, properties: dict[str, Any], reason: str
) -> None:
    """A wrong or missing property, and a name that is taken, fail the stack with a reason; nothing else is touched."""
    client.create_project(ProjectName="taken")
    before = arns(client)
    ended = stack.create(Project={"Type": "AWS::Rekognition::Project", "Properties": properties})
    assert ended == "ROLLBACK_COMPLETE"
    assert reason in stack.reasons
    assert arns(client) == before


@pytest.fixture
def captured(stack: Stack, client: RekognitionClient) -> Callable[[str], Any]:
    """Deploy a custom resource, and return what its function told by name."""
    ended = stack.create(
        {name: {"Fn::GetAtt": ["Custom", name]} for name in ("Event", "Importable", "Environment")},
        Role=role(),
        Function=function("capture"),
        Custom=custom(Number=14, Flag=True, Words=["a", "b"]),
    )
    assert ended == "CREATE_COMPLETE", stack.reasons
    return lambda name: json.loads(stack.outputs[name])


def test_a_custom_resource_gets_cloudformations_event(captured: Callable[[str], Any]) -> None:
    """Scalars are strings, and the URL for the response has the time of the request, as CloudFormation's does."""
    event = captured("Event")
    assert event["RequestType"] == "Create"
    assert event["ResourceType"] == "Custom::Thing"
    properties = {name: value for name, value in event["ResourceProperties"].items() if name != "ServiceToken"}
    assert properties == {"Number": "14", "Flag": "true", "Words": ["a", "b"]}
    match = re.search(
        r"\?X-Amz-Date=(\d{8}T\d{6}Z)&X-Amz-Expires=7200&X-Amz-Signature=[0-9a-f]{64}$", event["ResponseURL"]
    )
    assert match is not None
    made = datetime.strptime(match[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    assert abs(datetime.now(timezone.utc) - made) < timedelta(seconds=60)


def test_functions_find_only_what_lambdas_runtime_has(captured: Callable[[str], Any]) -> None:
    """Neither crhelper nor this repository can be imported: what a function needs must be in its asset."""
    assert captured("Importable") == ["boto3"]


def test_functions_see_nothing_of_this_machine(local_cloud: LocalCloud, captured: Callable[[str], Any]) -> None:
    """Their environment is the launcher's, made from nothing, and Lambda's."""
    environment = captured("Environment")
    assert environment["AWS_ENDPOINT_URL_REKOGNITION"] == local_cloud.rekognition_url
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert environment["HOME"] == str(local_cloud.state / "home")
    inherited = {name for name, value in environment.items() if os.environ.get(name) == value}
    assert inherited <= {"PATH", "LANG"}


@pytest.mark.parametrize(
    ("statement", "outcome"),
    [
        ({"Effect": "Allow", "Action": "rekognition:ListProjectPolicies", "Resource": "*"}, "allowed"),
        (
            {"Effect": "Allow", "Action": "rekognition:PutProjectPolicy", "Resource": "*"},
            "no identity-based policy allows",
        ),
    ],
)
@pytest.mark.usefixtures("client")
def test_a_function_may_do_what_its_role_may(stack: Stack, statement: dict[str, Any], outcome: str) -> None:
    """A permission that the function's role lacks fails here as in AWS, with AWS's words."""
    stack.create(
        {"Listing": {"Fn::GetAtt": ["Custom", "Listing"]}, "Role": {"Fn::GetAtt": ["Role", "Arn"]}},
        Project=project("demo"),
        Role=role(statement),
        Function=function("capture"),
        Custom=custom(ProjectArn={"Fn::GetAtt": ["Project", "Arn"]}),
    )
    listing = stack.outputs["Listing"]
    assert outcome in listing
    if outcome != "allowed":
        name = stack.outputs["Role"].rpartition("/")[2]
        assert "(AccessDeniedException)" in listing
        assert f"User: arn:aws:sts::{ACCOUNT}:assumed-role/{name}/" in listing
