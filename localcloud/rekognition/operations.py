"""The operations for projects and their policies, and all operations by name."""

from __future__ import annotations

from typing import Any

from localcloud.rekognition.arns import ProjectArn, partition_of
from localcloud.rekognition.copying import COPYING_OPERATIONS
from localcloud.rekognition.documents import check_document
from localcloud.rekognition.forms import normalised
from localcloud.rekognition.model import Policy, Project
from localcloud.rekognition.paging import page, with_token
from localcloud.rekognition.scope import Operation, Parameters, Scope, project_of, timestamp
from localcloud.rekognition.versions import VERSION_OPERATIONS


def create_project(scope: Scope, parameters: Parameters) -> dict[str, Any]:
    """CreateProject: tags are accepted, and forgotten."""
    project = scope.store.create_project(
        scope.account, scope.region, parameters["ProjectName"], parameters.get("Feature"), parameters.get("AutoUpdate")
    )
    return {"ProjectArn": str(project.arn)}


def describe_projects(scope: Scope, parameters: Parameters) -> dict[str, Any]:
    """DescribeProjects: all of them, or those with these names or features; an unknown name is no error."""
    names, features = parameters.get("ProjectNames"), parameters.get("Features")
    found = [
        project
        for project in scope.store.projects(scope.account, scope.region)
        if (names is None or project.arn.name in names)
        and (features is None or (project.feature or "CUSTOM_LABELS") in features)
    ]
    shown, token = page(found, parameters.get("MaxResults", 100), parameters.get("NextToken"), "projects")
    return with_token({"ProjectDescriptions": [_described(project) for project in shown]}, token, scope.switches)


def delete_project(scope: Scope, parameters: Parameters) -> dict[str, Any]:
    """DeleteProject: gone at once, with its policies, though the answer is the one of a deletion that takes time."""
    scope.store.delete_project(scope.account, scope.region, parameters["ProjectArn"])
    return {"Status": "DELETING"}


def put_project_policy(scope: Scope, parameters: Parameters) -> dict[str, Any]:
    """PutProjectPolicy: attach, or replace at its current revision."""
    arn, document = parameters["ProjectArn"], parameters["PolicyDocument"]
    # First, so that a missing project is told as such whatever the document says.
    project = scope.store.project(scope.account, scope.region, arn)
    check_document(document, project.arn)
    policy = scope.store.put_policy(
        scope.account, scope.region, arn, parameters["PolicyName"], document, parameters.get("PolicyRevisionId")
    )
    return {"PolicyRevisionId": policy.revision}


def list_project_policies(scope: Scope, parameters: Parameters) -> dict[str, Any]:
    """ListProjectPolicies: at most five a page."""
    arn = parameters["ProjectArn"]
    policies = scope.store.policies(scope.account, scope.region, arn)
    shown, token = page(policies, parameters.get("MaxResults", 5), parameters.get("NextToken"), arn)
    return with_token({"ProjectPolicies": [_listed(scope, arn, policy) for policy in shown]}, token, scope.switches)


def delete_project_policy(scope: Scope, parameters: Parameters) -> dict[str, Any]:
    """DeleteProjectPolicy: at any revision, or only at the named one."""
    scope.store.delete_policy(
        scope.account,
        scope.region,
        parameters["ProjectArn"],
        parameters["PolicyName"],
        parameters.get("PolicyRevisionId"),
    )
    return {}


def _described(project: Project) -> dict[str, Any]:
    described = {
        "ProjectArn": str(project.arn),
        "CreationTimestamp": timestamp(project.created),
        "Status": "CREATED",
        "Datasets": [],
        "Feature": project.feature,
        "AutoUpdate": project.auto_update,
    }
    return {name: value for name, value in described.items() if value is not None}


def _listed(scope: Scope, arn: str, policy: Policy) -> dict[str, Any]:
    document = policy.document
    if scope.switches.returned_form == "normalised":
        document = normalised(document, ProjectArn.parse(arn).partition)
    return {
        "ProjectArn": arn,
        "PolicyName": policy.name,
        "PolicyRevisionId": policy.revision,
        "PolicyDocument": document,
        "CreationTimestamp": timestamp(policy.created),
        "LastUpdatedTimestamp": timestamp(policy.updated),
    }


def _new_project(scope: Scope, parameters: Parameters) -> str:
    return str(
        ProjectArn(partition_of(scope.region), scope.region, scope.account, parameters["ProjectName"], created="*")
    )


def _any(scope: Scope, parameters: Parameters) -> str:  # noqa: ARG001 - every operation's resource is asked for alike
    return "*"


OPERATIONS: dict[str, Operation] = {
    "CreateProject": Operation(_new_project, create_project),
    "DescribeProjects": Operation(_any, describe_projects),
    "DeleteProject": Operation(project_of, delete_project),
    "PutProjectPolicy": Operation(project_of, put_project_policy),
    "ListProjectPolicies": Operation(project_of, list_project_policies),
    "DeleteProjectPolicy": Operation(project_of, delete_project_policy),
    **VERSION_OPERATIONS,
    **COPYING_OPERATIONS,
}
