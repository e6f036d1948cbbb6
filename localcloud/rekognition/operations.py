"""The operations: what each needs permission for, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.rekognition.authorization import Permission, ResourcePolicy
from localcloud.rekognition.errors import invalid_parameter
from localcloud.rekognition.models import PARTITION, Policy, Project, ProjectArn, Store, Version, VersionArn
from localcloud.rekognition.policies import ACTION, check_document, merged, normalized
from localcloud.rekognition.switches import Switches

_MESSAGES = {"COPYING_FAILED": "The copy failed.", "FAILED": "The model couldn't be started."}
KMS_ACTIONS = ("kms:CreateGrant", "kms:DescribeKey", "kms:GenerateDataKey", "kms:Decrypt")


@dataclass(frozen=True)
class Call:
    """A request: the account of its caller, its Region, its parameters, and what it acts on."""

    account: str
    region: str
    parameters: Mapping[str, Any]
    store: Store
    switches: Switches

    @property
    def place(self) -> tuple[str, str]:
        """The account and Region."""
        return self.account, self.region

    def given(self, *names: str) -> list[Any]:
        """Return the account, the Region and these parameters, None for one that wasn't given."""
        return [*self.place, *(self.parameters.get(name) for name in names)]


Needs = Callable[[str, Call], Iterable[Permission]]
Perform = Callable[[Call], dict[str, Any]]


# -- what they do ------------------------------------------------------------------------------------------------------


def create_project(call: Call) -> dict[str, Any]:
    """CreateProject."""
    return {"ProjectArn": str(call.store.create_project(*call.given("ProjectName", "Tags")).arn)}


def describe_projects(call: Call) -> dict[str, Any]:
    """DescribeProjects: all of them, or those with these names (an unknown one is no error)."""
    names = call.parameters.get("ProjectNames")
    found = [
        {
            "ProjectArn": str(project.arn),
            "CreationTimestamp": _timestamp(project.created),
            "Status": "CREATED",
        }
        for project in call.store.projects(*call.place)
        if names is None or project.arn.name in names
    ]
    return _page(call, "ProjectDescriptions", found, 100)


def put_project_policy(call: Call) -> dict[str, Any]:
    """PutProjectPolicy: attach, or replace at its current revision."""
    # First, so that a missing project is reported as such whatever the document says.
    call.store.project(*call.given("ProjectArn"))
    check_document(call.parameters["PolicyDocument"])
    policy = call.store.put_policy(*call.given("ProjectArn", "PolicyName", "PolicyDocument", "PolicyRevisionId"))
    return {"PolicyRevisionId": policy.revision}


def list_project_policies(call: Call) -> dict[str, Any]:
    """ListProjectPolicies: at most five a page."""
    policies = call.store.policies(*call.given("ProjectArn"))
    return _page(call, "ProjectPolicies", [_listed(call, policy) for policy in policies], 5)


def _listed(call: Call, policy: Policy) -> dict[str, Any]:
    arn, document = call.parameters["ProjectArn"], policy.document
    if call.switches.returned_form == "normalized":
        document = normalized(document, ProjectArn.parse(arn).partition)
    return {
        "ProjectArn": arn,
        "PolicyName": policy.name,
        "PolicyRevisionId": policy.revision,
        "PolicyDocument": document,
        "CreationTimestamp": _timestamp(policy.created),
        "LastUpdatedTimestamp": _timestamp(policy.updated),
    }


def create_project_version(call: Call) -> dict[str, Any]:
    """CreateProjectVersion: trained at once."""
    given = call.given("ProjectArn", "VersionName", "OutputConfig", "KmsKeyId", "Tags")
    return {"ProjectVersionArn": str(call.store.create_version(*given).arn)}


def copy_project_version(call: Call) -> dict[str, Any]:
    """CopyProjectVersion: copied, or failed, after the switch's time."""
    project = ProjectArn.parse(call.parameters["SourceProjectArn"])
    version = VersionArn.parse(call.parameters["SourceProjectVersionArn"])
    _, _, *given = call.given("DestinationProjectArn", "VersionName", "OutputConfig", "KmsKeyId", "Tags")
    return {"ProjectVersionArn": str(call.store.copy_version(*call.place, project, version, *given).arn)}


def describe_project_versions(call: Call) -> dict[str, Any]:
    """DescribeProjectVersions: the latest first; all, or those with these names (an unknown one is no error)."""
    names, project = call.parameters.get("VersionNames"), call.store.project(*call.given("ProjectArn"))
    found = [
        _described_version(call, project, version, status)
        for version, status in call.store.versions(project)
        if names is None or version.arn.name in names
    ]
    return _page(call, "ProjectVersionDescriptions", found, 100)


def _described_version(call: Call, project: Project, version: Version, status: str) -> dict[str, Any]:
    key = version.kms_key
    if key is not None and call.switches.key_form == "arn":
        key = _key_arn(key, project.arn)
    described = {
        "ProjectVersionArn": str(version.arn),
        "CreationTimestamp": _timestamp(version.created),
        "Status": status,
        "StatusMessage": _MESSAGES.get(status),
        "OutputConfig": dict(version.output),
        "KmsKeyId": key,
        "SourceProjectVersionArn": str(version.source) if version.source else None,
        "Feature": "CUSTOM_LABELS",
    }
    return {name: value for name, value in described.items() if value is not None}


# -- what they need permission for -------------------------------------------------------------------------------------


def _on(member: str) -> Needs:
    """Need the operation's permission on the resource that a parameter names."""

    def needs(action: str, call: Call) -> Iterable[Permission]:
        yield Permission(action, call.parameters[member])

    return needs


def _on_everything(action: str, call: Call) -> Iterable[Permission]:  # noqa: ARG001 - as every operation's needs are asked for
    yield Permission(action, "*")


def _on_new_project(action: str, call: Call) -> Iterable[Permission]:
    name = call.parameters["ProjectName"]
    yield Permission(action, str(ProjectArn(PARTITION, call.region, call.account, name, created="*")))


def _to_train(action: str, call: Call) -> Iterable[Permission]:
    arn = call.parameters["ProjectArn"]
    yield Permission(action, arn)
    yield from _for_results(call, ProjectArn.parse(arn))


def _to_copy(action: str, call: Call) -> Iterable[Permission]:
    given = call.parameters
    project, destination = ProjectArn.parse(given["SourceProjectArn"]), ProjectArn.parse(given["DestinationProjectArn"])
    for arn in (project, destination):
        if arn.region != call.region:
            raise invalid_parameter(f"{arn} is not in the Region of the request, {call.region}.")
    # Before the policies are looked up: another project's must not count for this version.
    source = given["SourceProjectVersionArn"]
    if not VersionArn.parse(source).is_of(project):
        raise invalid_parameter(f"{source} is not a model version of the project {project}.")
    yield Permission(action, str(destination))
    policy = ResourcePolicy(project.account, merged(call.store.documents(project)))
    yield Permission(ACTION, source, policy)
    # So the Service Authorization Reference; the API reference lists CopyProjectVersion only.
    yield Permission("rekognition:CreateProjectVersion", str(destination))
    yield Permission("rekognition:TagResource", f"{destination.version_prefix}{given['VersionName']}/*")
    yield from _for_results(call, destination)


def _for_results(call: Call, project: ProjectArn) -> Iterable[Permission]:
    """Need to write a result of a new model version of the project, and to use the key for it where one is named.

    The service model leaves the bucket out of what is required; without one there is nowhere to write to.
    """
    output, version = call.parameters["OutputConfig"], call.parameters["VersionName"]
    bucket, prefix = output.get("S3Bucket"), output.get("S3KeyPrefix")
    if bucket is None:
        raise invalid_parameter("OutputConfig must name an S3Bucket.")
    result = f"EvaluationResultSummary-{project.name}-{version}.json"
    path = f"{prefix.rstrip('/')}/{result}" if prefix else result
    yield Permission("s3:PutObject", f"arn:{project.partition}:s3:::{bucket}/{path}")
    key = call.parameters.get("KmsKeyId")
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


def _does(method: Callable[..., Any], *names: str, returns: str = "") -> Perform:
    """Call a method of the store with these parameters, and return its result as a member of the response."""

    def perform(call: Call) -> dict[str, Any]:
        result = method(call.store, *call.given(*names))
        return {returns: result} if returns else {}

    return perform


OPERATIONS: dict[str, tuple[Needs, Perform]] = {
    # Features, descriptions and inference units are forgotten; what is deleted is gone after the switch's time.
    "CreateProject": (_on_new_project, create_project),
    "DescribeProjects": (_on_everything, describe_projects),
    "DeleteProject": (_on("ProjectArn"), _does(Store.delete_project, "ProjectArn", returns="Status")),
    "PutProjectPolicy": (_on("ProjectArn"), put_project_policy),
    "ListProjectPolicies": (_on("ProjectArn"), list_project_policies),
    "DeleteProjectPolicy": (
        _on("ProjectArn"),
        _does(Store.delete_policy, "ProjectArn", "PolicyName", "PolicyRevisionId"),
    ),
    "CreateProjectVersion": (_to_train, create_project_version),
    "CopyProjectVersion": (_to_copy, copy_project_version),
    "DescribeProjectVersions": (_on("ProjectArn"), describe_project_versions),
    **{
        f"{verb}ProjectVersion": (_on("ProjectVersionArn"), _does(method, "ProjectVersionArn", returns="Status"))
        for verb, method in {
            "Start": Store.start_version,
            "Stop": Store.stop_version,
            "Delete": Store.delete_version,
        }.items()
    },
    "DetectCustomLabels": (
        _on("ProjectVersionArn"),
        _does(Store.detect_labels, "ProjectVersionArn", returns="CustomLabels"),
    ),
    "ListTagsForResource": (_on("ResourceArn"), _does(Store.tags, "ResourceArn", returns="Tags")),
    "TagResource": (_on("ResourceArn"), _does(Store.tag, "ResourceArn", "Tags")),
    "UntagResource": (_on("ResourceArn"), _does(Store.untag, "ResourceArn", "TagKeys")),
}


# -- responses ---------------------------------------------------------------------------------------------------------


def _page(call: Call, member: str, items: Sequence[Any], size: int) -> dict[str, Any]:
    """Return the page of a list that the request's token names (the first without one), with the next page's token."""
    start = int(call.parameters.get("NextToken") or 0)
    end = start + (call.parameters.get("MaxResults") or size)
    response: dict[str, Any] = {member: list(items[start:end])}
    if end < len(items):
        response["NextToken"] = str(end)
    elif call.switches.end_of_list == "empty_token":
        response["NextToken"] = ""
    return response


def _timestamp(seconds: float) -> float:
    return round(seconds, 3)  # milliseconds at most
