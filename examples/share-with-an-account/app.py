"""Shares the models of an existing Custom Labels project with another account."""

from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_iam as iam

from cdk_rekognition_project_policy import ProjectPolicy

app = App()
stack = Stack(app, "LogoSharing")
policy = ProjectPolicy(
    stack,
    "Sharing",
    project_arn="arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815",
)
policy.grant_copy(iam.AccountPrincipal("111122223333"))
CfnOutput(stack, "PolicyRevisionId", value=policy.policy_revision_id)
app.synth()
