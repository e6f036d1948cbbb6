"""Both accounts without the CDK CLI: a model is copied exactly while the policies that the constructs make allow it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, CfnOutput, CfnResource, DefaultStackSynthesizer, Fn, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rekognition as rekognition
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template
from botocore.exceptions import ClientError

from cdk_rekognition_project_policy import (
    CopyProjectVersionPolicy,
    ProjectPolicy,
    ProjectPolicyProvider,
    ProjectVersionCopy,
    ProjectVersionCopyProvider,
)
from localcloud.cloud import LocalCloud
from tests.account import Account
from tests.end_to_end.conftest import deploy_provider
from tests.localcloud.roles import signed_with
from tests.localcloud.support import Setting, rejected
from tests.packaging import ROOT

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

TRUSTING, TRUSTED, ANOTHER, COPYING = "676767676767", "787878787878", "999988887777", "696969696969"
KEY_ARN = f"arn:aws:kms:us-east-1:{TRUSTED}:key/01234567-89ab-cdef-0123-456789abcdef"
SHARING = "ModelSharing"


def new_stack(name: str) -> Stack:
    """Return a stack that can be deployed without bootstrapping the CDK."""
    synthesizer = DefaultStackSynthesizer(generate_bootstrap_version_rule=False)
    return Stack(App(analytics_reporting=False), name, synthesizer=synthesizer)


def template_of(stack: Stack) -> str:
    """Return a stack's template."""
    return json.dumps(Template.from_stack(stack).to_json())


@pytest.fixture(scope="module")
def trusting(local_cloud: LocalCloud, dist: Path) -> Account:
    """The trusting account, with a provider."""
    account = Account(local_cloud, TRUSTING)
    deploy_provider(account, dist)
    return account


@pytest.fixture(scope="module")
def models(trusting: Account) -> Setting:
    """A model version of the trusting account, and a project of the trusted one."""
    return Setting(trusting.rekognition, Account(trusting.cloud, TRUSTED).rekognition, "models")


def client_of(account: Account, role_arn: str) -> RekognitionClient:
    """Return a client that acts as a role."""
    session = account.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="test")["Credentials"]
    return signed_with(account.cloud, **session)


@pytest.fixture(scope="module")
def copying(local_cloud: LocalCloud, dist: Path, models: Setting) -> Account:
    """An account that may copy, with the provider of a release."""
    account = Account(local_cloud, COPYING)
    deploy_provider(account, dist, "copy-provider")
    models.share("copying", Principal={"AWS": COPYING})
    return account


Copies = Callable[..., bool]


@pytest.fixture(scope="module")
def copies(models: Setting, local_cloud: LocalCloud) -> Copies:
    """Return what tells whether a role of the trusted account may copy, which has the construct's policy for it."""
    trusted, stack = Account(local_cloud, TRUSTED), new_stack("Copying")
    role = iam.Role(stack, "Copier", role_name="copier", assumed_by=iam.AccountRootPrincipal())
    CopyProjectVersionPolicy(
        stack,
        "Copy",
        source_project=models.project,
        destination_project=models.target,
        output_bucket=s3.Bucket.from_bucket_name(stack, "Results", "results"),
        output_key_prefix="copied",
        output_encryption_key=kms.Key.from_key_arn(stack, "Key", KEY_ARN),
        roles=[role],
    )
    CfnOutput(stack, "Role", value=role.role_arn)
    assert trusted.deploy("Copying", template_of(stack)) == "CREATE_COMPLETE"
    client = client_of(trusted, trusted.outputs("Copying")["Role"])

    def copy(prefix: str = "copied", **more: str) -> bool:
        try:
            arn = models.copy(client, OutputConfig={"S3Bucket": "results", "S3KeyPrefix": prefix}, **more)
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDeniedException":
                raise
            return False
        (found,) = client.describe_project_versions(ProjectArn=models.target)["ProjectVersionDescriptions"]
        assert (found["Status"], found["ProjectVersionArn"]) == ("COPYING_COMPLETED", arn)
        models.destination.delete_project_version(ProjectVersionArn=arn)
        return True

    return copy


def sharing(project_arn: str, *accounts: str, broken: bool = False) -> str:
    """Return the template of a stack that shares a project with accounts, through the provider that is there."""
    stack = new_stack(SHARING)
    provider = ProjectPolicyProvider.from_attributes(
        stack,
        "Provider",
        service_token=Fn.import_value("RekognitionProjectPolicyProvider:ServiceToken"),
        role_name=Fn.import_value("RekognitionProjectPolicyProvider:RoleName"),
    )
    policy = ProjectPolicy(stack, "Sharing", project=project_arn, provider=provider)
    for account in accounts:
        policy.grant_copy(iam.AccountPrincipal(account))
    if broken:
        failing = CfnResource(stack, "Broken", type="AWS::Rekognition::Project", properties={"ProjectName": "a b"})
        failing.node.add_dependency(policy)
    return template_of(stack)


def test_copied_exactly_while_the_policy_allows_it(trusting: Account, models: Setting, copies: Copies) -> None:
    """Through deployment, edit, rollback and deletion, the other account may copy when the stack says so, and how."""
    assert not copies()
    for accounts, broken, ends, allowed in (
        ((TRUSTED,), False, "CREATE_COMPLETE", True),
        ((ANOTHER,), False, "UPDATE_COMPLETE", False),
        ((TRUSTED, ANOTHER), True, "UPDATE_ROLLBACK_COMPLETE", False),
        ((TRUSTED,), False, "UPDATE_COMPLETE", True),
        ((ANOTHER,), True, "UPDATE_ROLLBACK_COMPLETE", True),
    ):
        assert trusting.deploy(SHARING, sharing(models.project, *accounts, broken=broken)) == ends
        assert copies() is allowed
    # Results go below the prefix only, and with no other key than the one that is given.
    assert copies(KmsKeyId=KEY_ARN)
    assert not copies(prefix="elsewhere")
    assert not copies(KmsKeyId=KEY_ARN.replace("0123", "9999"))
    trusting.delete(SHARING)
    assert not copies()


def test_a_template_copies_without_the_cdk(copying: Account, models: Setting) -> None:
    """Within the role's permissions boundary, another model version replaces the copy, and the stack takes it along."""
    template = (ROOT / "examples" / "cloudformation" / "copied-model.yaml").read_text()
    given: dict[str, Any] = {"SourceProjectArn": models.project, "OutputBucket": "results"}
    arns = []
    for version, status in ((models.version, "CREATE_COMPLETE"), (models.train("v2"), "UPDATE_COMPLETE")):
        assert copying.deploy("CopiedModel", template, SourceVersionArn=version, **given) == status
        ((arn, found),) = copying.versions().items()
        assert (found["SourceProjectVersionArn"], found["Status"]) == (version, "COPYING_COMPLETED")
        assert copying.outputs("CopiedModel")["VersionArn"] == arn
        arns.append(arn)
    assert arns[0] != arns[1]
    copying.delete("CopiedModel")
    assert copying.versions() == {}


def test_a_role_starts_or_detects_as_it_was_granted(copying: Account, models: Setting) -> None:
    """One role may start and stop the copy, another detect with it while it runs, and neither may do the other's."""
    stack, exported = new_stack("Using"), "RekognitionProjectVersionCopyProvider"
    provider = ProjectVersionCopyProvider.from_attributes(
        stack,
        "Provider",
        service_token=Fn.import_value(f"{exported}:ServiceToken"),
        role_name=Fn.import_value(f"{exported}:RoleName"),
    )
    copy = ProjectVersionCopy(
        stack,
        "Copy",
        source_project=models.project,
        source_version_arn=models.version,
        destination_project=rekognition.CfnProject(stack, "Project", project_name="used"),
        output_bucket=s3.Bucket.from_bucket_name(stack, "Results", "results"),
        stop_running=True,
        provider=provider,
    )
    starting, detecting = (iam.Role(stack, name, assumed_by=iam.AccountRootPrincipal()) for name in ("Start", "Detect"))
    copy.grant_start_stop(starting)
    copy.grant_detect(detecting)
    for name, value in {"Arn": copy.version_arn, "Starts": starting.role_arn, "Detects": detecting.role_arn}.items():
        CfnOutput(stack, f"{name}Output", value=value)
    assert copying.deploy("Using", template_of(stack)) == "CREATE_COMPLETE", copying.reasons("Using")
    arn, starts, detects = (copying.outputs("Using")[f"{name}Output"] for name in ("Arn", "Starts", "Detects"))
    starter, detector = client_of(copying, starts), client_of(copying, detects)
    image: Any = {"Bytes": b"an image"}

    for code, client in (("ResourceNotReadyException", detector), ("AccessDeniedException", starter)):
        with rejected(code):
            client.detect_custom_labels(ProjectVersionArn=arn, Image=image)
    with rejected("AccessDeniedException"):
        detector.start_project_version(ProjectVersionArn=arn, MinInferenceUnits=1)
    starter.start_project_version(ProjectVersionArn=arn, MinInferenceUnits=1)
    assert detector.detect_custom_labels(ProjectVersionArn=arn, Image=image)["CustomLabels"] == []
    starter.stop_project_version(ProjectVersionArn=arn)
    with rejected("AccessDeniedException"):
        starter.delete_project_version(ProjectVersionArn=arn)
    copying.delete("Using")
