"""Creates a Custom Labels project, and defines who may copy its models."""

from __future__ import annotations

from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rekognition as rekognition

from cdk_rekognition_project_policy import ProjectPolicy
from constructs import Construct

# Put your own in place of these.
PARTNER = "111122223333"
PARTNERS_GUEST = f"arn:aws:iam::{PARTNER}:role/Guest"
REVIEWER = "arn:aws:iam::444455556666:role/ModelReviewer"
ORGANIZATION = "o-a1b2c3d4e5"


class BadgeSharing(Stack):
    """A project, and the policy that shares its models."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id, description="Shares the models of a Rekognition Custom Labels project")
        project = rekognition.CfnProject(self, "Project", project_name="badges")
        policy = ProjectPolicy(self, "Sharing", project=project)

        # An account may copy every version, later ones included. Its administrators decide who of them does.
        policy.grant_copy(iam.AccountPrincipal(PARTNER))
        # This role of that account may not, whatever else allows it.
        policy.deny_copy(iam.ArnPrincipal(PARTNERS_GUEST))
        # A single role of another account may copy the versions that are up for review.
        policy.grant_copy(iam.ArnPrincipal(REVIEWER), versions=["v1", "v2"])
        # Every account of an organization may copy all versions.
        policy.grant_copy(iam.OrganizationPrincipal(ORGANIZATION))

        CfnOutput(self, "ProjectArn", value=policy.project_arn)
        CfnOutput(self, "PolicyName", value=policy.policy_name)
        CfnOutput(self, "PolicyRevisionId", value=policy.policy_revision_id, description="Another one after each edit")


app = App()
BadgeSharing(app, "BadgeSharing")
app.synth()
