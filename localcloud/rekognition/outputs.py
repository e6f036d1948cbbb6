"""Where training results go, and what the caller of an operation that writes them needs there."""

from __future__ import annotations

from collections.abc import Iterator

from localcloud.rekognition.arns import ProjectArn
from localcloud.rekognition.authorisation import Permission
from localcloud.rekognition.errors import invalid_parameter
from localcloud.rekognition.scope import Parameters

KMS_ACTIONS = ("kms:CreateGrant", "kms:DescribeKey", "kms:GenerateDataKey", "kms:Decrypt")


def output_permissions(project: ProjectArn, parameters: Parameters) -> Iterator[Permission]:
    """Need to write a result of a version to be made in the project, and to use the key for it where one is named.

    The service model leaves the bucket out of what is required; without one there is nowhere to write to.
    """
    output, version = parameters["OutputConfig"], parameters["VersionName"]
    bucket, prefix = output.get("S3Bucket"), output.get("S3KeyPrefix")
    if bucket is None:
        raise invalid_parameter("OutputConfig must name an S3Bucket.")
    result = f"EvaluationResultSummary-{project.name}-{version}.json"
    path = f"{prefix.rstrip('/')}/{result}" if prefix else result
    yield Permission("s3:PutObject", f"arn:{project.partition}:s3:::{bucket}/{path}")
    key = parameters.get("KmsKeyId")
    if key is not None:
        # Rekognition uses the key in the caller's name, and creates the grant for itself.
        via = {"kms:viaservice": f"rekognition.{project.region}.amazonaws.com"}
        for action in KMS_ACTIONS:
            grant = {"kms:grantisforawsresource": "true"} if action == "kms:CreateGrant" else {}
            yield Permission(action, _key_arn(key, project), context={**via, **grant})


def _key_arn(key: str, project: ProjectArn) -> str:
    if key.startswith("arn:"):
        return key
    resource = key if key.startswith("alias/") else f"key/{key}"
    return f"arn:{project.partition}:kms:{project.region}:{project.account}:{resource}"
