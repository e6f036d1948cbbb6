"""The emulator's own rules, each once, in this process and on virtual time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ConnectionClosedError

from localcloud.cloud import REPOSITORY
from localcloud.rekognition import (
    DROP,
    AwsError,
    Decision,
    LocalRekognition,
    Permission,
    Principal,
    RekognitionService,
    Request,
    RootKeys,
    Switches,
)
from tests.localcloud.support import OUTPUT, Setting, document, rejected
from tests.rules.support import VirtualTime

ARN = "arn:aws:rekognition:us-east-1:123456789012:project/demo/1690474772815"
VERSIONS = "arn:aws:rekognition:us-east-1:123456789012:project/demo/version"
PUT = {"ProjectArn": ARN, "PolicyName": "share", "PolicyDocument": document()}
UNKNOWN_REVISION = "0123456789abcdef0123456789abcdef"


class Here(Setting):
    """The service in this process, on virtual time, and a setting within one account of it."""

    def __init__(self, service: LocalRekognition, clock: VirtualTime) -> None:
        self.client = service.client()
        super().__init__(self.client, self.client, "here")
        self.service, self.clock = service, clock

    def switch(self, **changes: Any) -> None:
        """Set switches."""
        self.service.switches.change(changes)

    def put(self, name: str = "share", **more: Any) -> str:
        """Put a policy, by default on the source project, and return its revision."""
        parameters = {"ProjectArn": self.project, "PolicyName": name, "PolicyDocument": document(), **more}
        return self.client.put_project_policy(**parameters)["PolicyRevisionId"]

    def remove(self, name: str = "share", **more: str) -> None:
        """Delete a policy of the source project."""
        self.client.delete_project_policy(ProjectArn=self.project, PolicyName=name, **more)

    def documents(self) -> list[str]:
        """Return the documents of the source project's policies."""
        listed = self.client.list_project_policies(ProjectArn=self.project)["ProjectPolicies"]
        return [each["PolicyDocument"] for each in listed]

    def statuses(self) -> list[str]:
        """Return the statuses of the target's model versions."""
        return [copy["Status"] for copy in self.copies()]


@pytest.fixture
def here() -> Iterator[Here]:
    """Return the service and a setting in it."""
    clock = VirtualTime()
    with LocalRekognition(clock=clock) as service:
        yield Here(service, clock)


# -- requests ----------------------------------------------------------------------------------------------------------


SIGNED = "AWS4-HMAC-SHA256 Credential=123456789012/20231114/us-east-1/rekognition/aws4_request, Signature=0"
"""Nobody looks at the signature itself."""


@pytest.mark.parametrize(
    ("operation", "authorization", "code"),
    [
        ("DetectLabels", SIGNED, "UnknownOperationException"),
        ("DescribeProjects", "", "IncompleteSignatureException"),
        ("DescribeProjects", SIGNED.replace("rekognition", "s3"), "IncompleteSignatureException"),
        ("DescribeProjects", SIGNED.replace("123456789012", "12345678901"), "UnrecognizedClientException"),
        ("DescribeProjects", SIGNED.replace("us-east-1", "eu-north-1"), "AccessDeniedException"),
        ("DescribeProjects", "AWS4-HMAC-SHA256 " + "Credential=" * 100_000, "IncompleteSignatureException"),
    ],
    ids=["operation", "unsigned", "service", "key", "region", "megabyte"],
)
def test_rejects_requests_that_are_not_for_it(operation: str, authorization: str, code: str) -> None:
    """What isn't an operation, signed for Rekognition by a known key, or in a Region of Custom Labels."""
    service = RekognitionService(Switches(), VirtualTime(), RootKeys())
    headers = {"authorization": authorization, "x-amz-target": f"RekognitionService.{operation}"}
    with pytest.raises(AwsError) as caught:
        service.respond(Request(headers, b"{}"))
    assert caught.value.code == code
    assert ("arn:aws:iam::123456789012:root " in caught.value.message) is (code == "AccessDeniedException")


@pytest.mark.parametrize(
    ("body", "called"),
    [
        (b"", {}),
        (b'{"MaxResults": 1, "MaxResults": 2}', {"MaxResults": 2}),
        (b"[]", None),
        (b'{"', None),
        (b"\xff", None),
        (b"[" * 1_000_000, None),
    ],
)
def test_a_body_is_a_json_object(body: bytes, called: dict[str, int] | None) -> None:
    """The last of duplicate keys counts; anything else is rejected."""
    service = RekognitionService(Switches(), VirtualTime(), RootKeys())
    request = Request({"authorization": SIGNED, "x-amz-target": "RekognitionService.DescribeProjects"}, body)
    if called is None:
        with pytest.raises(AwsError, match="SerializationException: The body is not "):
            service.respond(request)
    else:
        service.respond(request)
    assert service.calls == ([] if called is None else [("DescribeProjects", called)])


class Stranger:
    """Who may do nothing."""

    def identify(self, access_key_id: str, session_token: str | None, region: str) -> Principal:
        """Take the access key for the name."""
        return Principal(f"arn:aws:iam::123456789012:user/{access_key_id}", "123456789012")

    def decide(self, principal: Principal, permission: Permission, region: str) -> Decision:
        """Deny everything."""
        return Decision(allowed=False)


def uses(project: str, version: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Return each operation on a project or on a model version, but for copying, with its parameters."""
    tags: list[tuple[str, dict[str, Any]]] = [("TagResource", {"Tags": {"a": "b"}}), ("UntagResource", {"TagKeys": []})]
    return [
        ("PutProjectPolicy", project, {**PUT, "ProjectArn": project}),
        ("DeleteProjectPolicy", project, {"ProjectArn": project, "PolicyName": "share"}),
        ("CreateProjectVersion", project, {"ProjectArn": project, "VersionName": "v2", "OutputConfig": OUTPUT}),
        *(
            (name, project, {"ProjectArn": project})
            for name in ("DeleteProject", "ListProjectPolicies", "DescribeProjectVersions")
        ),
        ("StartProjectVersion", version, {"ProjectVersionArn": version, "MinInferenceUnits": 1}),
        ("DetectCustomLabels", version, {"ProjectVersionArn": version, "Image": {"Bytes": b"x"}}),
        *((name, version, {"ProjectVersionArn": version}) for name in ("StopProjectVersion", "DeleteProjectVersion")),
        *((name, arn, {"ResourceArn": arn, **more}) for name, more in tags for arn in (project, version)),
        ("ListTagsForResource", version, {"ResourceArn": version}),
    ]


def test_asks_for_permission_on_the_right_resource() -> None:
    """Each operation needs its permission on what it names, DescribeProjects on everything."""
    calls = [
        ("CreateProject", ARN.replace("1690474772815", "*"), {"ProjectName": "demo"}),
        ("DescribeProjects", "*", {}),
    ]
    with LocalRekognition(authorizer=Stranger()) as rekognition:
        client = rekognition.client("me")
        for operation, resource, parameters in [*calls, *uses(ARN, f"{VERSIONS}/v1/2")]:
            with rejected("AccessDeniedException") as told:
                getattr(client, xform_name(operation))(**parameters)
            assert str(told.value).endswith(
                "User: arn:aws:iam::123456789012:user/me is not authorized to perform: "
                f"rekognition:{operation} on resource: {resource} "
                f"because no identity-based policy allows the rekognition:{operation} action"
            )


@pytest.mark.parametrize("account", ["111122223333", "123456789012"])
def test_another_account_and_region_have_no_access(here: Here, account: str) -> None:
    """Policies and model versions are of their project's account and Region, whatever is asked of them."""
    region, code = (
        ("us-east-1", "AccessDeniedException")
        if account == "111122223333"
        else ("eu-west-1", "ResourceNotFoundException")
    )
    other, before = here.service.client(account, region), repr(here.service.store.projects("123456789012", "us-east-1"))
    for operation, _, parameters in uses(here.project, here.version):
        with rejected(code):
            getattr(other, xform_name(operation))(**parameters)
    assert repr(here.service.store.projects("123456789012", "us-east-1")) == before
    assert other.describe_projects()["ProjectDescriptions"] == []


def test_clients_see_nothing_of_the_users_own_aws(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a profile nor a proxy nor an endpoint nor a session of the user's has a say."""
    for name, value in (("AWS_PROFILE", "production"), ("AWS_SESSION_TOKEN", "secret")):
        monkeypatch.setenv(name, value)
    for name in ("HTTP_PROXY", "AWS_ENDPOINT_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    client = here.service.client()
    client.describe_projects()
    assert client._request_signer._credentials.token is None  # type: ignore[attr-defined]


# -- projects and policies ---------------------------------------------------------------------------------------------


def test_a_project_lives_and_goes_with_its_policies(here: Here) -> None:
    """Its ARN has the time of its making; made anew within a millisecond it is another, without policies."""
    here.clock.sleep(1.2344)
    project = here.client.create_project(ProjectName="demo")["ProjectArn"]
    assert project == "arn:aws:rekognition:us-east-1:123456789012:project/demo/1700000001234"
    here.put(ProjectArn=project)
    with rejected("ResourceInUseException"):
        here.client.create_project(ProjectName="demo")
    assert here.client.delete_project(ProjectArn=project)["Status"] == "DELETING"
    anew = here.client.create_project(ProjectName="demo")["ProjectArn"]
    assert anew != project
    assert here.client.list_project_policies(ProjectArn=anew)["ProjectPolicies"] == []
    with rejected("ResourceNotFoundException"):
        here.client.list_project_policies(ProjectArn=project)
    (named,) = here.client.describe_projects(ProjectNames=["demo", "missing"])["ProjectDescriptions"]
    assert (named["ProjectArn"], named["Status"]) == (anew, "CREATED")
    assert named["CreationTimestamp"].timestamp() == 1_700_000_001.234


def test_a_policy_is_put_at_its_revision_and_deleted(here: Here) -> None:
    """A new name takes no revision, an update the current one; what is rejected changes nothing."""
    first = here.put()
    assert re.fullmatch("[0-9a-f]{32}", first)
    second = here.put(PolicyRevisionId=first.upper())
    assert second != first
    wrong: list[tuple[str, Callable[[], object]]] = [
        ("ResourceAlreadyExistsException", here.put),
        ("InvalidPolicyRevisionIdException", lambda: here.put(PolicyRevisionId=first)),
        ("InvalidPolicyRevisionIdException", lambda: here.put("new", PolicyRevisionId=UNKNOWN_REVISION)),
        *(
            ("MalformedPolicyDocumentException", partial(here.put, PolicyDocument=text, PolicyRevisionId=second))
            for text in ("{", "{}", document({}))
        ),
        ("ResourceNotFoundException", lambda: here.put(ProjectArn=ARN, PolicyDocument="no document")),
        ("ResourceNotFoundException", lambda: here.remove("new")),
        ("InvalidPolicyRevisionIdException", lambda: here.remove(PolicyRevisionId=first)),
    ]
    for code, call in wrong:
        with rejected(code):
            call()
    (live,) = here.client.list_project_policies(ProjectArn=here.project)["ProjectPolicies"]
    assert (live["PolicyName"], live["PolicyRevisionId"], live["PolicyDocument"]) == ("share", second, document())
    here.remove(PolicyRevisionId=second)
    assert here.documents() == []


def test_quotas(here: Here) -> None:
    """A third running model version and a project beyond the quota are rejected; the last policy can be updated."""
    revisions = [here.put(f"p{number}") for number in range(5)]
    here.put("p4", PolicyRevisionId=revisions[4])
    first, second, third = (here.train(f"v{number}") for number in range(2, 5))
    USES["start"](here, first)
    USES["start"](here, second)
    with rejected("LimitExceededException"):
        USES["start"](here, third)
    USES["stop"](here, first)
    USES["start"](here, third)
    here.switch(projects_per_account=2)
    with rejected("LimitExceededException"):
        here.client.create_project(ProjectName="third")


def test_lists_have_pages(here: Here) -> None:
    """A page has five policies at most."""
    here.switch(policies_per_project=7)
    names = [f"p{number}" for number in range(7)]
    for name in names:
        here.put(name)
    pages = [*here.client.get_paginator("list_project_policies").paginate(ProjectArn=here.project)]
    listed = [[policy["PolicyName"] for policy in page["ProjectPolicies"]] for page in pages]
    assert listed == [names[:5], names[5:]]


# -- model versions ----------------------------------------------------------------------------------------------------


USES: dict[str, Callable[[Here, str], Any]] = {
    "start": lambda here, arn: here.client.start_project_version(ProjectVersionArn=arn, MinInferenceUnits=1),
    "stop": lambda here, arn: here.client.stop_project_version(ProjectVersionArn=arn),
    "delete": lambda here, arn: here.client.delete_project_version(ProjectVersionArn=arn),
    "detect": lambda here, arn: here.client.detect_custom_labels(ProjectVersionArn=arn, Image={"Bytes": b"x"}),
    "copy_again": lambda here, arn: here.copy(
        here.client, SourceProjectArn=here.target, SourceProjectVersionArn=arn, VersionName="again"
    ),
}
"""What can be done with a model version of the target."""


@pytest.mark.parametrize(
    ("switched", "does", "statuses", "allowed"),
    [
        ({}, [], ["COPYING_IN_PROGRESS", "COPYING_COMPLETED"], [set(), {"start", "copy_again", "delete"}]),
        ({"copying_ends": "COPYING_FAILED"}, [], ["COPYING_IN_PROGRESS", "COPYING_FAILED"], [set(), {"delete"}]),
        ({}, ["start"], ["STARTING", "RUNNING"], [{"copy_again"}, {"stop", "copy_again", "detect"}]),
        (
            {"starting_ends": "FAILED"},
            ["start"],
            ["STARTING", "FAILED"],
            [{"copy_again"}, {"start", "copy_again", "delete"}],
        ),
        ({}, ["start", "stop"], ["STOPPING", "STOPPED"], [{"copy_again"}, {"start", "copy_again", "delete"}]),
        ({}, ["delete"], ["DELETING", None], [{"delete"}, set()]),
    ],
    ids=["copying", "copying in vain", "starting", "starting in vain", "stopping", "deleting"],
)
def test_what_a_model_version_is_decides_what_it_can_do(
    switched: dict[str, str],
    does: list[str],
    statuses: list[str | None],
    allowed: list[set[str]],
    here: Here,
) -> None:
    """Each step takes the switch's time; meanwhile, and afterwards, all but these uses are rejected."""
    here.switch(copying_time=60, starting_time=60, deleting_time=60, **switched)
    arn = here.copy(here.client)
    for step in does:
        here.clock.sleep(60)
        USES[step](here, arn)
    for seconds, status, possible in zip((59.9, 0.1), statuses, allowed, strict=True):
        here.clock.sleep(seconds)
        assert here.statuses() == ([] if status is None else [status])
        for name in USES.keys() - possible:
            busy = "ResourceNotReadyException" if name == "detect" else "ResourceInUseException"
            with rejected("ResourceNotFoundException" if status is None else busy):
                USES[name](here, arn)
    assert ["StatusMessage" in copy for copy in here.copies()] == ["FAILED" in copy["Status"] for copy in here.copies()]
    for name in sorted(allowed[-1] - {"stop"})[:2]:
        USES[name](here, arn)


def test_a_model_version_has_fifty_tags_at_most(here: Here) -> None:
    """Those that it was made with count."""
    arn = here.copy(here.client, Tags={f"k{number}": "" for number in range(50)})
    with rejected("ServiceQuotaExceededException"):
        here.client.tag_resource(ResourceArn=arn, Tags={"one": "more"})


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("ResourceNotFoundException", {"SourceProjectArn": "{0.project}0"}),
        ("ResourceNotFoundException", {"SourceProjectVersionArn": "{0.version}0"}),
        ("ResourceNotFoundException", {"DestinationProjectArn": "{0.target}0"}),
        ("InvalidParameterException", {"SourceProjectArn": "{0.target}"}),
        ("InvalidParameterException", {"DestinationProjectArn": ARN.replace("us-east-1", "eu-west-1")}),
        ("InvalidParameterException", {"OutputConfig": {"S3KeyPrefix": "copies"}}),
        ("ResourceInUseException", {"VersionName": "taken"}),
    ],
)
def test_a_copy_that_cannot_be_made(code: str, changes: dict[str, Any], here: Here) -> None:
    """Source and destination exist and fit one another, in one Region, and the name is free."""
    here.copy(here.client, VersionName="taken")
    given = {name: value.format(here) if isinstance(value, str) else value for name, value in changes.items()}
    with rejected(code):
        here.copy(here.client, **given)
    assert len(here.copies()) == 1


def test_a_deletion_and_a_status_may_be_seen_late(here: Here) -> None:
    """The lists show them late; what is changed next meets the truth at once."""
    here.switch(list_lag=2, versions_lag=2, copying_time=10)
    here.put()
    arn = here.copy(here.client)
    here.clock.sleep(10)
    here.remove()
    USES["delete"](here, arn)
    with rejected("ResourceNotFoundException"):
        here.remove()
    here.clock.sleep(1.9)
    assert (here.documents(), here.statuses()) == ([document()], ["COPYING_IN_PROGRESS"])
    here.clock.sleep(0.1)
    assert (here.documents(), here.statuses()) == ([], [])


# -- faults and switches -----------------------------------------------------------------------------------------------


def test_a_quota_throttles_each_operation_of_an_account(here: Here) -> None:
    """Five calls pass at once and five more each second; what is throttled has no effect and costs nothing."""
    here.switch(calls_per_second=5)
    for seconds, passing in ((0.0, 5), (0.5, 2), (60.0, 5)):
        here.clock.sleep(seconds)
        for _ in range(passing):
            here.client.describe_projects()
        for _ in range(3):
            with rejected("ThrottlingException") as told:
                here.client.describe_projects()
            assert told.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    here.client.create_project(ProjectName="demo")
    here.service.client("111122223333").describe_projects()
    here.service.client(region="eu-west-1").describe_projects()


def test_a_fault_may_be_that_no_response_comes(here: Here) -> None:
    """The caller can't know whether the request took effect; here it did, as with an error that a hook returns."""
    here.service.faults.inject("PutProjectPolicy", DROP, when="after")
    with pytest.raises(ConnectionClosedError):
        here.put()
    assert here.documents() == [document()]
    here.service.faults.after = lambda *_: AwsError("InternalServerError", "inside")
    with rejected("InternalServerError") as told:
        here.remove()
    assert told.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    here.service.faults.after = lambda *_: None
    assert here.documents() == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"list_leg": 2}, "no switch 'list_leg'; there are: put_existing_without_revision"),
        ({"list_lag": "soon"}, "list_lag is a number"),
        ({"throttled_calls_count": "maybe"}, "throttled_calls_count is true or false"),
        ({"list_lag": 2, "returned_form": "other"}, "one of: as_given, normalized"),
    ],
)
def test_rejects_unknown_switches_and_values(changes: dict[str, Any], problem: str) -> None:
    """A wrong name or value is rejected with those there are, and nothing is changed; a shell gives strings."""
    switches = Switches()
    with pytest.raises(ValueError, match=problem):
        switches.change(changes)
    assert switches == Switches()
    switches.change({"list_lag": "1.5", "policies_per_project": "7", "throttled_calls_count": "false"})
    assert switches == Switches(list_lag=1.5, policies_per_project=7)


def test_the_page_has_every_switch_with_its_default() -> None:
    """README's table is the one in the code: the first value is the default."""
    page = (REPOSITORY / "localcloud" / "README.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| `(\w+)`, ", page, re.MULTILINE))
    defaults = {name: str(value).removesuffix(".0") for name, value in Switches().as_dict().items()}
    assert rows == defaults | {"throttled_calls_count": "false"}
