"""The provider: the function behind the custom resource, its role and its log; one a stack, or one for several."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Protocol

from aws_cdk import Aws, Duration, RemovalPolicy, Stack, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from constructs import Construct, DependencyGroup

from . import _handler
from ._checks import Environment, check_account, matches, wrong
from ._handler import timeouts
from ._permissions import RolePermissions, inline_policy
from ._suppressions import explain_every_project, explain_function, explain_log_group
from ._tokens import is_token, stack_of

if TYPE_CHECKING:  # it takes long to load, and its names are all that is needed of it
    from aws_cdk import aws_kms as kms

MEMORY_SIZE = 256
"""MiB of the function: it takes about 60, and processor time comes with memory (AWS Lambda)."""

_ID = "RekognitionProjectPolicyProvider"
_SERVICE_TOKEN = re.compile(r"arn:[a-z\d-]+:lambda:[a-z\d-]+:\d{12}:function:[\w-]+(:[\w$-]+)?", re.ASCII)
_ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)


class IProjectPolicyProvider(Protocol):
    """A provider, made in this app or imported: what ``ProjectPolicy(provider=...)`` takes."""

    @property
    def service_token(self) -> str:
        """The function's ARN, which custom resources give as their ServiceToken."""

    @property
    def role(self) -> iam.IRole:
        """The function's role."""

    def manage(self, project_arn: str, resource: Construct) -> None:
        """Let the function put policies on a project, before ``resource``, which needs it, is made."""


class ProjectPolicyProvider(Construct):
    """The Lambda function that puts, updates and deletes project policies, with its role and its log.

    Each stack with a ``ProjectPolicy`` gets a provider of its own, unless the policy is given one: then several stacks
    of one account and Region share it, whether it is made in the same app or imported with ``from_attributes``.

    The role may put policies on exactly the projects that are managed, and list and delete policies on every project of
    the provider's own account and Region: CloudFormation takes a project out of the role before it cleans up the policy
    there, so a narrower role would leave the grant live. Each stack that uses the provider brings the permission to put
    policies on its own projects along.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        log_removal_policy: RemovalPolicy = RemovalPolicy.DESTROY,
        log_encryption_key: kms.IKey | None = None,
        role: iam.IRole | None = None,
        permissions_boundary: iam.IManagedPolicy | None = None,
        memory_size: int = MEMORY_SIZE,
    ) -> None:
        """Define a provider.

        :param log_retention: How long the function's log is kept. Default: one year.
        :param log_removal_policy: What happens to the log when the provider goes. Default: it goes too.
        :param log_encryption_key: The KMS key that the log is encrypted with; CloudWatch Logs is let use it for the
            logs of this account and Region. For a key that is imported, its own policy has to say so. Default: a key
            that CloudWatch Logs owns.
        :param role: The function's role, which Lambda must be let assume; the permissions are attached to it. Default:
            a role of its own.
        :param permissions_boundary: The permissions boundary of the role that is made. Default: none but what the app
            applies.
        :param memory_size: The function's memory in MiB, 128 to 10240. Default: 256.
        :raises ValueError: for both a role and a permissions boundary, for a role of another account, and for a memory
            size that Lambda has not.
        """
        super().__init__(scope, construct_id)
        if role is not None and permissions_boundary is not None:
            raise ValueError(f"{self.node.path}: give the permissions boundary to the role that you give.")
        if role is not None:
            check_account(self, "role", role)
        # The CDK would leave out of the template, without a word, what isn't a managed policy.
        if permissions_boundary is not None and not hasattr(permissions_boundary, "managed_policy_arn"):
            raise wrong(self, "permissions_boundary", permissions_boundary, "an iam.ManagedPolicy")
        if not _is_memory_size(memory_size):
            raise wrong(self, "memory_size", memory_size, "128 to 10240, in MiB")
        log_group = logs.LogGroup(
            self,
            "Logs",
            retention=log_retention,
            removal_policy=log_removal_policy,
            encryption_key=log_encryption_key,
        )
        if log_encryption_key is None:
            explain_log_group(log_group)
        else:
            _allow_logs_to_use(log_encryption_key)
        self._role = role if role is not None else self._own_role(permissions_boundary)
        # A policy of its own, since a role that is given may be of a stack that cannot refer to this one.
        policy = inline_policy(
            self,
            self._role,
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_group.log_group_arn]
            ),
            iam.PolicyStatement(
                actions=["rekognition:ListProjectPolicies", "rekognition:DeleteProjectPolicy"],
                resources=[f"arn:{Aws.PARTITION}:rekognition:{Aws.REGION}:{Aws.ACCOUNT_ID}:project/*"],
            ),
        )
        explain_every_project(policy)
        self._function = lambda_.Function(
            self,
            "Function",
            description="Puts, updates and deletes Rekognition project policies for CloudFormation",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            handler="index.handler",
            code=_handler.code(),
            memory_size=memory_size,
            timeout=Duration.seconds(timeouts.FUNCTION_TIMEOUT),
            max_event_age=Duration.seconds(timeouts.MAXIMUM_EVENT_AGE),
            retry_attempts=2,
            role=self._role,
            log_group=log_group,
        )
        explain_function(self._function)
        # What every request needs has to be there before the first and go after the last: permissions, and the log and
        # the role that they name, and retries.
        self._needed = DependencyGroup(policy, self._function.node.find_child("EventInvokeConfig"))
        self._permissions = RolePermissions(self, self._role)
        self._service_token = self._function.function_arn
        self._environment = Environment.of(stack_of(self))

    @classmethod
    def of(cls, scope: Construct) -> ProjectPolicyProvider:
        """Return the provider of the stack that ``scope`` is in; it is made on first use."""
        return _of_stack(stack_of(scope))

    @classmethod
    def from_attributes(
        cls, scope: Construct, construct_id: str, *, service_token: str, role_name: str
    ) -> IProjectPolicyProvider:
        """Import a provider of another app, of a StackSet or of the template ``provider.yaml``.

        :param service_token: The ARN of the provider's function.
        :param role_name: The name of its role, to which the permission to put policies is attached.
        :raises ValueError: for a service token that is no function's ARN, and a role's ARN in place of its name.
        """
        return _ImportedProvider(scope, construct_id, service_token, role_name)

    @property
    def service_token(self) -> str:
        """The function's ARN, which custom resources give as their ServiceToken."""
        return self._service_token

    @property
    def role(self) -> iam.IRole:
        """The function's role."""
        return self._role

    def _own_role(self, permissions_boundary: iam.IManagedPolicy | None) -> iam.Role:
        return iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description="Manages Rekognition project policies for CloudFormation",
            permissions_boundary=permissions_boundary,
        )

    def manage(self, project_arn: str, resource: Construct) -> None:
        """Let the function put policies on a project, before ``resource``, which needs it, is made.

        :param project_arn: The ARN of the project.
        :param resource: The custom resource that gives the project's ARN.
        :raises ValueError: when the resource's stack is in another account or Region than the provider's.
        """
        _check_environment(self._environment, self, project_arn, resource)
        resource.node.add_dependency(self._needed, self._permissions.allow(project_arn, stack_of(resource)))


class _ImportedProvider(Construct):
    """A provider that is known by its service token and its role's name."""

    def __init__(self, scope: Construct, construct_id: str, service_token: str, role_name: str) -> None:
        super().__init__(scope, construct_id)
        if not is_token(service_token) and not matches(_SERVICE_TOKEN, service_token):
            raise ValueError(
                f'{self.node.path}: service_token "{service_token}" is not the ARN of a Lambda function. Give the one '
                "that the provider exports, arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME."
            )
        if not is_token(role_name) and not matches(_ROLE_NAME, role_name):
            raise ValueError(
                f'{self.node.path}: role_name "{role_name}" is not the name of a role. Give the one that the provider '
                "exports, without path or ARN."
            )
        self._service_token = service_token
        self._role = iam.Role.from_role_name(self, "Role", role_name)
        self._permissions = RolePermissions(self, self._role)
        self._environment = Environment.of_arn(service_token)

    @property
    def service_token(self) -> str:
        return self._service_token

    @property
    def role(self) -> iam.IRole:
        return self._role

    def manage(self, project_arn: str, resource: Construct) -> None:
        _check_environment(self._environment, self, project_arn, resource)
        resource.node.add_dependency(self._permissions.allow(project_arn, stack_of(resource)))


@cache
def _of_stack(stack: Stack) -> ProjectPolicyProvider:
    existing = stack.node.try_find_child(_ID)
    return existing if isinstance(existing, ProjectPolicyProvider) else ProjectPolicyProvider(stack, _ID)


def _check_environment(own: Environment, provider: Construct, project_arn: str, resource: Construct) -> None:
    """Raise ``ValueError`` for a resource that is known to be where the provider's function does not serve."""
    # The project's environment is the stack's, which may not be known.
    its = Environment.of(stack_of(resource)) if is_token(project_arn) else Environment.of_arn(project_arn)
    difference = own.difference(its)
    if difference:
        kind, served, wanted = difference
        raise ValueError(
            f"{resource.node.path}: provider {provider.node.path} is in {kind} {served}, but this stack is in "
            f"{wanted}. A provider serves the stacks of its own account and Region; give this one another, or none."
        )


def _is_memory_size(value: object) -> bool:
    """Return whether a value is a whole number of MiB that Lambda supports, or a token, which is a negative float."""
    if isinstance(value, float) and value < 0:
        return bool(Token.is_unresolved(value))
    return isinstance(value, int) and 128 <= value <= 10_240


def _allow_logs_to_use(key: kms.IKey) -> None:
    """Allow CloudWatch Logs to use a key (CloudWatch Logs user guide, 'Encrypt log data ... using AWS KMS')."""
    key.add_to_resource_policy(
        iam.PolicyStatement(
            actions=["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
            principals=[iam.ServicePrincipal(f"logs.{Aws.REGION}.amazonaws.com")],
            resources=["*"],
            conditions={
                "ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn": (
                        f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:*"
                    )
                }
            },
        ),
        allow_no_op=True,
    )
