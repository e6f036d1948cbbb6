"""Rekognition under ministack's IAM: whose credentials are known, and what a role may do. Copying has its own file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from localcloud.cloud import LocalCloud
from tests.localcloud.roles import Role, allow, policy
from tests.localcloud.support import rejected

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

ACCOUNT, LIST = "333344445555", "rekognition:ListProjectPolicies"


@pytest.fixture
def arn(local_cloud: LocalCloud, name: str) -> str:
    """Make a project and return its ARN."""
    return str(local_cloud.client("rekognition", ACCOUNT).create_project(ProjectName=name)["ProjectArn"])


@pytest.fixture
def role(local_cloud: LocalCloud, arn: str, name: str) -> Role:
    """Return a role that may list the project's policies."""
    return Role(local_cloud, ACCOUNT, name, allow(LIST, arn))


def list_policies(client: RekognitionClient, arn: str) -> None:
    """List a project's policies, which is allowed or not."""
    client.list_project_policies(ProjectArn=arn)


def test_a_role_may_do_what_its_policies_allow(arn: str, role: Role) -> None:
    """A session of a role is allowed what the role's policy names, on the resource it names, and nothing else."""
    client = role.client()
    list_policies(client, arn)
    with rejected("AccessDeniedException"):
        client.delete_project_policy(ProjectArn=arn, PolicyName="share")
    role.may(allow(LIST, arn + "0"))
    with rejected("AccessDeniedException") as told:
        list_policies(client, arn)
    assert told.message == (
        f"User: {role.session_arn()} is not authorized to perform: {LIST} on resource: {arn} "
        f"because no identity-based policy allows the {LIST} action"
    )


def test_a_boundary_limits(local_cloud: LocalCloud, arn: str, role: Role, name: str) -> None:
    """What a permissions boundary doesn't allow is denied."""
    iam = local_cloud.client("iam", ACCOUNT)
    boundary = iam.create_policy(PolicyName=name, PolicyDocument=policy(allow("s3:*")))["Policy"]["Arn"]
    list_policies(role.client(), arn)
    iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)
    with rejected("AccessDeniedException"):
        list_policies(role.client(), arn)


def test_a_session_of_another_account_has_no_access(local_cloud: LocalCloud, role: Role) -> None:
    """However much its own policies allow, a role may not use another account's project."""
    role.may(allow(LIST))
    foreign = local_cloud.client("rekognition", "444455556666").create_project(ProjectName="foreign")["ProjectArn"]
    with rejected("AccessDeniedException"):
        list_policies(role.client(), foreign)


@pytest.mark.parametrize("spoiled", [{"SessionToken": "wrong"}, {"SessionToken": ""}, {"AccessKeyId": "ASIAUNKNOWN"}])
def test_unknown_credentials_are_rejected(arn: str, role: Role, spoiled: dict[str, str]) -> None:
    """An unknown key and a wrong or missing session token are UnrecognizedClientException."""
    with rejected("UnrecognizedClientException"):
        list_policies(role.client(**spoiled), arn)


@pytest.mark.parametrize("key", ["test", "AKIAIOSFODNN7EXAMPLE"])
def test_only_an_accounts_id_is_a_root_key(local_cloud: LocalCloud, key: str) -> None:
    """Ministack itself would take any other key for root's."""
    with rejected("UnrecognizedClientException"):
        local_cloud.client("rekognition", key).describe_projects()
