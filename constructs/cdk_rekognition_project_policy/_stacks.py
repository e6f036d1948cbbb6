"""Where a construct stands: its stack, and what is known of that one's environment.

Every question about a construct crosses to Node.js, and these are asked for each policy. Their answers never change, so
each is asked once; what that remembers is kept by jsii anyhow, for as long as the process lives.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from constructs import Construct

from ._given import is_token
from ._handler import arns


@dataclass(frozen=True)
class Environment:
    """An account and a Region, as far as they are known at synthesis."""

    account: str | None
    region: str | None

    @classmethod
    def of_arn(cls, arn: str) -> Environment:
        """Return where that is what an ARN names."""
        if is_token(arn):
            return cls(None, None)
        named = arns.Environment.of(arn)
        return cls(named.account, named.region)

    def difference(self, other: Environment) -> tuple[str, str, str] | None:
        """Return what is known to differ, ``account`` or ``Region``, with its value here and in the other."""
        for kind, here, there in (("account", self.account, other.account), ("Region", self.region, other.region)):
            if here is not None and there is not None and here != there:
                return kind, here, there
        return None


@cache
def stack_of(construct: Construct) -> Stack:
    """Return the stack that a construct is in."""
    return Stack.of(construct)


@cache
def environment_of(stack: Stack) -> Environment:
    """Return where a stack is deployed; None where only the deployment will tell."""
    account, region = stack.account, stack.region
    return Environment(None if is_token(account) else account, None if is_token(region) else region)


def check_account(user: Construct, name: str, role: iam.IRole) -> None:
    """Raise ``ValueError`` for a role that is known to be of another account than the stack of what uses it.

    A policy would be attached to what has the same name in the stack's own account.
    """
    its, own = role.principal_account, environment_of(stack_of(user)).account
    if its is not None and own is not None and not is_token(its) and its != own:
        raise ValueError(
            f"{user.node.path}: {name} has a role of account {its}, but this stack is in {own}. Give a role of this "
            "account."
        )
