"""Checks at synthesis that the CDK doesn't do, and that the deployment would do later."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, TypeVar

from aws_cdk import Annotations, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rekognition as rekognition

from constructs import Construct, IConstruct

from ._handler import InvalidArnError, arns, errors
from ._tokens import is_token, referenced, resolve, stack_of

_T = TypeVar("_T")

QUOTA = 5
"""Policies of a project, unless its quota is raised (Custom Labels quotas)."""

CUSTOM_LABELS = frozenset(
    {
        "us-east-1",
        "us-east-2",
        "us-west-2",
        "eu-west-1",
        "eu-west-2",
        "eu-central-1",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-northeast-1",
        "ap-northeast-2",
    }
)
"""The Regions of Custom Labels (AWS General Reference, Amazon Rekognition endpoints and quotas)."""

_PARAMETERS = {
    "BlockPublicPolicy to false": "block_public_policy=False",
    "DestinationProjectArn": "destination_project_arn",
    "KmsKeyId": "output_encryption_key",
    "PolicyDocument": "document",
    "PolicyName": "policy_name",
    "ProjectArn": "project_arn",
    "S3Bucket of OutputConfig": "output_bucket.bucket_name",
    "S3KeyPrefix of OutputConfig": "output_key_prefix",
    "SourceProjectArn": "source_project_arn",
    "SourceProjectVersionArn": "source_version_arn",
    "Tags": "tags",
    "VersionName": "version_name",
    "must be an object": "must be a mapping",
}
"""What is called otherwise in an app than in a template: the constructs' parameters for the resources' properties."""

_PROPERTY = re.compile(rf"(?:Property )?(?<![\w.])({'|'.join(_PARAMETERS)})\b")


def wrong(user: IConstruct, name: str, value: object, what: str) -> ValueError:
    """Return the error for a value that isn't what it should be."""
    return ValueError(f"{user.node.path}: {name} is {value!r}. Give {what}.")


def of_type(user: IConstruct, name: str, value: object, kind: type[_T], what: str) -> _T:
    """Return a value of a type; raises ``ValueError`` for another, which would mean something else than it says."""
    if not isinstance(value, kind):
        raise wrong(user, name, value, what)
    return value


def matches(pattern: re.Pattern[str], value: object) -> bool:
    """Return whether a value is a string that matches a pattern as a whole."""
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def checked(user: IConstruct, rule: Callable[[], _T]) -> _T:
    """Return what a rule returns; what it rejects is raised as ``ValueError``, with the construct's path."""
    try:
        return rule()
    except (errors.RejectedError, InvalidArnError) as rejected:
        raise ValueError(f"{user.node.path}: {in_app(str(rejected))}") from None


def in_app(message: str) -> str:
    """Return a message of the function with the constructs' parameters in place of the resources' properties.

    What is in quotation marks is a value, and stays.
    """
    parts = message.split('"')
    parts[::2] = [_PROPERTY.sub(lambda found: _PARAMETERS[found[1]], part) for part in parts[::2]]
    return '"'.join(parts)


@dataclass(frozen=True)
class Environment:
    """An account and a Region, as far as they are known at synthesis."""

    account: str | None
    region: str | None

    @classmethod
    @cache
    def of(cls, stack: Stack) -> Environment:
        """Return where a stack is deployed; None where only the deployment will tell."""
        account, region = stack.account, stack.region
        return cls(None if is_token(account) else account, None if is_token(region) else region)

    @classmethod
    def of_arn(cls, arn: str) -> Environment:
        """Return where the resource of an ARN is."""
        if is_token(arn):
            return cls(None, None)
        environment = arns.Environment.of(arn)
        return cls(environment.account, environment.region)

    def difference(self, other: Environment) -> tuple[str, str, str] | None:
        """Return what is known to differ, ``account`` or ``Region``, with its value here and in the other."""
        for kind, here, there in (("account", self.account, other.account), ("Region", self.region, other.region)):
            if here is not None and there is not None and here != there:
                return kind, here, there
        return None


def check_account(user: Construct, name: str, role: iam.IRole) -> None:
    """Raise ``ValueError`` for a role that is known to be of another account than the stack of what uses it.

    A policy would be attached to the role of the same name in the stack's own account.
    """
    if not hasattr(role, "principal_account"):
        raise wrong(user, name, role, "an iam.Role")
    its, own = role.principal_account, Environment.of(stack_of(user)).account
    if its is not None and own is not None and not is_token(its) and its != own:
        raise ValueError(
            f"{user.node.path}: {name} has a role of account {its}, but this stack is in {own}. Give a role of this "
            "account."
        )


def warn_of_region(policy: Construct, region: str | None) -> None:
    """Warn of a Region that isn't known to have Custom Labels, where every call is denied; AWS may have added it."""
    if region is not None and region not in CUSTOM_LABELS:
        Annotations.of(policy).add_warning_v2(
            "cdk-rekognition-project-policy:region",
            f"Rekognition Custom Labels is not known to be in Region {region}, where this stack is. Deploy the stack "
            "in the Region of the project.",
        )


def arn_of_project(user: IConstruct, name: str, *, arn: str | None, project: rekognition.CfnProject | None) -> str:
    """Return the one ARN that is given as ``name_arn``, or by a project of the app."""
    if project is not None and arn is not None:
        raise ValueError(f"{user.node.path}: both {name}_arn and {name} are given. Give one of the two.")
    if project is not None:
        return project.attr_arn
    if arn is None:
        raise ValueError(f"{user.node.path}: neither {name}_arn nor {name} is given. Give one of the two.")
    return arn


def check_project_of_app(user: IConstruct, project_arn: str, stack: Stack) -> None:
    """Raise ``ValueError`` for a project of the app that is known to be elsewhere than the stack."""
    reference = referenced(project_arn) if is_token(project_arn) else None
    if not reference or not isinstance(reference[0], rekognition.CfnProject):
        return
    difference = Environment.of(stack_of(reference[0])).difference(Environment.of(stack))
    if difference:
        kind, there, here = difference
        raise ValueError(
            f"{user.node.path}: project {reference[0].node.path} is in {kind} {there}, but this stack is in {here}. "
            "Deploy this stack where the project is."
        )


class NamesOfApp:
    """The names that an app gives in each project: those of policies, and those of model versions."""

    _of_apps: ClassVar[dict[IConstruct, NamesOfApp]] = {}

    def __init__(self) -> None:
        self._users: dict[tuple[str, str, str], IConstruct] = {}
        self._count: Counter[tuple[str, str]] = Counter()

    @classmethod
    def of(cls, stack: Stack) -> NamesOfApp:
        """Return the names of the app that a stack is in."""
        return cls._of_apps.setdefault(stack.node.root, cls())

    def add_policy(self, policy: Construct, project_arn: str, name: str, stack: Stack) -> None:
        """Add a policy's name, and warn of the sixth policy of a project, which needs a raised quota.

        Raises ``ValueError`` for a second policy of one name on one project: no state of the service tells two such
        policies apart, so each would be edited and deleted for the other.
        """
        count = self._add(policy, "policy name", project_arn, name, stack)
        if count > QUOTA:
            Annotations.of(policy).add_warning_v2(
                "cdk-rekognition-project-policy:quota",
                f"This is policy number {count} of its project, which takes {QUOTA} unless its quota is raised. Raise "
                "the quota in Service Quotas before you deploy, or put the statements into fewer policies.",
            )

    def add_version(self, copy: Construct, project_arn: str, name: str, stack: Stack) -> None:
        """Add a model version's name; raises ``ValueError`` for a second one of its name, which can't be made."""
        self._add(copy, "version name", project_arn, name, stack)

    def _add(self, user: IConstruct, what: str, project_arn: str, name: str, stack: Stack) -> int:
        project = _project_key(stack, project_arn)
        other = self._users.setdefault((what, project, json.dumps(resolve(stack, name))), user)
        if other is not user:
            raise ValueError(
                f"{user.node.path}: {other.node.path} has the same {what} on the same project. Give each a name of its "
                "own, or combine the two."
            )
        self._count[what, project] += 1
        return self._count[what, project]


def _project_key(stack: Stack, project_arn: str) -> str:
    """Return a string that is equal for two projects that are surely the same."""
    resolved = resolve(stack, project_arn)
    if isinstance(resolved, str):
        return json.dumps(resolved)
    reference = referenced(project_arn)
    if reference:
        construct, attribute = reference
        return json.dumps([construct.node.path, attribute])
    # Any other token belongs to its stack: an equal one in another stack is another project.
    return json.dumps([stack.node.path, resolved])
