"""Whom a statement names: a grantee as the principals of a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from constructs import IConstruct

from ._given import is_token
from ._stacks import environment_of
from ._synthesis import resolve

_WITHOUT_CONDITIONS = (iam.ArnPrincipal, iam.Role, iam.User)


def of(grantee: object, granting: IConstruct) -> list[iam.IPrincipal]:
    """Return the principals that a grantee is, one for each statement: a composite principal is taken apart.

    The CDK puts a composite principal into one statement, and refuses it where its components have conditions of their
    own. Raises ``ValueError`` for what is nobody, such as an account's id as a text.
    """
    if isinstance(grantee, type) or not hasattr(grantee, "grant_principal"):
        raise ValueError(
            f"{granting.node.path}: {grantee!r} is nobody to grant or deny anything. For an account give "
            'iam.AccountPrincipal("111122223333"), for a role of another account iam.ArnPrincipal(...).'
        )
    principal: iam.IPrincipal = grantee.grant_principal
    if isinstance(principal, iam.CompositePrincipal):
        return _components(principal)
    try:
        iam.PolicyStatement(principals=[principal]).to_statement_json()  # not all that can be granted can be written
    except RuntimeError as error:
        raise ValueError(
            f"{granting.node.path}: {type(grantee).__name__} cannot stand in a policy's document: {error}. Give an "
            "account, a role, a user or an organisation; to several, give the conditions of each one by one."
        ) from None
    return [principal]


def _components(composite: iam.CompositePrincipal) -> list[iam.IPrincipal]:
    # Only as a role's trust policy does a composite principal show its components with their conditions.
    document = iam.PolicyDocument()
    composite.add_to_assume_role_policy(document)
    return [_from_statement(statement) for statement in document.to_json()["Statement"]]


def _from_statement(statement: object) -> iam.IPrincipal:
    parsed = iam.PolicyStatement.from_json(statement)
    (principal,) = parsed.principals
    conditions = parsed.conditions
    return iam.PrincipalWithConditions(principal, conditions) if conditions else principal


def conditions_of(principal: iam.IPrincipal) -> Mapping[str, Any]:
    """Return the conditions that a principal brings to each statement about it."""
    return {} if isinstance(principal, _WITHOUT_CONDITIONS) else principal.policy_fragment.conditions


def as_document_names(principal: iam.IPrincipal, stack: Stack, account: str | None) -> iam.IPrincipal:
    """Return a principal that gets no identity policy here where it is not surely of this stack's account.

    There the CDK would attach one to what has the same name in this account. What is made in this app is attached to in
    its own stack. ``account`` is the project's, None where it is not known.
    """
    if isinstance(principal, _WITHOUT_CONDITIONS):
        return principal
    its_account = getattr(principal, "principal_account", None)
    if its_account is None or _is_surely(its_account, stack, account):
        return principal
    return named(principal)


def named(principal: iam.IPrincipal) -> iam.IPrincipal:
    """Return a role or user as its ARN and its conditions: nothing that an identity policy can be attached to."""
    fragment = principal.policy_fragment
    arn = iam.ArnPrincipal(fragment.principal_json["AWS"][0])
    return iam.PrincipalWithConditions(arn, fragment.conditions) if fragment.conditions else arn


def _is_surely(its_account: str, stack: Stack, account: str | None) -> bool:
    if is_token(its_account):
        return bool(resolve(stack, its_account) == {"Ref": "AWS::AccountId"})
    return its_account == (account or environment_of(stack).account)
