"""Who calls, from where, and whether they may."""

from __future__ import annotations

from typing import Any

import pytest
from botocore import xform_name

from localcloud.clients import make_client
from localcloud.rekognition import Decision, LocalRekognition, Permission, Principal, Switches
from tests.localcloud.support import VirtualClock, document, rejected

ROLE = "arn:aws:sts::123456789012:assumed-role/provider"
PROJECT = "arn:aws:rekognition:us-east-1:123456789012:project/demo/1"
VERSION = "arn:aws:rekognition:us-east-1:123456789012:project/demo/version/v1/2"


class RoleSessions:
    """Takes an access key for the name of a session of one role, which may do what it was granted."""

    def __init__(self) -> None:
        self.granted: set[tuple[str, str]] = set()

    def identify(self, access_key_id: str, session_token: str | None, region: str) -> Principal:
        """Return the session."""
        return Principal(f"{ROLE}/{access_key_id}", "123456789012")

    def decide(self, principal: Principal, permission: Permission, region: str) -> Decision:
        """Look the grant up."""
        return Decision(allowed=(permission.action, permission.resource) in self.granted)


def test_accounts_and_regions_are_apart(rekognition: LocalRekognition) -> None:
    """The access key is the account; each account and Region has projects of its own."""
    rekognition.client().create_project(ProjectName="demo")
    rekognition.client(region="eu-west-1").create_project(ProjectName="demo")
    other = rekognition.client("111122223333")
    other.create_project(ProjectName="demo")
    assert len(other.describe_projects()["ProjectDescriptions"]) == 1


@pytest.mark.parametrize(
    ("operation", "parameters", "resource"),
    [
        ("CreateProject", {"ProjectName": "demo"}, f"{PROJECT[:-1]}*"),
        ("DescribeProjects", {}, "*"),
        ("DeleteProject", {"ProjectArn": PROJECT}, PROJECT),
        (
            "PutProjectPolicy",
            {"ProjectArn": PROJECT, "PolicyName": "share", "PolicyDocument": document()},
            PROJECT,
        ),
        ("ListProjectPolicies", {"ProjectArn": PROJECT}, PROJECT),
        ("DeleteProjectPolicy", {"ProjectArn": PROJECT, "PolicyName": "share"}, PROJECT),
        ("DescribeProjectVersions", {"ProjectArn": PROJECT}, PROJECT),
        ("StartProjectVersion", {"ProjectVersionArn": VERSION, "MinInferenceUnits": 1}, VERSION),
        ("StopProjectVersion", {"ProjectVersionArn": VERSION}, VERSION),
        ("DeleteProjectVersion", {"ProjectVersionArn": VERSION}, VERSION),
        ("ListTagsForResource", {"ResourceArn": VERSION}, VERSION),
        ("TagResource", {"ResourceArn": VERSION, "Tags": {}}, VERSION),
        ("UntagResource", {"ResourceArn": VERSION, "TagKeys": []}, VERSION),
    ],
)
def test_asks_for_permission_on_the_right_resource(operation: str, parameters: dict[str, Any], resource: str) -> None:
    """Each operation needs its permission on what it names, DescribeProjects on everything; copies have their file."""
    with LocalRekognition(authorizer=RoleSessions()) as rekognition:
        call = getattr(rekognition.client("session"), xform_name(operation))
        with rejected("AccessDeniedException") as told:
            call(**parameters)
        assert told.message == (
            f"User: {ROLE}/session is not authorized to perform: rekognition:{operation} on resource: {resource} "
            f"because no identity-based policy allows the rekognition:{operation} action"
        )


def test_a_new_permission_may_be_seen_late(clock: VirtualClock) -> None:
    """A role is denied what is newly allowed for a while, in all its sessions, and again after it was taken away."""
    roles = RoleSessions()
    grant = {("rekognition:DescribeProjects", "*")}
    with LocalRekognition(Switches(permission_delay=10), clock, roles) as rekognition:
        client, other_session = rekognition.client("one"), rekognition.client("two")
        roles.granted = set(grant)
        with rejected("AccessDeniedException"):
            client.describe_projects()
        clock.forward(9.9)
        with rejected("AccessDeniedException"):
            other_session.describe_projects()
        clock.forward(0.1)
        client.describe_projects()
        other_session.describe_projects()

        roles.granted.clear()
        with rejected("AccessDeniedException"):
            client.describe_projects()
        roles.granted = set(grant)
        with rejected("AccessDeniedException"):
            client.describe_projects()
        clock.forward(10)
        client.describe_projects()


def test_all_that_is_new_is_seen_at_the_same_time(clock: VirtualClock) -> None:
    """Several permissions given at once are not waited for one after the other; no project needs to exist for that."""
    projects = "arn:aws:rekognition:us-east-1:123456789012:project"
    copying: Any = {
        "SourceProjectArn": f"{projects}/source/1",
        "SourceProjectVersionArn": f"{projects}/source/version/v1/2",
        "DestinationProjectArn": f"{projects}/target/3",
        "VersionName": "copy",
        "OutputConfig": {"S3Bucket": "results"},
    }
    roles = RoleSessions()
    with LocalRekognition(Switches(permission_delay=10), clock, roles) as rekognition:
        client = rekognition.client("session")
        roles.granted = {
            ("rekognition:CopyProjectVersion", copying["SourceProjectVersionArn"]),
            ("rekognition:CopyProjectVersion", copying["DestinationProjectArn"]),
            ("rekognition:CreateProjectVersion", copying["DestinationProjectArn"]),
            ("rekognition:TagResource", f"{projects}/target/version/copy/*"),
            ("s3:PutObject", "arn:aws:s3:::results/EvaluationResultSummary-target-copy.json"),
        }
        with rejected("AccessDeniedException"):
            client.copy_project_version(**copying)
        clock.forward(10)
        with rejected("ResourceNotFoundException"):
            client.copy_project_version(**copying)


def test_clients_see_nothing_of_the_users_own_aws(
    rekognition: LocalRekognition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a profile nor a proxy nor an endpoint of the user's has a say."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    rekognition.client().describe_projects()
    client = make_client("rekognition", rekognition.endpoint_url, "123456789012", "us-east-1")
    credentials = client._request_signer._credentials
    assert credentials.token is None
