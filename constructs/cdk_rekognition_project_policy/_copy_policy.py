"""The construct of the trusted account: an identity policy for copying models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from constructs import Construct

from ._acknowledgments import WHY_COPIES, acknowledge_wildcards
from ._environment import Environment, check_identity_is_here, check_is_here
from ._permissions import copy_permissions
from ._project import Project
from ._tokens import is_token, stack_of

if TYPE_CHECKING:  # these take long to load, and only their types are needed
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from aws_cdk.interfaces.aws_iam import IGroupRef, IUserRef
    from aws_cdk.interfaces.aws_rekognition import IProjectRef


class CopyProjectVersionPolicy(iam.ManagedPolicy):
    """The identity policy for copying models from another account's project: the trusted account's side.

    A copy needs both: the project policy of the source project (``ProjectPolicy``, in the trusting account), and in the
    trusted account an identity policy such as this one. Attach it to whoever calls CopyProjectVersion::

        policy = CopyProjectVersionPolicy(self, "Copy", source_project="arn:...", destination_project=project,
                                          output_bucket=bucket)
        policy.attach_to_role(role)

    It allows rekognition:CopyProjectVersion from the source's model versions into the destination project, and there
    what such a call is authorized for as well: rekognition:CreateProjectVersion, and rekognition:TagResource on the
    copy (Service Authorization Reference). rekognition:DescribeProjectVersions shows when a copy is complete. For the
    training results it allows what AWS's own policies for Custom Labels allow on a bucket that results are written to.
    If a KMS key is given, it can be used through Rekognition only, and grants on it can be created for AWS services
    only.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        source_project: IProjectRef | str,
        destination_project: IProjectRef | str,
        output_bucket: s3.IBucket,
        output_key_prefix: str = "",
        output_encryption_key: kms.IKey | None = None,
        versions: Sequence[str] | None = None,
        roles: Sequence[iam.IRole] | None = None,
        managed_policy_name: str | None = None,
    ) -> None:
        """Define the policy.

        :param source_project: The project that models are copied from, or its ARN. The last part of the ARN, a number
            that the trusting account would have to tell, can be omitted: ``arn:...:project/NAME``.
        :param destination_project: The project that they are copied into, or its ARN; in the trusted account and the
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
        :raises ValueError: for what isn't a project or a model version of the source, for projects of two Regions or
            partitions, and for a destination or a role of another account than the stack's.
        """
        super().__init__(
            scope,
            construct_id,
            description="Allows copying models from another account's Rekognition Custom Labels project",
            managed_policy_name=managed_policy_name,
            document=iam.PolicyDocument(minimize=True),
        )
        stack = stack_of(scope)
        for role in roles or ():
            self.attach_to_role(role)
        if isinstance(source_project, str) and not is_token(source_project) and source_project.count("/") == 1:
            source_project += "/0"  # the ARNs of its model versions don't have it
        source = Project(self, stack, "source_project", source_project)
        destination = Project(self, stack, "destination_project", destination_project)
        # IAM is in every Region, so the stack may be in another one; models are copied within one.
        its = destination.environment
        check_is_here(self, "destination_project", Environment(its.account), Environment.of(stack))
        check_is_here(self, "source_project", replace(source.environment, account=None), its, "destination_project")
        permissions = copy_permissions(
            self, source.versions(versions), destination, output_bucket, output_key_prefix, output_encryption_key
        )
        self.add_statements(*(each.statement() for each in permissions))
        acknowledge_wildcards(self, [each.resource for each in permissions], WHY_COPIES)

    def attach_to_role(self, role: iam.IRole) -> None:
        """Attach the policy to a role of the stack's account; raises ``ValueError`` for one of another account."""
        check_identity_is_here(self, "role", role)
        super().attach_to_role(role)

    def attach_to_user(self, user: IUserRef) -> None:
        """Attach the policy to a user of the stack's account; raises ``ValueError`` for one of another account."""
        check_identity_is_here(self, "user", user)
        super().attach_to_user(user)

    def attach_to_group(self, group: IGroupRef) -> None:
        """Attach the policy to a group of the stack's account; raises ``ValueError`` for one of another account."""
        check_identity_is_here(self, "group", group)
        super().attach_to_group(group)
