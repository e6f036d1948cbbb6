"""CopyProjectVersion: what project policies are for, so here they are asked for what they allow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from localcloud.rekognition.arns import ProjectArn, VersionArn
from localcloud.rekognition.authorisation import Permission, ResourcePolicy
from localcloud.rekognition.documents import ACTION, merged
from localcloud.rekognition.errors import invalid_parameter
from localcloud.rekognition.outputs import output_permissions
from localcloud.rekognition.scope import Operation, Parameters, Scope


def copy_project_version(scope: Scope, parameters: Parameters) -> dict[str, Any]:
    """CopyProjectVersion: copied after the switch's time; tags are forgotten."""
    version = scope.store.copy_version(
        scope.account,
        scope.region,
        ProjectArn.parse(parameters["SourceProjectArn"]),
        VersionArn.parse(parameters["SourceProjectVersionArn"]),
        parameters["DestinationProjectArn"],
        parameters["VersionName"],
        parameters["OutputConfig"],
        parameters.get("KmsKeyId"),
    )
    return {"ProjectVersionArn": str(version.arn)}


def _destination(scope: Scope, parameters: Parameters) -> str:  # noqa: ARG001 - every operation's resource is asked for alike
    return str(parameters["DestinationProjectArn"])


def _source_and_output(scope: Scope, parameters: Parameters) -> Iterator[Permission]:
    source, version = parameters["SourceProjectArn"], parameters["SourceProjectVersionArn"]
    project, destination = ProjectArn.parse(source), ProjectArn.parse(parameters["DestinationProjectArn"])
    for arn in (project, destination):
        if arn.region != scope.region:
            raise invalid_parameter(f"{arn} is not in the Region of the request, {scope.region}.")
    # Before the policies are looked up: another project's must not count for this version.
    if not VersionArn.parse(version).is_of(project):
        raise invalid_parameter(f"{version} is not a version of the project {source}.")
    policy = ResourcePolicy(project.account, merged(scope.store.documents(project), project))
    yield Permission(ACTION, version, policy)
    if scope.switches.copy_permissions == "documented":
        yield Permission("rekognition:CreateProjectVersion", str(destination))
        yield Permission("rekognition:TagResource", f"{destination.version_prefix}{parameters['VersionName']}/*")
    yield from output_permissions(destination, parameters)


COPYING_OPERATIONS: dict[str, Operation] = {
    "CopyProjectVersion": Operation(_destination, copy_project_version, _source_and_output),
}
