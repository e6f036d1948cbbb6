"""Where things are: one rule, with one message, for whatever has to be where its stack is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from aws_cdk import Annotations, Stack
from aws_cdk import aws_iam as iam
from aws_cdk.region_info import RegionInfo

from constructs import Construct, IConstruct

from ._errors import invalid_value
from ._tokens import is_dummy, is_unknown, known_prefix, stack_of

CUSTOM_LABELS = frozenset(
    {
        *("us-east-1", "us-east-2", "us-west-2"),
        *("eu-west-1", "eu-west-2", "eu-central-1"),
        *("ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "ap-northeast-2"),
    }
)
"""The Regions of Custom Labels (AWS General Reference, Amazon Rekognition endpoints and quotas)."""

_BEGINNING_OF_ARN = re.compile(r"arn:(?P<partition>[^:]*):[^:]*:(?P<region>[^:]+):(?P<account>\d{12}):")


@dataclass(frozen=True)
class Environment:
    """An account, a Region and a partition; None for each that only the deployment will tell."""

    account: str | None = None
    region: str | None = None
    partition: str | None = None

    @classmethod
    @cache
    def of(cls, stack: Stack) -> Environment:
        """Return where a stack is deployed."""
        return cls.known(stack.account, stack.region)

    @classmethod
    def known(cls, account: str, region: str) -> Environment:
        """Return an account, a Region and its partition, each if it is known."""
        its_account = None if is_unknown(account) else account
        return cls(its_account) if is_unknown(region) else cls(its_account, region, RegionInfo.get(region).partition)

    @classmethod
    def of_arn(cls, resolved: object) -> Environment:
        """Return where the resource of an ARN is, which is what it will be in the template."""
        found = _BEGINNING_OF_ARN.match(known_prefix(resolved))
        return cls(**found.groupdict()) if found else cls()

    def or_else(self, other: Environment) -> Environment:
        """Return this environment, with the other's account, Region and partition in place of what isn't known."""
        return Environment(
            self.account or other.account, self.region or other.region, self.partition or other.partition
        )


def check_is_here(
    construct: IConstruct,
    parameter: str,
    its: Environment,
    here: Environment,
    where: str = "this stack",
    advice: str = "",
) -> None:
    """Raise ``ValueError`` for something that is known to be in another account, Region or partition than it must."""
    for kind, there, wanted in (
        ("account", its.account, here.account),
        ("Region", its.region, here.region),
        ("partition", its.partition, here.partition),
    ):
        if there and wanted and there != wanted:
            raise ValueError(
                f"{construct.node.path}: {parameter} is in {kind} {there}, but {where} is in {wanted}. "
                f"{advice or f'Specify one in {kind} {wanted}.'}"
            )


def check_identity_is_here(construct: Construct, parameter: str, identity: object) -> None:
    """Raise ``ValueError`` for a role, user or group known to be of another account than the stack of what uses it.

    A policy would be attached to the one of the same name in the stack's own account.
    """
    if isinstance(identity, (str, iam.CfnRole)):
        raise invalid_value(construct, parameter, identity, f"an iam.{parameter.capitalize()}")
    check_is_here(construct, parameter, Environment(account_of(identity)), Environment.of(stack_of(construct)))


def account_of(identity: object) -> str | None:
    """Return the account of a role, user or group, or None if it isn't known; that of a lookup isn't yet."""
    account: str | None = getattr(identity, "principal_account", None)
    return None if is_unknown(account) or is_dummy(getattr(identity, "role_arn", None)) else account


def warn_of_region(construct: Construct, region: str | None) -> None:
    """Warn of a Region that isn't known to have Custom Labels, where every call is denied; AWS may have added it."""
    if region is not None and region not in CUSTOM_LABELS:
        Annotations.of(construct).add_warning_v2(
            "cdk-rekognition-project-policy:region",
            f"Rekognition Custom Labels is not known to be in Region {region}, where this stack is. Deploy the stack "
            "in the Region of the project.",
        )
