"""The lifecycle of a policy, through each kind of request, against the local Rekognition on virtual time."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest

from localcloud.rekognition import DROP, AwsError
from tests.documents import FOREIGN, MINE, OTHER
from tests.handler.stage import MADE_UP, MARKER, REQUEST_ID, STARTED, Stage

DAY = 86_400.0
IN_DOUBT = f"in-doubt:Sharing:{REQUEST_ID}"
EVERYBODY = {**MINE, "Statement": [{**MINE["Statement"][0], "Principal": "*"}]}
RENAMED = {"PolicyName": "sharing-2"}
ADOPTED = "ADOPTED"
"""Stands for the ID of the stage's policy where it was adopted."""

LIST, PUT, DELETE = "ListProjectPolicies", "PutProjectPolicy", "DeleteProjectPolicy"
There = tuple[Mapping[str, Any], float]
"""A live document, and when it was put, in seconds after the request."""


def row(
    kind: str,
    there: There | None,
    did: str,
    calls: list[str],
    after: Mapping[str, Any] | None,
    *,
    physical_id: str = "",
    responds: str = "",
    **properties: object,
) -> tuple[object, ...]:
    """Return a request, what is live before it, what its log line says, its calls, what is live after it, and its ID.

    ``did`` may be a part of a failure's reason instead.
    """
    return kind, physical_id, properties, there, did, calls, after, responds


REQUESTS = [
    row("create", None, "put", [LIST, PUT], MINE),
    row("create", (MINE, 0), "nothing: this request has put it already", [LIST], MINE),
    row(
        "create",
        (MINE, -DAY),
        "nothing: it existed and is equivalent, so it's adopted",
        [LIST, LIST],  # not what is just being deleted
        MINE,
        responds=ADOPTED,
        AdoptExisting="true",
    ),
    row("create", (MINE, -2), "Choose another PolicyName; or, to take it", [LIST, LIST], MINE, responds=MARKER),
    row("create", (FOREIGN, 5), "already exists and wasn't changed", [LIST, LIST], FOREIGN, responds=MARKER),
    row("create", None, 'PolicyName "no name" is not valid', [], None, responds=MARKER, PolicyName="no name"),
    row("update", None, "put", [LIST, PUT], MINE),
    row("update", (OTHER, -DAY), "put", [LIST, PUT], MINE),
    row("update", (OTHER, -DAY), "put", [LIST, PUT], MINE, physical_id=ADOPTED),
    row("update", (FOREIGN, -10), "put", [LIST, PUT], MINE),
    row("update", (FOREIGN, 3), "was changed by somebody else", [LIST], FOREIGN),
    row("update", (OTHER, -DAY), "nothing: it's equivalent already", [LIST], OTHER, PolicyDocument=OTHER),
    row(
        "update",
        (MINE, 0),
        "nothing: this request has put it already",
        [LIST, LIST],
        MINE,
        BlockPublicPolicy="false",
        Trigger="42",
    ),
    # Today's rules reject what another version of the provider has put; a rollback to it isn't blocked. It's put again,
    # at its revision, because the list may lag.
    row("update", (EVERYBODY, -DAY), "put", [LIST, PUT], EVERYBODY, PolicyDocument=EVERYBODY),
    # Another name is another policy: the old one is left to its own Delete.
    row("update", (OTHER, -DAY), "put", [LIST, PUT], OTHER, **RENAMED),
    row("update", (OTHER, -DAY), "put", [LIST, PUT], OTHER, physical_id=ADOPTED, **RENAMED),
    row("delete", (FOREIGN, -DAY), "deleted", [LIST, DELETE], None),
    row("delete", None, "nothing: it was gone already", [LIST, DELETE], None),
    row(
        "delete",
        (MINE, 3),
        "nothing: it was created after this request, so it isn't this resource's",
        [LIST],
        MINE,
    ),
    # The ID alone says what to delete.
    row("delete", (MINE, -DAY), "deleted", [LIST, DELETE], None, PolicyDocument="{", Unknown="x"),
    row("delete", (MINE, -DAY), "nothing: the policy was adopted, so it stays", [], MINE, physical_id=ADOPTED),
    row("delete", (MINE, -DAY), "nothing: the Create had made nothing", [], MINE, physical_id=MARKER),
    # CloudFormation canceled a Create, with an ID of its own making: only what that Create has put goes.
    row("delete", (MINE, -960), "deleted", [LIST, DELETE, *[LIST] * 5], None, physical_id=MADE_UP),
    row(
        "delete",
        (EVERYBODY, -5),
        "deleted",
        [LIST, DELETE, *[LIST] * 5],
        None,
        physical_id=MADE_UP,
        PolicyDocument=EVERYBODY,
    ),
    row(
        "delete", (FOREIGN, -1), "nothing: no Create of this resource has put it", [LIST], FOREIGN, physical_id=MADE_UP
    ),
    row(
        "delete",
        (MINE, -1),
        "nothing: no Create of this resource has put it",
        [LIST],
        MINE,
        physical_id=MADE_UP,
        PolicyDocument={**MINE, "Statement": []},
    ),
    row("delete", None, "nothing: there is no such policy", [LIST] * 6, None, physical_id=MADE_UP),
    row(
        "delete",
        (MINE, -1),
        'nothing: its Create was rejected (PolicyName "no name" is not valid. Use 1 to 128 letters, digits, hyphens, '
        "underscores or periods.)",
        [],
        MINE,
        physical_id=MADE_UP,
        PolicyName="no name",
    ),
]


@pytest.mark.parametrize(
    ("kind", "physical_id", "properties", "there", "did", "calls", "after", "responds"),
    REQUESTS,
    ids=[f"{kind}: {did}"[:70] for kind, _, _, _, did, *_ in REQUESTS],
)
def test_a_request(
    stage: Stage,
    caplog: pytest.LogCaptureFixture,
    kind: str,
    physical_id: str,
    properties: dict[str, object],
    there: There | None,
    did: str,
    calls: list[str],
    after: Mapping[str, Any] | None,
    responds: str,
) -> None:
    """It does what the row says at the revision it has read, responds with that, and logs one line without a secret."""
    before = stage.put(there[0], at=STARTED + there[1]) if there else ""
    stage.time.now += 10
    event = stage.event(kind, stage.adopted if physical_id == ADOPTED else physical_id, **properties)
    with caplog.at_level(logging.DEBUG, "project_policy"):
        outcome = stage.send(event)
    name = event["ResourceProperties"]["PolicyName"] if kind == "update" else "sharing"
    is_renamed = name != "sharing"
    assert stage.live_is(after)
    assert not is_renamed or stage.live_is(MINE, name)
    assert stage.calls == calls
    if {PUT, DELETE} & {*calls}:
        (changed,) = [parameters for operation, parameters in stage.rekognition.calls if operation != LIST]
        assert changed.get("PolicyRevisionId", "") == ("" if is_renamed else before)
    fails = not did.startswith(("put", "deleted", "nothing: "))
    assert (did in outcome.failure) if fails else (outcome.failure == "")
    live, was_read = stage.live(name), bool(calls)
    responds = responds or (f"{stage.project_arn}|{name}" if is_renamed else event.get("PhysicalResourceId", ""))
    assert outcome.physical_id == {ADOPTED: stage.adopted, "": stage.physical_id}.get(responds, responds)
    assert outcome.attributes["PolicyRevisionId"] == (live.revision_id if live and was_read else "")
    (record,) = [record for record in caplog.records if record.name.startswith("project_policy")]
    assert record.levelno == (logging.ERROR if fails else logging.INFO)
    line = json.loads(record.getMessage())
    assert line == {
        "request": kind.capitalize(),
        "project": outcome.attributes["ProjectArn"],
        "policy": outcome.attributes["PolicyName"],
        "revision_before": before if was_read and not is_renamed else "",
        "revision_after": outcome.attributes["PolicyRevisionId"],
        "did": "nothing" if fails else did,
        "failure": outcome.failure,
        "cause": "",
        "physical_id": outcome.physical_id,
    }
    if was_read:
        assert (line["project"], line["policy"]) == (stage.project_arn, name)
    assert not [secret for secret in ("ResponseURL", "X-Amz", "5ec2e7", "https://") if secret in record.getMessage()]


class TestCreate:
    """A Create puts a policy where there is none, and nothing else."""

    def test_finds_its_policy_on_a_later_page(self, stage: Stage) -> None:
        """A policy beyond the first page of the list is seen, even where a put would overwrite it silently."""
        stage.rekognition.switches.policies_per_project = 20
        stage.rekognition.switches.put_existing_without_revision = "overwrite"
        for number in range(11):
            stage.put(FOREIGN, f"other-{number:02}")
        stage.put(FOREIGN, "sharing", at=STARTED - DAY)
        outcome = stage.send(stage.event("create"))
        assert "already exists" in outcome.failure
        assert stage.live_is(FOREIGN)

    def test_reads_again_before_it_rejects(self, stage: Stage) -> None:
        """A list that still shows a policy that was just deleted does not make a Create fail."""
        stage.put(FOREIGN, at=STARTED - DAY)
        stage.rekognition.switches.list_lag = 1.5
        stage.remove()
        outcome = stage.send(stage.event("create"))
        assert outcome.failure == ""
        stage.time.now += 2
        assert stage.live_is(MINE)

    def test_does_nothing_after_cloudformation_gave_up(self, stage: Stage) -> None:
        """A Create older than its ServiceTimeout makes nothing, because nothing would ever remove it."""
        stage.time.now += 901
        outcome = stage.send(stage.event("create"))
        assert "no longer waits" in outcome.failure
        assert outcome.physical_id == f"{IN_DOUBT}:{stage.time.now:.0f}"
        assert stage.calls == []

    @pytest.mark.parametrize(
        ("policies", "fault", "says"),
        [
            (5, [], "Service Quotas"),
            (0, [AwsError("ResourceNotFoundException", "Gone")], "the project does not exist"),
        ],
    )
    def test_a_put_that_is_rejected_for_good_is_not_tried_again(
        self, stage: Stage, policies: int, fault: list[AwsError], says: str
    ) -> None:
        """The sixth policy names the quota, and nothing was made."""
        for number in range(policies):
            stage.put(FOREIGN, f"other-{number}")
        stage.time.now += 300  # a young project may not be known everywhere yet
        stage.rekognition.faults.inject(PUT, *fault)
        outcome = stage.send(stage.event("create"))
        assert says in outcome.failure
        assert outcome.physical_id == MARKER
        assert stage.calls == [LIST, PUT]


class TestUpdate:
    """An Update edits the policy its ID names, at the revision it has seen."""

    def test_a_replacement_that_fails_keeps_the_old_id(self, stage: Stage) -> None:
        """Another ID would have the old policy deleted."""
        stage.put(OTHER, at=STARTED - DAY)
        stage.put(FOREIGN, "sharing-2", at=STARTED - DAY)
        outcome = stage.send(stage.event("update", **RENAMED))
        assert "already exists" in outcome.failure
        assert outcome.physical_id == stage.physical_id
        assert stage.live_is(FOREIGN, "sharing-2")

    def test_reads_again_where_the_list_may_lag(self, stage: Stage) -> None:
        """A reverse Update does not believe a list that still shows what it wants but is gone by now."""
        stage.put(MINE, at=STARTED - DAY)
        stage.rekognition.switches.list_lag = 1.5
        stage.put(OTHER, at=STARTED - 1)
        outcome = stage.send(stage.event("update"))
        assert outcome.failure == ""
        stage.time.now += 2
        assert stage.live_is(MINE)

    @pytest.mark.parametrize(("kind", "operation", "after"), [("update", PUT, MINE), ("delete", DELETE, None)])
    def test_a_lost_race_is_decided_again(
        self, stage: Stage, kind: str, operation: str, after: Mapping[str, Any] | None
    ) -> None:
        """A revision that went stale between read and change is read again, and the change lands."""
        stage.put(OTHER, at=STARTED - DAY)
        stage.rekognition.faults.inject(operation, AwsError("InvalidPolicyRevisionIdException", "stale"))
        assert stage.send(stage.event(kind)).failure == ""
        assert stage.live_is(after)

    @pytest.mark.parametrize(
        ("code", "said"),
        [
            ("InvalidPolicyRevisionIdException", "concurrent changes"),
            ("ResourceNotFoundException", "the project does not exist"),
        ],
    )
    def test_races_are_lost_a_bounded_number_of_times(self, stage: Stage, code: str, said: str) -> None:
        """Somebody who always is faster, or a list that stays behind, makes the update fail, with the same ID."""
        stage.put(OTHER, at=STARTED - DAY)
        stage.rekognition.faults.before = lambda operation, _: AwsError(code, "stale") if operation == PUT else None
        outcome = stage.send(stage.event("update"))
        assert said in outcome.failure
        assert outcome.physical_id == stage.physical_id
        assert stage.calls.count(PUT) == 5

    @pytest.mark.parametrize("code", ["InvalidPolicyRevisionIdException", "ResourceNotFoundException"])
    def test_policy_gone_between_read_and_put(self, stage: Stage, code: str) -> None:
        """A policy that vanished after the read is put again, whichever error the service returns."""
        stage.put(OTHER, at=STARTED - DAY)
        stage.rekognition.switches.put_revision_absent = code  # type: ignore[assignment]

        def vanish(operation: str, _: object) -> None:
            if operation == PUT and stage.live():
                stage.remove()

        stage.rekognition.faults.before = vanish
        assert stage.send(stage.event("update")).failure == ""
        assert stage.live_is(MINE)


class TestDelete:
    """A Delete removes what this resource made, and nothing else."""

    def test_deletes_although_the_list_does_not_show_it_yet(self, stage: Stage) -> None:
        """A policy put a moment ago is deleted even where the list lags behind."""
        stage.rekognition.switches.list_lag = 60
        stage.put(MINE)
        assert stage.send(stage.event("delete")).failure == ""
        stage.time.now += 61
        assert stage.live() is None

    def test_project_that_is_gone_is_success(self, stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
        """DeleteProject takes the policies along, so there is nothing left to do."""
        event = stage.event("delete")
        stage.client.delete_project(ProjectArn=stage.project_arn)
        with caplog.at_level(logging.INFO, "project_policy"):
            assert stage.send(event).failure == ""
        assert json.loads(caplog.messages[-1])["did"] == "nothing: the project is gone, and its policies with it"

    def test_of_a_canceled_create_waits_for_it(self, stage: Stage) -> None:
        """A Create that lands a few seconds after its own Delete does not stay."""

        def land(operation: str, _: object) -> None:
            if stage.time.now >= STARTED + 4 and stage.live() is None and operation == LIST:
                stage.put(MINE)
                stage.rekognition.faults.before = lambda *_: None

        stage.rekognition.faults.before = land
        assert stage.send(stage.event("delete", MADE_UP)).failure == ""
        assert stage.live() is None


class TestFaults:
    """Trouble on the way ends in the right state, or in a failure whose rollback does."""

    @pytest.mark.parametrize(("kind", "operation", "says"), [("create", PUT, "already exists"), ("delete", DELETE, "")])
    def test_a_change_that_is_throttled_for_long_reads_again(
        self, stage: Stage, kind: str, operation: str, says: str
    ) -> None:
        """It doesn't land on what somebody made after it found nothing."""
        stage.rekognition.switches.put_existing_without_revision = "overwrite"

        def throttle_then_foreign(called: str, _: object) -> AwsError | None:
            if called != operation or stage.time.now > STARTED + 30:
                return None
            if stage.time.now > STARTED + 15 and stage.live() is None:
                stage.put(FOREIGN)
            return AwsError("ThrottlingException", "Rate exceeded")

        stage.rekognition.faults.before = throttle_then_foreign
        failure = stage.send(stage.event(kind)).failure
        assert says in failure if says else failure == ""
        assert stage.live_is(FOREIGN)

    @pytest.mark.parametrize("there", [False, True], ids=["put", "not put"])
    def test_a_put_that_was_lost_when_time_was_up_returns_the_real_id(self, stage: Stage, there: bool) -> None:
        """Nobody can read again: the rollback has to remove what may be there."""
        stage.rekognition.faults.inject(PUT, DROP, when="before" if there else "after")
        outcome = stage.send(stage.event("create"), time_left=0.5)
        assert "PutProjectPolicy got no response" in outcome.failure
        assert outcome.physical_id == stage.physical_id

    def test_a_create_in_doubt_returns_the_real_id(self, stage: Stage) -> None:
        """Where a put may have landed when time runs out, the failure names the policy for the rollback to remove."""
        stage.rekognition.faults.after = lambda operation, _: DROP if operation == PUT else None

        def blind(operation: str, _: object) -> object:
            return DROP if operation == LIST and stage.live() else None

        stage.rekognition.faults.before = blind  # type: ignore[assignment]
        outcome = stage.send(stage.event("create"))
        assert "got no response" in outcome.failure
        assert outcome.physical_id == stage.physical_id
        assert stage.announced == [stage.physical_id]

    def test_doubt_ends_when_another_policy_is_seen(self, stage: Stage) -> None:
        """Where a put's response was lost and another's policy is live then, the failure does not name it."""
        stage.rekognition.faults.inject(PUT, DROP)

        def foreign(operation: str, _: object) -> None:
            if operation == LIST and len(stage.calls) > 1 and stage.live() is None:
                stage.put(FOREIGN)

        stage.rekognition.faults.before = foreign
        outcome = stage.send(stage.event("create"))
        assert "already exists" in outcome.failure
        assert stage.announced == [stage.physical_id]
        assert outcome.physical_id == MARKER

    def test_doubt_outlasts_a_list_that_is_late(self, stage: Stage) -> None:
        """A put whose response was lost may be live although a late list shows nothing: the failure names it."""
        stage.rekognition.switches.list_lag = 1.5
        stage.rekognition.faults.inject(PUT, DROP, when="after")
        quota = AwsError("LimitExceededException", "Full")
        stage.rekognition.faults.before = lambda operation, _: (
            quota if operation == PUT and stage.calls.count(operation) == 2 else None
        )
        outcome = stage.send(stage.event("create"))
        assert "Service Quotas" in outcome.failure
        assert outcome.physical_id == stage.physical_id

    def test_a_list_that_is_late_after_a_miss_is_given_time(self, stage: Stage) -> None:
        """A put that meets its own predecessor, which the list does not show yet, finds it a moment later."""
        stage.rekognition.switches.list_lag = 1.5
        stage.rekognition.faults.inject(PUT, DROP, when="after")
        outcome = stage.send(stage.event("create"))
        assert outcome.failure == ""
        assert stage.calls.count(PUT) == 2
        live = stage.live()
        assert live is None or live.revision_id == outcome.attributes["PolicyRevisionId"]

    @pytest.mark.parametrize("event", ["create", "update", "delete"])
    def test_nothing_is_changed_after_the_deadline(self, stage: Stage, event: str) -> None:
        """Where reading takes all the time there is, nothing is put or deleted that the response wouldn't cover."""
        if event != "create":
            stage.put(OTHER, at=STARTED - DAY)

        def slow(operation: str, _: object) -> None:
            if operation == LIST:
                stage.time.now += 60

        stage.rekognition.faults.before = slow
        outcome = stage.send(stage.event(event), time_left=60)
        assert "no time was left" in outcome.failure
        assert outcome.physical_id == (MARKER if event == "create" else stage.physical_id)
        assert stage.calls == [LIST]

    @pytest.mark.parametrize("code", ["MalformedPolicyDocumentException", "InvalidParameterException"])
    @pytest.mark.parametrize(
        ("message", "seconds", "succeeds"),
        [
            ("Invalid principal in policy", 14, True),
            ("The Principal isn't known", 14, True),
            ("PRINCIPAL", 16, False),
            ("Bad", 0, False),
        ],
    )
    def test_a_fresh_principal_is_waited_for_a_little(
        self, stage: Stage, code: str, message: str, seconds: float, succeeds: bool
    ) -> None:
        """One made just before may not be known everywhere yet; another malformed document is rejected at once."""
        rejected = AwsError(code, message)
        stage.rekognition.faults.before = lambda operation, _: (
            rejected if operation == PUT and stage.time.now <= STARTED + seconds else None
        )
        outcome = stage.send(stage.event("create"))
        assert (outcome.failure == "") == succeeds
        assert stage.live_is(MINE if succeeds else None)
        assert succeeds or stage.time.now <= STARTED + 16

    def test_a_failed_call_is_logged_with_its_cause(self, stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
        """What the service said stands in the line and in the outcome."""
        stage.rekognition.faults.inject(PUT, AwsError("MalformedPolicyDocumentException", "Bad"))
        outcome = stage.send(stage.event("create"))
        line = json.loads(caplog.messages[-1])
        assert line["cause"] == outcome.cause
        assert outcome.cause.startswith("MalformedPolicyDocumentException: Bad; request ID ")


def test_a_put_of_what_is_live_that_is_rejected_is_logged(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """It was only to make sure that the list isn't late, which a second read does as well."""
    stage.put(MINE, at=STARTED - DAY)
    stage.rekognition.faults.inject(PUT, AwsError("MalformedPolicyDocumentException", "Bad"))
    with caplog.at_level(logging.INFO, "project_policy"):
        assert stage.send(stage.event("update")).failure == ""
    did = "nothing: it's equivalent already, and putting it again was rejected (MalformedPolicyDocumentException)"
    assert json.loads(caplog.messages[-1])["did"] == did
    assert stage.calls == [LIST, PUT, LIST]


@pytest.mark.parametrize(
    "fault", [AwsError("ThrottlingException", "Rate exceeded"), AwsError("InternalServerError", "Oops"), DROP]
)
def test_a_put_of_what_is_live_that_never_gets_through_fails(stage: Stage, fault: object) -> None:
    """The list may hide that the document has been replaced, so the rollback must not report success."""
    stage.put(MINE, at=STARTED - DAY)
    stage.rekognition.faults.before = lambda operation, _: fault if operation == PUT else None  # type: ignore[assignment,return-value]
    assert "continue the rollback" in stage.send(stage.event("update")).failure


@pytest.mark.parametrize(
    ("before", "after", "succeeds"),
    [
        ("false", None, False),
        ("false", "true", False),
        ("false", "false", True),
        (None, None, True),
        (None, "true", True),
    ],
)
def test_block_public_policy_isnt_turned_on_while_the_document_is_public(
    stage: Stage, before: str | None, after: str | None, succeeds: bool
) -> None:
    """Its author would take the models for private; an update that changes nothing about it, or a rollback, passes."""
    stage.put(EVERYBODY, at=STARTED - DAY)
    event = stage.event("update", PolicyDocument=EVERYBODY, BlockPublicPolicy=after)
    old = {**event["ResourceProperties"], "BlockPublicPolicy": before}
    event["OldResourceProperties"] = {name: value for name, value in old.items() if value is not None}
    outcome = stage.send(event)
    assert (outcome.failure == "") == succeeds
    assert succeeds or "shares the model with every AWS account" in outcome.failure
    assert stage.calls == [LIST]
    assert stage.live_is(EVERYBODY)


class TestListedPolicies:
    """ListProjectPolicies may leave out what its API doesn't require, and its lists may be empty."""

    @pytest.mark.parametrize(
        "left_out",
        [
            ("CreationTimestamp", "LastUpdatedTimestamp"),
            ("LastUpdatedTimestamp",),
            ("CreationTimestamp",),
        ],
    )
    def test_without_its_times_a_policy_is_updated_and_deleted(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch, left_out: tuple[str, ...]
    ) -> None:
        """The rules that need a time don't apply; the others do."""
        listed = stage.client.list_project_policies

        def without(**parameters: str) -> object:
            response = listed(**parameters)  # type: ignore[arg-type]
            policies = [
                {key: value for key, value in policy.items() if key not in left_out}
                for policy in response["ProjectPolicies"]
            ]
            return {**response, "ProjectPolicies": policies}

        stage.put(OTHER, at=STARTED - DAY)
        monkeypatch.setattr(stage.client, "list_project_policies", without)
        assert stage.send(stage.event("update")).failure == ""
        assert stage.live_is(MINE)
        assert stage.send(stage.event("delete")).failure == ""
        assert stage.live() is None

    @pytest.mark.parametrize("page", [{}, {"ProjectPolicies": None}, {"ProjectPolicies": [{}], "NextToken": ""}])
    def test_a_list_without_policies_is_empty(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch, page: dict[str, object]
    ) -> None:
        """A list that is absent, null or of nameless elements shows no policy."""
        monkeypatch.setattr(stage.client, "list_project_policies", lambda **_: page)
        assert stage.send(stage.event("create")).failure == ""
        assert stage.live_is(MINE)
