"""Whom a statement names: a grantee as the principals of a document."""

from __future__ import annotations

from typing import cast

from aws_cdk import aws_iam as iam

from constructs import Construct, IConstruct

from ._given import is_token
from ._stacks import environment_of, stack_of


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
            "account, a role, a user or an organisation."
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


def is_of_another_account(principal: iam.IPrincipal, account: str | None) -> bool:
    """Tell whether a role or user is known to be of another account, while its own stack's account is not known.

    There the CDK would attach an identity policy to what has the same name in the stack's account.
    """
    its_account = getattr(principal, "principal_account", None)
    return (
        account is not None
        and its_account is not None
        and not is_token(its_account)
        and its_account != account
        and hasattr(principal, "node")
        and environment_of(stack_of(cast("Construct", principal))).account is None
    )
