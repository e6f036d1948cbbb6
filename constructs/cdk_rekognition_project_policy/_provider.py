"""The provider: the function behind the custom resource, its role and its log, one a stack."""

from __future__ import annotations

from aws_cdk import Aws, CfnResource, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from constructs import Construct

from . import _asset
from ._handler import timing

_ID = "RekognitionProjectPolicyProvider"


class ProjectPolicyProvider(Construct):
    """The Lambda function that puts, updates and deletes project policies, with a role of its own.

    The role may put policies on exactly the projects that are managed, and list and delete policies on every project of
    the stack's own account and Region: CloudFormation takes a project out of the role before it cleans up the policy
    there, so a narrower role would leave the grant live.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._log_group = logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.ONE_YEAR, removal_policy=RemovalPolicy.DESTROY
        )
        self._role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description="Manages Rekognition project policies for CloudFormation",
        )
        self._log_group.grant_write(self._role)
        self._put = iam.PolicyStatement(actions=["rekognition:PutProjectPolicy"])
        self._managed: set[str] = set()
        self._role.add_to_principal_policy(self._put)
        self._role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["rekognition:ListProjectPolicies", "rekognition:DeleteProjectPolicy"],
                resources=[f"arn:{Aws.PARTITION}:rekognition:{Aws.REGION}:{Aws.ACCOUNT_ID}:project/*"],
            )
        )
        self._function = lambda_.Function(
            self,
            "Function",
            description="Puts, updates and deletes Rekognition project policies for CloudFormation",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            handler="index.handler",
            code=_asset.code(),
            memory_size=256,
            timeout=Duration.seconds(timing.FUNCTION_TIMEOUT),
            max_event_age=Duration.seconds(timing.MAXIMUM_EVENT_AGE),
            retry_attempts=2,
            role=self._role,
            log_group=self._log_group,
        )
        # The CDK makes every function depend on its role, which cfn-lint finds redundant (W3005).
        _default_child(self._function).add_metadata("cfn-lint", {"config": {"ignore_checks": ["W3005"]}})

    @classmethod
    def of(cls, scope: Construct) -> ProjectPolicyProvider:
        """Return the provider of the stack that ``scope`` is in; it is made on first use."""
        stack = Stack.of(scope)
        existing = stack.node.try_find_child(_ID)
        return existing if isinstance(existing, ProjectPolicyProvider) else cls(stack, _ID)

    @property
    def service_token(self) -> str:
        """The function's ARN, which custom resources give as their ServiceToken."""
        return self._function.function_arn

    def manage(self, project_arn: str, resource: Construct) -> None:
        """Let the function put policies on a project, before ``resource``, which needs it, is made."""
        if project_arn not in self._managed:
            self._managed.add(project_arn)
            self._put.add_resources(project_arn)
        # What every request needs has to be there before the first and go after the last: permissions, log, retries.
        resource.node.add_dependency(self._role, self._log_group, self._function.node.find_child("EventInvokeConfig"))


def _default_child(construct: Construct) -> CfnResource:
    child = construct.node.default_child
    if not isinstance(child, CfnResource):
        raise TypeError(f"{construct.node.path} has no CloudFormation resource of its own.")
    return child
