"""Both accounts of a copy: one trains a model and shares it, the other has a copy of it.

Context: ``trusting``, the account that has the models; ``trusted``, the one that copies; ``share_with``, the account
that is allowed to copy (default: ``trusted``); ``source_project_arn``, ``source_version_arn``, the model to copy.
"""

from __future__ import annotations

import os

from aws_cdk import Acknowledgment, App, CfnOutput, Environment, RemovalPolicy, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rekognition as rekognition
from aws_cdk import aws_s3 as s3

from cdk_rekognition_project_policy import ProjectPolicy, ProjectVersionCopy
from constructs import Construct

PROJECT = "flags"


class Trusting(Stack):
    """The account that has the models: a project, and the policy that allows the other account to copy from it."""

    def __init__(self, scope: Construct, construct_id: str, *, env: Environment, share_with: str) -> None:
        super().__init__(scope, construct_id, env=env, description="Shares Rekognition Custom Labels models")
        project = rekognition.CfnProject(self, "Project", project_name=PROJECT)
        # A project with models cannot be deleted, so it stays when the stack is deleted.
        project.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        policy = ProjectPolicy(self, "Sharing", project=project)
        policy.grant_copy(iam.AccountPrincipal(share_with))
        CfnOutput(self, "ProjectArn", value=policy.project_arn)


class Trusted(Stack):
    """The account that copies: a project with a copy of the model version, and a role that may use the copy."""

    def __init__(
        self, scope: Construct, construct_id: str, *, env: Environment, source_project_arn: str, source_version_arn: str
    ) -> None:
        super().__init__(scope, construct_id, env=env, description="Has a copy of a Rekognition Custom Labels model")
        project = rekognition.CfnProject(self, "Copies", project_name=f"{PROJECT}-copies")
        results = s3.Bucket(
            self,
            "Results",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            versioned=True,
        )
        copy = ProjectVersionCopy(
            self,
            "Flags",
            source_project=source_project_arn,
            source_version_arn=source_version_arn,
            destination_project=project,
            output_bucket=results,
            stop_running=True,
        )
        # The account's administrators decide, in their own policies, who may assume the role.
        role = iam.Role(self, "Detecting", assumed_by=iam.AccountPrincipal(self.account))
        copy.grant_detect(role)
        copy.grant_start_stop(role)
        CfnOutput(self, "VersionArn", value=copy.version_arn)
        CfnOutput(self, "RoleArn", value=role.role_arn)
        # For cdk-nag; an app without it doesn't need this.
        no_access_log = "It holds training results and no images; a log of who reads them would need another bucket"
        Validations.of(results).acknowledge(Acknowledgment(id="AwsSolutions-S1", reason=no_access_log))


app = App()


def context(name: str, default: str) -> str:
    """Return what the command line gives with ``-c``."""
    return str(app.node.try_get_context(name) or default)


region = os.environ.get("CDK_DEFAULT_REGION", "us-east-1")
trusting, trusted = context("trusting", "123456789012"), context("trusted", "111122223333")
example = f"arn:aws:rekognition:{region}:{trusting}:project/{PROJECT}"
Trusting(
    app,
    "Trusting",
    env=Environment(account=trusting, region=region),
    share_with=context("share_with", trusted),
)
Trusted(
    app,
    "Trusted",
    env=Environment(account=trusted, region=region),
    source_project_arn=context("source_project_arn", f"{example}/1690474772815"),
    source_version_arn=context("source_version_arn", f"{example}/version/v1/1690475000000"),
)
app.synth()
