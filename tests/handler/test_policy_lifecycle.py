"""The lifecycle, row by row of the decision table, against the local Rekognition on virtual time."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from localcloud.rekognition import DROP, AwsError
from tests.documents import FOREIGN, MINE, OTHER
from tests.handler.stage import STARTED, Stage

DAY = 86_400.0
MARKER = "not-created:Sharing:0b2e6f4c-6c5d-4b1a-9f0e-2d7f1c3a4b5c"
IN_DOUBT = "in-doubt:Sharing:0b2e6f4c-6c5d-4b1a-9f0e-2d7f1c3a4b5c"


class TestCreate:
    """A Create puts a policy where there is none, and nothing else."""

    def test_puts_the_policy_and_tells_its_revision(self, stage: Stage) -> None:
        """Two calls put the policy; the ID is stable and the revision is an attribute."""
        outcome = stage.send(stage.event("create"))
        live = stage.live()
        assert live is not None
        assert stage.live_is(MINE)
        assert outcome.failure == ""
        assert outcome.physical_id == stage.physical_id
        assert outcome.attributes == {
            "PolicyRevisionId": live.revision_id,
            "PolicyName": "sharing",
            "ProjectArn": stage.project_arn,
        }
        assert stage.calls == ["ListProjectPolicies", "PutProjectPolicy"]

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

    def test_repeated_delivery_changes_nothing(self, stage: Stage) -> None:
        """The same event again finds its own work and responds the same."""
        event = stage.event("create")
        first = stage.send(event)
        stage.time.now += 100
        assert stage.send(event) == first
        assert stage.calls == ["ListProjectPolicies"]

    def test_rejects_a_policy_that_is_equivalent_but_older(self, stage: Stage) -> None:
        """A second owner is rejected, with the marker as its ID, so that its Delete touches nothing."""
        revision = stage.put(MINE, at=STARTED - 2)
        outcome = stage.send(stage.event("create"))
        assert "already exists" in outcome.failure
        assert "AdoptExisting" in outcome.failure
        assert outcome.physical_id == MARKER
        assert stage.live().revision_id == revision  # type: ignore[union-attr]

    def test_reads_again_before_it_rejects(self, stage: Stage) -> None:
        """A list that still shows a policy that was just deleted does not make a Create fail."""
        stage.put(FOREIGN, at=STARTED - DAY)
        stage.rekognition.switches.list_lag = 1.5
        stage.remove()
        outcome = stage.send(stage.event("create"))
        assert outcome.failure == ""
        stage.time.now += 2
        assert stage.live_is(MINE)

    def test_adopts_what_is_equivalent_where_asked(self, stage: Stage) -> None:
        """AdoptExisting takes over an equivalent policy, with an ID of three parts, and changes nothing."""
        revision = stage.put(MINE, at=STARTED - DAY)
        outcome = stage.send(stage.event("create", AdoptExisting="true"))
        assert outcome.failure == ""
        assert outcome.physical_id == f"{stage.physical_id}|adopted"
        assert outcome.attributes["PolicyRevisionId"] == revision
        assert stage.calls == ["ListProjectPolicies", "ListProjectPolicies"]  # not what is just being deleted

    def test_does_nothing_after_cloudformation_gave_up(self, stage: Stage) -> None:
        """A Create older than its ServiceTimeout makes nothing, because nothing would ever remove it."""
        stage.time.now += 901
        outcome = stage.send(stage.event("create"))
        assert "no longer waits" in outcome.failure
        assert outcome.physical_id == f"{IN_DOUBT}:{stage.time.now:.0f}"
        assert stage.calls == []

    def test_missing_project_is_named(self, stage: Stage) -> None:
        """A project that does not exist fails and says what to check."""
        stage.client.delete_project(ProjectArn=stage.project_arn)
        outcome = stage.send(stage.event("create"))
        assert "the project does not exist" in outcome.failure
        assert outcome.physical_id == f"{IN_DOUBT}:{stage.time.now:.0f}"

    def test_sixth_policy_names_the_quota_at_once(self, stage: Stage) -> None:
        """A full project fails without another try, with where to raise the quota."""
        for number in range(5):
            stage.put(FOREIGN, f"other-{number}")
        outcome = stage.send(stage.event("create"))
        assert "Service Quotas" in outcome.failure
        assert outcome.physical_id == MARKER
        assert stage.calls == ["ListProjectPolicies", "PutProjectPolicy"]


class TestReplacement:
    """An Update to another name or project makes the other policy and leaves the old one to its own Delete."""

    def test_puts_the_other_policy_under_a_new_id(self, stage: Stage) -> None:
        """The new policy is made beside the old one, which stays until CloudFormation deletes it."""
        stage.put(OTHER, at=STARTED - DAY)
        outcome = stage.send(stage.event("update-replacement"))
        assert outcome.physical_id == f"{stage.project_arn}|sharing-2"
        assert stage.live_is(OTHER, "sharing")
        assert stage.live_is(MINE, "sharing-2")

    def test_failure_keeps_the_old_id(self, stage: Stage) -> None:
        """A rejected replacement keeps its old ID, because another one would have the old policy deleted."""
        stage.put(OTHER, at=STARTED - DAY)
        stage.put(FOREIGN, "sharing-2", at=STARTED - DAY)
        outcome = stage.send(stage.event("update-replacement"))
        assert "already exists" in outcome.failure
        assert outcome.physical_id == stage.physical_id
        assert stage.live_is(FOREIGN, "sharing-2")

    def test_of_an_adopted_policy_owns_the_new_one(self, stage: Stage) -> None:
        """To own an adopted policy one renames it: the new policy is the stack's."""
        stage.put(OTHER, at=STARTED - DAY)
        event = stage.event("update-replacement") | adopted(stage)
        assert stage.send(event).physical_id == f"{stage.project_arn}|sharing-2"


class TestUpdate:
    """An Update edits the policy its ID names, at the revision it has seen."""

    def test_puts_the_new_document(self, stage: Stage) -> None:
        """Two calls edit the policy in place; the revision is another, the ID the same."""
        before = stage.put(OTHER, at=STARTED - DAY)
        outcome = stage.send(stage.event("update"))
        assert stage.live_is(MINE)
        assert outcome.physical_id == stage.physical_id
        assert outcome.attributes["PolicyRevisionId"] not in ("", before)
        assert stage.calls == ["ListProjectPolicies", "PutProjectPolicy"]

    def test_one_call_when_nothing_differs(self, stage: Stage) -> None:
        """Where only other properties changed, one read is enough."""
        stage.put(MINE, at=STARTED - DAY)
        event = stage.event("update")
        event["OldResourceProperties"]["PolicyDocument"] = json.dumps(MINE, indent=2)
        outcome = stage.send(event)
        assert outcome.failure == ""
        assert stage.calls == ["ListProjectPolicies"]

    def test_reads_again_where_the_list_may_lag(self, stage: Stage) -> None:
        """A reverse Update does not believe a list that still shows what it wants but is gone by now."""
        stage.put(MINE, at=STARTED - DAY)
        stage.rekognition.switches.list_lag = 1.5
        stage.put(OTHER, at=STARTED - 1)
        outcome = stage.send(stage.event("update"))
        assert outcome.failure == ""
        stage.time.now += 2
        assert stage.live_is(MINE)

    def test_edits_an_adopted_policy_and_keeps_it_adopted(self, stage: Stage) -> None:
        """An adopted policy may be edited, and is never promoted to owned."""
        stage.put(OTHER, at=STARTED - DAY)
        assert stage.send(stage.event("update") | adopted(stage)).physical_id == f"{stage.physical_id}|adopted"
        assert stage.live_is(MINE)

    def test_a_lost_race_is_decided_again(self, stage: Stage) -> None:
        """A revision that went stale between read and put is read again, and the put lands."""
        stage.put(OTHER, at=STARTED - DAY)
        stage.rekognition.faults.inject("PutProjectPolicy", AwsError("InvalidPolicyRevisionIdException", "stale"))
        assert stage.send(stage.event("update")).failure == ""
        assert stage.live_is(MINE)

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
        stage.rekognition.faults.before = lambda operation, _: (
            AwsError(code, "stale") if operation == "PutProjectPolicy" else None
        )
        outcome = stage.send(stage.event("update"))
        assert said in outcome.failure
        assert outcome.physical_id == stage.physical_id
        assert stage.calls.count("PutProjectPolicy") == 5

    @pytest.mark.parametrize("code", ["InvalidPolicyRevisionIdException", "ResourceNotFoundException"])
    def test_policy_gone_between_read_and_put(self, stage: Stage, code: str) -> None:
        """A policy that vanished after the read is put again, whichever error the service returns."""
        stage.put(OTHER, at=STARTED - DAY)
        stage.rekognition.switches.put_revision_absent = code  # type: ignore[assignment]

        def vanish(operation: str, _: object) -> None:
            if operation == "PutProjectPolicy" and stage.live():
                stage.remove()

        stage.rekognition.faults.before = vanish
        assert stage.send(stage.event("update")).failure == ""
        assert stage.live_is(MINE)


class TestDelete:
    """A Delete removes what this resource made, and nothing else."""

    def test_deletes_its_policy(self, stage: Stage) -> None:
        """Two calls take the policy away, at the revision that was seen; the ID is echoed."""
        revision = stage.put(MINE, at=STARTED - DAY)
        outcome = stage.send(stage.event("delete"))
        assert stage.live() is None
        assert outcome.failure == ""
        assert outcome.physical_id == stage.physical_id
        assert stage.calls == ["ListProjectPolicies", "DeleteProjectPolicy"]
        assert stage.rekognition.calls[1][1]["PolicyRevisionId"] == revision

    def test_ignores_properties_that_are_no_longer_valid(self, stage: Stage) -> None:
        """The ID alone says what to delete, so that a bad property never blocks it."""
        stage.put(MINE, at=STARTED - DAY)
        outcome = stage.send(stage.event("delete", PolicyDocument="{", Unknown="x"))
        assert outcome.failure == ""
        assert stage.live() is None

    def test_deletes_although_the_list_does_not_show_it_yet(self, stage: Stage) -> None:
        """A policy put a moment ago is deleted even where the list lags behind."""
        stage.rekognition.switches.list_lag = 60
        stage.put(MINE)
        assert stage.send(stage.event("delete")).failure == ""
        stage.time.now += 61
        assert stage.live() is None

    def test_project_that_is_gone_is_success(self, stage: Stage) -> None:
        """DeleteProject takes the policies along, so there is nothing left to do."""
        event = stage.event("delete")
        stage.client.delete_project(ProjectArn=stage.project_arn)
        assert stage.send(event).failure == ""

    @pytest.mark.parametrize("event", ["delete-not-created", "delete-adopted"])
    def test_marker_and_adopted_touch_nothing(self, stage: Stage, event: str) -> None:
        """A Create that made nothing, and an adoption, leave the policy where it is, without a call."""
        stage.put(MINE, at=STARTED - DAY)
        assert stage.send(stage.event(event)).failure == ""
        assert stage.live_is(MINE)
        assert stage.calls == []

    def test_revision_that_went_stale_is_read_again(self, stage: Stage) -> None:
        """An edit between read and delete does not leave the policy behind."""
        stage.put(MINE, at=STARTED - DAY)
        stage.rekognition.faults.inject("DeleteProjectPolicy", AwsError("InvalidPolicyRevisionIdException", "stale"))
        assert stage.send(stage.event("delete")).failure == ""
        assert stage.live() is None


class TestDeleteOfACanceledCreate:
    """CloudFormation cancels a Create with an ID of its own making; only the Create's own policy goes."""

    def test_waits_for_a_create_in_flight(self, stage: Stage) -> None:
        """A Create that lands a few seconds after its own Delete does not stay."""

        def land(operation: str, _: object) -> None:
            if stage.time.now >= STARTED + 4 and stage.live() is None and operation == "ListProjectPolicies":
                stage.put(MINE)
                stage.rekognition.faults.before = lambda *_: None

        stage.rekognition.faults.before = land
        assert stage.send(stage.event("delete-canceled-create")).failure == ""
        assert stage.live() is None

    def test_does_not_wait_forever(self, stage: Stage) -> None:
        """Where nothing was made the Delete ends within ten seconds."""
        assert stage.send(stage.event("delete-canceled-create")).failure == ""
        assert sum(stage.time.slept) <= 10

    def test_whose_properties_were_rejected_makes_no_call(self, stage: Stage) -> None:
        """Properties that no Create accepts cannot have made anything."""
        assert stage.send(stage.event("delete-canceled-create", PolicyName="not valid!")).failure == ""
        assert stage.calls == []


class TestFaults:
    """Trouble on the way ends in the right state, or in a failure whose rollback does."""

    @pytest.mark.parametrize("operation", ["ListProjectPolicies", "PutProjectPolicy"])
    @pytest.mark.parametrize(
        "fault",
        [
            AwsError("ThrottlingException", "Rate exceeded"),
            AwsError("ProvisionedThroughputExceededException", "Too much"),
            AwsError("InternalServerError", "Inside"),
            DROP,
        ],
        ids=["throttled", "throughput", "inside", "dropped"],
    )
    def test_a_create_outlasts_trouble_before_the_effect(self, stage: Stage, operation: str, fault: AwsError) -> None:
        """Six failures in a row, each before anything happened, only delay the policy."""
        stage.rekognition.faults.inject(operation, *[fault] * 6)
        assert stage.send(stage.event("create")).failure == ""
        assert stage.live_is(MINE)

    @pytest.mark.parametrize("fault", [AwsError("InternalServerError", "Inside"), DROP], ids=["inside", "dropped"])
    @pytest.mark.parametrize("event", ["create", "update", "update-replacement", "delete"])
    def test_a_response_lost_after_the_effect(self, stage: Stage, event: str, fault: AwsError) -> None:
        """A change that landed although its response was lost is found by the next read, not repeated blindly."""
        if event != "create":
            stage.put(OTHER, at=STARTED - DAY)
        operation = "DeleteProjectPolicy" if event == "delete" else "PutProjectPolicy"
        stage.rekognition.faults.inject(operation, fault, when="after")
        outcome = stage.send(stage.event(event))
        assert outcome.failure == ""
        live = stage.live("sharing-2" if event == "update-replacement" else "sharing")
        assert outcome.attributes["PolicyRevisionId"] == (live.revision_id if live else "")
        assert (live is None) == (event == "delete")

    def test_a_put_that_is_throttled_for_long_reads_again(self, stage: Stage) -> None:
        """It doesn't land on what somebody made meanwhile."""
        stage.rekognition.switches.put_existing_without_revision = "overwrite"

        def throttle_then_foreign(operation: str, _: object) -> AwsError | None:
            if operation != "PutProjectPolicy" or stage.time.now > STARTED + 30:
                return None
            if stage.time.now > STARTED + 15 and stage.live() is None:
                stage.put(FOREIGN)
            return AwsError("ThrottlingException", "Rate exceeded")

        stage.rekognition.faults.before = throttle_then_foreign
        assert "already exists" in stage.send(stage.event("create")).failure
        assert stage.live_is(FOREIGN)

    @pytest.mark.parametrize("there", [False, True], ids=["put", "not put"])
    def test_a_put_that_was_lost_when_time_was_up_returns_the_real_id(self, stage: Stage, there: bool) -> None:
        """Nobody can read again: the rollback has to remove what may be there."""
        stage.rekognition.faults.inject("PutProjectPolicy", DROP, when="before" if there else "after")
        outcome = stage.send(stage.event("create"), time_left=0.5)
        assert "PutProjectPolicy got no response" in outcome.failure
        assert outcome.physical_id == stage.physical_id

    def test_a_delete_that_is_throttled_for_long_reads_again(self, stage: Stage) -> None:
        """It doesn't remove what somebody made after it found nothing."""

        def throttle_then_foreign(operation: str, _: object) -> AwsError | None:
            if operation != "DeleteProjectPolicy" or stage.time.now > STARTED + 30:
                return None
            if stage.time.now > STARTED + 15 and stage.live() is None:
                stage.put(FOREIGN)
            return AwsError("ThrottlingException", "Rate exceeded")

        stage.rekognition.faults.before = throttle_then_foreign
        assert stage.send(stage.event("delete")).failure == ""
        assert stage.live_is(FOREIGN)

    def test_a_create_in_doubt_returns_the_real_id(self, stage: Stage) -> None:
        """Where a put may have landed when time runs out, the failure names the policy for the rollback to remove."""
        stage.rekognition.faults.after = lambda operation, _: DROP if operation == "PutProjectPolicy" else None

        def blind(operation: str, _: object) -> object:
            return DROP if operation == "ListProjectPolicies" and stage.live() else None

        stage.rekognition.faults.before = blind  # type: ignore[assignment]
        outcome = stage.send(stage.event("create"))
        assert "got no response" in outcome.failure
        assert outcome.physical_id == stage.physical_id
        assert stage.announced == [stage.physical_id]

    def test_doubt_ends_when_another_policy_is_seen(self, stage: Stage) -> None:
        """Where a put's response was lost and another's policy is live then, the failure does not name it."""
        stage.rekognition.faults.inject("PutProjectPolicy", DROP)

        def foreign(operation: str, _: object) -> None:
            if operation == "ListProjectPolicies" and len(stage.calls) > 1 and stage.live() is None:
                stage.put(FOREIGN)

        stage.rekognition.faults.before = foreign
        outcome = stage.send(stage.event("create"))
        assert "already exists" in outcome.failure
        assert stage.announced == [stage.physical_id]
        assert outcome.physical_id == MARKER

    def test_doubt_outlasts_a_list_that_is_late(self, stage: Stage) -> None:
        """A put whose response was lost may be live although a late list shows nothing: the failure names it."""
        stage.rekognition.switches.list_lag = 1.5
        stage.rekognition.faults.inject("PutProjectPolicy", DROP, when="after")
        quota = AwsError("LimitExceededException", "Full")
        stage.rekognition.faults.before = lambda operation, _: (
            quota if operation == "PutProjectPolicy" and stage.calls.count(operation) == 2 else None
        )
        outcome = stage.send(stage.event("create"))
        assert "Service Quotas" in outcome.failure
        assert outcome.physical_id == stage.physical_id

    def test_a_list_that_is_late_after_a_miss_is_given_time(self, stage: Stage) -> None:
        """A put that meets its own predecessor, which the list does not show yet, finds it a moment later."""
        stage.rekognition.switches.list_lag = 1.5
        stage.rekognition.faults.inject("PutProjectPolicy", DROP, when="after")
        outcome = stage.send(stage.event("create"))
        assert outcome.failure == ""
        assert stage.calls.count("PutProjectPolicy") == 2
        live = stage.live()
        assert live is None or live.revision_id == outcome.attributes["PolicyRevisionId"]

    def test_throttling_ends_at_the_deadline(self, stage: Stage) -> None:
        """Throttled until the deadline, the request fails before its function is ended, with what to do."""
        stage.rekognition.faults.before = lambda *_: AwsError("ThrottlingException", "Rate exceeded")
        outcome = stage.send(stage.event("create"), time_left=100)
        assert "throttled ListProjectPolicies" in outcome.failure
        assert outcome.physical_id == f"{IN_DOUBT}:{stage.time.now:.0f}"
        assert stage.time.now <= STARTED + 100

    @pytest.mark.parametrize("event", ["create", "update", "delete"])
    def test_nothing_is_changed_after_the_deadline(self, stage: Stage, event: str) -> None:
        """Where reading takes all the time there is, nothing is put or deleted that the response wouldn't cover."""
        if event != "create":
            stage.put(OTHER, at=STARTED - DAY)

        def slow(operation: str, _: object) -> None:
            if operation == "ListProjectPolicies":
                stage.time.now += 60

        stage.rekognition.faults.before = slow
        outcome = stage.send(stage.event(event), time_left=60)
        assert "no time was left" in outcome.failure
        assert outcome.physical_id == (MARKER if event == "create" else stage.physical_id)
        assert stage.calls == ["ListProjectPolicies"]

    def test_a_permission_seen_late_is_waited_for(self, stage: Stage) -> None:
        """AccessDenied is retried for half a minute."""
        denied = AwsError("AccessDeniedException", "not authorized")
        stage.rekognition.faults.before = lambda operation, _: (
            denied if operation == "PutProjectPolicy" and stage.time.now < STARTED + 20 else None
        )
        assert stage.send(stage.event("create")).failure == ""

    def test_a_missing_permission_fails_in_time_and_names_it(self, stage: Stage) -> None:
        """A permission that stays away fails within a minute and is named."""
        denied = AwsError("AccessDeniedException", "not authorized")
        stage.rekognition.faults.before = lambda operation, _: denied if operation == "PutProjectPolicy" else None
        outcome = stage.send(stage.event("create"))
        assert "rekognition:PutProjectPolicy" in outcome.failure
        assert stage.time.now < STARTED + 60

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
            rejected if operation == "PutProjectPolicy" and stage.time.now <= STARTED + seconds else None
        )
        outcome = stage.send(stage.event("create"))
        assert (outcome.failure == "") == succeeds
        assert stage.live_is(MINE if succeeds else None)
        assert succeeds or stage.time.now <= STARTED + 16


def adopted(stage: Stage) -> dict[str, Any]:
    """Return what makes an event one about an adopted policy."""
    return {"PhysicalResourceId": f"{stage.physical_id}|adopted"}


class TestLog:
    """Each request leaves one line that says what happened, and no secret."""

    @pytest.mark.parametrize(
        ("event", "properties", "there", "after", "did"),
        [
            ("create", {}, None, MINE, "put"),
            ("create", {}, (MINE, 0), MINE, "nothing: this request has put it already"),
            (
                "create",
                {"AdoptExisting": "true"},
                (MINE, -DAY),
                MINE,
                "nothing: it existed and is equivalent, so it's adopted",
            ),
            ("create", {}, (FOREIGN, 5), FOREIGN, "nothing"),
            ("create", {"PolicyName": "no name"}, None, None, "nothing"),
            ("update", {}, None, MINE, "put"),
            ("update", {}, (OTHER, -DAY), MINE, "put"),
            ("update", {}, (FOREIGN, -10), MINE, "put"),
            ("update", {"PolicyDocument": OTHER}, (OTHER, -DAY), OTHER, "nothing: it's equivalent already"),
            (
                "update",
                {"BlockPublicPolicy": "false", "Trigger": "42"},
                (MINE, 0),
                MINE,
                "nothing: this request has put it already",
            ),
            ("update", {}, (FOREIGN, 3), FOREIGN, "nothing"),
            ("update-replacement", {}, (OTHER, -DAY), OTHER, "put"),
            ("delete", {}, (FOREIGN, -DAY), None, "deleted"),
            ("delete", {}, None, None, "nothing: it was gone already"),
            (
                "delete",
                {},
                (MINE, 3),
                MINE,
                "nothing: it was created after this request, so it isn't this resource's",
            ),
            ("delete-adopted", {}, (MINE, -DAY), MINE, "nothing: the policy was adopted, so it stays"),
            ("delete-not-created", {}, (MINE, -DAY), MINE, "nothing: the Create had made nothing"),
            ("delete-canceled-create", {}, (MINE, -960), None, "deleted"),
            ("delete-canceled-create", {}, (FOREIGN, -1), FOREIGN, "nothing: no Create of this resource has put it"),
            ("delete-canceled-create", {}, None, None, "nothing: there is no such policy"),
            (
                "delete-canceled-create",
                {"PolicyDocument": {**MINE, "Statement": []}},
                (MINE, -1),
                MINE,
                "nothing: no Create of this resource has put it",
            ),
            (
                "delete-canceled-create",
                {"PolicyName": "no name"},
                (MINE, -1),
                MINE,
                (
                    'nothing: its Create was rejected (PolicyName "no name" is not valid. Use 1 to 128 letters, '
                    "digits, hyphens, underscores or periods.)"
                ),
            ),
        ],
    )
    def test_one_line_says_what_was_done(
        self,
        stage: Stage,
        caplog: pytest.LogCaptureFixture,
        event: str,
        properties: dict[str, object],
        there: tuple[dict[str, Any], float] | None,
        after: dict[str, Any] | None,
        did: str,
    ) -> None:
        """A failure is an error, with its reason; each line has type, names, ID and revisions, as in the response."""
        before = stage.put(there[0], at=STARTED + there[1]) if there else ""
        stage.time.now += 10
        with caplog.at_level(logging.DEBUG, "project_policy"):
            outcome = stage.send(stage.event(event, **properties))
        assert stage.live_is(after)
        (record,) = [record for record in caplog.records if record.name.startswith("project_policy")]
        line = json.loads(record.getMessage())
        assert line["did"] == did
        assert record.levelno == (logging.ERROR if did == "nothing" else logging.INFO)
        assert bool(outcome.failure) == (did == "nothing")
        assert line["request"].lower() == event.split("-")[0]
        assert (line["failure"], line["physical_id"]) == (outcome.failure, outcome.physical_id)
        assert (line["project"], line["policy"]) == (outcome.attributes["ProjectArn"], outcome.attributes["PolicyName"])
        assert line["revision_after"] == outcome.attributes["PolicyRevisionId"]
        was_read = event != "update-replacement" and "ListProjectPolicies" in stage.calls
        assert line["revision_before"] == (before if was_read else "")
        assert not [
            secret for secret in ("ResponseURL", "X-Amz", "5ec2e7", "https://") if secret in record.getMessage()
        ]

    def test_a_failed_call_is_logged_with_its_cause(self, stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
        """What the service said stands in the line and in the outcome."""
        stage.rekognition.faults.inject("PutProjectPolicy", AwsError("MalformedPolicyDocumentException", "Bad"))
        outcome = stage.send(stage.event("create"))
        line = json.loads(caplog.messages[-1])
        assert line["cause"] == outcome.cause
        assert outcome.cause.startswith("MalformedPolicyDocumentException: Bad; request ID ")


class TestListedPolicies:
    """ListProjectPolicies may leave out what its API doesn't require, and its page tokens may expire."""

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

    def test_a_page_token_that_expired_begins_the_list_again(self, stage: Stage) -> None:
        """The policy on the second page is found all the same, and a token that always expires fails."""
        stage.rekognition.switches.policies_per_project = 20
        for number in range(6):
            stage.put(FOREIGN, f"other-{number:02}", at=STARTED - DAY)
        stage.put(OTHER, at=STARTED - DAY)
        expired = AwsError("InvalidPaginationTokenException", "Expired")
        calls = iter([None, expired])
        stage.rekognition.faults.before = lambda operation, _: (
            next(calls, None) if operation == "ListProjectPolicies" else None
        )
        assert stage.send(stage.event("update")).failure == ""
        lists = [parameters for operation, parameters in stage.rekognition.calls if operation == "ListProjectPolicies"]
        assert ["NextToken" in each for each in lists[:4]] == [False, True, False, True]
        assert stage.live_is(MINE)
        stage.rekognition.faults.before = lambda *_: expired
        assert "changed while they were listed" in stage.send(stage.event("update")).failure


class TestStricterRules:
    """A policy may be live that today's rules reject: another version of the provider has put it."""

    def test_an_update_to_it_succeeds_and_grants_nothing_new(self, stage: Stage) -> None:
        """A rollback to what is live isn't blocked: it's only put again, at its revision, because the list may lag."""
        everybody = {**MINE, "Statement": [{**MINE["Statement"][0], "Principal": "*"}]}
        revision = stage.put(everybody, at=STARTED - DAY)
        outcome = stage.send(stage.event("update", PolicyDocument=everybody))
        assert outcome.failure == ""
        assert stage.live_is(everybody)
        assert stage.calls == ["ListProjectPolicies", "PutProjectPolicy"]
        assert stage.rekognition.calls[1][1]["PolicyRevisionId"] == revision

    def test_a_canceled_creates_policy_goes(self, stage: Stage) -> None:
        """The rollback that cancels a Create may bring back a provider with stricter rules than the Create met."""
        everybody = {**MINE, "Statement": [{**MINE["Statement"][0], "Principal": "*"}]}
        stage.put(everybody, at=STARTED - 5)
        assert stage.send(stage.event("delete-canceled-create", PolicyDocument=everybody)).failure == ""
        assert stage.live_is(None)
