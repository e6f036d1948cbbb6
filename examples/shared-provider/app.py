"""One provider, and three stacks that use it; one of them adopts a policy that was attached by hand."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import App, CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rekognition as rekognition

from cdk_rekognition_project_policy import ProjectPolicy, ProjectPolicyProvider
from constructs import Construct

PARTNER = "111122223333"


class SharingProvider(Stack):
    """The function that puts the policies of all the other stacks, with its role and its log."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id, description="Puts Rekognition project policies for other stacks")
        self.provider = ProjectPolicyProvider(
            self,
            "Provider",
            log_retention=logs.RetentionDays.TWO_YEARS,
            # The log shows what was shared, and when, so it stays when the stack is deleted.
            log_removal_policy=RemovalPolicy.RETAIN,
        )
        # What ProjectPolicyProvider.from_attributes takes, for apps other than this one.
        CfnOutput(self, "ServiceToken", value=self.provider.service_token)
        CfnOutput(self, "RoleName", value=self.provider.role.role_name)


class ModelSharing(Stack):
    """A project of its own, shared with the partner."""

    def __init__(
        self, scope: Construct, construct_id: str, *, project_name: str, provider: ProjectPolicyProvider
    ) -> None:
        super().__init__(scope, construct_id, description=f"Shares the models of the project {project_name}")
        project = rekognition.CfnProject(self, "Project", project_name=project_name)
        policy = ProjectPolicy(self, "Sharing", project=project, provider=provider)
        policy.grant_copy(iam.AccountPrincipal(PARTNER))
        CfnOutput(self, "ProjectArn", value=policy.project_arn)
        CfnOutput(self, "PolicyRevisionId", value=policy.policy_revision_id)


class AdoptedSharing(Stack):
    """A project and a policy that existed before: from now on the policy is edited here."""

    def __init__(
        self, scope: Construct, construct_id: str, *, project_arn: str, provider: ProjectPolicyProvider
    ) -> None:
        super().__init__(scope, construct_id, description="Keeps a project policy that was attached by hand before")
        policy = ProjectPolicy(
            self,
            "Sharing",
            project=project_arn,
            policy_name="partners",
            document=Path(__file__).with_name("partners.json"),
            adopt_existing=True,
            provider=provider,
        )
        CfnOutput(self, "PolicyRevisionId", value=policy.policy_revision_id)


app = App()
signs = app.node.try_get_context("signs") or "arn:aws:rekognition:us-east-1:123456789012:project/signs/1690474772815"
shared = SharingProvider(app, "SharingProvider").provider
ModelSharing(app, "LabelSharing", project_name="labels", provider=shared)
ModelSharing(app, "PartSharing", project_name="parts", provider=shared)
AdoptedSharing(app, "SignSharing", project_arn=signs, provider=shared)
app.synth()
