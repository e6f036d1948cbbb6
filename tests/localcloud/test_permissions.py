"""Rekognition's responses under ministack's IAM: roles, users, sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.cloud import LocalCloud
from tests.localcloud.roles import allow, policy, signed_with, trust
from tests.localcloud.support import rejected

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

ACCOUNT = "333344445555"
LIST = allow("rekognition:ListProjectPolicies")


@pytest.fixture
def arn(local_cloud: LocalCloud, request: pytest.FixtureRequest) -> str:
    """Make a project for the test and return its ARN."""
    name = request.node.name.replace("[", "-").replace("]", "")
    return str(local_cloud.client("rekognition", ACCOUNT).create_project(ProjectName=name)["ProjectArn"])


@pytest.fixture
def grant(local_cloud: LocalCloud, arn: str) -> Callable[..., None]:
    """Make a role for the test, and return what sets its policy."""
    iam, name = local_cloud.client("iam", ACCOUNT), role_name(arn)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(ACCOUNT))

    def grant(*statements: dict[str, Any]) -> None:
        iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=policy(*statements))

    return grant


def role_name(arn: str) -> str:
    """Return the name of the role for a project."""
    return arn.split("/")[1][:64]


def session(cloud: LocalCloud, arn: str, **changes: str) -> RekognitionClient:
    """Return a client that acts in the role for a project; the changes spoil its credentials."""
    role = f"arn:aws:iam::{ACCOUNT}:role/{role_name(arn)}"
    response = cloud.client("sts", ACCOUNT).assume_role(RoleArn=role, RoleSessionName="test")
    return signed_with(cloud, **{**response["Credentials"], **changes})


def test_a_role_may_do_what_its_policies_allow(local_cloud: LocalCloud, arn: str, grant: Callable[..., None]) -> None:
    """A session of a role is allowed what the role's policy names, on the resource it names, and nothing else."""
    grant({**LIST, "Resource": arn})
    client = session(local_cloud, arn)
    assert client.list_project_policies(ProjectArn=arn)["ProjectPolicies"] == []
    with rejected("AccessDeniedException"):
        client.delete_project_policy(ProjectArn=arn, PolicyName="share")
    grant({**LIST, "Resource": arn + "0"})
    with rejected("AccessDeniedException") as told:
        client.list_project_policies(ProjectArn=arn)
    assert told.message == (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/{role_name(arn)}/test is not authorized to perform: "
        f"rekognition:ListProjectPolicies on resource: {arn} "
        "because no identity-based policy allows the rekognition:ListProjectPolicies action"
    )


def test_a_deny_wins(local_cloud: LocalCloud, arn: str, grant: Callable[..., None]) -> None:
    """An explicit Deny is told as such."""
    grant(LIST, {**LIST, "Effect": "Deny"})
    with rejected("AccessDeniedException") as told:
        session(local_cloud, arn).list_project_policies(ProjectArn=arn)
    assert told.message.endswith("with an explicit deny in an identity-based policy")


def test_a_boundary_limits(local_cloud: LocalCloud, arn: str, grant: Callable[..., None]) -> None:
    """What a permissions boundary doesn't allow is denied."""
    iam = local_cloud.client("iam", ACCOUNT)
    only_s3 = policy(allow("s3:*"))
    boundary = iam.create_policy(PolicyName=role_name(arn), PolicyDocument=only_s3)["Policy"]["Arn"]
    grant(LIST)
    session(local_cloud, arn).list_project_policies(ProjectArn=arn)
    iam.put_role_permissions_boundary(RoleName=role_name(arn), PermissionsBoundary=boundary)
    with rejected("AccessDeniedException"):
        session(local_cloud, arn).list_project_policies(ProjectArn=arn)


def test_a_condition_on_the_principal_names_the_role(
    local_cloud: LocalCloud, arn: str, grant: Callable[..., None]
) -> None:
    """aws:PrincipalArn is the ARN of the role, not of its session."""
    role = f"arn:aws:iam::{ACCOUNT}:role/{role_name(arn)}"
    grant(LIST | {"Condition": {"ArnEquals": {"aws:PrincipalArn": role}}})
    session(local_cloud, arn).list_project_policies(ProjectArn=arn)
    grant(LIST | {"Condition": {"ArnLike": {"aws:PrincipalArn": f"arn:aws:sts::{ACCOUNT}:assumed-role/*"}}})
    with rejected("AccessDeniedException"):
        session(local_cloud, arn).list_project_policies(ProjectArn=arn)


def test_a_new_permission_may_be_seen_late(local_cloud: LocalCloud, arn: str, grant: Callable[..., None]) -> None:
    """With the switch a role is denied for a while what it has just been allowed; without it, no longer."""
    grant(LIST)
    client = session(local_cloud, arn)
    with local_cloud.switched(permission_delay=3600), rejected("AccessDeniedException"):
        client.list_project_policies(ProjectArn=arn)
    client.list_project_policies(ProjectArn=arn)


def test_a_user_has_permissions_too(local_cloud: LocalCloud, arn: str) -> None:
    """An IAM user's key is that of its account."""
    iam, name = local_cloud.client("iam", ACCOUNT), role_name(arn)
    iam.create_user(UserName=name)
    client = signed_with(local_cloud, **iam.create_access_key(UserName=name)["AccessKey"])
    with rejected("AccessDeniedException"):
        client.list_project_policies(ProjectArn=arn)
    iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=policy(LIST))
    client.list_project_policies(ProjectArn=arn)


def test_a_session_of_another_account_is_kept_out(
    local_cloud: LocalCloud, grant: Callable[..., None], arn: str
) -> None:
    """However much its own policies allow, a role may not use another account's project."""
    grant(LIST)
    foreign = local_cloud.client("rekognition", "444455556666").create_project(ProjectName="foreign")["ProjectArn"]
    with rejected("AccessDeniedException"):
        session(local_cloud, arn).list_project_policies(ProjectArn=foreign)


@pytest.mark.parametrize("spoiled", [{"SessionToken": "wrong"}, {"SessionToken": ""}, {"AccessKeyId": "ASIAUNKNOWN"}])
def test_rejects_credentials_that_are_not_known(
    local_cloud: LocalCloud, arn: str, grant: Callable[..., None], spoiled: dict[str, str]
) -> None:
    """An unknown key and a wrong or missing session token are UnrecognizedClientException."""
    grant(LIST)
    with rejected("UnrecognizedClientException"):
        session(local_cloud, arn, **spoiled).list_project_policies(ProjectArn=arn)


@pytest.mark.parametrize("key", ["test", "AKIAIOSFODNN7EXAMPLE"])
def test_rejects_keys_that_ministack_would_take_for_root(local_cloud: LocalCloud, key: str) -> None:
    """Only 12 digits are a root key here."""
    with rejected("UnrecognizedClientException"):
        local_cloud.client("rekognition", key).describe_projects()
