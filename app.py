"""The example application: a Custom Labels project whose trained models another account may copy.

Context: ``project_arn``, an existing project to share instead of a new one; ``trusted_account``, who may copy.
"""

from __future__ import annotations

import re
import sys

from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rekognition as rekognition

from cdk_rekognition_project_policy import ProjectPolicy
from constructs import Construct


class ModelSharing(Stack):
    """Shares the models of one project with one account."""

    def __init__(self, scope: Construct, construct_id: str, *, description: str) -> None:
        super().__init__(scope, construct_id, description=description)
        trusted_account = str(self._context("trusted_account", "111122223333"))
        if not re.fullmatch(r"\d{12}", trusted_account):
            sys.exit(f'trusted_account "{trusted_account}" is not an account id. Give its 12 digits.')

        project_arn = self._context("project_arn", None)
        if project_arn is None:
            project = rekognition.CfnProject(self, "Project", project_name=f"{self.stack_name}-example")
            project_arn = project.attr_arn

        policy = ProjectPolicy(self, "Sharing", project_arn=project_arn)
        policy.grant_copy(iam.AccountPrincipal(trusted_account))

        CfnOutput(self, "ProjectArn", value=policy.project_arn)
        CfnOutput(self, "PolicyName", value=policy.policy_name)
        CfnOutput(self, "PolicyRevisionId", value=policy.policy_revision_id)

    def _context(self, name: str, default: str | None) -> str | None:
        value: str | None = self.node.try_get_context(name)
        return default if value is None else value


app = App()
try:
    ModelSharing(
        app, "RekognitionModelSharing", description="Shares Rekognition Custom Labels models with another account"
    )
except ValueError as refused:
    sys.exit(str(refused))
app.synth()
