"""The construct: a project policy, its document and its grants."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

import jsii
from aws_cdk import Names, RemovalPolicy
from aws_cdk import aws_iam as iam

from constructs import Construct

from . import _grants
from ._acknowledgments import WHY_COPIES, acknowledge_grant, acknowledge_wildcards
from ._document import VERSION, Document, DocumentRules, PoliciesOfStack
from ._environment import Environment
from ._errors import boolean, reraise_as_value_error
from ._handler import document_rules, identity, timeouts
from ._permissions import Permission, inline_policy
from ._project import Project
from ._provider import IProvider, ManagedResource, ProjectPolicyProvider
from ._tokens import is_token, is_unknown, stack_of

if TYPE_CHECKING:  # these take long to load, and only their types are needed
    from aws_cdk import aws_events as events
    from aws_cdk.interfaces.aws_rekognition import IProjectRef


@jsii.implements(iam.IResourceWithPolicyV2)
class ProjectPolicy(ManagedResource):
    """A policy of a Rekognition Custom Labels project, which allows others to copy the project's trained models.

    The custom resource behind it attaches the policy (PutProjectPolicy), updates it in place and deletes it. Its
    attribute ``policy_revision_id`` is the policy's revision. The other account then copies a model with
    CopyProjectVersion. A project has at most five policies unless its quota is raised; a document has at most 2000
    characters.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: IProjectRef | str,
        policy_name: str | None = None,
        document: Document | None = None,
        adopt_existing: bool = False,
        block_public_policy: bool = True,
        trigger: str | None = None,
        provider: IProvider | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.DESTROY,
    ) -> None:
        """Define a project policy.

        :param project: The project: a ``CfnProject`` or another ``IProjectRef``, or its ARN. It must be in the stack's
            account and Region. Another project replaces the policy.
        :param policy_name: The policy's name: 1 to 128 letters, digits, ``_``, ``.`` and ``-``. Another name replaces
            the policy. Default: a name made from the construct's path.
        :param document: The policy's document, as an ``iam.PolicyDocument``, a mapping, a JSON string or the ``Path``
            of a JSON file. Grants are added to an ``iam.PolicyDocument`` itself, so give each policy one of its own,
            with ``minimize=True`` to merge statements so that many fit. Default: only what grants add.
        :param adopt_existing: Whether to take over an existing policy of that name whose document is equivalent. An
            adopted policy is updated with the stack but remains when the stack is deleted. Default: False, which
            rejects an existing policy.
        :param block_public_policy: Whether to reject statements that grant access to every AWS account:
            ``Principal: "*"``, unless a condition tests one of these keys against fixed values:
            ``aws:PrincipalOrgID``, ``aws:PrincipalOrgPaths`` (with ``ForAnyValue:``), ``aws:PrincipalAccount``,
            ``aws:PrincipalArn``, ``aws:SourceVpc`` and ``aws:SourceVpce``. Default: True.
        :param trigger: Any string; another value makes the function compare the live policy with the document and
            restore it. Pass a build number to correct manual changes at every deployment. Default: none.
        :param provider: The provider whose function manages the policy. You can't change it later: CloudFormation
            rejects another ServiceToken. Default: the stack's own.
        :param removal_policy: What happens to the policy when it is removed from the stack or replaced.
            ``RemovalPolicy.RETAIN`` keeps it on the project, so that another stack can adopt it. Default: it is
            deleted.
        :raises ValueError: for a name, an ARN or a document that breaks a rule of the Rekognition API, as far as it is
            known. The size of the document is checked at synthesis, when all grants are known.
        """
        super().__init__(scope, construct_id)
        stack = stack_of(scope)
        self._project = Project(self, stack, "project", project)
        self._project.check_is_here(
            "Define the policy in a stack of the project's account and Region; an account that copies the project's "
            "models defines a ProjectVersionCopy instead."
        )
        name = policy_name
        if name is None:
            longest = identity.MAX_POLICY_NAME_LENGTH
            name = Names.unique_resource_name(self, max_length=longest, allowed_special_characters="_.-")
        elif not is_unknown(name):
            reraise_as_value_error(self, lambda: identity.check_policy_name(name))
        self._rules = DocumentRules(self._project, boolean(self, "block_public_policy", block_public_policy))
        self._document = reraise_as_value_error(self, lambda: self._rules.read(document))
        self._identity_policies: dict[iam.Role | iam.User, iam.Policy] = {}

        self._define(
            self._project,
            ProjectPolicyProvider,
            provider,
            [Permission(("rekognition:PutProjectPolicy",), self._project.arn)],
            removal_policy,
            {
                "ServiceTimeout": str(timeouts.SERVICE_TIMEOUT),
                "ProjectArn": self._project.arn,
                "PolicyName": name,
                "PolicyDocument": self._document,
                "AdoptExisting": boolean(self, "adopt_existing", adopt_existing) or None,
                "BlockPublicPolicy": None if block_public_policy else False,
                "Trigger": trigger,
            },
        )
        PoliciesOfStack.of(stack).policies.append((self, self._project, name, self._document, self._rules))

    @property
    def project_policy_id(self) -> str:
        """The physical ID of the resource (Ref): ``PROJECT_ARN|POLICY_NAME``, the same for the life of the policy."""
        return self._resource.ref

    @property
    def policy_revision_id(self) -> str:
        """The policy's revision after the last deployment (PolicyRevisionId), up to 64 hexadecimal digits.

        An update that edits the policy returns another one. An edit by hand doesn't change it until the next update.
        """
        return self._resource.get_att("PolicyRevisionId").to_string()

    @property
    def policy_name(self) -> str:
        """The policy's name."""
        return self._resource.get_att("PolicyName").to_string()

    def grant_copy(self, grantee: iam.IGrantable, *, versions: Sequence[str] | None = None) -> iam.Grant:
        """Allow a grantee to copy the project's models (rekognition:CopyProjectVersion).

        The policy's document allows the grantee. An account, role or user of another account also needs an identity
        policy there; ``CopyProjectVersionPolicy`` creates it. A role or user that surely belongs to the project's
        account gets an identity policy for this action here, unless it is imported and has conditions.

        ============================================ =======================================================
        Grantee
        ============================================ =======================================================
        an account                                   ``iam.AccountPrincipal("111122223333")``
        a role or user of another account            ``iam.ArnPrincipal("arn:aws:iam::111122223333:role/x")``
        a role or user of this app                   the ``iam.Role`` or ``iam.User`` itself
        an organization                              ``iam.OrganizationPrincipal("o-a1b2c3d4e5")``
        an organizational unit, and those below it   ``iam.AnyPrincipal().with_conditions({"ForAnyValue:StringLike":
                                                     {"aws:PrincipalOrgPaths": ["o-a1b2c3d4e5/r-ab12/ou-ab12-x/*"]}})``
        several, each with its own conditions        ``iam.CompositePrincipal(...)``
        ============================================ =======================================================

        In the document, an organization or unit is ``Principal: "*"`` with a condition. AWS documents that for
        resource-based policies (IAM, 'AWS global condition context keys'), but not that Rekognition accepts it in a
        project policy: try it before you rely on it. A group can't be a principal of a policy (IAM).

        :param grantee: Who may copy.
        :param versions: Names of model versions, or their ARNs; a token is a name. Default: every model version, later
            ones included.
        :raises ValueError: for what isn't a grantee or a model version of the project, for an empty list of versions,
            for everybody without a condition that limits the grant, and for a document that statements can't be added
            to.
        """
        self._check_that_statements_can_be_added()
        arns = self._project.versions(versions)
        principals = _grants.of(grantee, self)
        for principal in principals:
            # What the CDK adds to the document is checked as well, but an error there would lose its type.
            self._check_statement(
                iam.PolicyStatement(principals=[principal], actions=[document_rules.COPY_ACTION], resources=arns)
            )
        grants = [self._grant(principal, arns) for principal in principals]
        return reduce(lambda one, other: one.combine(other), grants)

    def deny_copy(self, grantee: iam.IGrantable, *, versions: Sequence[str] | None = None) -> None:
        """Deny a grantee to copy the project's models, whatever else allows it.

        The statement is in the document only. Removing the deny restores access granted elsewhere.

        :param grantee: Who may not copy; ``iam.AnyPrincipal()`` for everybody.
        :param versions: Names of model versions, or their ARNs; a token is a name. Default: every model version, later
            ones included.
        :raises ValueError: as ``grant_copy`` does.
        """
        self._check_that_statements_can_be_added()
        arns = self._project.versions(versions)
        for principal in _grants.of(grantee, self):
            self.add_to_resource_policy(
                iam.PolicyStatement(
                    effect=iam.Effect.DENY, principals=[principal], actions=[document_rules.COPY_ACTION], resources=arns
                )
            )

    def on_cloud_trail_change(
        self,
        construct_id: str,
        *,
        target: events.IRuleTarget | None = None,
        description: str | None = None,
        rule_name: str | None = None,
    ) -> events.Rule:
        """Define a rule for changes to any policy of the project that others than the provider's function make.

        It matches the successful PutProjectPolicy and DeleteProjectPolicy calls that CloudTrail records, whatever the
        policy's name: another policy of the project shares its models as well. Where several providers manage policies
        of one project, each rule matches what the other providers do. A trail of the project's Region must record write
        management events; without one, the rule never matches.

        :param construct_id: The ID of the rule in this construct.
        :param target: What EventBridge invokes. Default: nothing; call ``add_target`` on the rule.
        :param description: The rule's description. Default: none.
        :param rule_name: The rule's name. Default: CloudFormation makes one.
        :returns: The rule, in this construct's stack, on the default event bus.
        """
        from aws_cdk import aws_events as events

        # Sessions of roles have an issuer; root users, and IAM users with their own keys, don't.
        callers = [
            {"sessionContext": {"sessionIssuer": {"arn": issuer}}}
            for issuer in ([{"anything-but": [self._provider.role.role_arn]}], [{"exists": False}])
        ]
        pattern = events.EventPattern(
            source=["aws.rekognition"],
            detail_type=["AWS API Call via CloudTrail"],
            detail={
                "eventSource": ["rekognition.amazonaws.com"],
                "eventName": ["PutProjectPolicy", "DeleteProjectPolicy"],
                "errorCode": [{"exists": False}],
                "requestParameters": {"projectArn": [self._project.arn]},
                "userIdentity": {"$or": callers},
            },
        )
        return events.Rule(
            self,
            construct_id,
            event_pattern=pattern,
            description=description,
            rule_name=rule_name,
            targets=[] if target is None else [target],
        )

    def add_to_resource_policy(self, statement: iam.PolicyStatement) -> iam.AddToResourcePolicyResult:
        """Add a statement to the policy's document.

        :param statement: A whole statement about rekognition:CopyProjectVersion.
        :raises ValueError: for a statement that breaks a rule, and for a document that statements can't be added to.
        """
        document = self._check_that_statements_can_be_added()
        self._check_statement(statement)
        document.add_statements(statement)
        return iam.AddToResourcePolicyResult(statement_added=True, policy_dependable=self._resource)

    def _check_that_statements_can_be_added(self) -> iam.PolicyDocument:
        if not isinstance(self._document, iam.PolicyDocument):
            raise ValueError(  # noqa: TRY004 - the document's content is wrong, not its type
                f"{self.node.path}: nothing can be added to this document, because it is a token, or has an Id, a "
                f"Version other than {VERSION} or intrinsic functions. Add the statement to the document itself."
            )
        return self._document

    def _check_statement(self, statement: iam.PolicyStatement) -> None:
        reraise_as_value_error(self, lambda: self._rules.check_statement(statement))

    def _grant(self, principal: iam.IPrincipal, arns: list[str]) -> iam.Grant:
        principal = _grants.as_document_names(principal, self._project.stack, self._project.place.account)
        if isinstance(principal, (iam.Role, iam.User)) and self._would_be_a_cycle(principal):
            self._identity_policy(principal, arns)
            principal = _grants.named(principal)
        grant = iam.Grant.add_to_principal_and_resource(
            grantee=principal,
            actions=[document_rules.COPY_ACTION],
            resource_arns=arns,
            resource=self,
            # For the identity policy; the document's statement has its principal's.
            conditions=_grants.conditions_of(principal) or None,
        )
        acknowledge_grant(principal, arns)
        return grant

    def _would_be_a_cycle(self, principal: iam.Role | iam.User) -> bool:
        """Return whether this stack and the principal's would depend on each other for an identity policy there."""
        stack, other = self._project.stack, stack_of(principal)
        return other is not stack and Environment.of(other) == Environment.of(stack) and is_token(self._project.arn)

    def _identity_policy(self, principal: iam.Role | iam.User, arns: list[str]) -> None:
        """Allow a role or user of another stack to copy, with an identity policy in this stack."""
        if principal not in self._identity_policies:
            scope = Construct(self, f"Copy{principal.node.addr[-16:]}")
            self._identity_policies[principal] = inline_policy(scope, principal)
        policy = self._identity_policies[principal]
        policy.add_statements(iam.PolicyStatement(actions=[document_rules.COPY_ACTION], resources=arns))
        acknowledge_wildcards(policy, arns, WHY_COPIES)
