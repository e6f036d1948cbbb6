"""The operations for versions of a project's model. Nothing is trained: a version is a name with a status."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from localcloud.rekognition.arns import ProjectArn
from localcloud.rekognition.authorisation import Permission
from localcloud.rekognition.model import Project, Version
from localcloud.rekognition.outputs import output_permissions
from localcloud.rekognition.paging import page, with_token
from localcloud.rekognition.scope import Operation, Parameters, Scope, project_of, timestamp


def create_project_version(scope: Scope, parameters: Parameters) -> dict[str, Any]:
    """CreateProjectVersion: trained after the switch's time, without data sets; tags and features are forgotten."""
    version = scope.store.create_version(
        scope.account,
        scope.region,
        parameters["ProjectArn"],
        parameters["VersionName"],
        parameters["OutputConfig"],
        parameters.get("KmsKeyId"),
        parameters.get("VersionDescription"),
    )
    return {"ProjectVersionArn": str(version.arn)}


def describe_project_versions(scope: Scope, parameters: Parameters) -> dict[str, Any]:
    """DescribeProjectVersions: the latest first; all, or those with these names (an unknown one is no error)."""
    arn, names = parameters["ProjectArn"], parameters.get("VersionNames")
    project = scope.store.project(scope.account, scope.region, arn)
    found = [version for version in scope.store.versions(project) if names is None or version.arn.name in names]
    shown, token = page(found, parameters.get("MaxResults", 100), parameters.get("NextToken"), f"versions of {arn}")
    descriptions = [_described(scope, project, version) for version in shown]
    return with_token({"ProjectVersionDescriptions": descriptions}, token, scope.switches)


def delete_project_version(scope: Scope, parameters: Parameters) -> dict[str, Any]:
    """DeleteProjectVersion: gone at once, though the answer is the one of a deletion that takes time."""
    scope.store.delete_version(scope.account, scope.region, parameters["ProjectVersionArn"])
    return {"Status": "DELETING"}


def _described(scope: Scope, project: Project, version: Version) -> dict[str, Any]:
    described = {
        "ProjectVersionArn": str(version.arn),
        "CreationTimestamp": timestamp(version.created),
        "Status": scope.store.status(version),
        "OutputConfig": dict(version.output),
        "KmsKeyId": version.kms_key,
        "SourceProjectVersionArn": str(version.source) if version.source else None,
        "VersionDescription": version.description,
        "Feature": project.feature or "CUSTOM_LABELS",
    }
    return {name: value for name, value in described.items() if value is not None}


def _version(scope: Scope, parameters: Parameters) -> str:  # noqa: ARG001 - every operation's resource is asked for alike
    return str(parameters["ProjectVersionArn"])


def _output(scope: Scope, parameters: Parameters) -> Iterator[Permission]:  # noqa: ARG001 - as above
    return output_permissions(ProjectArn.parse(parameters["ProjectArn"]), parameters)


VERSION_OPERATIONS: dict[str, Operation] = {
    "CreateProjectVersion": Operation(project_of, create_project_version, _output),
    "DescribeProjectVersions": Operation(project_of, describe_project_versions),
    "DeleteProjectVersion": Operation(_version, delete_project_version),
}
