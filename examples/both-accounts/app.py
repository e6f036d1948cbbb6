"""Both accounts of a copy: one shares the models of its project, the other may copy them.

Context: ``trusting``, the account that has the models; ``trusted``, the one that copies them.
"""

from __future__ import annotations

import os
from typing import cast

from aws_cdk import Acknowledgment, App, CfnOutput, Environment, RemovalPolicy, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rekognition as rekognition
from aws_cdk import aws_s3 as s3

from cdk_rekognition_project_policy import CopyProjectVersionPolicy, ProjectPolicy
from constructs import Construct

PROJECT = "logos"


class Trusting(Stack):
    """The account that has the models: a project, and the policy that lets the other account copy from it."""

    def __init__(self, scope: Construct, construct_id: str, *, env: Environment, trusted: str) -> None:
        super().__init__(scope, construct_id, env=env, description="Shares Rekognition Custom Labels models")
        project = rekognition.CfnProject(self, "Project", project_name=PROJECT)
        # A project with models cannot be deleted, so it stays when the stack goes.
        project.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        policy = ProjectPolicy(self, "Sharing", project=project)
        policy.grant_copy(iam.AccountPrincipal(trusted))
        CfnOutput(self, "ProjectArn", value=policy.project_arn)
        CfnOutput(self, "PolicyRevisionId", value=policy.policy_revision_id)


class Trusted(Stack):
    """The account that copies: a project and a bucket that models are copied to, and the role that copies them."""

    def __init__(self, scope: Construct, construct_id: str, *, env: Environment, trusting: str) -> None:
        super().__init__(scope, construct_id, env=env, description="Copies Rekognition Custom Labels models")
        project = rekognition.CfnProject(self, "Copies", project_name=f"{PROJECT}-copies")
        project.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        bucket = s3.Bucket(
            self,
            "Results",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            versioned=True,
        )
        # Who in this account may take the role, its administrators say in their own policies.
        role = iam.Role(self, "Copier", assumed_by=iam.AccountPrincipal(self.account))
        CopyProjectVersionPolicy(
            self,
            "Copying",
            source_project_arn=f"arn:aws:rekognition:{self.region}:{trusting}:project/{PROJECT}",
            destination_project_arn=project.attr_arn,
            output_bucket=bucket,
            roles=[role],
        )
        CfnOutput(self, "ProjectArn", value=project.attr_arn)
        CfnOutput(self, "BucketName", value=bucket.bucket_name)
        CfnOutput(self, "RoleArn", value=role.role_arn)
        explain_findings(bucket)


def explain_findings(bucket: s3.Bucket) -> None:
    """Tell cdk-nag and checkov why what they find here is meant; an app without them does not need this."""
    no_access_log = "It holds results of training and no images; a log of who reads them would take another bucket"
    Validations.of(bucket).acknowledge(Acknowledgment(id="AwsSolutions-S1", reason=no_access_log))
    resource = cast("s3.CfnBucket", bucket.node.default_child)
    resource.add_metadata("checkov", {"skip": [{"id": "CKV_AWS_18", "comment": no_access_log}]})


app = App()
region = os.environ.get("CDK_DEFAULT_REGION", "us-east-1")
trusting_account = app.node.try_get_context("trusting") or "123456789012"
trusted_account = app.node.try_get_context("trusted") or "111122223333"
Trusting(app, "Trusting", env=Environment(account=trusting_account, region=region), trusted=trusted_account)
Trusted(app, "Trusted", env=Environment(account=trusted_account, region=region), trusting=trusting_account)
app.synth()
