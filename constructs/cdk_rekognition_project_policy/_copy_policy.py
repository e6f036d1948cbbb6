"""The construct of the trusted account: an identity policy for copying models."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aws_cdk import Fn
from aws_cdk import aws_iam as iam

from constructs import Construct, IConstruct

from ._checks import Environment, check_account, checked, matches, wrong
from ._grants import Versions
from ._handler import arns
from ._handler import document as documents
from ._permissions import MANAGED_QUOTA, Permission, Statements
from ._suppressions import WHY_COPIES, explain_wildcards
from ._tokens import is_token, resolve, shortest, stack_of

if TYPE_CHECKING:  # these take long to load, and only their types are needed
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3

_POLICY_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
_WITHOUT_NUMBER = re.compile(r"arn:[^/]+:project/[^/]+")


class CopyProjectVersionPolicy(iam.ManagedPolicy):
    """The identity policy for copying models from another account's project: the trusted account's side.

    A copy needs both: the project policy of the source project (``ProjectPolicy``, in the trusting account), and in the
    trusted account an identity policy such as this one. Attach it to whoever calls CopyProjectVersion::

        policy = CopyProjectVersionPolicy(self, "Copy", source_project_arn=..., destination_project_arn=...,
                                          output_bucket=bucket)
        policy.attach_to_role(role)

    It allows rekognition:CopyProjectVersion from the source's model versions into the destination project, and there
    what such a call is authorized for as well: rekognition:CreateProjectVersion, and rekognition:TagResource on the
    copy (Service Authorization Reference). rekognition:DescribeProjectVersions shows when a copy is complete. For the
    training results it allows what AWS's own policies for Custom Labels allow on a bucket that results are written to.
    Where a KMS key is given, it can be used through Rekognition only, and grants on it can be created for AWS services
    only.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        source_project_arn: str,
        destination_project_arn: str,
        output_bucket: s3.IBucket,
        output_key_prefix: str = "",
        output_encryption_key: kms.IKey | None = None,
        versions: Sequence[str] | None = None,
        roles: Sequence[iam.IRole] | None = None,
        managed_policy_name: str | None = None,
    ) -> None:
        """Define the policy.

        :param source_project_arn: The ARN of the project that models are copied from. Its last part, a number that the
            trusting account would have to tell, can be omitted: ``arn:...:project/NAME``.
        :param destination_project_arn: The ARN of the project that they are copied into, in the trusted account and the
            same Region.
        :param output_bucket: The bucket that training results are copied to (``OutputConfig``). The results may go to
            its account only: the stack's, unless ``s3.Bucket.from_bucket_attributes`` names another ``account``.
        :param output_key_prefix: The prefix of their keys there (``S3KeyPrefix``). End that of a folder with ``/``.
            Default: none, the whole bucket.
        :param output_encryption_key: The KMS key that they are encrypted with (``KmsKeyId``). Default: none.
        :param versions: Names of the source's model versions, or their ARNs. Default: every model version, later ones
            included.
        :param roles: Roles to attach the policy to. Default: none yet.
        :param managed_policy_name: The policy's name. Default: one that CloudFormation makes.
        :raises ValueError: for what isn't the ARN of a project or a model version of the source, for projects of two
            Regions or partitions, for a destination or a role of another account than the stack's, and for more model
            versions than a managed policy takes (6,144 characters).
        """
        super().__init__(
            scope,
            construct_id,
            description="Allows copying models from another account's Rekognition Custom Labels project",
            managed_policy_name=managed_policy_name,
        )
        for role in roles or ():
            check_account(self, "roles", role)
            self.attach_to_role(role)
        named = managed_policy_name is not None and not is_token(managed_policy_name)
        if named and not matches(_POLICY_NAME, managed_policy_name):
            raise wrong(self, "managed_policy_name", managed_policy_name, "1 to 128 letters, digits or any of _+=,.@-")
        if _WITHOUT_NUMBER.fullmatch(str(source_project_arn)):
            source_project_arn += "/0"  # the ARNs of its model versions don't have it
        self._check(source_project_arn, destination_project_arn)
        check_output(self, output_bucket, output_encryption_key)
        permissions = copy_permissions(
            sources=Versions(self, source_project_arn, None).arns(versions),
            destination_project_arn=destination_project_arn,
            copies=Versions(self, destination_project_arn, None).arns(None)[0],
            output_bucket=output_bucket,
            output_key_prefix=output_key_prefix,
            output_encryption_key=output_encryption_key,
        )
        Statements(lambda: self).add(permissions)
        explain_wildcards(self, [each.resource for each in permissions], WHY_COPIES)
        self._check_size()

    def _check(self, source_project_arn: str, destination_project_arn: str) -> None:
        """Raise ``ValueError`` for projects that models can't be copied between, as far as they are known."""
        source = self._parse("source_project_arn", source_project_arn)
        destination = self._parse("destination_project_arn", destination_project_arn)
        if source and destination:
            for kind, its, other in (
                ("partition", source.partition, destination.partition),
                ("Region", source.region, destination.region),
            ):
                if its != other:
                    raise ValueError(
                        f"{self.node.path}: the source project is in {kind} {its}, the destination project in {other}. "
                        f"Models are copied within one {kind}; give a destination in {its}."
                    )
        account = Environment.of(stack_of(self)).account
        if destination and account is not None and destination.account != account:
            raise ValueError(
                f"{self.node.path}: the destination project is in account {destination.account}, but this stack is in "
                f"{account}. Give a project of this account, which the model is copied into."
            )

    def _check_size(self) -> None:
        size = len(documents.minify(shortest(resolve(stack_of(self), self.document))))
        if size > MANAGED_QUOTA:
            raise ValueError(
                f"{self.node.path}: the policy has {size} characters without white space, {size - MANAGED_QUOTA} more "
                f"than IAM's {MANAGED_QUOTA} for a managed policy. Name fewer versions, or leave them out for all."
            )

    def _parse(self, name: str, project_arn: str) -> arns.Project | None:
        if is_token(project_arn):
            return None
        project: arns.Project = checked(self, lambda: arns.Project.parse(project_arn, name))
        return project


def _region_of(project_arn: str) -> str:
    return Fn.select(3, Fn.split(":", project_arn)) if is_token(project_arn) else project_arn.split(":")[3]


def check_output(user: IConstruct, bucket: object, key: object) -> None:
    """Raise ``ValueError`` for a name or an ARN in place of the bucket or the key."""
    if not hasattr(bucket, "bucket_name"):
        raise wrong(user, "output_bucket", bucket, "an s3.Bucket, or what its from_bucket_name returns")
    if key is not None and not hasattr(key, "key_arn"):
        raise wrong(user, "output_encryption_key", key, "a kms.Key")


def copy_permissions(
    *,
    sources: Sequence[str],
    destination_project_arn: str,
    copies: str,
    output_bucket: s3.IBucket,
    output_key_prefix: str,
    output_encryption_key: kms.IKey | None,
) -> list[Permission]:
    """Return what CopyProjectVersion is authorized for.

    :param sources: The ARNs of the model versions that are copied.
    :param copies: The ARN that stands for the destination's model versions.
    """
    # If the bucket is deleted, another account can take its name, and would get the results.
    in_its_account = {"StringEquals": {"aws:ResourceAccount": output_bucket.env.account}}
    permissions = [
        *(Permission((documents.COPY_ACTION,), source) for source in sources),
        Permission(
            (documents.COPY_ACTION, "rekognition:CreateProjectVersion", "rekognition:DescribeProjectVersions"),
            destination_project_arn,
        ),
        Permission(("rekognition:TagResource",), copies),
        Permission(("s3:GetBucketAcl", "s3:GetBucketLocation"), output_bucket.bucket_arn, in_its_account),
        Permission(("s3:PutObject",), output_bucket.arn_for_objects(output_key_prefix + "*"), in_its_account),
    ]
    if output_encryption_key is not None:
        key = output_encryption_key.key_arn
        # Rekognition may use the key for the copy, but not the caller by itself.
        service = f"rekognition.{_region_of(destination_project_arn)}.amazonaws.com"
        via_rekognition = {"StringEquals": {"kms:ViaService": service}}
        for_aws = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
        permissions += [
            Permission(("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"), key, via_rekognition),
            Permission(("kms:CreateGrant",), key, {**via_rekognition, **for_aws}),
        ]
    return permissions
