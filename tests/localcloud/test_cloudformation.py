"""CloudFormation in the local cloud: the project type, and custom resources as the real one calls them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from localcloud.cloud import LocalCloud
from localcloud.project_type import ProjectType
from localcloud.rekognition import LocalRekognition
from tests.account import Account
from tests.localcloud.stacks import custom, function, project, role, template
from tests.localcloud.support import document

# Accounts of their own, so that these tests may look at all there is.
ACCOUNT, ANOTHER = "222233334444", "222244446666"
REF_AND_ARN = {"Name": {"Ref": "Project"}, "Arn": {"Fn::GetAtt": ["Project", "Arn"]}}


@pytest.fixture
def account(local_cloud: LocalCloud) -> Account:
    """Return the account."""
    return Account(local_cloud, ACCOUNT)


def test_a_project_lives_with_its_stack(account: Account) -> None:
    """Made, tagged in place, replaced in vain, replaced, and deleted behind CloudFormation's back."""
    assert account.deploy("life", template(REF_AND_ARN, Project=project("demo"))) == "CREATE_COMPLETE"
    arn = account.outputs("life")["Arn"]
    assert re.fullmatch(rf"arn:aws:rekognition:us-east-1:{ACCOUNT}:project/demo/\d{{13}}", arn)
    assert (account.outputs("life")["Name"], account.projects()) == ("demo", {"demo": arn})

    tagged = template(REF_AND_ARN, Project=project("demo", Tags=[{"Key": "team", "Value": "vision"}]))
    assert account.deploy("life", tagged) == "UPDATE_COMPLETE"
    assert account.projects() == {"demo": arn}
    assert account.rekognition.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"team": "vision"}

    broken = template(Project=project("new"), Broken={**project("not a name"), "DependsOn": "Project"})
    assert account.deploy("life", broken) == "UPDATE_ROLLBACK_COMPLETE"
    assert "does not match" in account.reasons("life")
    assert account.projects() == {"demo": arn}

    assert account.deploy("life", template(REF_AND_ARN, Project=project("new"))) == "UPDATE_COMPLETE"
    assert "requires the creation of a new physical resource" in account.reasons("life")
    assert account.projects() == {"new": account.outputs("life")["Arn"]}
    assert account.outputs("life")["Name"] == "new"

    account.rekognition.delete_project(ProjectArn=account.projects()["new"])
    account.delete("life")


def test_a_project_goes_with_its_policies_but_not_with_its_versions(account: Account) -> None:
    """The stack's deletion fails until the model versions are gone, as it does in AWS; policies don't matter."""
    account.deploy("kept", template(Project=project("Demo_1")))
    client, arn = account.rekognition, account.projects()["Demo_1"]
    client.put_project_policy(ProjectArn=arn, PolicyName="share", PolicyDocument=document())
    version = client.create_project_version(ProjectArn=arn, VersionName="v1", OutputConfig={"S3Bucket": "results"})
    account.delete("kept", ends="DELETE_FAILED")
    assert "has model versions; delete them first. (ResourceInUseException)" in account.reasons("kept")
    client.delete_project_version(ProjectVersionArn=version["ProjectVersionArn"])
    account.delete("kept")
    assert account.projects() == {}


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({}, "does not match"),
        ({"ProjectName": "a b"}, "does not match"),
        ({"ProjectName": "taken"}, "A project with the name taken already exists"),
    ],
)
def test_rejects_wrong_names(rekognition: LocalRekognition, properties: dict[str, Any], reason: str) -> None:
    """A name that is missing, wrong or taken fails with a reason; nothing else is touched."""
    taken = rekognition.store.create_project(ACCOUNT, "us-east-1", "taken")
    with pytest.raises(ValueError, match=re.escape(reason)):
        ProjectType(rekognition.store).create(ACCOUNT, "us-east-1", properties)
    assert rekognition.store.projects(ACCOUNT, "us-east-1") == [taken]


def test_what_could_not_be_deleted_keeps_its_function(account: Account) -> None:
    """A custom resource whose Delete fails can be deleted later: what it depends on isn't deleted before it."""
    body = template(Role=role(), Function=function(), Custom=custom(Id="thing", KeptBy="a reason"))
    assert account.deploy("kept-function", body) == "CREATE_COMPLETE", account.reasons("kept-function")
    account.delete("kept-function", ends="DELETE_FAILED")
    assert "kept by a reason" in account.reasons("kept-function")
    (account.cloud.state / "tmp" / "a reason").touch()
    account.delete("kept-function")


@pytest.fixture(scope="module")
def captured(local_cloud: LocalCloud) -> Mapping[str, str]:
    """Deploy a custom resource whose function may do nothing, and return what it found, as the stack's outputs."""
    account = Account(local_cloud, ANOTHER)
    found = {name: {"Fn::GetAtt": ["Custom", name]} for name in ("Event", "Importable", "Environment", "Listing")}
    body = template(
        {**found, "Role": {"Ref": "Role"}},
        Project=project("listed"),
        Role=role(),
        Function=function(),
        Custom=custom(Number=14, Flag=True, Words=["a", "b"], ProjectArn={"Fn::GetAtt": ["Project", "Arn"]}),
    )
    assert account.deploy("captured", body) == "CREATE_COMPLETE", account.reasons("captured")
    return account.outputs("captured")


def test_a_custom_resource_gets_cloudformations_event(captured: Mapping[str, str]) -> None:
    """Scalars are strings, and the URL for the response has the time of the request, as CloudFormation's does."""
    event = json.loads(captured["Event"])
    assert event["RequestType"] == "Create"
    assert event["ResourceType"] == "Custom::Thing"
    properties = {name: event["ResourceProperties"][name] for name in ("Number", "Flag", "Words")}
    assert properties == {"Number": "14", "Flag": "true", "Words": ["a", "b"]}
    query = r"\?X-Amz-Date=(\d{8}T\d{6}Z)&X-Amz-Expires=7200&X-Amz-Signature=[0-9a-f]{64}$"
    match = re.search(query, event["ResponseURL"])
    assert match is not None
    made = datetime.strptime(match[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    assert abs(datetime.now(timezone.utc) - made) < timedelta(seconds=60)


def test_functions_find_only_what_lambdas_runtime_has(local_cloud: LocalCloud, captured: Mapping[str, str]) -> None:
    """Neither crhelper nor this repository, and no more of this machine's environment than its PATH."""
    assert json.loads(captured["Importable"]) == ["boto3"]
    environment = json.loads(captured["Environment"])
    assert environment["AWS_ENDPOINT_URL_REKOGNITION"] == local_cloud.rekognition_url
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert environment["HOME"] == str(local_cloud.state / "home")
    inherited = {name for name, value in environment.items() if os.environ.get(name) == value}
    assert inherited <= {"PATH", "LANG"}


def test_a_function_may_do_no_more_than_its_role(captured: Mapping[str, str]) -> None:
    """A permission that the function's role lacks fails here as in AWS, with AWS's words."""
    listing = captured["Listing"]
    assert "(AccessDeniedException)" in listing
    assert f"User: arn:aws:sts::{ANOTHER}:assumed-role/{captured['Role']}/" in listing
    assert "no identity-based policy allows" in listing
