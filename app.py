"""The example application: a Custom Labels project whose trained models another account may copy.

Context: ``trusted_account``, who may copy; ``project_arn``, an existing project to share instead of a new one;
``account`` and ``region``, where to deploy, instead of wherever the CDK CLI's credentials lead.
"""

from __future__ import annotations

import os
import re
import sys

from aws_cdk import App, CfnOutput, Environment, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rekognition as rekognition

from cdk_rekognition_project_policy import ProjectPolicy
from constructs import Construct


class ModelSharing(Stack):
    """Shares the models of one project with one account."""

    def __init__(self, scope: Construct, construct_id: str, *, description: str, env: Environment) -> None:
        super().__init__(scope, construct_id, description=description, env=env)
        trusted_account = str(self.node.try_get_context("trusted_account") or "")
        if not re.fullmatch(r"\d{12}", trusted_account):
            raise ValueError(
                f'"{trusted_account}" is not an account ID. Specify who may copy: -c trusted_account=ACCOUNT_ID'
            )

        project = self.node.try_get_context("project_arn")
        if not project:
            project = rekognition.CfnProject(self, "Project", project_name=f"{self.stack_name}-example")

        policy = ProjectPolicy(self, "Sharing", project=project)
        policy.grant_copy(iam.AccountPrincipal(trusted_account))

        CfnOutput(self, "ProjectArn", value=policy.project_arn)
        CfnOutput(self, "PolicyName", value=policy.policy_name)
        CfnOutput(self, "PolicyRevisionId", value=policy.policy_revision_id)


app = App()
env = Environment(
    account=app.node.try_get_context("account") or os.environ.get("CDK_DEFAULT_ACCOUNT"),
    region=app.node.try_get_context("region") or os.environ.get("CDK_DEFAULT_REGION"),
)
try:
    ModelSharing(
        app,
        "RekognitionModelSharing",
        description="Shares Rekognition Custom Labels models with another account",
        env=env,
    )
except ValueError as rejected:
    sys.exit(str(rejected))
app.synth()
