"""Both accounts: a model is copied exactly while the policies that the constructs make allow it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, CfnOutput, CfnResource, DefaultStackSynthesizer, Fn, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template
from botocore.exceptions import ClientError

from cdk_rekognition_project_policy import CopyProjectVersionPolicy, ProjectPolicy, ProjectPolicyProvider
from localcloud.cloud import LocalCloud
from tests.cloudformation import CloudFormation
from tests.end_to_end.conftest import deploy_provider
from tests.localcloud.roles import signed_with

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_rekognition import RekognitionClient

TRUSTING, TRUSTED = "676767676767", "787878787878"
KEY_ARN = f"arn:aws:kms:us-east-1:{TRUSTED}:key/01234567-89ab-cdef-0123-456789abcdef"
SHARING = "ModelSharing"

Grant = Callable[[ProjectPolicy, Stack], object]


def new_stack(name: str) -> Stack:
    """Return a stack that can be deployed without bootstrapping the CDK."""
    synthesizer = DefaultStackSynthesizer(generate_bootstrap_version_rule=False)
    return Stack(App(analytics_reporting=False), name, synthesizer=synthesizer)


@pytest.fixture(scope="module")
def trusting(local_cloud: LocalCloud, dist: Path) -> Iterator[CloudFormation]:
    """The trusting account, with a provider."""
    cloudformation = deploy_provider(local_cloud, TRUSTING, dist)
    yield cloudformation
    cloudformation.delete("Provider")


class Models:
    """A project with two trained versions, and one of another account that copies them."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._source: RekognitionClient = cloud.client("rekognition", TRUSTING)
        self._destination: RekognitionClient = cloud.client("rekognition", TRUSTED)
        self.source = self._source.create_project(ProjectName="models")["ProjectArn"]
        self.destination = self._destination.create_project(ProjectName="copies")["ProjectArn"]
        self._versions = {
            name: self._source.create_project_version(
                ProjectArn=self.source, VersionName=name, OutputConfig={"S3Bucket": "training"}
            )["ProjectVersionArn"]
            for name in ("v1", "v2")
        }

    def copy(self, client: RekognitionClient, version: str = "v1", prefix: str = "copied", **more: Any) -> bool:
        """Copy a model version and delete the copy again; return whether that was allowed."""
        try:
            copied = client.copy_project_version(
                SourceProjectArn=self.source,
                SourceProjectVersionArn=self._versions[version],
                DestinationProjectArn=self.destination,
                VersionName="copy",
                OutputConfig={"S3Bucket": "results", "S3KeyPrefix": prefix},
                **more,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDeniedException":
                raise
            return False
        (found,) = client.describe_project_versions(ProjectArn=self.destination)["ProjectVersionDescriptions"]
        assert (found["Status"], found["ProjectVersionArn"]) == ("COPYING_COMPLETED", copied["ProjectVersionArn"])
        self._destination.delete_project_version(ProjectVersionArn=copied["ProjectVersionArn"])
        return True

    def remove(self) -> None:
        """Delete everything."""
        for arn in self._versions.values():
            self._source.delete_project_version(ProjectVersionArn=arn)
        self._source.delete_project(ProjectArn=self.source)
        self._destination.delete_project(ProjectArn=self.destination)


@pytest.fixture(scope="module")
def models(local_cloud: LocalCloud) -> Iterator[Models]:
    """The models."""
    models = Models(local_cloud)
    yield models
    models.remove()


@pytest.fixture(scope="module")
def copier(local_cloud: LocalCloud, models: Models) -> Iterator[RekognitionClient]:
    """A client in a role of the trusted account, which has the construct's policy for all versions and a key."""
    cloudformation = CloudFormation(local_cloud.client("cloudformation", TRUSTED))
    stack = new_stack("Copying")
    role = iam.Role(stack, "Copier", role_name="copier", assumed_by=iam.AccountRootPrincipal())
    CopyProjectVersionPolicy(
        stack,
        "Copy",
        source_project=models.source,
        destination_project=models.destination,
        output_bucket=s3.Bucket.from_bucket_name(stack, "Results", "results"),
        output_key_prefix="copied",
        output_encryption_key=kms.Key.from_key_arn(stack, "Key", KEY_ARN),
        roles=[role],
    )
    CfnOutput(stack, "Role", value=role.role_arn)
    assert cloudformation.deploy("Copying", json.dumps(Template.from_stack(stack).to_json())) == "CREATE_COMPLETE"
    sts = local_cloud.client("sts", TRUSTED)
    session = sts.assume_role(RoleArn=cloudformation.outputs("Copying")["Role"], RoleSessionName="test")
    yield signed_with(local_cloud, **session["Credentials"])
    cloudformation.delete("Copying")


def sharing(project_arn: str, *grants: Grant, broken: bool = False) -> str:
    """Return the template of a stack that shares a project, through the provider that is there."""
    stack = new_stack(SHARING)
    provider = ProjectPolicyProvider.from_attributes(
        stack,
        "Provider",
        service_token=Fn.import_value("RekognitionProjectPolicyProvider:ServiceToken"),
        role_name=Fn.import_value("RekognitionProjectPolicyProvider:RoleName"),
    )
    policy = ProjectPolicy(stack, "Sharing", project=project_arn, provider=provider)
    for grant in grants:
        grant(policy, stack)
    if broken:
        failing = CfnResource(
            stack, "Broken", type="AWS::Rekognition::Project", properties={"ProjectName": "not a name"}
        )
        failing.node.add_dependency(policy)
    return json.dumps(Template.from_stack(stack).to_json())


def to_account(policy: ProjectPolicy, _: Stack) -> None:
    """Allow the trusted account to copy every model version."""
    policy.grant_copy(iam.AccountPrincipal(TRUSTED))


def to_another(policy: ProjectPolicy, _: Stack) -> None:
    """Allow somebody else to copy every model version."""
    policy.grant_copy(iam.AccountPrincipal("999988887777"))


def test_copied_exactly_while_the_policy_allows_it(
    trusting: CloudFormation, models: Models, copier: RekognitionClient
) -> None:
    """Through deployment, edit, rollback and deletion, the other account may copy when the stack says so."""
    assert not models.copy(copier)
    assert trusting.deploy(SHARING, sharing(models.source, to_account)) == "CREATE_COMPLETE"
    assert models.copy(copier)
    assert trusting.deploy(SHARING, sharing(models.source, to_another)) == "UPDATE_COMPLETE"
    assert not models.copy(copier)
    widened = sharing(models.source, to_account, to_another, broken=True)
    assert trusting.deploy(SHARING, widened) == "UPDATE_ROLLBACK_COMPLETE"
    assert not models.copy(copier)
    assert trusting.deploy(SHARING, sharing(models.source, to_account)) == "UPDATE_COMPLETE"
    assert models.copy(copier)
    narrowed = sharing(models.source, to_another, broken=True)
    assert trusting.deploy(SHARING, narrowed) == "UPDATE_ROLLBACK_COMPLETE"
    assert models.copy(copier)
    trusting.delete(SHARING)
    assert not models.copy(copier)


def test_the_trusted_side_allows_no_more_than_it_says(
    trusting: CloudFormation, models: Models, copier: RekognitionClient
) -> None:
    """Results go below the prefix only, and with no other key than the one that is given."""
    assert trusting.deploy(SHARING, sharing(models.source, to_account)) == "CREATE_COMPLETE"
    assert models.copy(copier, KmsKeyId=KEY_ARN)
    assert not models.copy(copier, prefix="elsewhere")
    assert not models.copy(copier, KmsKeyId=KEY_ARN.replace("0123", "9999"))
    trusting.delete(SHARING)
