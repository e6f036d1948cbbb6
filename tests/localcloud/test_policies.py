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
    assert re.fullmatch("[0-9a-f]{32}", revision)
    assert policy["CreationTimestamp"].timestamp() == pytest.approx(1_700_000_001.234, abs=0.0011)
    assert policy["LastUpdatedTimestamp"] == policy["CreationTimestamp"]


def test_an_update_keeps_the_creation_and_changes_the_revision() -> None:
    """The last update's time moves, and each put has a new revision, that of an unchanged document too."""
    clock = VirtualClock()
    with LocalRekognition(clock=clock) as rekognition:
        client = rekognition.client()
        project = client.create_project(ProjectName="demo")["ProjectArn"]
        first = put(client, project)
        clock.forward(60)
        changed = document(statement(Effect="Deny"))
        second = put(client, project, PolicyRevisionId=first, PolicyDocument=changed)
        (policy,) = client.list_project_policies(ProjectArn=project)["ProjectPolicies"]
        third = put(client, project, PolicyRevisionId=second, PolicyDocument=changed)
    assert policy["PolicyRevisionId"] == second
    assert policy["PolicyDocument"] == changed
    assert len({first, second, third}) == 3
    assert (policy["LastUpdatedTimestamp"] - policy["CreationTimestamp"]).total_seconds() == 60


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


def test_a_missing_policy_or_project_is_reported(client: RekognitionClient, project: str) -> None:
    """ResourceNotFoundException, whatever else is wrong."""
    for call in (
        lambda: client.delete_project_policy(ProjectArn=project, PolicyName="share"),
        lambda: client.delete_project_policy(ProjectArn=project, PolicyName="share", PolicyRevisionId=UNKNOWN_REVISION),
        lambda: put(client, MISSING, PolicyDocument="no document"),
        lambda: client.list_project_policies(ProjectArn=MISSING),
        lambda: client.delete_project_policy(ProjectArn=MISSING, PolicyName="share"),
    ):
        with rejected("ResourceNotFoundException"):
            call()


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


@pytest.mark.parametrize(("policies", "expected"), [(12, [5, 5, 2]), (10, [5, 5])])
def test_lists_at_most_five_a_page(
    rekognition: LocalRekognition, client: RekognitionClient, project: str, policies: int, expected: list[int]
) -> None:
    """Without MaxResults a page has five; the token of a page leads to the next, and the last page has none."""
    rekognition.switches.policies_per_project = policies
    for number in range(policies):
        put(client, project, f"p{number}")
    pages = list(client.get_paginator("list_project_policies").paginate(ProjectArn=project))
    assert [len(page["ProjectPolicies"]) for page in pages] == expected
    seen = [policy["PolicyName"] for page in pages for policy in page["ProjectPolicies"]]
    assert seen == [f"p{number}" for number in range(policies)]


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
