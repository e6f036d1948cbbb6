"""PutProjectPolicy, ListProjectPolicies and DeleteProjectPolicy, as AWS documents them."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from localcloud.rekognition import LocalRekognition
from tests.localcloud.support import UNKNOWN_REVISION, VirtualClock, document, put, rejected, statement

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

MISSING = "arn:aws:rekognition:us-east-1:123456789012:project/missing/1690474772815"


def names(client: RekognitionClient, project: str) -> list[str]:
    """Return the names of a project's policies, from every page."""
    pages = client.get_paginator("list_project_policies").paginate(ProjectArn=project, PaginationConfig={"PageSize": 2})
    return [policy["PolicyName"] for page in pages for policy in page["ProjectPolicies"]]


def test_shows_a_policy_as_it_was_put() -> None:
    """A listed policy has its project, name, document, revision and both of its times."""
    clock = VirtualClock()
    with LocalRekognition(clock=clock) as rekognition:
        client = rekognition.client()
        project = client.create_project(ProjectName="demo")["ProjectArn"]
        clock.forward(1.2345)
        revision = put(client, project)
        response = client.list_project_policies(ProjectArn=project)
    (policy,) = response["ProjectPolicies"]
    assert "NextToken" not in response
    assert policy["ProjectArn"] == project
    assert policy["PolicyName"] == "share"
    assert policy["PolicyDocument"] == document()
    assert policy["PolicyRevisionId"] == revision
    assert policy["CreationTimestamp"].timestamp() == pytest.approx(1_700_000_001.234, abs=0.0011)
    assert policy["LastUpdatedTimestamp"] == policy["CreationTimestamp"]


def test_an_update_keeps_the_creation_and_changes_the_revision() -> None:
    """An update names the current revision; it keeps the time of creation and moves the time of the last update."""
    clock = VirtualClock()
    with LocalRekognition(clock=clock) as rekognition:
        client = rekognition.client()
        project = client.create_project(ProjectName="demo")["ProjectArn"]
        first = put(client, project)
        clock.forward(60)
        changed = document(statement(Effect="Deny"))
        second = put(client, project, PolicyRevisionId=first, PolicyDocument=changed)
        (policy,) = client.list_project_policies(ProjectArn=project)["ProjectPolicies"]
    assert second != first
    assert policy["PolicyRevisionId"] == second
    assert policy["PolicyDocument"] == changed
    assert (policy["LastUpdatedTimestamp"] - policy["CreationTimestamp"]).total_seconds() == 60


def test_a_revision_is_32_hexadecimal_digits_and_new_at_every_put(client: RekognitionClient, project: str) -> None:
    """Even the same document put again has a new revision."""
    first = put(client, project)
    second = put(client, project, PolicyRevisionId=first)
    assert first != second
    assert all(re.fullmatch("[0-9a-f]{32}", revision) for revision in (first, second))


def test_rejects_a_second_policy_of_the_same_name(client: RekognitionClient, project: str) -> None:
    """A put without a revision never replaces a policy."""
    put(client, project)
    with rejected("ResourceAlreadyExistsException"):
        put(client, project)


def test_rejects_a_stale_revision(client: RekognitionClient, project: str) -> None:
    """Put and Delete with a revision that isn't the current one change nothing."""
    first = put(client, project)
    second = put(client, project, PolicyRevisionId=first)
    with rejected("InvalidPolicyRevisionIdException"):
        put(client, project, PolicyRevisionId=first)
    with rejected("InvalidPolicyRevisionIdException"):
        client.delete_project_policy(ProjectArn=project, PolicyName="share", PolicyRevisionId=first)
    (policy,) = client.list_project_policies(ProjectArn=project)["ProjectPolicies"]
    assert policy["PolicyRevisionId"] == second


def test_rejects_a_revision_of_a_policy_that_is_not_there(client: RekognitionClient, project: str) -> None:
    """A put with a revision is an update: it makes nothing."""
    with rejected("InvalidPolicyRevisionIdException"):
        put(client, project, PolicyRevisionId=UNKNOWN_REVISION)
    assert names(client, project) == []


@pytest.mark.parametrize("revision_given", [False, True])
def test_deletes_a_policy(client: RekognitionClient, project: str, revision_given: bool) -> None:
    """Delete works with the current revision, and without any."""
    revision = put(client, project)
    put(client, project, "other")
    more: dict[str, Any] = {"PolicyRevisionId": revision} if revision_given else {}
    response = client.delete_project_policy(ProjectArn=project, PolicyName="share", **more)
    assert set(response) == {"ResponseMetadata"}
    assert names(client, project) == ["other"]


def test_deleting_what_is_not_there_is_told(client: RekognitionClient, project: str) -> None:
    """Delete of an absent name is ResourceNotFoundException, with a revision too."""
    with rejected("ResourceNotFoundException"):
        client.delete_project_policy(ProjectArn=project, PolicyName="share")
    with rejected("ResourceNotFoundException"):
        client.delete_project_policy(ProjectArn=project, PolicyName="share", PolicyRevisionId=UNKNOWN_REVISION)


def test_a_missing_project_is_told(client: RekognitionClient) -> None:
    """Put, List and Delete on an absent project are ResourceNotFoundException, whatever the document says."""
    with rejected("ResourceNotFoundException"):
        put(client, MISSING, PolicyDocument="no document")
    with rejected("ResourceNotFoundException"):
        client.list_project_policies(ProjectArn=MISSING)
    with rejected("ResourceNotFoundException"):
        client.delete_project_policy(ProjectArn=MISSING, PolicyName="share")


def test_a_malformed_document_changes_nothing(client: RekognitionClient, project: str) -> None:
    """A rejected update leaves the policy as it was."""
    revision = put(client, project)
    with rejected("MalformedPolicyDocumentException"):
        put(client, project, PolicyRevisionId=revision, PolicyDocument="{}")
    (policy,) = client.list_project_policies(ProjectArn=project)["ProjectPolicies"]
    assert policy["PolicyDocument"] == document()


def test_a_project_has_five_policies(client: RekognitionClient, project: str) -> None:
    """The sixth policy is rejected; an update of the fifth is not."""
    revisions = [put(client, project, f"p{number}") for number in range(5)]
    with rejected("LimitExceededException"):
        put(client, project, "p5")
    put(client, project, "p4", PolicyRevisionId=revisions[4])
    client.delete_project_policy(ProjectArn=project, PolicyName="p0")
    put(client, project, "p5")
    assert sorted(names(client, project)) == ["p1", "p2", "p3", "p4", "p5"]


def test_lists_at_most_five_a_page(rekognition: LocalRekognition, client: RekognitionClient, project: str) -> None:
    """Without MaxResults a page has five, and the token of a page leads to the next."""
    rekognition.switches.policies_per_project = 12
    for number in range(12):
        put(client, project, f"p{number}")
    seen: list[str] = []
    sizes: list[int] = []
    token: dict[str, Any] = {}
    while True:
        response = client.list_project_policies(ProjectArn=project, **token)
        seen += [policy["PolicyName"] for policy in response["ProjectPolicies"]]
        sizes.append(len(response["ProjectPolicies"]))
        if "NextToken" not in response:
            break
        token = {"NextToken": response["NextToken"]}
    assert sizes == [5, 5, 2]
    assert seen == [f"p{number}" for number in range(12)]


def test_no_page_follows_a_full_last_one(client: RekognitionClient, project: str) -> None:
    """Where the last page is full there is no token for an empty one."""
    for number in range(4):
        put(client, project, f"p{number}")
    first = client.list_project_policies(ProjectArn=project, MaxResults=2)
    last = client.list_project_policies(ProjectArn=project, MaxResults=2, NextToken=first["NextToken"])
    assert "NextToken" not in last


def test_rejects_a_token_it_did_not_give_out(client: RekognitionClient, project: str) -> None:
    """A made-up token, and the token of another project's list, are InvalidPaginationTokenException."""
    other = client.create_project(ProjectName="other")["ProjectArn"]
    for number in range(2):
        put(client, other, f"p{number}")
    token = client.list_project_policies(ProjectArn=other, MaxResults=1)["NextToken"]
    for wrong in ("made up", "bWFkZSB1cA==", token):
        with rejected("InvalidPaginationTokenException"):
            client.list_project_policies(ProjectArn=project, NextToken=wrong)


def test_only_one_of_many_puts_at_once_succeeds(rekognition: LocalRekognition, project: str) -> None:
    """Of updates that race with the same revision one wins, and the others are told that they lost."""
    revision = put(rekognition.client(), project)
    clients = [rekognition.client() for _ in range(8)]

    def race(client: RekognitionClient) -> str:
        try:
            return put(client, project, PolicyRevisionId=revision)
        except ClientError as error:
            return error.response["Error"]["Code"]

    with ThreadPoolExecutor(len(clients)) as pool:
        results = list(pool.map(race, clients))
    assert results.count("InvalidPolicyRevisionIdException") == len(clients) - 1


def test_records_every_call(rekognition: LocalRekognition, client: RekognitionClient, project: str) -> None:
    """Each well-formed request is recorded, rejected ones too."""
    rekognition.calls.clear()
    with rejected("ResourceNotFoundException"):
        client.delete_project_policy(ProjectArn=project, PolicyName="share")
    client.list_project_policies(ProjectArn=project)
    assert rekognition.calls == [
        ("DeleteProjectPolicy", {"ProjectArn": project, "PolicyName": "share"}),
        ("ListProjectPolicies", {"ProjectArn": project}),
    ]
