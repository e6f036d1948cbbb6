"""Permissions, and the IAM policies that they are in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_cdk import Aws, Fn, Names
from aws_cdk import aws_iam as iam

from constructs import Construct

from ._errors import invalid_value
from ._handler import document_rules
from ._project import Project

if TYPE_CHECKING:  # these take long to load, and only their types are needed
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3

_MAX_POLICY_NAME = 128 - len("-01234567-89ab-cdef-0123-456789abcdef")


@dataclass(frozen=True)
class Permission:
    """Actions that are allowed on a resource."""

    actions: tuple[str, ...]
    resource: str
    conditions: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)

    def statement(self) -> iam.PolicyStatement:
        """Return the statement that allows them."""
        return iam.PolicyStatement(actions=[*self.actions], resources=[self.resource], conditions={**self.conditions})


def inline_policy(scope: Construct, holder: iam.IRole | iam.User, *statements: iam.PolicyStatement) -> iam.Policy:
    """Return an inline policy with a name that no other construct of any stack uses for the same role or user.

    Policies of one name overwrite one another on their role, and the stacks that share it may be alike.
    """
    name = Names.unique_resource_name(scope, max_length=_MAX_POLICY_NAME, separator="-")
    stack_uuid = Fn.select(2, Fn.split("/", Aws.STACK_ID))
    # Many statements fit, because those that differ in their resources only are merged.
    document = iam.PolicyDocument(minimize=True, statements=[*statements])
    policy = iam.Policy(scope, "Policy", policy_name=f"{name}-{stack_uuid}", document=document)
    if isinstance(holder, iam.User):
        policy.attach_to_user(holder)
    else:
        policy.attach_to_role(holder)
    return policy


def copy_permissions(
    construct: Construct,
    sources: Sequence[str],
    destination: Project,
    output_bucket: s3.IBucket,
    output_key_prefix: str,
    output_encryption_key: kms.IKey | None,
) -> list[Permission]:
    """Return what CopyProjectVersion is authorized for; ``sources`` are the ARNs of the copied model versions.

    Raises ``ValueError`` for an alias or an ARN in place of the key.
    """
    # If the bucket is deleted, another account can take its name, and would get the results.
    in_its_account = {"StringEquals": {"aws:ResourceAccount": output_bucket.env.account}}
    (copies,) = destination.versions()
    permissions = [
        *(Permission((document_rules.COPY_ACTION,), source) for source in sources),
        Permission(
            (document_rules.COPY_ACTION, "rekognition:CreateProjectVersion", "rekognition:DescribeProjectVersions"),
            destination.arn,
        ),
        Permission(("rekognition:TagResource",), copies),
        Permission(("s3:GetBucketAcl", "s3:GetBucketLocation"), output_bucket.bucket_arn, in_its_account),
        Permission(("s3:PutObject",), output_bucket.arn_for_objects(output_key_prefix + "*"), in_its_account),
    ]
    if output_encryption_key is not None:
        # IAM authorizes a key's use by the key's ARN, so an alias would allow nothing.
        if not hasattr(output_encryption_key, "key_arn") or hasattr(output_encryption_key, "alias_name"):
            raise invalid_value(construct, "output_encryption_key", output_encryption_key, "a kms.Key")
        key = output_encryption_key.key_arn
        # Rekognition may use the key for the copy, but not the caller by itself.
        via_rekognition = {"StringEquals": {"kms:ViaService": f"rekognition.{destination.region}.amazonaws.com"}}
        for_aws = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
        permissions += [
            Permission(("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"), key, via_rekognition),
            Permission(("kms:CreateGrant",), key, {**via_rekognition, **for_aws}),
        ]
    return permissions
