"""The construct: a copy of another account's model version, and who may use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import jsii
from aws_cdk import ITaggableV2, RemovalPolicy, TagManager, TagType
from aws_cdk import aws_iam as iam

from constructs import Construct, IValidation

from . import _grants
from ._acknowledgments import WHY_COPIES, acknowledge_wildcards
from ._environment import Environment, account_of, check_identity_is_here, check_is_here
from ._errors import boolean, invalid_value, reraise_as_value_error
from ._handler import arns, copy_properties, errors, timeouts
from ._permissions import Permission, copy_permissions
from ._project import Project
from ._provider import IProvider, ManagedResource, ProjectVersionCopyProvider
from ._tokens import is_unknown, resolve, stack_of

if TYPE_CHECKING:  # these take long to load, and only their types are needed
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from aws_cdk.interfaces.aws_rekognition import IProjectRef


@jsii.implements(ITaggableV2)
class ProjectVersionCopy(ManagedResource):
    """A copy of another account's Rekognition Custom Labels model version: the trusted account's side.

    The custom resource behind it copies the model version (CopyProjectVersion) and waits until the copy is complete,
    replaces it when the source changes, and deletes it with the stack::

        copy = ProjectVersionCopy(self, "Logos", source_project="arn:...", source_version_arn="arn:...",
                                  destination_project=project, output_bucket=bucket)
        copy.grant_detect(role)

    The trusting account has to allow the copy first, with a ``ProjectPolicy``. A copy that takes longer than 58 minutes
    fails. Removing the grant later leaves the copy where it is.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        source_project: IProjectRef | str,
        source_version_arn: str,
        destination_project: IProjectRef | str,
        output_bucket: s3.IBucket,
        output_key_prefix: str = "",
        output_encryption_key: kms.IKey | None = None,
        version_name: str | None = None,
        tags: Mapping[str, str] | None = None,
        adopt_existing: bool = False,
        stop_running: bool = False,
        removal_policy: RemovalPolicy = RemovalPolicy.DESTROY,
        provider: IProvider | None = None,
    ) -> None:
        """Define a copy.

        :param source_project: The project that the model version is copied from, or its ARN.
        :param source_version_arn: The ARN of the model version to copy. Another one replaces the copy.
        :param destination_project: The project to copy into: a ``CfnProject`` or another ``IProjectRef``, or its ARN.
            It must be in the stack's account and Region. Another one replaces the copy.
        :param output_bucket: The bucket that training results are copied to (``OutputConfig``). The results may go to
            its account only: the stack's, unless ``s3.Bucket.from_bucket_attributes`` names another ``account``.
            Another bucket replaces the copy.
        :param output_key_prefix: The prefix of their keys there (``S3KeyPrefix``), as it stands: end it with ``/``
            if it is a folder's. Another one replaces the copy. Default: none, the whole bucket.
        :param output_encryption_key: The KMS key that they are encrypted with (``KmsKeyId``). Another one replaces the
            copy. Default: none.
        :param version_name: The copy's name: 1 to 255 letters, digits, ``_``, ``.`` and ``-``. Change it together with
            whatever else replaces the copy, because the name of the old copy is taken until the new one is complete.
            Default: the source's name and a hash, another one for each replacement.
        :param tags: The copy's tags, beside those that ``Tags.of`` gives it, which replace the ones of the same keys.
            Default: only those and the tags by which the function recognizes its own copies.
        :param adopt_existing: Whether to take over an existing copy of the same model version that has the name. If
            another resource made it, retain it there first (``RemovalPolicy.RETAIN``), or that resource's Delete
            deletes it. An adopted copy is kept when the stack is deleted. Default: False, an existing model version is
            rejected.
        :param stop_running: Whether the function stops a running copy (StopProjectVersion) before deleting it. Default:
            False; deleting a running copy fails until you stop it.
        :param removal_policy: What happens to the copy when it is removed from the stack or replaced.
            ``RemovalPolicy.RETAIN`` keeps it in its project. Default: it is deleted, and can't be restored.
        :param provider: The provider whose function copies. You can't change it later: CloudFormation rejects another
            ServiceToken. Default: the stack's own.
        :raises ValueError: for what the function would reject, as far as it is known, and for values of other types.
            Tags are checked at synthesis, when all of them are known.
        """
        super().__init__(scope, construct_id)
        stack = stack_of(scope)
        source = Project(self, stack, "source_project", source_project)
        if not is_unknown(source_version_arn):
            reraise_as_value_error(self, lambda: arns.ModelVersion.parse(source_version_arn, "source_version_arn"))
            source.versions([source_version_arn])
        destination = self._destination = Project(self, stack, "destination_project", destination_project)
        destination.check_is_here()
        permissions = [
            *copy_permissions(
                self, [source_version_arn], destination, output_bucket, output_key_prefix, output_encryption_key
            ),
            Permission(("rekognition:UntagResource",), destination.versions()[0]),
        ]
        if boolean(self, "adopt_existing", adopt_existing) and version_name is None:
            raise invalid_value(
                self, "version_name", version_name, "the name of the copy that adopt_existing takes over"
            )
        key_arn = None if output_encryption_key is None else output_encryption_key.key_arn
        for parameter, there in (
            ("source_project", source.environment),
            ("source_version_arn", Environment.of_arn(resolve(stack, source_version_arn))),
            ("output_encryption_key", Environment.of_arn(resolve(stack, key_arn))),
        ):
            check_is_here(self, parameter, replace(there, account=None), destination.place, "destination_project")
        if not is_unknown(output_key_prefix):
            output = {"S3Bucket": "results", "S3KeyPrefix": output_key_prefix}  # the CDK checks the bucket's name
            reraise_as_value_error(self, lambda: copy_properties.read_output(output))
        if version_name is not None and not is_unknown(version_name):
            reraise_as_value_error(self, lambda: copy_properties.read_version_name({"VersionName": version_name}))
        self._tags = TagManager(TagType.MAP, ProjectVersionCopyProvider.resource_type, tags)
        self.node.add_validation(_TagRules(self._tags))

        policy = self._define(
            destination,
            ProjectVersionCopyProvider,
            provider,
            permissions,
            removal_policy,
            {
                "ServiceTimeout": str(timeouts.WAITING_SERVICE_TIMEOUT),
                "SourceProjectArn": source.arn,
                "SourceProjectVersionArn": source_version_arn,
                "DestinationProjectArn": destination.arn,
                "OutputConfig": {"S3Bucket": output_bucket.bucket_name, "S3KeyPrefix": output_key_prefix or None},
                "KmsKeyId": key_arn,
                "VersionName": version_name,
                "Tags": self._tags.rendered_tags,
                "AdoptExisting": adopt_existing or None,
                "StopRunning": boolean(self, "stop_running", stop_running) or None,
            },
        )
        acknowledge_wildcards(policy, [each.resource for each in permissions], WHY_COPIES)

    @property
    def cdk_tag_manager(self) -> TagManager:
        """The tags that ``Tags.of`` gives the copy, and its own."""
        return self._tags

    @property
    def version_arn(self) -> str:
        """The copy's ARN (ProjectVersionArn). A replacement has another one."""
        return self._resource.get_att("ProjectVersionArn").to_string()

    @property
    def version_name(self) -> str:
        """The copy's name (VersionName)."""
        return self._resource.get_att("VersionName").to_string()

    def grant_detect(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow a grantee to analyze images with the copy (rekognition:DetectCustomLabels) while it is running.

        :param grantee: A role, user or group of this account.
        :raises ValueError: for a grantee that no identity policy can be attached to, such as an account.
        """
        return self._grant(grantee, "rekognition:DetectCustomLabels")

    def grant_start_stop(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow a grantee to start and stop the copy (rekognition:StartProjectVersion, rekognition:StopProjectVersion).

        :param grantee: A role, user or group of this account.
        :raises ValueError: for a grantee that no identity policy can be attached to, such as an account.
        """
        return self._grant(grantee, "rekognition:StartProjectVersion", "rekognition:StopProjectVersion")

    def _grant(self, grantee: iam.IGrantable, *actions: str) -> iam.Grant:
        examples = 'a role, user or group of this account, such as iam.Role.from_role_name(self, "ID", "NAME")'
        principal = _grants.principal_of(grantee, self, examples)
        check_identity_is_here(self, "grantee", principal)
        if account_of(principal) in (None, self._destination.place.account):
            grant = iam.Grant.add_to_principal(
                grantee=principal,
                actions=[*actions],
                resource_arns=[self.version_arn],
                conditions=_grants.conditions_of(principal) or None,
            )
            if grant.success:
                return grant
        raise ValueError(
            f"{self.node.path}: no identity policy can be attached to the grantee, {type(grantee).__name__}. Model "
            "versions have no policies of their own; specify a role, a user or a group of this account. If the stack's "
            "account isn't known, import it by its name, not by its ARN."
        )


@jsii.implements(IValidation)
class _TagRules:
    """Checks the tags of a copy when all of them are known, those of its stack and its app as well."""

    def __init__(self, tags: TagManager) -> None:
        self._tags = tags

    def validate(self) -> list[str]:
        tags = {key: "" if is_unknown(value) else value for key, value in self._tags.tag_values().items()}
        try:
            copy_properties.read_tags(tags)
        except errors.RejectedError as rejected:
            return [str(rejected)]
        return []
