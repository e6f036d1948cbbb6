"""The permission to put policies, one stack's projects at a time, in policies that keep within IAM's quotas."""

from __future__ import annotations

from aws_cdk import Annotations, Aws, Fn, Names, Stack
from aws_cdk import aws_iam as iam

from constructs import Construct

from ._tokens import is_token, stack_of

INLINE_QUOTA = 10_240
"""Characters of all inline policies of a role together, white space not counted (IAM and AWS STS quotas)."""

MANAGED_QUOTA = 6_144
"""Characters of a managed policy (the same)."""

ATTACHED_QUOTA = 10
"""Managed policies of a role, unless the quota is raised (the same)."""

_LONGEST_ARN = len("arn:aws:rekognition:ap-southeast-1:123456789012:project//1690474772815") + 255
_AROUND_AN_ARN = len('"",')
_AROUND_A_STATEMENT = 200
"""What a policy holds besides its resources, generously."""

_MAX_POLICY_NAME = 128 - len("-01234567-89ab-cdef-0123-456789abcdef")


class RolePermissions:
    """What lets a provider's role put policies on projects, and what that leaves of the role's quotas in one app.

    The permissions stand in the stacks that use the provider, since the role's own stack cannot refer to another's
    projects without a cycle.
    """

    def __init__(self, provider: Construct, role: iam.IRole) -> None:
        self._provider = provider
        self._role = role
        self._of_stacks: dict[Stack, PutPermissions] = {}
        self.inline_room = INLINE_QUOTA - 1_000  # less what the provider's own policy takes
        self.attached_room = ATTACHED_QUOTA

    def allow(self, project_arn: str, stack: Stack) -> Construct:
        """Let the role put policies on a project of a stack, and return the IAM policy there that says so."""
        if stack not in self._of_stacks:
            scope, construct_id = (
                (self._provider, "Projects")
                if stack is stack_of(self._provider)
                else (stack, f"RekognitionProjectPolicies{self._provider.node.addr[-16:]}")
            )
            self._of_stacks[stack] = PutPermissions(scope, construct_id, self._role, self)
        return self._of_stacks[stack].allow(project_arn)


class PutPermissions(Construct):
    """What lets a provider's role put policies on one stack's projects (rekognition:PutProjectPolicy).

    An inline policy comes first, managed policies where the role's inline policies are full.
    """

    def __init__(self, scope: Construct, construct_id: str, role: iam.IRole, room: RolePermissions) -> None:
        super().__init__(scope, construct_id)
        self._role = role
        self._room = room
        self._policies: dict[str, Construct] = {}
        self._inline: tuple[Construct, iam.PolicyStatement] | None = None
        self._managed: tuple[Construct, iam.PolicyStatement] | None = None
        self._room_in_managed = 0
        self._count_of_managed = 0

    def allow(self, project_arn: str) -> Construct:
        """Let the role put policies on a project, and return the IAM policy that says so."""
        if project_arn not in self._policies:
            policy, statement = self._with_room_for(project_arn)
            statement.add_resources(project_arn)
            self._policies[project_arn] = policy
        return self._policies[project_arn]

    def _with_room_for(self, project_arn: str) -> tuple[Construct, iam.PolicyStatement]:
        # The name of a project that is a token may be the longest.
        size = _AROUND_AN_ARN + (_LONGEST_ARN if is_token(project_arn) else len(project_arn))
        needed = size if self._inline else size + _AROUND_A_STATEMENT
        if self._room.inline_room >= needed:
            self._room.inline_room -= needed
            self._inline = self._inline or self._new_inline()
            return self._inline
        if self._managed is None or self._room_in_managed < size:
            self._managed = self._new_managed()
        self._room_in_managed -= size
        return self._managed

    def _new_inline(self) -> tuple[Construct, iam.PolicyStatement]:
        statement = _put()
        policy = inline_policy(self, self._role, statement)
        return policy, statement

    def _new_managed(self) -> tuple[Construct, iam.PolicyStatement]:
        self._count_of_managed += 1
        self._room.attached_room -= 1
        self._room_in_managed = MANAGED_QUOTA - _AROUND_A_STATEMENT
        if self._room.attached_room < 0:
            Annotations.of(self).add_warning_v2(
                "cdk-rekognition-project-policy:role-quota",
                f"The provider's role needs {ATTACHED_QUOTA - self._room.attached_room} managed policies for its "
                f"projects, and takes {ATTACHED_QUOTA} unless the quota is raised. Raise it in Service Quotas before "
                "you deploy, or give some stacks a provider of their own.",
            )
        statement = _put()
        policy = iam.ManagedPolicy(
            self,
            f"Managed{self._count_of_managed}",
            description=f"Lets {stack_of(self).stack_name} put Rekognition project policies",
            roles=[self._role],
            statements=[statement],
        )
        return policy, statement


def inline_policy(scope: Construct, holder: iam.IRole | iam.User, *statements: iam.PolicyStatement) -> iam.Policy:
    """Return an inline policy whose name no other construct of any stack gives to a policy of the same role or user.

    Policies of one name overwrite one another on their role, and stacks that share it may look alike.
    """
    name = Names.unique_resource_name(scope, max_length=_MAX_POLICY_NAME, separator="-")
    stack_uuid = Fn.select(2, Fn.split("/", Aws.STACK_ID))
    policy = iam.Policy(scope, "Policy", policy_name=f"{name}-{stack_uuid}", statements=[*statements])
    if isinstance(holder, iam.User):
        policy.attach_to_user(holder)
    else:
        policy.attach_to_role(holder)
    return policy


def _put() -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=["rekognition:PutProjectPolicy"])
