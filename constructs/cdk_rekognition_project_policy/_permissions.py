"""The permissions of a provider's role, one stack's resources at a time, in policies within IAM's quotas."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from aws_cdk import Annotations, Aws, Fn, Names, Stack
from aws_cdk import aws_iam as iam

from constructs import Construct

from ._errors import wrong
from ._handler import document_rules
from ._project import Project
from ._suppressions import explain_inline_policy
from ._tokens import is_token, stack_of

if TYPE_CHECKING:  # these take long to load, and only their types are needed
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3

INLINE_QUOTA = 10_240
"""Characters of all inline policies of a role together, white space not counted (IAM and AWS STS quotas)."""

MANAGED_QUOTA = 6_144
"""Characters of a managed policy (the same)."""

ATTACHED_QUOTA = 10
"""Managed policies of a role, unless the quota is raised (the same)."""

_OF_THE_PROVIDER = 1_600
"""The most that the provider's own policies take, in a VPC and with the longest names."""

_LONGEST_ARN = len("arn:aws:rekognition:ap-southeast-1:123456789012:project//1690474772815") + 255
_AROUND_AN_ARN = len('"",')
_AROUND_A_STATEMENT = 200
"""What a statement holds besides its resources, generously."""

_MAX_POLICY_NAME = 128 - len("-01234567-89ab-cdef-0123-456789abcdef")


@dataclass(frozen=True)
class Permission:
    """Actions that are allowed on a resource."""

    actions: tuple[str, ...]
    resource: str
    conditions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def statement(self) -> str:
        """What permissions of one statement have in common, each with its own resource."""
        return json.dumps([self.actions, self.conditions])

    @property
    def size(self) -> int:
        """How many characters its resource takes in a statement; the name of a project that is a token may be long."""
        return _AROUND_AN_ARN + (_LONGEST_ARN if is_token(self.resource) else len(self.resource))


class Statements:
    """The statements of an IAM policy, which is created with the first of them."""

    def __init__(self, make_policy: Callable[[], iam.Policy | iam.ManagedPolicy]) -> None:
        self._make_policy = make_policy
        self._statements: dict[str, iam.PolicyStatement] = {}
        self._resources: set[tuple[str, str]] = set()

    @cached_property
    def policy(self) -> iam.Policy | iam.ManagedPolicy:
        """The policy."""
        return self._make_policy()

    def add(self, permissions: Sequence[Permission]) -> None:
        """Allow what the policy doesn't allow yet."""
        for each in self._missing(permissions):
            if each.statement not in self._statements:
                statement = iam.PolicyStatement(actions=[*each.actions], conditions={**each.conditions})
                self._statements[each.statement] = statement
                self.policy.add_statements(statement)
            self._statements[each.statement].add_resources(each.resource)
            self._resources.add((each.statement, each.resource))

    def growth(self, permissions: Sequence[Permission]) -> int:
        """Return by how many characters, at the most, the policy would grow."""
        missing = self._missing(permissions)
        new = {each.statement for each in missing} - self._statements.keys()
        return sum(each.size for each in missing) + _AROUND_A_STATEMENT * len(new)

    def _missing(self, permissions: Sequence[Permission]) -> list[Permission]:
        return [each for each in permissions if (each.statement, each.resource) not in self._resources]


class RolePermissions:
    """What a provider's role is allowed for the resources of one app, and what that leaves of the role's quotas.

    The permissions are in the stacks that use the provider, because the role's own stack can't refer to another's
    projects without a cycle.
    """

    def __init__(self, provider: Construct, role: iam.IRole) -> None:
        self._provider = provider
        self._role = role
        self._of_stacks: dict[Stack, PermissionsOfStack] = {}
        self.inline_room = INLINE_QUOTA - _OF_THE_PROVIDER
        self.attached_room = ATTACHED_QUOTA

    def allow(self, permissions: Sequence[Permission], stack: Stack) -> iam.Policy | iam.ManagedPolicy:
        """Allow the role what a resource of a stack needs, and return the IAM policy there that says so."""
        if stack not in self._of_stacks:
            scope, construct_id = (
                (self._provider, "Projects")
                if stack is stack_of(self._provider)
                else (stack, f"RekognitionProjectPolicies{self._provider.node.addr[-16:]}")
            )
            self._of_stacks[stack] = PermissionsOfStack(scope, construct_id, self._role, self)
        return self._of_stacks[stack].allow(permissions)


class PermissionsOfStack(Construct):
    """What a provider's role is allowed for the resources of one stack.

    An inline policy comes first, managed policies if the role's inline policies are full.
    """

    def __init__(self, scope: Construct, construct_id: str, role: iam.IRole, room: RolePermissions) -> None:
        super().__init__(scope, construct_id)
        self._role = role
        self._room = room
        self._inline = Statements(lambda: inline_policy(self, role))
        self._managed: list[Statements] = []
        self._room_in_managed = 0

    def allow(self, permissions: Sequence[Permission]) -> iam.Policy | iam.ManagedPolicy:
        """Allow what one resource needs, and return the policy that says so."""
        for existing in (self._inline, *self._managed):
            if not existing.growth(permissions):
                return existing.policy
        statements = self._with_room_for(permissions)
        statements.add(permissions)
        return statements.policy

    def _with_room_for(self, permissions: Sequence[Permission]) -> Statements:
        growth = self._inline.growth(permissions)
        if self._room.inline_room >= growth:
            self._room.inline_room -= growth
            return self._inline
        if not self._managed or self._room_in_managed < self._managed[-1].growth(permissions):
            self._managed.append(Statements(self._new_managed))
            self._room_in_managed = MANAGED_QUOTA
        self._room_in_managed -= self._managed[-1].growth(permissions)
        return self._managed[-1]

    def _new_managed(self) -> iam.ManagedPolicy:
        self._room.attached_room -= 1
        if self._room.attached_room < 0:
            Annotations.of(self).add_warning_v2(
                "cdk-rekognition-project-policy:role-quota",
                f"The provider's role needs {ATTACHED_QUOTA - self._room.attached_room} managed policies for its "
                f"resources, and takes {ATTACHED_QUOTA} unless the quota is raised. Raise it in Service Quotas before "
                "you deploy, or give some stacks a provider of their own.",
            )
        return iam.ManagedPolicy(
            self,
            f"Managed{len(self._managed)}",
            description=f"Allows a provider what the Rekognition resources of {stack_of(self).stack_name} need",
            roles=[self._role],
        )


def inline_policy(scope: Construct, holder: iam.IRole | iam.User, *statements: iam.PolicyStatement) -> iam.Policy:
    """Return an inline policy with a name that no other construct of any stack uses for the same role or user.

    Policies of one name overwrite one another on their role, and the stacks that share it may be alike.
    """
    name = Names.unique_resource_name(scope, max_length=_MAX_POLICY_NAME, separator="-")
    stack_uuid = Fn.select(2, Fn.split("/", Aws.STACK_ID))
    policy = iam.Policy(scope, "Policy", policy_name=f"{name}-{stack_uuid}", statements=[*statements])
    if isinstance(holder, iam.User):
        policy.attach_to_user(holder)
    else:
        policy.attach_to_role(holder)
    explain_inline_policy(policy)
    return policy


def copy_permissions(
    user: Construct,
    *,
    sources: Sequence[str],
    destination: Project,
    output_bucket: s3.IBucket,
    output_key_prefix: str,
    output_encryption_key: kms.IKey | None,
) -> list[Permission]:
    """Return what CopyProjectVersion is authorized for; ``sources`` are the ARNs of the copied model versions.

    Raises ``ValueError`` for a name or an ARN in place of the bucket or the key.
    """
    if not hasattr(output_bucket, "bucket_arn"):
        raise wrong(user, "output_bucket", output_bucket, "an s3.Bucket, or what its from_bucket_name returns")
    if not isinstance(output_key_prefix, str):
        raise wrong(user, "output_key_prefix", output_key_prefix, "a string")
    # If the bucket is deleted, another account can take its name, and would get the results.
    in_its_account = {"StringEquals": {"aws:ResourceAccount": output_bucket.env.account}}
    (copies,) = destination.versions()
    permissions = [
        *(Permission((document_rules.COPY_ACTION,), source) for source in sources),
        Permission(
            (document_rules.COPY_ACTION, "rekognition:CreateProjectVersion", "rekognition:DescribeProjectVersions"),
            destination.arn,
        ),
        Permission(("rekognition:TagResource",), copies),
        Permission(("s3:GetBucketAcl", "s3:GetBucketLocation"), output_bucket.bucket_arn, in_its_account),
        Permission(("s3:PutObject",), output_bucket.arn_for_objects(output_key_prefix + "*"), in_its_account),
    ]
    if output_encryption_key is not None:
        # IAM authorizes a key's use by the key's ARN, so an alias would allow nothing.
        if not hasattr(output_encryption_key, "key_arn") or hasattr(output_encryption_key, "alias_name"):
            raise wrong(user, "output_encryption_key", output_encryption_key, "a kms.Key")
        key = output_encryption_key.key_arn
        # Rekognition may use the key for the copy, but not the caller by itself.
        via_rekognition = {"StringEquals": {"kms:ViaService": f"rekognition.{destination.region}.amazonaws.com"}}
        for_aws = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
        permissions += [
            Permission(("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"), key, via_rekognition),
            Permission(("kms:CreateGrant",), key, {**via_rekognition, **for_aws}),
        ]
    return permissions
