"""The construct: a copy of another account's model version, and who may use it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, overload

import jsii
from aws_cdk import CustomResource, Duration, ITaggableV2, RemovalPolicy, Resource, Stack, TagManager, TagType
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rekognition as rekognition

from constructs import Construct

from ._checks import (
    Environment,
    NamesOfApp,
    arn_of_project,
    check_project_of_app,
    checked,
    of_type,
    warn_of_region,
)
from ._copy_policy import check_output, copy_permissions
from ._grants import Versions, principal_of
from ._handler import arns, timeouts
from ._handler import copy_properties as resource
from ._permissions import Permission
from ._provider import IProjectVersionCopyProvider, ProjectVersionCopyProvider, given_or_own
from ._suppressions import WHY_COPIES, explain_wildcards
from ._tokens import is_token, joined, resolve, stack_of

if TYPE_CHECKING:  # these take long to load, and their names are all that is needed of them
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3

_SERVICE_TIMEOUT = Duration.seconds(timeouts.WAITING_SERVICE_TIMEOUT)
_PLACE = re.compile(r"arn:(?P<partition>[a-z\d-]+):rekognition:(?P<region>[a-z\d-]+):(?P<account>\d{12}):", re.ASCII)


@jsii.implements(ITaggableV2)
class ProjectVersionCopy(Resource):
    """A copy of another account's Rekognition Custom Labels model version: the trusted account's side.

    The custom resource behind it copies the model version (CopyProjectVersion) and waits until the copy is complete,
    replaces it when the source changes, and deletes it with the stack::

        copy = ProjectVersionCopy(self, "Logos", source_project_arn=..., source_version_arn=...,
                                  destination_project=project, output_bucket=bucket)
        copy.grant_detect(role)

    The trusting account has to allow the copy first, with a ``ProjectPolicy``. A copy that takes longer than 58 minutes
    fails. Removing the grant later leaves the copy where it is.
    """

    @overload
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        source_project_arn: str,
        source_version_arn: str,
        destination_project: rekognition.CfnProject,
        destination_project_arn: None = None,
        output_bucket: s3.IBucket,
        output_key_prefix: str = "",
        output_encryption_key: kms.IKey | None = None,
        version_name: str | None = None,
        tags: Mapping[str, str] | None = None,
        adopt_existing: bool = False,
        stop_running: bool = False,
        removal_policy: RemovalPolicy | None = None,
        provider: IProjectVersionCopyProvider | None = None,
    ) -> None: ...

    @overload
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        source_project_arn: str,
        source_version_arn: str,
        destination_project: None = None,
        destination_project_arn: str,
        output_bucket: s3.IBucket,
        output_key_prefix: str = "",
        output_encryption_key: kms.IKey | None = None,
        version_name: str | None = None,
        tags: Mapping[str, str] | None = None,
        adopt_existing: bool = False,
        stop_running: bool = False,
        removal_policy: RemovalPolicy | None = None,
        provider: IProjectVersionCopyProvider | None = None,
    ) -> None: ...

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        source_project_arn: str,
        source_version_arn: str,
        destination_project: rekognition.CfnProject | None = None,
        destination_project_arn: str | None = None,
        output_bucket: s3.IBucket,
        output_key_prefix: str = "",
        output_encryption_key: kms.IKey | None = None,
        version_name: str | None = None,
        tags: Mapping[str, str] | None = None,
        adopt_existing: bool = False,
        stop_running: bool = False,
        removal_policy: RemovalPolicy | None = None,
        provider: IProjectVersionCopyProvider | None = None,
    ) -> None:
        """Define a copy.

        :param source_project_arn: The ARN of the project that the model version is copied from. Another one replaces
            the copy.
        :param source_version_arn: The ARN of the model version to copy. Another one replaces the copy.
        :param destination_project: The project to copy into, where it is defined in the same app. Default: the one of
            ``destination_project_arn``; one of the two is required.
        :param destination_project_arn: The ARN of the project to copy into. It must be in the stack's account and
            Region. Another one replaces the copy. Default: that of ``destination_project``.
        :param output_bucket: The bucket that training results are copied to (``OutputConfig``). The results may go to
            its account only: the stack's, unless ``s3.Bucket.from_bucket_attributes`` names another ``account``.
            Another bucket replaces the copy.
        :param output_key_prefix: The prefix of their keys there (``S3KeyPrefix``), as it stands: end it with ``/``
            where it is a folder's. Another one replaces the copy. Default: none, the whole bucket.
        :param output_encryption_key: The KMS key that they are encrypted with (``KmsKeyId``). Another one replaces the
            copy. Default: none.
        :param version_name: The copy's name: 1 to 255 letters, digits, ``_``, ``.`` and ``-``. Change it together with
            whatever else replaces the copy, because the name of the old copy is taken until the new one is complete.
            Default: the source's name and a hash, another one for each replacement.
        :param tags: The copy's tags, beside those that ``Tags.of`` gives it, which replace the ones of the same keys.
            Default: only those and the tags by which the function recognizes its own copies.
        :param adopt_existing: Whether to take over an existing copy of the same model version that has the name. An
            adopted copy is kept when the stack is deleted. Default: False, an existing model version is rejected.
        :param stop_running: Whether the function stops a running copy (StopProjectVersion) before deleting it. Default:
            False; deleting a running copy fails until you stop it.
        :param removal_policy: What happens to the copy when it is removed from the stack or replaced.
            ``RemovalPolicy.RETAIN`` keeps it in its project. Default: it is deleted, and can't be restored.
        :param provider: The provider whose function copies. You can't change it later: CloudFormation rejects another
            ServiceToken. Default: the stack's own.
        :raises ValueError: for whatever breaks a rule of the Rekognition API, as far as it is known: ARNs of something
            else, a source of another project, another Region or partition, a destination of another account, invalid
            names and tags, a name that another copy of the app has in the same project.
        """
        super().__init__(scope, construct_id)
        stack = stack_of(scope)
        destination_arn = arn_of_project(
            self, "destination_project", arn=destination_project_arn, project=destination_project
        )
        check_output(self, output_bucket, output_encryption_key)
        properties: dict[str, Any] = {
            "SourceProjectArn": source_project_arn,
            "SourceProjectVersionArn": source_version_arn,
            "DestinationProjectArn": destination_arn,
            "OutputConfig": {"S3Bucket": output_bucket.bucket_name},
        }
        # Omitted where they have their defaults, so that another default does not update the resource.
        if output_key_prefix != "":
            properties["OutputConfig"]["S3KeyPrefix"] = output_key_prefix
        if output_encryption_key is not None:
            properties["KmsKeyId"] = output_encryption_key.key_arn
        if version_name is not None:
            properties["VersionName"] = version_name
        if tags is not None:
            properties["Tags"] = tags
        # Every string is true in Python, "false" included.
        if of_type(self, "adopt_existing", adopt_existing, bool, "True or False"):
            properties["AdoptExisting"] = True
        if of_type(self, "stop_running", stop_running, bool, "True or False"):
            properties["StopRunning"] = True
        check_project_of_app(self, destination_arn, stack)
        place = self._check(properties, stack)
        if version_name is not None:
            NamesOfApp.of(stack).add_version(self, destination_arn, version_name, stack)

        self._tags = TagManager(TagType.MAP, resource.RESOURCE_TYPE, tags)
        properties["Tags"] = self._tags.rendered_tags
        provider = given_or_own(self, provider, ProjectVersionCopyProvider)
        self._resource = CustomResource(
            self,
            "Resource",
            resource_type=resource.RESOURCE_TYPE,
            service_token=provider.service_token,
            service_timeout=_SERVICE_TIMEOUT,
            removal_policy=removal_policy,
            properties=properties,
        )
        copies = Versions(self, destination_arn, None).arns(None)[0]
        permissions = copy_permissions(
            sources=[source_version_arn],
            destination_project_arn=destination_arn,
            copies=copies,
            output_bucket=output_bucket,
            output_key_prefix=output_key_prefix,
            output_encryption_key=output_encryption_key,
        )
        permissions.append(Permission(("rekognition:UntagResource",), copies))
        policy = provider.manage(destination_arn, self._resource, permissions)
        explain_wildcards(policy, [each.resource for each in permissions], WHY_COPIES)
        warn_of_region(self, place.region)

    @property
    def cdk_tag_manager(self) -> TagManager:
        """The tags that ``Tags.of`` gives the copy, and its own."""
        return self._tags

    @property
    def version_arn(self) -> str:
        """The copy's ARN (ProjectVersionArn). A replacement has another one."""
        return self._resource.get_att_string("ProjectVersionArn")

    @property
    def version_name(self) -> str:
        """The copy's name (VersionName)."""
        return self._resource.get_att_string("VersionName")

    @property
    def project_arn(self) -> str:
        """The ARN of the project that the copy is in (ProjectArn)."""
        return self._resource.get_att_string("ProjectArn")

    def apply_removal_policy(self, policy: RemovalPolicy) -> None:
        """Set the removal policy, as ``removal_policy`` does.

        :param policy: What happens to the copy when it is removed from the stack or replaced.
        """
        self._resource.apply_removal_policy(policy)

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
        principal = principal_of(grantee, self)
        grant = iam.Grant.add_to_principal(grantee=principal, actions=[*actions], resource_arns=[self.version_arn])
        if not grant.success:
            raise ValueError(
                f"{self.node.path}: no identity policy can be attached to the grantee, {type(grantee).__name__}. "
                "Model versions have no policies of their own; give a role, a user or a group of this account."
            )
        return grant

    def _check(self, properties: Mapping[str, Any], stack: Stack) -> arns.Environment:
        """Check the properties by the function's own rules, and return where the copy is, each as far as it is known.

        What only the deployment will tell is replaced by something that is valid beside what is known.
        """
        place = _place_of(properties, stack)
        pseudo = {"AWS::Partition": place.partition, "AWS::Region": place.region, "AWS::AccountId": place.account}

        def known(value: Any, otherwise: str = "example") -> Any:  # noqa: ANN401 - any JSON, and the same shape back
            if isinstance(value, Mapping):
                return {known(key): known(each) for key, each in value.items()}
            if not is_token(value):
                return value
            found = joined(resolve(stack, value), pseudo)
            return found if isinstance(found, str) else otherwise

        project, version = properties["SourceProjectArn"], properties["SourceProjectVersionArn"]
        example = f"arn:{place.partition}:rekognition:{place.region}:{place.account}:project/example/1"
        example_version = f"{str(known(project, example)).rpartition('/')[0]}/version/example/1"
        whole = {
            **known(properties),
            "SourceProjectArn": known(project, f"{str(known(version, example_version)).partition('/version/')[0]}/1"),
            "SourceProjectVersionArn": known(version, example_version),
            "DestinationProjectArn": known(properties["DestinationProjectArn"], example),
        }
        checked(self, lambda: resource.Properties.parse(whole, place))
        return place


def _place_of(properties: Mapping[str, Any], stack: Stack) -> arns.Environment:
    """Return where the copy is to be, with examples in place of what isn't known."""
    own = Environment.of(stack)
    names = ("DestinationProjectArn", "SourceProjectVersionArn", "SourceProjectArn")
    destination, *sources = (_PLACE.match(str(resolve(stack, properties[name]))) for name in names)
    partition, region = next((each.group(1, 2) for each in (destination, *sources) if each), ("aws", "us-east-1"))
    account = destination["account"] if destination else "123456789012"
    return arns.Environment(own.region or region, own.account or account, partition)
