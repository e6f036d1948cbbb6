"""Who calls, from where, and whether they may."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config

from localcloud.clients import make_client
from localcloud.rekognition import Decision, LocalRekognition, Permission, Principal, Switches
from tests.localcloud.support import VirtualClock, document, rejected

ROLE = "arn:aws:sts::123456789012:assumed-role/provider"


class RoleSessions:
    """Takes an access key for the name of a session of one role, which may do what it was granted."""

    def __init__(self) -> None:
        self.granted: set[tuple[str, str]] = set()
        self.denied: set[str] = set()
        self.asked: list[Permission] = []

    def identify(self, access_key_id: str, session_token: str | None, region: str) -> Principal:
        """Return the session."""
        return Principal(f"{ROLE}/{access_key_id}", "123456789012")

    def decide(self, principal: Principal, permission: Permission, region: str) -> Decision:
        """Look the grant up."""
        self.asked.append(permission)
        if permission.action in self.denied:
            return Decision(allowed=False, reason="with an explicit deny in an identity-based policy")
        return Decision(allowed=(permission.action, permission.resource) in self.granted)


def test_accounts_and_regions_are_apart(rekognition: LocalRekognition) -> None:
    """The access key is the account; each account and Region has projects of its own."""
    here = rekognition.client().create_project(ProjectName="demo")["ProjectArn"]
    rekognition.client(region="eu-west-1").create_project(ProjectName="demo")
    other = rekognition.client("111122223333")
    other.create_project(ProjectName="demo")
    assert len(other.describe_projects()["ProjectDescriptions"]) == 1
    with rejected("AccessDeniedException"):
        other.list_project_policies(ProjectArn=here)
    with rejected("AccessDeniedException"):
        other.put_project_policy(ProjectArn=here, PolicyName="share", PolicyDocument=document())
    with rejected("ResourceNotFoundException"):
        rekognition.client(region="eu-west-1").list_project_policies(ProjectArn=here)


def test_rejects_a_request_that_is_not_signed(rekognition: LocalRekognition) -> None:
    """No signature: MissingAuthenticationTokenException."""
    client = rekognition.client(config=Config(signature_version=UNSIGNED))
    with rejected("MissingAuthenticationTokenException") as told:
        client.describe_projects()
    assert told.status == 400


@pytest.mark.parametrize("key", ["AKIAIOSFODNN7EXAMPLE", "12345678901", "test"])
def test_rejects_a_key_that_is_no_account(rekognition: LocalRekognition, key: str) -> None:
    """By default only an account's 12 digits are a key."""
    with rejected("UnrecognizedClientException"):
        rekognition.client(key).describe_projects()


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (
            "AWS4-HMAC-SHA256 Credential=123456789012/20231114/us-east-1/s3/aws4_request, Sig",
            "InvalidSignatureException",
        ),
        ("AWS4-HMAC-SHA256 Credential=123456789012", "IncompleteSignatureException"),
        ("Basic eDp5", "IncompleteSignatureException"),
    ],
)
def test_rejects_signatures_for_something_else(rekognition: LocalRekognition, authorization: str, code: str) -> None:
    """A signature must be a whole one, and for Rekognition."""
    headers = {"Authorization": authorization, "X-Amz-Target": "RekognitionService.DescribeProjects"}
    request = urllib.request.Request(rekognition.endpoint_url, b"{}", headers)  # noqa: S310 - always loopback
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10)
    with caught.value as error:
        assert error.headers["x-amzn-errortype"] == code


def test_asks_for_permission_on_the_right_resource() -> None:
    """Project policies need permission on the project, DescribeProjects on everything, CreateProject on the name."""
    roles = RoleSessions()
    with LocalRekognition(authorizer=roles) as rekognition:
        client = rekognition.client("session")
        name = "arn:aws:rekognition:us-east-1:123456789012:project/demo/*"
        roles.granted = {("rekognition:CreateProject", name), ("rekognition:DescribeProjects", "*")}
        arn = client.create_project(ProjectName="demo")["ProjectArn"]
        client.describe_projects()
        with rejected("AccessDeniedException") as told:
            client.put_project_policy(ProjectArn=arn, PolicyName="share", PolicyDocument=document())
        assert told.message == (
            f"User: {ROLE}/session is not authorized to perform: rekognition:PutProjectPolicy on resource: {arn} "
            "because no identity-based policy allows the rekognition:PutProjectPolicy action"
        )
        operations = ("PutProjectPolicy", "ListProjectPolicies", "DeleteProjectPolicy", "DeleteProject")
        roles.granted = {(f"rekognition:{operation}", arn) for operation in operations}
        client.put_project_policy(ProjectArn=arn, PolicyName="share", PolicyDocument=document())
        client.list_project_policies(ProjectArn=arn)
        client.delete_project_policy(ProjectArn=arn, PolicyName="share")
        client.delete_project(ProjectArn=arn)


def test_tells_an_explicit_deny() -> None:
    """A Deny is told as such."""
    roles = RoleSessions()
    roles.denied = {"rekognition:DescribeProjects"}
    with LocalRekognition(authorizer=roles) as rekognition, rejected("AccessDeniedException") as told:
        rekognition.client("session").describe_projects()
    assert told.message.endswith("with an explicit deny in an identity-based policy")


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


@pytest.fixture
def copying() -> dict[str, Any]:
    """Return a request to copy a version from one project to another, neither of which needs to be there."""
    project = "arn:aws:rekognition:us-east-1:123456789012:project"
    return {
        "SourceProjectArn": f"{project}/source/1",
        "SourceProjectVersionArn": f"{project}/source/version/v1/2",
        "DestinationProjectArn": f"{project}/target/3",
        "VersionName": "copy",
        "OutputConfig": {"S3Bucket": "results"},
    }


def test_all_that_is_new_is_seen_at_the_same_time(clock: VirtualClock, copying: dict[str, Any]) -> None:
    """Several permissions given at once are not waited for one after the other."""
    roles = RoleSessions()
    with LocalRekognition(Switches(permission_delay=10), clock, roles) as rekognition:
        client = rekognition.client("session")
        roles.granted = {
            ("rekognition:CopyProjectVersion", copying["SourceProjectVersionArn"]),
            ("rekognition:CopyProjectVersion", copying["DestinationProjectArn"]),
            ("rekognition:CreateProjectVersion", copying["DestinationProjectArn"]),
            ("rekognition:TagResource", "arn:aws:rekognition:us-east-1:123456789012:project/target/version/copy/*"),
            ("s3:PutObject", "arn:aws:s3:::results/EvaluationResultSummary-target-copy.json"),
        }
        with rejected("AccessDeniedException"):
            client.copy_project_version(**copying)
        clock.forward(10)
        with rejected("ResourceNotFoundException"):
            client.copy_project_version(**copying)


def test_copying_is_decided_under_the_policies_there_are(copying: dict[str, Any]) -> None:
    """The authorizer gets the project's current policies, however late a list shows them, and their owner."""
    roles = RoleSessions()
    with LocalRekognition(Switches(list_lag=3600), authorizer=roles) as rekognition:
        store = rekognition.store
        source = store.create_project("111122223333", "us-east-1", "source").arn
        store.put_policy("111122223333", "us-east-1", str(source), "share", document())
        version = f"{source.version_prefix}v1/2"
        changes = {"SourceProjectArn": str(source), "SourceProjectVersionArn": version}
        with rejected("AccessDeniedException"):
            rekognition.client("session").copy_project_version(**{**copying, **changes})
    (asked,) = [permission for permission in roles.asked if permission.resource == version]
    assert asked.policy is not None
    assert asked.policy.owner == "111122223333"
    assert json.loads(asked.policy.document) == json.loads(document())


def test_root_is_never_delayed() -> None:
    """An account's root has no policies that could be seen late."""
    with LocalRekognition(Switches(permission_delay=10)) as rekognition:
        rekognition.client().describe_projects()


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
