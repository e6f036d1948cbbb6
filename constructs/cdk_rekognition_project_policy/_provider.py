"""The providers: the function behind each custom resource, its role and its log; and what defines the resource."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import aws_cdk
from aws_cdk import Aws, CfnResource, Duration, RemovalPolicy, Resource, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from constructs import Construct, DependencyGroup, IDependable

from . import _handler
from ._acknowledgments import (
    WHY_EVERY_COPY,
    WHY_EVERY_INTERFACE,
    WHY_EVERY_PROJECT,
    acknowledge_dependency,
    acknowledge_wildcards,
)
from ._environment import Environment, check_identity_is_here, check_is_here, warn_of_region
from ._errors import check_removal_policy, invalid_value
from ._handler import copy_properties, policy_properties, timeouts
from ._permissions import Permission, inline_policy
from ._project import Project
from ._tokens import referenced, resolve, stack_of

if TYPE_CHECKING:  # these take long to load, and only their types are needed
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_kms as kms
    from typing_extensions import Self

MEMORY_SIZE = 256
"""MiB of the function: it uses about 60, but Lambda allocates processor time in proportion to memory."""

_EVERY_PROJECT = f"arn:{Aws.PARTITION}:rekognition:{Aws.REGION}:{Aws.ACCOUNT_ID}:project/*"

_ON_INTERFACES = [
    *("ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"),
    *("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses"),
]
"""What Lambda does in a VPC in the role's name, and the function's own code may not (Lambda developer guide, 'Giving
Lambda functions access to resources in an Amazon VPC')."""


class IProvider(Protocol):
    """A provider, defined in this app or imported: what ``ProjectPolicy`` and ``ProjectVersionCopy`` take."""

    service_token: str
    """The function's ARN, which custom resources give as their ServiceToken."""
    role: iam.IRole
    """The function's role."""
    resource_type: str
    """The type of the custom resources that the function manages."""


class _Provider(Construct):
    """A function that manages the custom resources of a type, and its role: made in this app, or imported.

    An IAM policy of each stack with such resources allows the role what it needs for them. The role's own stack can't
    refer to another's projects without a cycle.
    """

    service_token: str
    role: iam.IRole
    resource_type: str
    _environment: Environment
    _needed: Sequence[IDependable] = ()

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._allowed: dict[Stack, tuple[iam.Policy, set[Permission]]] = {}

    def _manage(self, project: Project, resource: Construct, permissions: Sequence[Permission]) -> Construct:
        """Allow the function what ``resource`` needs before that is created; return the policy that allows it.

        :param project: The project in which the function is to act.
        :param resource: The custom resource that gives the project's ARN.
        :param permissions: What the function needs there.
        :raises ValueError: if the resource's stack is in another account or Region than the provider.
        """
        check_is_here(resource, "provider", self._environment, project.place)
        stack = project.stack
        if stack not in self._allowed:
            is_own = stack is stack_of(self)
            construct_id = "Projects" if is_own else f"RekognitionProjectPolicies{self.node.addr[-16:]}"
            self._allowed[stack] = inline_policy(Construct(self if is_own else stack, construct_id), self.role), set()
        policy, allowed = self._allowed[stack]
        new = [each for each in permissions if each not in allowed]
        if new:  # merging would remove the others, but each statement crosses to Node.js
            policy.add_statements(*(each.statement() for each in new))
            allowed.update(new)
        resource.node.add_dependency(policy, *self._needed)
        return policy


class _FunctionProvider(_Provider):
    """A provider that is defined in this app; each kind says what its function is and what it is always allowed."""

    _ID: ClassVar[str]
    _RESOURCE: ClassVar[str]
    _DESCRIPTION: ClassVar[str]
    _ROLE_DESCRIPTION: ClassVar[str]
    _TIMEOUT: ClassVar[int]
    _MAXIMUM_EVENT_AGE: ClassVar[int]
    _ALWAYS_ALLOWED: ClassVar[Sequence[Permission]]
    """What the role is allowed whatever the function manages."""
    _INVOKES_ITSELF: ClassVar[bool]
    _WHY_WILDCARDS: ClassVar[str]
    """The reason for the wildcards in what the role is always allowed."""

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
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
    ) -> None:
        """Define a provider.

        :param log_retention: How long the function's log is kept. Default: one year.
        :param log_removal_policy: What happens to the log when the provider is deleted. Default: it is deleted too.
        :param log_encryption_key: The KMS key that the log is encrypted with; the construct allows CloudWatch Logs to
            use it for the logs of this account and Region. The policy of an imported key has to allow that already.
            Default: a key that CloudWatch Logs owns.
        :param role: The function's execution role; Lambda must be able to assume it. The permissions are attached to
            it. Default: a role of its own.
        :param permissions_boundary: The permissions boundary of the provider's own role. Default: none, but for what
            the app applies to all roles.
        :param memory_size: The function's memory in MiB, 128 to 10240. Default: 256.
        :param vpc: The VPC that the function sends its requests from. They have to reach the endpoints of Rekognition
            and S3, and the function for copies has to reach that of Lambda. Default: none, the public endpoints.
        :param vpc_subnets: Its subnets there; at least one can't be public. Default: the private subnets.
        :param security_groups: Its security groups, which must allow HTTPS out. Default: one of its own that allows
            all requests out and none in.
        :raises ValueError: for both a role and a permissions boundary, and for a role of another account.
        """
        super().__init__(scope, construct_id)
        if role is not None and permissions_boundary is not None:
            raise ValueError(f"{self.node.path}: specify the permissions boundary on the role itself.")
        if role is not None:
            check_identity_is_here(self, "role", role)
        # The CDK would silently omit what isn't a managed policy from the template.
        if permissions_boundary is not None and not hasattr(permissions_boundary, "managed_policy_arn"):
            raise invalid_value(self, "permissions_boundary", permissions_boundary, "an iam.ManagedPolicy")
        log_group = logs.LogGroup(
            self, "Logs", retention=log_retention, removal_policy=log_removal_policy, encryption_key=log_encryption_key
        )
        if log_encryption_key is not None:
            _allow_logs_to_use(log_encryption_key)
        self.role: iam.IRole = role or iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=self._ROLE_DESCRIPTION,
            permissions_boundary=permissions_boundary,
        )
        # A policy of its own, because a given role may be of a stack that can't refer to this one.
        policy = inline_policy(
            self,
            self.role,
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_group.log_group_arn]
            ),
        )
        network = None if vpc is None else self._network()
        function = lambda_.Function(
            self,
            "Function",
            description=self._DESCRIPTION,
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            handler=f"{_handler.ENTRIES[self._RESOURCE]}.handler",
            code=_handler.code(self._RESOURCE),
            memory_size=memory_size,
            timeout=Duration.seconds(self._TIMEOUT),
            max_event_age=Duration.seconds(self._MAXIMUM_EVENT_AGE),
            retry_attempts=2,
            role=self.role,
            log_group=log_group,
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            security_groups=None if security_groups is None else [*security_groups],
        )
        acknowledge_dependency(function)
        _refer_strongly(function, self.role)
        itself = [function.function_arn, f"{function.function_arn}:*"] if self._INVOKES_ITSELF else []
        always = [*self._ALWAYS_ALLOWED, *(Permission(("lambda:InvokeFunction",), each) for each in itself)]
        policy.add_statements(*(each.statement() for each in always))
        acknowledge_wildcards(policy, [each.resource for each in always], self._WHY_WILDCARDS)
        if network is not None:
            function.node.add_dependency(network)
            policy.add_statements(
                iam.PolicyStatement(
                    effect=iam.Effect.DENY,
                    actions=_ON_INTERFACES,
                    resources=["*"],
                    conditions={"ArnEquals": {"lambda:SourceFunctionArn": function.function_arn}},
                )
            )
        # What every request needs is created before the first and deleted after the last: the permissions with the log
        # and the role that they name, and the retries.
        self._needed = [DependencyGroup(policy, function.node.find_child("EventInvokeConfig"))]
        self.service_token: str = function.function_arn
        self._environment = Environment.of(stack_of(self))

    @classmethod
    def get_or_create(cls, scope: Construct) -> Self:
        """Return the provider of the stack that ``scope`` is in; the first call creates it."""
        return cls._of_stack(stack_of(scope))

    @classmethod
    @cache
    def _of_stack(cls, stack: Stack) -> Self:
        existing = stack.node.try_find_child(cls._ID)
        return existing if isinstance(existing, cls) else cls(stack, cls._ID)

    @classmethod
    def from_attributes(cls, scope: Construct, construct_id: str, *, service_token: str, role_name: str) -> IProvider:
        """Import a provider of another app, of a StackSet or of a template of a release.

        :param service_token: The ARN of the provider's function.
        :param role_name: The name of its role, to which the permissions for the project are attached.
        """
        provider = _Provider(scope, construct_id)
        provider.resource_type, provider.service_token = cls.resource_type, service_token
        provider.role = iam.Role.from_role_name(provider, "Role", role_name)
        provider._environment = Environment.of_arn(resolve(stack_of(provider), service_token))
        return provider

    def _network(self) -> iam.Policy:
        """Allow Lambda what it needs in a VPC; it needs that before the function is created, and until it is gone."""
        allow = iam.PolicyStatement(actions=_ON_INTERFACES, resources=["*"])
        policy = inline_policy(Construct(self, "Network"), self.role, allow)
        acknowledge_wildcards(policy, ["*"], WHY_EVERY_INTERFACE)
        return policy


class ProjectPolicyProvider(_FunctionProvider):
    """The Lambda function that attaches, updates and deletes project policies, with its role and its log.

    Each stack with a ``ProjectPolicy`` gets a provider of its own, unless the policy is given one: several stacks of
    one account and Region can share a provider that is defined in the same app or imported with ``from_attributes``.
    Whoever can deploy one of these stacks can share every model that the function may share.

    The role can put policies on exactly the projects that are managed, and list and delete policies on every project of
    the provider's own account and Region: CloudFormation removes a project from the role before it deletes the policy
    there, so a narrower role would leave the grant live. Each stack that uses the provider has the permission to put
    policies on its own projects.
    """

    resource_type: str = policy_properties.RESOURCE_TYPE
    _ID = "RekognitionProjectPolicyProvider"
    _RESOURCE = "project_policy"
    _DESCRIPTION = "Puts, updates and deletes Rekognition project policies for CloudFormation"
    _ROLE_DESCRIPTION = "Manages Rekognition project policies for CloudFormation"
    _TIMEOUT = timeouts.FUNCTION_TIMEOUT
    _MAXIMUM_EVENT_AGE = timeouts.MAXIMUM_EVENT_AGE
    _ALWAYS_ALLOWED = (
        Permission(("rekognition:ListProjectPolicies", "rekognition:DeleteProjectPolicy"), _EVERY_PROJECT),
    )
    _INVOKES_ITSELF = False
    _WHY_WILDCARDS = WHY_EVERY_PROJECT


class ProjectVersionCopyProvider(_FunctionProvider):
    """The Lambda function that copies model versions, waits for them and deletes them, with its role and its log.

    Each stack with a ``ProjectVersionCopy`` gets a provider of its own, unless the copy is given one: then several
    stacks of one account and Region share it, whether it is made in the same app or imported with ``from_attributes``.
    It is another function with another role than the one for project policies: whoever attaches policies needn't be
    allowed to delete models, nor the reverse.

    The role may copy exactly the model versions that are to be copied, into their projects and buckets; each stack that
    uses the provider brings these permissions along. On every project of the provider's own account and Region it may
    read, stop and delete model versions: CloudFormation takes a copy out of the role before it deletes the copy. The
    function may invoke itself, to go on waiting in another run when a copy takes longer than one.
    """

    resource_type: str = copy_properties.RESOURCE_TYPE
    _ID = "RekognitionProjectVersionCopyProvider"
    _RESOURCE = "project_version_copy"
    _DESCRIPTION = "Copies and deletes Rekognition model versions for CloudFormation"
    _ROLE_DESCRIPTION = "Manages copies of Rekognition model versions for CloudFormation"
    _TIMEOUT = timeouts.WAITING_FUNCTION_TIMEOUT
    _MAXIMUM_EVENT_AGE = timeouts.WAITING_MAXIMUM_EVENT_AGE
    _ALWAYS_ALLOWED = (
        Permission(("rekognition:DescribeProjectVersions",), _EVERY_PROJECT),
        Permission(
            ("rekognition:DeleteProjectVersion", "rekognition:ListTagsForResource", "rekognition:StopProjectVersion"),
            f"{_EVERY_PROJECT}/version/*",
        ),
    )
    _INVOKES_ITSELF = True
    _WHY_WILDCARDS = WHY_EVERY_COPY


class ManagedResource(Resource):
    """A construct with a custom resource that the function of a provider manages."""

    def _define(
        self,
        project: Project,
        kind: type[_FunctionProvider],
        provider: IProvider | None,
        permissions: Sequence[Permission],
        removal_policy: RemovalPolicy,
        properties: Mapping[str, object],
    ) -> Construct:
        """Define the custom resource, and return the IAM policy that allows the function what it needs there.

        A property that is None is left out. Defaults are, too, so that another default doesn't update the resource.
        Raises ``ValueError`` for a provider of another kind.
        """
        if provider is None:
            provider = kind._of_stack(project.stack)
        elif not isinstance(provider, _Provider) or provider.resource_type != kind.resource_type:
            raise invalid_value(self, "provider", provider, f"a {kind.__name__}, or what its from_attributes returns")
        self._provider = provider
        self._resource = CfnResource(
            self,
            "Resource",
            type=provider.resource_type,
            properties={"ServiceToken": provider.service_token, **properties},
        )
        if check_removal_policy(self, removal_policy) is not RemovalPolicy.DESTROY:
            self._resource.apply_removal_policy(removal_policy)
        warn_of_region(self, project.place.region)
        return provider._manage(project, self._resource, permissions)

    @property
    def project_arn(self) -> str:
        """The ARN of the project that the policy is attached to, or that the copy is in (ProjectArn)."""
        return self._resource.get_att("ProjectArn").to_string()

    def apply_removal_policy(self, policy: RemovalPolicy) -> None:
        """Set the removal policy, as ``removal_policy`` does.

        :param policy: What happens to the project policy or the copy when it is removed from the stack or replaced.
        """
        self._resource.apply_removal_policy(check_removal_policy(self, policy))


def _refer_strongly(function: lambda_.Function, role: iam.IRole) -> None:
    """Have what a Delete needs kept until the stacks that refer to it are deleted, whatever the app's flags.

    With the flags of ``cdk init``, an app could delete its provider first, and nothing would delete the policies.
    Versions of the CDK without this choice export every value that another stack refers to.
    """
    if not hasattr(aws_cdk, "CrossStackReferences"):
        return
    cfn_function: Any = function.node.default_child
    vpc = cfn_function.vpc_config
    needed = [function.function_arn, role.role_name]
    if vpc is not None:
        needed += [*vpc.subnet_ids, *(each.security_group_id for each in function.connections.security_groups)]
    for reference in filter(None, map(referenced, needed)):
        resources, stack = [reference.target], Stack.of(reference.target)
        while stack.nested_stack_resource is not None:  # a nested stack's values are outputs of its resource
            resources.append(stack.nested_stack_resource)
            stack = Stack.of(stack.nested_stack_resource)
        for resource in resources:
            aws_cdk.CrossStackReferences.of(resource).produce(aws_cdk.ReferenceStrength.STRONG)


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
        )
    )
