"""Single requests for a policy: what the function calls, responds and logs, and what meets it between two calls."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest

from localcloud.rekognition import AwsError
from tests.documents import ACCOUNT, FOREIGN, MINE, OTHER, REGION
from tests.lifecycle.cases import Policy
from tests.lifecycle.cloud import Cloud

DAY = 86_400.0
LIST, PUT, DELETE = "ListProjectPolicies", "PutProjectPolicy", "DeleteProjectPolicy"
MARKER, MADE_UP = "not-created:Sharing:request-1", "one-Sharing-0000000000001"
EVERYBODY = {**MINE, "Statement": [{**MINE["Statement"][0], "Principal": "*"}]}
THROTTLED = AwsError("ThrottlingException", "Rate exceeded")


@pytest.fixture
def cloud() -> Cloud:
    """A project, and the function that attaches its policies."""
    return Cloud()


def own_id(cloud: Cloud, name: str = "sharing") -> str:
    """Return the physical ID of the project's policy."""
    return f"{cloud.logos}|{name}"


def update(cloud: Cloud, **more: Any) -> dict[str, Any]:
    """Send an Update from OTHER to MINE, and return the response."""
    return cloud.ask("Update", Policy(**more), own_id(cloud), Policy(OTHER)).response


def put_before(cloud: Cloud, seconds: float, document: Mapping[str, Any], name: str = "sharing") -> str:
    """Put a policy so many seconds before now, and return its revision."""
    cloud.world.now -= seconds
    cloud.put(document, name)
    cloud.world.now += seconds
    return str(cloud.live_policies()[cloud.logos, name].revision)


# The ID of the request (ID, ADOPTED, or as it is), its properties, what is live (and put so many seconds before), the
# log's "did" or a part of the failure's reason, the calls, and the ID responded with, where it isn't the request's.
REQUESTS: list[tuple[str, str, Policy, tuple[Mapping[str, Any], float] | None, str, list[str], str]] = [
    ("Create", "", Policy(), None, "put", [LIST, PUT], "ID"),
    ("Create", "", Policy(), (MINE, DAY), "already exists", [LIST, LIST], MARKER),
    ("Create", "", Policy(adopt_existing=True), (MINE, DAY), "nothing: it existed and is", [LIST, LIST], "ID|adopted"),
    ("Create", "", Policy(name="no name"), None, 'PolicyName "no name" is not valid', [], MARKER),
    ("Create", "", Policy(EVERYBODY), None, 'Policy "sharing" of project "logos": statement 1: Principal', [], MARKER),
    ("Update", "ID", Policy(), (OTHER, DAY), "put", [LIST, PUT], ""),
    ("Update", "ID|adopted", Policy(), (OTHER, DAY), "put", [LIST, PUT], ""),
    ("Update", "ID", Policy(OTHER), (OTHER, DAY), "nothing: it's equivalent already", [LIST], ""),
    ("Update", "ID", Policy(EVERYBODY), (EVERYBODY, DAY), "every AWS account", [LIST], ""),
    # The ID alone says what to delete.
    ("Delete", "ID", Policy("{", more={"Unknown": "x"}), (MINE, DAY), "deleted", [LIST, DELETE], ""),
    ("Delete", "ID", Policy(), None, "nothing: it was gone already", [LIST, DELETE], ""),
    ("Delete", MADE_UP, Policy(EVERYBODY), (EVERYBODY, 5), "deleted", [LIST, DELETE, LIST], ""),
    ("Delete", MADE_UP, Policy(), (FOREIGN, 1), "nothing: no canceled request of this resource has put it", [LIST], ""),
    ("Delete", MADE_UP, Policy(), None, "nothing: there is no such policy", [LIST] * 9, ""),
    ("Delete", MADE_UP, Policy({"Statement": []}), (MINE, 1), "nothing: no canceled request", [LIST], ""),
]


@pytest.mark.parametrize(("kind", "physical_id", "wanted", "there", "did", "calls", "responds"), REQUESTS)
def test_a_request(
    cloud: Cloud,
    caplog: pytest.LogCaptureFixture,
    kind: str,
    physical_id: str,
    wanted: Policy,
    there: tuple[Mapping[str, Any], float] | None,
    did: str,
    calls: list[str],
    responds: str,
) -> None:
    """It calls what the row says, at the revision it has read, and logs one line that says what it did."""
    before = put_before(cloud, there[1], there[0]) if there else ""
    old = Policy(OTHER) if kind == "Update" else None
    given = physical_id.replace("ID", own_id(cloud), physical_id.startswith("ID"))
    with caplog.at_level(logging.INFO):
        sent = cloud.ask(kind, wanted, given, old)
    assert sent.calls == calls
    for operation, parameters in cloud.rekognition.calls:
        assert operation == LIST or parameters.get("PolicyRevisionId", "") == before
    live = cloud.live_policies().get((cloud.logos, "sharing"))
    assert (
        sent.response["PhysicalResourceId"] == responds.replace("ID", own_id(cloud), responds.startswith("ID")) or given
    )
    assert sent.response["Data"]["PolicyRevisionId"] == (live.revision if live and calls else "")
    (record,) = [record for record in caplog.records if record.name == "custom_resource.lifecycle"]
    line = json.loads(record.getMessage())
    fails = sent.response["Status"] == "FAILED"
    assert fails != did.startswith(("put", "deleted", "nothing"))
    assert did in line["failure" if fails else "did"]
    assert not fails or line["did"] == "nothing"
    assert record.levelno == (logging.ERROR if fails else logging.INFO)
    assert {**line, "did": "", "failure": ""} == {
        "request": kind,
        "project": sent.response["Data"]["ProjectArn"],
        "policy": sent.response["Data"]["PolicyName"],
        "revision_before": before if calls else "",
        "revision_after": sent.response["Data"]["PolicyRevisionId"],
        "did": "",
        "failure": "",
        "cause": "",
        "physical_id": sent.response["PhysicalResourceId"],
    }
    assert not calls or (line["project"], line["policy"]) == (cloud.logos, "sharing")


def test_a_failed_call_is_responded_and_logged_with_its_cause(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    """What the service said stands in the line and, after what to do, in the reason."""
    cloud.rekognition.faults.inject(PUT, AwsError("MalformedPolicyDocumentException", "Bad"))
    received = cloud.ask("Create", Policy()).response
    line = json.loads(caplog.messages[-1])
    assert line["cause"] == "MalformedPolicyDocumentException: Bad; request ID 8f3c-1"
    assert received["Reason"].startswith(f"{line['failure']} ({line['cause']}")


def test_a_project_that_is_gone_took_its_policies_along(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    """There is nothing left to delete."""
    cloud.store.delete_project(ACCOUNT, REGION, cloud.project("other"))
    received = cloud.ask("Delete", Policy(project="other"), f"{cloud.project('other')}|sharing").response
    assert received["Status"] == "SUCCESS"
    assert "the project is gone, and its policies with it" in caplog.messages[-1]


def test_a_policy_is_found_on_a_later_page(cloud: Cloud) -> None:
    """It is seen beyond the first page of the list, even if a put would overwrite it silently."""
    cloud.rekognition.switches.policies_per_project = 20
    cloud.rekognition.switches.put_existing_without_revision = "overwrite"
    for number in range(11):
        cloud.put(FOREIGN, f"other-{number:02}")
    put_before(cloud, DAY, FOREIGN)
    assert "already exists" in cloud.ask("Create", Policy()).response["Reason"]
    assert cloud.documents()["sharing"] == FOREIGN


def test_a_change_that_the_list_hides_is_waited_for(cloud: Cloud) -> None:
    """To read again at once would show the same outdated revision, and use up the tries."""
    put_before(cloud, DAY, OTHER)
    cloud.rekognition.switches.list_lag = 1.5
    cloud.put(FOREIGN)
    assert update(cloud)["Status"] == "SUCCESS"
    assert cloud.documents() == {"sharing": MINE}


def test_a_request_that_nobody_waits_for_changes_nothing(cloud: Cloud) -> None:
    """A Create older than its ServiceTimeout makes nothing, because nothing would ever remove it."""
    sent = cloud.ask("Create", Policy(), age=901)
    assert "no longer waits for this request, so nothing was changed. Deploy again (or" in sent.response["Reason"]
    assert sent.response["PhysicalResourceId"] == MARKER
    assert sent.calls == ["ListProjectPolicies"]


def test_a_delete_is_never_too_old(cloud: Cloud) -> None:
    """CloudFormation may have dropped it, but nobody else would remove the policy."""
    cloud.put(MINE)
    sent = cloud.ask("Delete", Policy(), f"{cloud.logos}|sharing", age=901)
    assert (sent.response["Status"], cloud.documents()) == ("SUCCESS", {})


def test_a_delete_of_a_canceled_create_that_could_read_once_fails(cloud: Cloud) -> None:
    """Its Create could read as well, so it isn't taken for one that made nothing."""
    cloud.fails("AccessDeniedException", LIST, when=lambda elapsed: elapsed > 1)
    assert cloud.ask("Delete", Policy(), MADE_UP).response["Status"] == "FAILED"


def test_a_late_reverse_update_leaves_what_a_later_update_made(cloud: Cloud) -> None:
    """If its own policy is gone, a later update has replaced that, and the other name's is the stack's own."""
    put_before(cloud, 5, OTHER, "renamed")
    assert cloud.ask("Update", Policy(), own_id(cloud), Policy(OTHER, "renamed")).response["Status"] == "SUCCESS"
    assert cloud.documents() == {"renamed": OTHER, "sharing": MINE}


@pytest.mark.parametrize(
    ("physical_id", "wanted", "old", "age", "at", "stays"),
    [
        # A Create that ran late: what was put more than a minute after its request is another's.
        ("", Policy(), None, 300.0, 59.0, False),
        ("", Policy(), None, 300.0, 62.0, True),
        ("", Policy(), None, 600.0, 595.0, True),
        # So is what was put more than 45 seconds after a request that looks for what a canceled one has put.
        (MADE_UP, Policy(), None, 300.0, 43.0, False),
        (MADE_UP, Policy(), None, 300.0, 47.0, True),
        (MADE_UP, Policy(), None, 300.0, 290.0, True),
        ("ID|renamed", Policy(name="renamed"), Policy(), 300.0, 43.0, False),
        ("ID|renamed", Policy(name="renamed"), Policy(), 300.0, 47.0, True),
    ],
)
def test_a_late_request_takes_nothing_that_it_can_not_have_put(
    cloud: Cloud, physical_id: str, wanted: Policy, old: Policy | None, age: float, at: float, stays: bool
) -> None:
    """Another owner's equivalent policy of ``at`` seconds after the request is there afterward, and nobody owns it."""
    kind = "Update" if old else "Delete" if physical_id else "Create"
    if old:
        put_before(cloud, DAY, MINE, "renamed")
    cloud.world.spawn(lambda: cloud.put(MINE), at)
    received = cloud.ask(kind, wanted, physical_id.replace("ID", cloud.logos), old, age=age).response
    if kind == "Create":
        assert (received["Status"], received["PhysicalResourceId"]) == (
            ("FAILED", MARKER) if stays else ("SUCCESS", own_id(cloud))
        )
    else:
        assert received["Status"] == "SUCCESS"
        assert ("sharing" in cloud.documents()) == stays


def test_what_appears_while_every_put_is_rejected_is_anothers(cloud: Cloud) -> None:
    """A Create that has read that there is none, and whose put is denied, owns nothing that appears meanwhile."""
    cloud.fails("AccessDeniedException", PUT, when=lambda elapsed: elapsed < 20)
    cloud.world.spawn(lambda: cloud.put(MINE), 10)
    received = cloud.ask("Create", Policy()).response
    assert (received["Status"], received["PhysicalResourceId"]) == ("FAILED", MARKER)
    assert cloud.documents() == {"sharing": MINE}


@pytest.mark.parametrize(
    ("given", "other"),
    [("us-east-1", "eu-west-1"), (ACCOUNT, "444455556666"), ("arn:aws:", "arn:aws-cn:")],
)
def test_a_delete_of_another_place_calls_nothing(cloud: Cloud, given: str, other: str) -> None:
    """No Create of this function can have put a policy in another Region, account or partition."""
    sent = cloud.ask("Delete", Policy(), own_id(cloud).replace(given, other, 1))
    assert (sent.response["Status"], sent.calls) == ("SUCCESS", [])


@pytest.mark.parametrize(
    ("kind", "code", "says", "puts"),
    [
        # Rejected for good.
        ("Create", "LimitExceededException", "Service Quotas", 1),
        ("Create", "ResourceNotFoundException", "the project does not exist", 1),
        # Somebody who always is faster, or a list that stays behind.
        ("Update", "InvalidPolicyRevisionIdException", "concurrent changes", 5),
        ("Update", "ResourceNotFoundException", "the project does not exist", 5),
    ],
)
def test_a_put_that_always_fails(cloud: Cloud, kind: str, code: str, says: str, puts: int) -> None:
    """Races are lost five times at most, and the ID says that nothing was made."""
    if kind == "Update":
        put_before(cloud, DAY, OTHER)
    cloud.fails(code, PUT)
    received = update(cloud) if kind == "Update" else cloud.ask("Create", Policy()).response
    assert says in received["Reason"]
    assert received["PhysicalResourceId"] == (own_id(cloud) if kind == "Update" else MARKER)
    assert cloud.sent[-1].calls == [LIST, PUT] * puts


@pytest.mark.parametrize(("kind", "call"), [("Update", LIST), ("Update", PUT), ("Delete", DELETE)])
def test_a_reason_names_the_call_that_was_denied(cloud: Cloud, kind: str, call: str) -> None:
    """The role may lack any one of the permissions."""
    cloud.fails("AccessDeniedException", call)
    received = cloud.ask(kind, Policy(), own_id(cloud), Policy(OTHER)).response
    assert f": {call} was denied. Allow the provider's execution role rekognition:{call} on" in received["Reason"]


@pytest.mark.parametrize(("kind", "operation"), [("Create", PUT), ("Delete", DELETE)])
def test_a_change_that_is_throttled_for_long_reads_again(cloud: Cloud, kind: str, operation: str) -> None:
    """It doesn't land on what somebody made after it found nothing."""
    cloud.rekognition.switches.put_existing_without_revision = "overwrite"
    began = cloud.world.now

    def throttle(called: str, _: object) -> AwsError | None:
        if called != operation or cloud.world.now > began + 60:
            return None
        if cloud.world.now > began + 15 and not cloud.documents():
            cloud.put(FOREIGN)
        return THROTTLED

    cloud.rekognition.faults.before = throttle
    received = cloud.ask(kind, Policy(), own_id(cloud) if kind == "Delete" else "").response
    assert "already exists" in received["Reason"] or kind == "Delete"
    assert cloud.documents() == {"sharing": FOREIGN}


def test_a_delete_that_found_nothing_reads_again_before_another_try(cloud: Cloud) -> None:
    """Without a revision, a repeated call would delete what the next owner has put meanwhile."""
    cloud.fails("ThrottlingException", DELETE, when=lambda elapsed: elapsed < 3)
    cloud.world.spawn(lambda: cloud.put(FOREIGN), 2.5)
    assert cloud.ask("Delete", Policy(), own_id(cloud)).response["Status"] == "SUCCESS"
    assert cloud.documents() == {"sharing": FOREIGN}


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_nothing_is_changed_after_the_deadline(cloud: Cloud, kind: str) -> None:
    """If reading takes all the time there is, nothing is put or deleted that the response wouldn't cover."""
    if kind != "Create":
        put_before(cloud, DAY, OTHER)

    def slow(operation: str, _: object) -> None:
        cloud.world.now += 450

    cloud.rekognition.faults.before = slow
    sent = cloud.ask(kind, Policy(), "" if kind == "Create" else own_id(cloud), Policy(OTHER))
    assert "no time was left" in sent.response["Reason"]
    assert sent.response["PhysicalResourceId"] == (MARKER if kind == "Create" else own_id(cloud))
    assert sent.calls == [LIST]


@pytest.mark.parametrize("code", ["MalformedPolicyDocumentException", "InvalidParameterException"])
@pytest.mark.parametrize(
    ("message", "seconds", "succeeds"),
    [
        ("Invalid principal in policy", 14, True),
        ("The Principal isn't known", 14, True),
        ("PRINCIPAL", 17, False),
        ("Bad", 1, False),
    ],
)
def test_a_fresh_principal_is_waited_for_a_little(
    cloud: Cloud, code: str, message: str, seconds: float, succeeds: bool
) -> None:
    """One made just before may not be known everywhere yet; another malformed document is rejected at once."""
    began = cloud.world.now
    cloud.fails(code, PUT, when=lambda elapsed: elapsed <= seconds, message=message)
    assert (cloud.ask("Create", Policy()).response["Status"] == "SUCCESS") == succeeds
    assert succeeds or cloud.world.now <= began + 18


@pytest.mark.parametrize(
    "left_out", [("CreationTimestamp", "LastUpdatedTimestamp"), ("LastUpdatedTimestamp",), ("CreationTimestamp",)]
)
def test_a_policy_that_is_listed_without_its_times_is_updated_and_deleted(
    cloud: Cloud, left_out: tuple[str, ...]
) -> None:
    """The rules that need a time don't apply; the others do."""

    def without_times(page: Any) -> Any:
        policies = [{key: policy[key] for key in policy if key not in left_out} for policy in page["ProjectPolicies"]]
        return {"ProjectPolicies": policies}

    put_before(cloud, DAY, OTHER)
    cloud.shows(LIST, without_times)
    assert update(cloud)["Status"] == "SUCCESS"
    assert cloud.documents() == {"sharing": MINE}
    assert cloud.ask("Delete", Policy(), own_id(cloud)).response["Status"] == "SUCCESS"
    assert cloud.documents() == {}


@pytest.mark.parametrize("page", [{}, {"ProjectPolicies": None}, {"ProjectPolicies": [{}], "NextToken": ""}])
def test_a_list_without_policies_is_empty(cloud: Cloud, page: dict[str, object]) -> None:
    """A list that is absent, null or of nameless elements shows no policy."""
    cloud.shows(LIST, lambda _: page)
    assert cloud.ask("Create", Policy()).response["Status"] == "SUCCESS"


@pytest.mark.parametrize(("project", "says"), [("young", ""), ("logos", "the project does not exist")])
def test_a_project_made_in_the_same_deployment_is_waited_for(cloud: Cloud, project: str, says: str) -> None:
    """A project that isn't known everywhere yet is looked for while it is young; an older one is missing at once."""
    cloud.project(project)
    cloud.fails("ResourceNotFoundException", when=lambda elapsed: elapsed < 5)
    received = cloud.ask("Create", Policy(project=project)).response
    assert (received["Status"] == "SUCCESS") == (says == "")
    assert says in received["Reason"]


def test_a_delete_in_a_young_project_is_not_held_up(cloud: Cloud) -> None:
    """A policy that is gone isn't looked for, as its project would be."""
    assert cloud.ask("Delete", Policy(project="young"), f"{cloud.project('young')}|sharing").calls == [LIST, DELETE]
