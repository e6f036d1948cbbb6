"""Grants: a grantee as the principals of statements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from constructs import IConstruct

from ._environment import Environment
from ._tokens import is_token, referenced, resolve, stack_of

_WITHOUT_CONDITIONS = (iam.ArnPrincipal, iam.CompositePrincipal, iam.Role, iam.UnknownPrincipal, iam.User)

_EXAMPLES = 'iam.AccountPrincipal("111122223333") for an account, iam.ArnPrincipal(...) for a role of another account'


def of(grantee: object, granting: IConstruct) -> list[iam.IPrincipal]:
    """Return the principals of a grantee, one for each statement: those of a composite principal one by one.

    The CDK puts a composite principal into one statement, and rejects it if its components have conditions of their
    own. Raises ``ValueError`` for what isn't a grantee, such as an account's ID.
    """
    principal = principal_of(grantee, granting)
    if isinstance(principal, iam.CompositePrincipal):
        return [each for component in principal.principals for each in of(component, granting)]
    return [principal]


def principal_of(grantee: object, granting: IConstruct, examples: str = _EXAMPLES) -> iam.IPrincipal:
    """Return the principal of a grantee; raises ``ValueError`` for what isn't one, such as an account's ID."""
    principal: iam.IPrincipal | None = getattr(grantee, "grant_principal", None)
    if isinstance(grantee, type) or principal is None:
        raise ValueError(
            f"{granting.node.path}: {grantee!r} isn't an IGrantable. Call the method once for each grantee, "
            f"with {examples}."
        )
    return principal


def conditions_of(principal: iam.IPrincipal) -> Mapping[str, Any]:
    """Return the conditions that a principal adds to its statements; a group has none."""
    has_none = isinstance(principal, _WITHOUT_CONDITIONS) or hasattr(principal, "group_arn")
    return {} if has_none else principal.policy_fragment.conditions


def as_document_names(principal: iam.IPrincipal, stack: Stack, account: str | None) -> iam.IPrincipal:
    """Return the principal, or only its ARN and conditions if it doesn't surely belong to this stack's account.

    The CDK would attach an identity policy to a role or user of the same name in this account, or in the account of the
    stack that it was imported into. A role or user that is defined in this app gets its policy in its own stack.
    ``account`` is the stack's, or None if it isn't known.
    """
    if isinstance(principal, _WITHOUT_CONDITIONS):
        return principal
    its_account = getattr(principal, "principal_account", None)
    if its_account is None or (
        _is_surely(its_account, stack, account) and _gets_policy_here(principal, stack, account)
    ):
        return principal
    return named(principal)


def named(principal: iam.IPrincipal) -> iam.IPrincipal:
    """Return a principal's ARN and conditions, which no identity policy can be attached to."""
    fragment = principal.policy_fragment
    arn = iam.ArnPrincipal(fragment.principal_json["AWS"][0])
    return iam.PrincipalWithConditions(arn, fragment.conditions) if fragment.conditions else arn


def _is_surely(its_account: str, stack: Stack, account: str | None) -> bool:
    if is_token(its_account):
        return bool(resolve(stack, its_account) == {"Ref": "AWS::AccountId"})
    return its_account == account


def _gets_policy_here(principal: iam.IPrincipal, stack: Stack, account: str | None) -> bool:
    """Return whether the CDK surely creates the identity policy in a stack of this account.

    It creates the policy where a user was imported. A principal with conditions doesn't tell where that was.
    """
    holder: Any = principal
    if not hasattr(principal, "node"):
        reference = referenced(principal.policy_fragment.principal_json["AWS"][0])
        if reference is None:
            return False
        holder = reference.target
    return stack_of(holder) is stack or Environment.of(stack_of(holder)).account == account
