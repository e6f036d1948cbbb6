"""The construct: a project policy, its document and its grants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import jsii
from aws_cdk import CustomResource, Duration, Fn, Names, Resource, Stack, Token
from aws_cdk import aws_iam as iam

from constructs import Construct, IValidation

from . import _synthesis
from ._handler import document as documents
from ._handler import errors, identity, timing
from ._provider import ProjectPolicyProvider

_T = TypeVar("_T")

_RESOURCE_TYPE = "Custom::RekognitionProjectPolicy"
_VERSION = "2012-10-17"


@jsii.implements(iam.IResourceWithPolicyV2)
class ProjectPolicy(Resource):
    """A policy of a Rekognition Custom Labels project, which lets others copy the project's trained models.

    The custom resource behind it puts the policy (PutProjectPolicy), updates it in place and deletes it, and keeps the
    policy's revision as the attribute ``policy_revision_id``. The other account then copies a model with
    CopyProjectVersion. A project takes five policies unless its quota is raised; a document has at most 2000
    characters.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project_arn: str,
        policy_name: str | None = None,
        document: iam.PolicyDocument | Mapping[str, Any] | str | None = None,
        adopt_existing: bool = False,
        block_public_policy: bool = True,
    ) -> None:
        """Define a project policy.

        :param project_arn: The ARN of the project. It must be in the stack's account and Region. Another project
            replaces the policy.
        :param policy_name: The policy's name: 1 to 128 letters, digits, ``_``, ``.`` and ``-``. Another name replaces
            the policy. Default: a name made from the construct's path.
        :param document: The policy's document, as an ``iam.PolicyDocument``, a mapping or JSON text. Default: only what
            ``grant_copy`` adds.
        :param adopt_existing: Whether a policy of that name that is there already, and says the same, is taken over. An
            adopted policy is updated with the stack but stays when the stack goes. Default: False, which refuses it.
        :param block_public_policy: Whether a statement is refused that allows every AWS account to copy the models:
            ``Principal: "*"`` without a condition. Default: True.
        :raises ValueError: for a name, an ARN or a text that breaks a rule of the Rekognition API. Rules of the
            document are checked at synthesis, when all grants are known.
        """
        super().__init__(scope, construct_id)
        self._project = self._parse_project(project_arn)
        self._project_arn = project_arn
        self._block_public_policy = block_public_policy
        name = policy_name or Names.unique_resource_name(
            self, max_length=identity.MAX_POLICY_NAME_LENGTH, allowed_special_characters="_.-"
        )
        if not Token.is_unresolved(name):
            self._checked(lambda: identity.check_policy_name(name))
        self._document = self._to_document(document)

        provider = ProjectPolicyProvider.of(self)
        properties: dict[str, Any] = {
            "ProjectArn": project_arn,
            "PolicyName": name,
            "PolicyDocument": self._document,
        }
        # Left out where they say nothing new, so that a later default does not update the resource.
        if adopt_existing:
            properties["AdoptExisting"] = True
        if not block_public_policy:
            properties["BlockPublicPolicy"] = False
        self._resource = CustomResource(
            self,
            "Resource",
            resource_type=_RESOURCE_TYPE,
            service_token=provider.service_token,
            service_timeout=Duration.seconds(timing.SERVICE_TIMEOUT),
            properties=properties,
        )
        provider.manage(project_arn, self._resource)
        self.node.add_validation(_DocumentRules(self))

    @property
    def policy_revision_id(self) -> str:
        """The policy's revision (PolicyRevisionId), up to 64 hexadecimal digits; another one after each edit."""
        return self._resource.get_att_string("PolicyRevisionId")

    @property
    def policy_name(self) -> str:
        """The policy's name."""
        return self._resource.get_att_string("PolicyName")

    @property
    def project_arn(self) -> str:
        """The ARN of the project that the policy is attached to."""
        return self._resource.get_att_string("ProjectArn")

    def grant_copy(self, grantee: iam.IGrantable, *, versions: Sequence[str] | None = None) -> iam.Grant:
        """Let a grantee copy the project's models (rekognition:CopyProjectVersion).

        The grantee, such as ``iam.AccountPrincipal("111122223333")``, is written into the policy's document. A role or
        user of the same account gets an identity policy as well; one of another account needs its own there.

        :param grantee: Who may copy.
        :param versions: Names of versions, or their ARNs. Default: every version, later ones included.
        :raises ValueError: when the document is one that statements cannot be added to.
        """
        return iam.Grant.add_to_principal_and_resource(
            grantee=grantee,
            actions=[documents.COPY_ACTION],
            resource_arns=[self._version_arn(version) for version in versions or ["*"]],
            resource=self,
        )

    def add_to_resource_policy(self, statement: iam.PolicyStatement) -> iam.AddToResourcePolicyResult:
        """Add a statement to the policy's document.

        :param statement: A statement about rekognition:CopyProjectVersion.
        :raises ValueError: when the document is one that statements cannot be added to.
        """
        document = self._document
        if not isinstance(document, iam.PolicyDocument):
            raise ValueError(  # noqa: TRY004 - what does not fit is what the document says, not its type
                f"{self.node.path}: nothing can be added to this document, for it is a token, has an Id, or a Version "
                f"other than {_VERSION}. Add the statement to the document itself."
            )
        document.add_statements(statement)
        return iam.AddToResourcePolicyResult(statement_added=True, policy_dependable=self._resource)

    def _parse_project(self, project_arn: str) -> identity.Project | None:
        """Return the project where its ARN is known, once it has been checked to be in the stack's environment."""
        if Token.is_unresolved(project_arn):
            return None
        project: identity.Project = self._checked(lambda: identity.Project.parse(project_arn))
        stack = Stack.of(self)
        region = project.region if Token.is_unresolved(stack.region) else stack.region
        account = project.account if Token.is_unresolved(stack.account) else stack.account
        self._checked(lambda: project.check_home(identity.Home(region, account)))
        return project

    def _to_document(
        self, given: iam.PolicyDocument | Mapping[str, Any] | str | None
    ) -> iam.PolicyDocument | Mapping[str, Any] | str:
        """Return the document that grants can be added to; one that cannot be read yet stays as it is."""
        if given is None or isinstance(given, iam.PolicyDocument):
            return given or iam.PolicyDocument()
        if isinstance(given, str) and Token.is_unresolved(given) and not given.lstrip().startswith("{"):
            return given  # a token as a whole; a text with tokens in it is JSON like any other
        parsed: Mapping[str, Any] = self._checked(lambda: documents.parse(given))
        if parsed.get("Version", _VERSION) != _VERSION or "Id" in parsed:
            return parsed
        return iam.PolicyDocument.from_json(parsed)

    def _version_arn(self, version: str) -> str:
        """Return the ARN of a version, by its name: ``PROJECT/version/VERSION/*``, without the project's number."""
        if version.startswith("arn:") or Token.is_unresolved(version):
            return version
        parts = Fn.split("/", self._project_arn)
        name = "*" if version == "*" else f"{version}/*"
        return Fn.join("/", [Fn.select(0, parts), Fn.select(1, parts), "version", name])

    def _checked(self, rule: Callable[[], _T]) -> _T:
        """Return what a rule returns; what it refuses is raised with the construct's path."""
        try:
            return rule()
        except errors.Refused as refused:
            raise ValueError(f"{self.node.path}: {refused}") from None

    def _violations(self) -> list[str]:
        """Return the rules that the document breaks, as far as it is known at synthesis."""
        document = Stack.of(self).resolve(self._document)
        if document is None:
            document = {}
        if not isinstance(document, Mapping) or _synthesis.is_intrinsic(document):
            return []
        violations: list[str] = documents.violations(
            document,
            project=self._project,
            block_public_policy=self._block_public_policy,
            is_unknown=_synthesis.is_intrinsic,
        )
        return violations + documents.size_violations(_synthesis.shortest(document))


@jsii.implements(IValidation)
class _DocumentRules:
    """Checks a policy's document at synthesis, when every grant has been added."""

    def __init__(self, policy: ProjectPolicy) -> None:
        self._policy = policy

    def validate(self) -> list[str]:
        return self._policy._violations()
