"""Grants: a grantee as the principals of statements, and model versions as their resources."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aws_cdk import Fn, Stack
from aws_cdk import aws_iam as iam

from constructs import IConstruct

from ._checks import Environment
from ._handler import arns
from ._handler import document as documents
from ._tokens import is_token, referenced, resolve, stack_of

_WITHOUT_CONDITIONS = (iam.ArnPrincipal, iam.Role, iam.User)

_VERSION_ARN = re.compile(
    r"arn:[a-z\d-]+:rekognition:[a-z\d-]+:\d{12}:project/[a-zA-Z0-9_.\-]{1,255}/version/[a-zA-Z0-9_.\-*?]{1,255}(/[0-9*?]+|(?<=\*))",
    re.ASCII,
)
"""A model version's ARN (CopyProjectVersion); its last two parts can have wildcards, one ``*`` for both."""


def of(grantee: object, granting: IConstruct) -> list[iam.IPrincipal]:
    """Return the principals of a grantee, one for each statement: those of a composite principal one by one.

    The CDK puts a composite principal into one statement, and rejects it if its components have conditions of their
    own. Raises ``ValueError`` for what isn't a grantee, such as an account's ID.
    """
    principal = principal_of(grantee, granting)
    if isinstance(principal, iam.CompositePrincipal):
        return [each for component in principal.principals for each in of(component, granting)]
    try:
        iam.PolicyStatement(principals=[principal]).to_statement_json()  # not every IGrantable can
    except RuntimeError as error:
        raise ValueError(
            f"{granting.node.path}: {type(grantee).__name__} can't be a principal of a policy: {error}. Give an "
            "account, a role, a user or an organization; in a composite principal, give each component its own "
            "conditions."
        ) from None
    _check_that_no_condition_is_replaced(principal, granting)
    return [principal]


def principal_of(grantee: object, granting: IConstruct) -> iam.IPrincipal:
    """Return the principal of a grantee; raises ``ValueError`` for what isn't one, such as an account's ID."""
    if isinstance(grantee, (list, tuple, set)):
        raise ValueError(  # noqa: TRY004 - as for everything else that isn't a grantee
            f"{granting.node.path}: the grantee is a {type(grantee).__name__}. Call the method once for each grantee."
        )
    if isinstance(grantee, type) or not hasattr(grantee, "grant_principal"):
        raise ValueError(
            f"{granting.node.path}: {grantee!r} isn't an IGrantable. For an account give "
            'iam.AccountPrincipal("111122223333"), for a role of another account iam.ArnPrincipal(...).'
        )
    principal: iam.IPrincipal = grantee.grant_principal
    return principal


def _check_that_no_condition_is_replaced(principal: iam.IPrincipal, granting: IConstruct) -> None:
    """Raise ``ValueError`` for ``with_conditions`` that replace a condition of the principal that they are put on.

    The CDK keeps the last condition on a key: ``OrganizationPrincipal("o-1").with_conditions(...)`` with another
    aws:PrincipalOrgID names the other organization only.
    """
    if not isinstance(principal, iam.PrincipalBase):
        return
    *replaced, last = [*_layers(principal.dedupe_string() or "")] or [{}]
    for layer in replaced:
        for operator, conditions in layer.items():
            for key, value in conditions.items():
                if last.get(operator, {}).get(key) != value:
                    raise ValueError(
                        f"{granting.node.path}: the grantee's conditions replace its own {operator} condition on "
                        f"{key}. Give one value of {key}: the CDK keeps the last one only."
                    )


def _layers(dedupe_string: str) -> Iterator[dict[str, Any]]:
    """Yield the conditions of a principal, then those with each ``with_conditions``, as ``dedupe_string`` has them.

    The string has the principal's own name and text, then for each ``with_conditions`` the conditions as JSON.
    """
    if organization := re.search("OrganizationPrincipal:([^:]+)", dedupe_string):
        yield {"StringEquals": {"aws:PrincipalOrgID": organization[1]}}
    start = dedupe_string.find(':{"')
    while start >= 0:
        conditions, end = json.JSONDecoder().raw_decode(dedupe_string, start + 1)
        yield conditions
        start = dedupe_string.find(':{"', end)


def conditions_of(principal: iam.IPrincipal) -> Mapping[str, Any]:
    """Return the conditions that a principal adds to its statements."""
    return {} if isinstance(principal, _WITHOUT_CONDITIONS) else principal.policy_fragment.conditions


def as_document_names(principal: iam.IPrincipal, stack: Stack, account: str | None) -> iam.IPrincipal:
    """Return the principal, or only its ARN and conditions if it doesn't surely belong to this stack's account.

    The CDK would attach an identity policy to a role or user of the same name in this account, or in the account of the
    stack that it was imported into. A role or user that is defined in this app gets its policy in its own stack.
    ``account`` is the project's, or None if it isn't known.
    """
    if isinstance(principal, _WITHOUT_CONDITIONS):
        return principal
    its_account = getattr(principal, "principal_account", None)
    account = account or Environment.of(stack).account
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
        made = referenced(principal.policy_fragment.principal_json["AWS"][0])
        if made is None:
            return False
        holder = made[0]
    return stack_of(holder) is stack or Environment.of(stack_of(holder)).account == account


class Versions:
    """The model versions of one project, whose ARNs are made from the project's.

    A model version's ARN isn't the project's with a suffix: ``...:project/NAME/NUMBER`` has model versions
    ``...:project/NAME/version/VERSION/NUMBER``.
    """

    def __init__(self, user: IConstruct, project_arn: str, project_name: str | None) -> None:
        self._user = user
        self._project_arn = project_arn
        self._project_name = project_name
        self._arns: dict[str, str] = {}

    def arns(self, versions: Sequence[str] | None) -> list[str]:
        """Return the ARNs of model versions that are given by name or ARN, or the pattern for all of them.

        A token is a name, unless the string before it begins an ARN.

        Raises ``ValueError`` for an empty list, which doesn't mean all, and for what is neither a name nor an ARN.
        """
        if versions is None:
            return [self._arn("*")]
        if not isinstance(versions, (list, tuple)) or not versions:
            raise ValueError(
                f"{self._user.node.path}: versions is {versions!r}. Give a list of at least one model version, or "
                "leave it out for every model version."
            )
        return [self._arn_of_version(version) for version in versions]

    def _arn_of_version(self, version: object) -> str:
        if isinstance(version, str) and version.startswith("arn:"):
            if not is_token(version) and not self._is_of_this_project(version):
                raise self._of_another_project(version)
            return version
        if not is_token(version) and not arns.is_version_name(version):
            raise ValueError(
                f'{self._user.node.path}: version "{version}" is not valid. Give a model version\'s name, '
                'such as "v1", or its ARN.'
            )
        return self._arn(f"{version}/*")

    def _is_of_this_project(self, arn: str) -> bool:
        if not _VERSION_ARN.fullmatch(arn):
            return False
        if not is_token(self._project_arn):
            return arn.startswith(self._arn(""))
        return self._project_name is None or f":project/{self._project_name}/" in arn

    def _of_another_project(self, version: str) -> ValueError:
        project, shape = None, "arn:PARTITION:rekognition:REGION:ACCOUNT:project/NAME/version/VERSION/NUMBER"
        if not is_token(self._project_arn):
            project, shape = arns.Project.parse(self._project_arn), self._arn("VERSION/NUMBER")
        found = documents.differences(version, project)
        if not found and _VERSION_ARN.fullmatch(version):
            found = [f'its project isn\'t "{self._project_name}"']
        because = " and ".join(found) or "it isn't the ARN of a model version"
        return ValueError(
            f'{self._user.node.path}: version "{version}" isn\'t a model version of this project: {because}. Give '
            f"{shape}, as DescribeProjectVersions shows it."
        )

    def _arn(self, which: str) -> str:
        """Return the ARN of model versions; always the same string, so that statements about them can be merged."""
        if which not in self._arns:
            arn = self._project_arn
            if is_token(arn):
                parts = Fn.split("/", arn)
                self._arns[which] = Fn.join("/", [Fn.select(0, parts), Fn.select(1, parts), "version", which])
            else:
                self._arns[which] = f"{arn.rsplit('/', 1)[0]}/version/{which}"
        return self._arns[which]
