"""The lifecycle of a copy, row by row of copy-lifecycle.md, through the function as Lambda runs it."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from localcloud.rekognition import AwsError
from project_version_copy.identity import TAG_PREFIX, CopyInputs
from project_version_copy.versions import LiveVersion, ProjectVersions
from rekognition.arns import ModelVersion
from tests.documents import REGION
from tests.handler.copy_stage import DAY, DESTINATION, MADE_UP, STACK, VERSION, CopyStage
from tests.handler.stage import STARTED, VirtualTime
from tests.simulator.function import Delivery
from tests.simulator.service import Calls
from tests.simulator.versions import ACCOUNT

IN_DOUBT = "in-doubt:Copy:request-1:1700003600"
INPUTS_DIGEST = "c464721ddda75daa5a58c7f7bf46a11e38a6038f148e72d430b5784fe246da62"
COPY = "CopyProjectVersion"
CHANGES = (COPY, "DeleteProjectVersion", "StopProjectVersion", "TagResource", "UntagResource")


@pytest.fixture
def stage() -> CopyStage:
    """A function and a project to copy to, on virtual time."""
    return CopyStage()


def succeeded(received: dict[str, Any]) -> bool:
    """Return whether a response says SUCCESS."""
    return bool(received["Status"] == "SUCCESS")


def changes(stage: CopyStage) -> list[str]:
    """Return the calls that change something."""
    return stage.versions.calls(*CHANGES)


class TestCreate:
    """A Create, and what is live under the copy's name."""

    def test_copies_and_waits_until_it_is_copied(self, stage: CopyStage) -> None:
        """None: one CopyProjectVersion, and the response when the copy is finished, three runs later."""
        received = stage.send("Create", stage.properties())
        assert succeeded(received)
        assert received["PhysicalResourceId"] == stage.arn
        assert received["Data"] == {
            "ProjectVersionArn": stage.arn,
            "VersionName": stage.version().arn.name,
            "ProjectArn": stage.versions.destination,
        }
        assert changes(stage) == ["CopyProjectVersion", "TagResource"]
        assert stage.version().tags["rekognition-version-copy:responded"] == str(int(stage.time.now))
        assert stage.runs == 3

    def test_gives_the_service_all_that_the_template_says(self, stage: CopyStage) -> None:
        """The owner's tags come with the copy, so that it is known from its first moment whose it is."""
        stage.send(
            "Create",
            stage.properties(
                VersionName="mine",
                KmsKeyId="alias/models",
                Tags={"team": "a"},
                OutputConfig={"S3Bucket": "results", "S3KeyPrefix": "copies/"},
            ),
        )
        (asked,) = [
            parameters for operation, parameters in stage.versions.service.calls if operation == "CopyProjectVersion"
        ]
        assert asked == {
            "SourceProjectArn": stage.versions.source_project,
            "SourceProjectVersionArn": stage.versions.sources["v1"],
            "DestinationProjectArn": stage.versions.destination,
            "VersionName": "mine",
            "OutputConfig": {"S3Bucket": "results", "S3KeyPrefix": "copies/"},
            "KmsKeyId": "alias/models",
            "Tags": {
                "team": "a",
                f"{TAG_PREFIX}stack": STACK,
                f"{TAG_PREFIX}resource": "Copy",
                f"{TAG_PREFIX}request": "request-1",
                f"{TAG_PREFIX}inputs": INPUTS_DIGEST,
            },
        }

    def test_is_finished_in_one_run_where_it_takes_seconds(self, stage: CopyStage) -> None:
        """What is done at once is responded to at once, with two reads, although its first try is throttled."""
        stage.versions.switches.copying_time = 1
        stage.versions.service.faults.inject(COPY, AwsError("ThrottlingException", "Rate exceeded"))
        assert succeeded(stage.send("Create", stage.properties()))
        assert stage.runs == 1
        assert stage.versions.calls() == [
            "DescribeProjectVersions",
            COPY,
            COPY,
            "DescribeProjectVersions",
            "TagResource",
        ]

    @pytest.mark.parametrize("seconds", [20, 45, 600])
    def test_waits_for_a_policy_that_comes_a_little_later(self, stage: CopyStage, seconds: float) -> None:
        """A denied call is retried for two minutes, whatever the length of a run."""
        stage.versions.policy.allowed, stage.function.run_seconds = False, seconds
        stage.versions.switches.copying_time = 60
        stage.after(100, lambda: setattr(stage.versions.policy, "allowed", True))
        assert succeeded(stage.send("Create", stage.properties()))

    @pytest.mark.parametrize("seconds", [20, 600])
    def test_fails_where_the_policy_does_not_come(self, stage: CopyStage, seconds: float) -> None:
        """Patience is the request's, not a run's; nothing was made, so its Delete calls nothing."""
        stage.versions.policy.allowed, stage.function.run_seconds = False, seconds
        began = stage.time.now
        received = stage.send("Create", stage.properties())
        assert not succeeded(received)
        assert "AccessDeniedException: User: arn:aws:iam::111122223333:root is not authorized" in received["Reason"]
        assert "project policy of the source project" in received["Reason"]
        assert 60 <= stage.time.now - began <= 160
        assert received["PhysicalResourceId"].startswith("not-created:")
        stage.versions.service.calls.clear()
        assert succeeded(stage.send("Delete", stage.properties(), received["PhysicalResourceId"]))
        assert stage.versions.calls() == []

    def test_that_is_denied_until_it_is_late_says_why(self, stage: CopyStage) -> None:
        """A Create that was throttled first has less time; the reason is the denial, not the time."""
        stage.versions.policy.allowed = False
        began = stage.time.now
        stage.fails("ThrottlingException", when=lambda elapsed: elapsed < 100)
        received = stage.send("Create", stage.properties())
        assert "AccessDeniedException: User: arn:aws:iam::111122223333:root is not authorized" in received["Reason"]
        assert stage.time.now < began + 160

    def test_that_fails_to_copy_responds_with_its_arn(self, stage: CopyStage) -> None:
        """Failed: the reason has the service's own, and the Delete of the rollback removes it."""
        stage.versions.switches.copying_ends = "COPYING_FAILED"
        received = stage.send("Create", stage.properties())
        assert not succeeded(received)
        assert "COPYING_FAILED" in received["Reason"]
        assert "The copy failed" in received["Reason"]
        assert received["PhysicalResourceId"] == stage.arn
        assert succeeded(stage.send("Delete", stage.properties(), received["PhysicalResourceId"]))
        assert stage.versions.live() == {}

    @pytest.mark.parametrize("deleting", [0, 30])
    def test_whose_copy_vanishes_never_copies_again(self, stage: CopyStage, deleting: float) -> None:
        """The request's ARN has vanished: somebody deleted it, perhaps this stack's own rollback."""
        stage.versions.switches.delete_while_copying, stage.versions.switches.deleting_time = "delete", deleting
        stage.after(60, lambda: stage.versions.call("DeleteProjectVersion", ProjectVersionArn=stage.arn))
        received = stage.send("Create", stage.properties())
        assert not succeeded(received)
        assert "deleted" in received["Reason"]
        assert "/version/" in received["PhysicalResourceId"]
        assert stage.versions.calls("CopyProjectVersion") == ["CopyProjectVersion"]

    @pytest.mark.parametrize(
        ("age", "fault", "properties", "reason", "physical_id", "calls", "seconds"),
        [
            (151, (), {}, "within 150 seconds", "not-created:", {"DescribeProjectVersions"}, 3),
            # Nobody waits for it anymore, and it can't say that nothing was made.
            (3600, (), {}, "no longer waits", "in-doubt:Copy:request-1:", set(), 0),
            (0, (), {"VersionName": "no good"}, 'VersionName "no good"', "not-created:", set(), 0),
            # It isn't throttling, so waiting doesn't help.
            (0, ("LimitExceededException", COPY), {}, "quota", "not-created:", {"DescribeProjectVersions", COPY}, 1),
            (
                0,
                ("ServiceQuotaExceededException", COPY),
                {},
                "quota",
                "not-created:",
                {"DescribeProjectVersions", COPY},
                1,
            ),
            # The name is in use, although nothing of the name is listed.
            (
                0,
                ("ResourceInUseException", COPY),
                {"VersionName": "mine"},
                '"mine" of project "copies": its name is taken',
                "not-created:",
                {"DescribeProjectVersions", COPY},
                90,
            ),
            # Nothing could be read.
            (
                0,
                ("AccessDeniedException",),
                {},
                "DescribeProjectVersions was denied",
                "in-doubt:Copy:request-1:17000036",
                {"DescribeProjectVersions"},
                60,
            ),
        ],
    )
    def test_fails_in_time_and_makes_nothing(
        self,
        stage: CopyStage,
        age: float,
        fault: tuple[str, ...],
        properties: dict[str, Any],
        reason: str,
        physical_id: str,
        calls: set[str],
        seconds: float,
    ) -> None:
        """The reason says why, and its Delete knows whether there is something to look for."""
        event = stage.event("Create", stage.properties(**properties))
        stage.time.now += age
        if fault:
            stage.fails(*fault)
        began = stage.time.now
        received = stage.deliver(event)
        assert not succeeded(received)
        assert reason in received["Reason"]
        assert not fault or fault[0] in received["Reason"]
        assert received["PhysicalResourceId"].startswith(physical_id)
        assert set(stage.versions.calls()) == calls
        assert stage.versions.live() == {}
        assert stage.time.now - began < seconds + 1

    @pytest.mark.parametrize("age", [0.0, 3.0, float(DAY)])
    def test_leaves_a_model_version_that_is_not_its_own(self, stage: CopyStage, age: float) -> None:
        """Somebody else's: rejected with the name in the reason; no Delete touches it, whatever its ID."""
        foreign = stage.versions.somebody_copies("mine")
        stage.time.now += age
        received = stage.send("Create", stage.properties(VersionName="mine"))
        assert not succeeded(received)
        assert 'Model version "mine" of project "copies" already exists' in received["Reason"]
        # It has no tags, and those of an earlier delivery's copy may be shown late, so its Delete looks once more.
        assert received["PhysicalResourceId"].startswith("in-doubt:")
        for physical_id in (received["PhysicalResourceId"], MADE_UP, IN_DOUBT):
            assert succeeded(stage.send("Delete", stage.properties(VersionName="mine"), physical_id))
        assert changes(stage) == []
        assert stage.version() == foreign

    def test_fails_where_it_cannot_tell_whose_a_model_version_is(self, stage: CopyStage) -> None:
        """Tags that can't be listed are not none."""
        stage.versions.somebody_copies("mine")
        stage.fails("InvalidParameterException", "ListTagsForResource")
        received = stage.send("Create", stage.properties(VersionName="mine"))
        assert "InvalidParameterException" in received["Reason"]
        assert changes(stage) == []

    def test_adopts_a_finished_copy_of_the_same_where_asked(self, stage: CopyStage) -> None:
        """Its ID ends in |adopted, its attributes don't, and nothing that the stack does later changes it."""
        foreign = stage.versions.somebody_copies("mine")
        stage.time.now += DAY
        wanted = stage.properties(VersionName="mine", AdoptExisting="true", Tags={"team": "a"})
        received = stage.send("Create", wanted)
        assert succeeded(received)
        assert received["PhysicalResourceId"] == f"{foreign.arn}|adopted"
        assert received["Data"]["ProjectVersionArn"] == str(foreign.arn)
        update = stage.send("Update", wanted | {"Tags": {"team": "b"}}, received["PhysicalResourceId"], old=wanted)
        assert succeeded(update)
        assert update["PhysicalResourceId"] == received["PhysicalResourceId"]
        assert succeeded(stage.send("Delete", wanted, received["PhysicalResourceId"]))
        assert changes(stage) == []
        assert stage.version() == foreign

    def test_takes_over_what_a_canceled_deployment_left(self, stage: CopyStage) -> None:
        """Its tags name this resource, its name does too, and CloudFormation never received it: no second copy."""
        died = Delivery(attempts=[Calls(dies_after=1), Calls(dies_after=0), Calls(dies_after=0)])
        stage.cloud.play(lambda: stage.function.send(stage.event("Create", stage.properties()), died))
        left = stage.arn
        stage.time.now += DAY
        received = stage.send("Create", stage.properties())
        assert succeeded(received)
        assert received["PhysicalResourceId"] == left
        assert stage.version().tags["rekognition-version-copy:request"] == "request-2"
        assert stage.versions.calls(COPY) == [COPY]

    def test_copies_where_what_has_its_name_goes_while_it_is_read(self, stage: CopyStage) -> None:
        """Its tags can't be listed anymore, and the next read doesn't show it."""
        foreign = stage.versions.somebody_copies("mine")
        stage.time.now += DAY

        def vanish(operation: str, _: object) -> None:
            if operation == "ListTagsForResource" and stage.versions.live().get(str(foreign.arn)) is foreign:
                stage.versions.switches.deleting_time = 0
                stage.versions.store.delete_version(ACCOUNT, REGION, str(foreign.arn))

        stage.versions.service.faults.before = vanish
        assert succeeded(stage.send("Create", stage.properties(VersionName="mine")))

    def test_slower_than_cloudformation_waits_fails_with_its_arn(self, stage: CopyStage) -> None:
        """Not ready a minute before the end: FAILED in time; the Delete waits, and can be repeated."""
        stage.versions.switches.copying_time = 9000
        began = stage.time.now
        received = stage.send("Create", stage.properties())
        assert not succeeded(received)
        assert "COPYING_IN_PROGRESS" in received["Reason"]
        assert received["PhysicalResourceId"] == stage.arn
        assert 3500 < stage.time.now - began <= 3540
        delete = stage.send("Delete", stage.properties(), received["PhysicalResourceId"])
        assert "COPYING_IN_PROGRESS" in delete["Reason"]
        assert succeeded(stage.send("Delete", stage.properties(), received["PhysicalResourceId"]))
        assert stage.versions.live() == {}

    def test_says_what_it_waits_for_where_its_runs_are_used_up(self, stage: CopyStage) -> None:
        """However short the runs, a request ends with its ARN and a reason."""
        stage.function.run_seconds = 20
        received = stage.send("Create", stage.properties())
        assert stage.runs == 12
        assert "COPYING_IN_PROGRESS" in received["Reason"]
        assert received["PhysicalResourceId"] == stage.arn

    def test_is_in_doubt_where_its_copy_got_no_response_and_nothing_can_be_read(self, stage: CopyStage) -> None:
        """The ID says so, and its Delete finds the copy by its tags."""
        fault = AwsError("InternalServerError", "oops", 500)
        stage.versions.service.faults.inject("CopyProjectVersion", fault, when="after")
        stage.fails("ThrottlingException", when=lambda elapsed: 0.3 < elapsed < 3600)
        received = stage.send("Create", stage.properties())
        assert "throttled" in received["Reason"]
        assert received["PhysicalResourceId"].startswith("in-doubt:Copy:request-1:")
        stage.time.now += 100
        assert succeeded(stage.send("Delete", stage.properties(), received["PhysicalResourceId"]))
        assert stage.versions.live() == {}

    def test_waits_for_a_project_made_in_the_same_stack(self, stage: CopyStage) -> None:
        """A project that was created just before may not be known everywhere yet."""
        project = stage.versions.project("new")
        stage.fails("ResourceNotFoundException", when=lambda elapsed: elapsed < 10)
        assert succeeded(stage.send("Create", stage.properties(DestinationProjectArn=project)))

    def test_that_was_denied_first_sees_a_copy_that_shows_late(self, stage: CopyStage) -> None:
        """For how long nothing was seen before the copy says nothing about it."""
        stage.function.poll_seconds, stage.versions.switches.versions_lag = 0.1, 1.5
        stage.versions.switches.copying_time, stage.versions.policy.allowed = 5, False
        stage.after(50, lambda: setattr(stage.versions.policy, "allowed", True))
        assert succeeded(stage.send("Create", stage.properties()))

    def test_that_was_denied_first_fails_for_what_came_later_only(self, stage: CopyStage) -> None:
        """The reason of a failed copy has no denial in it that was over by then."""
        stage.versions.policy.allowed, stage.versions.switches.copying_ends = False, "COPYING_FAILED"
        stage.after(50, lambda: setattr(stage.versions.policy, "allowed", True))
        received = stage.send("Create", stage.properties())
        assert "COPYING_FAILED" in received["Reason"]
        assert "AccessDenied" not in received["Reason"]

    def test_outlasts_two_denials_far_apart(self, stage: CopyStage) -> None:
        """What was met counts until a call works, not for the whole request."""
        stage.fails(
            "AccessDeniedException",
            "DescribeProjectVersions",
            when=lambda elapsed: elapsed < 10 or 1000 < elapsed < 1010,
        )
        assert succeeded(stage.send("Create", stage.properties()))

    def test_throttling_at_the_end_of_a_run_fails_nothing(self, stage: CopyStage) -> None:
        """The next run goes on, whatever the last call met."""
        stage.fails("ThrottlingException", when=lambda elapsed: 590 < elapsed < 660)
        assert succeeded(stage.send("Create", stage.properties()))


class TestCanceledCreate:
    """A Delete under an ID that nobody here made: CloudFormation canceled the Create."""

    @pytest.mark.parametrize("physical_id", [MADE_UP, IN_DOUBT])
    @pytest.mark.parametrize("name", [None, "mine"])
    def test_removes_what_its_own_tags_tell(self, stage: CopyStage, physical_id: str, name: str | None) -> None:
        """Own tags, young enough: deleted, waiting out the copy, and no longer: its Create has begun long ago."""
        properties = stage.properties(VersionName=name)
        stage.send("Create", properties)
        began = stage.time.now
        assert succeeded(stage.send("Delete", properties, physical_id))
        assert stage.versions.live() == {}
        assert stage.time.now - began < 60

    def test_goes_on_reading_where_what_it_deletes_is_gone(self, stage: CopyStage) -> None:
        """Somebody else has deleted it, and the Create may be delivered once more."""
        stage.send("Create", stage.properties())
        gone = AwsError("ResourceNotFoundException", "Gone")
        stage.versions.service.faults.inject("DeleteProjectVersion", gone)
        assert succeeded(stage.send("Delete", stage.properties(), MADE_UP))
        assert stage.versions.live() == {}

    def test_succeeds_where_cloudformation_waits_less_long(self, stage: CopyStage) -> None:
        """With a short ServiceTimeout it waits as long as that allows, and doesn't fail for nothing."""
        assert succeeded(stage.send("Delete", stage.properties(ServiceTimeout="120"), MADE_UP))

    def test_delivered_late_leaves_a_later_deployments(self, stage: CopyStage) -> None:
        """The same Delete, delivered again minutes later, finds the copy of the next deployment and leaves it."""
        properties = stage.properties(VersionName="mine")
        delete = stage.event("Delete", properties, MADE_UP)
        stage.time.now += 60
        stage.send("Create", properties)
        stage.time.now += 10
        stage.versions.service.calls.clear()
        assert succeeded(stage.deliver(delete))
        assert changes(stage) == []

    def test_of_a_rejected_create_calls_nothing(self, stage: CopyStage) -> None:
        """Properties that can't be read can have made nothing."""
        began = stage.time.now
        assert succeeded(stage.send("Delete", {"Nonsense": "x"}, MADE_UP))
        assert stage.versions.calls() == []
        assert stage.time.now < began + 1


class TestUpdate:
    """An Update of the copy that the physical ID names, and one that replaces it."""

    def test_changes_tags_in_place_and_back(self, stage: CopyStage, caplog: pytest.LogCaptureFixture) -> None:
        """The live version is what is wanted: tags only, the same ID; the owner's tags survive."""
        first, second = {"team": "a", "x": "1"}, {"team": "b", "y": "2"}
        physical_id = stage.made(Tags=first)
        owner = {key: value for key, value in stage.version().tags.items() if key.startswith(TAG_PREFIX)}
        assert len(owner) == 5
        for wanted, old in ((second, first), (first, second)):
            received = stage.send("Update", stage.properties(Tags=wanted), physical_id, old=stage.properties(Tags=old))
            assert succeeded(received)
            assert received["PhysicalResourceId"] == physical_id
            assert received["Data"]["ProjectVersionArn"] == physical_id
            assert stage.version().tags == {**wanted, **owner}
        assert changes(stage) == ["TagResource", "UntagResource"] * 2
        assert json.loads(caplog.messages[-1])["did"] == "tagged"

    @pytest.mark.parametrize(
        ("old", "new", "makes"),
        [
            # They concern the function only.
            ({"VersionName": "mine"}, {"VersionName": "mine", "StopRunning": "true", "AdoptExisting": "true"}, []),
            ({"Tags": {"a": "b"}}, {}, ["UntagResource"]),
            ({"VersionName": "mine"}, {}, []),  # the live version is what is wanted, whatever it is called
            ({"KmsKeyId": "alias/models"}, {"KmsKeyId": "alias/models", "Tags": {"a": "b"}}, ["TagResource"]),
            (
                {"KmsKeyId": "alias/models", "VersionName": "mine"},
                {"KmsKeyId": "alias/models", "VersionName": "mine", "Tags": {"a": "b"}},
                ["TagResource"],
            ),
            # What a copy was made from is in its tags, because Describe may show it in another form.
            ({"KmsKeyId": "alias/models"}, {"KmsKeyId": "alias/other"}, [COPY, "TagResource"]),
            ({"VersionName": "mine"}, {"VersionName": "mine", "DestinationProjectArn": "other"}, [COPY, "TagResource"]),
        ],
    )
    @pytest.mark.parametrize("key_form", ["as_given", "arn"])
    def test_replaces_only_what_differs(
        self, stage: CopyStage, key_form: Any, old: dict[str, Any], new: dict[str, Any], makes: list[str]
    ) -> None:
        """In whichever form Describe shows a KMS key; names are a project's own."""
        stage.versions.switches.key_form = key_form
        if "DestinationProjectArn" in new:
            new = new | {"DestinationProjectArn": stage.versions.project("other")}
        physical_id = stage.made(**old)
        received = stage.send("Update", stage.properties(**new), physical_id, old=stage.properties(**old))
        assert succeeded(received)
        assert (received["PhysicalResourceId"] == physical_id) == (COPY not in makes)
        assert changes(stage) == makes
        project = new.get("DestinationProjectArn", stage.versions.destination)
        assert received["Data"]["ProjectArn"] == project
        name = new.get("VersionName", old.get("VersionName"))
        assert name in (None, received["Data"]["VersionName"])

    def test_goes_on_in_the_next_run_where_a_call_has_used_up_the_time(self, stage: CopyStage) -> None:
        """A call that begins after the deadline fails nothing: there is a next run."""
        physical_id = stage.made()

        def slow(operation: str, _: object) -> None:
            if operation == "DescribeProjectVersions" and stage.runs == 1:
                stage.time.now += 690

        stage.versions.service.faults.before = slow
        wanted = stage.properties(Tags={"team": "a"})
        assert succeeded(stage.send("Update", wanted, physical_id, old=stage.properties()))
        assert stage.runs == 2
        assert stage.version().tags["team"] == "a"

    @pytest.mark.parametrize("names", [(None, None), ("one", "two")])
    def test_replaces_and_the_old_one_is_cleaned_up(self, stage: CopyStage, names: tuple[Any, Any]) -> None:
        """Other facts: another copy beside the old one, under another ID."""
        old, new = stage.properties(VersionName=names[0]), stage.properties("v2", VersionName=names[1])
        physical_id = stage.made(VersionName=names[0])
        received = stage.send("Update", new, physical_id, old=old)
        assert succeeded(received)
        assert received["PhysicalResourceId"] != physical_id
        assert len(stage.versions.live()) == 2
        assert stage.runs > 1
        assert stage.versions.calls().count("ListTagsForResource") == 1  # later runs don't read the old copy again
        assert succeeded(stage.send("Delete", old, physical_id))
        assert stage.arn == received["PhysicalResourceId"]

    @pytest.mark.parametrize(
        ("old", "at_least", "at_most"),
        [
            ({}, 0, 1),  # the same copy, whose template once gave it a name
            ({"Tags": {"x": "1"}}, 0, 5),
            ({"VersionName": "other"}, 20, 30),
            ({"source": "v2"}, 20, 30),
        ],
    )
    def test_waits_for_a_canceled_replacement_only_where_there_was_one(
        self, stage: CopyStage, old: dict[str, Any], at_least: float, at_most: float
    ) -> None:
        """It may still call CopyProjectVersion; an Update of this very copy made nothing else."""
        physical_id = stage.made(VersionName="mine")
        began = stage.time.now
        assert succeeded(stage.send("Update", stage.properties(), physical_id, old=stage.properties(**old)))
        assert at_least <= stage.time.now - began <= at_most

    def test_a_replacement_that_fails_takes_only_itself_back(self, stage: CopyStage) -> None:
        """A failed replacement responds with the new ARN, so that only that is rolled back."""
        physical_id = stage.made()
        stage.versions.switches.copying_ends = "COPYING_FAILED"
        received = stage.send("Update", stage.properties("v2"), physical_id, old=stage.properties())
        assert not succeeded(received)
        assert received["PhysicalResourceId"] not in (physical_id, "")
        assert succeeded(stage.send("Delete", stage.properties("v2"), received["PhysicalResourceId"]))
        assert stage.arn == physical_id

    def test_a_replacement_that_is_denied_changes_nothing(self, stage: CopyStage) -> None:
        """It keeps its ID, and so does the Update back."""
        physical_id = stage.made()
        stage.versions.policy.allowed = False
        received = stage.send("Update", stage.properties("v2"), physical_id, old=stage.properties())
        assert not succeeded(received)
        assert received["PhysicalResourceId"] == physical_id
        back = stage.send("Update", stage.properties(), physical_id, old=stage.properties("v2"))
        assert succeeded(back)
        assert back["PhysicalResourceId"] == physical_id

    @pytest.mark.parametrize(
        "other", [{"source": "v2"}, {"OutputConfig": {"S3Bucket": "others"}}, {"KmsKeyId": "alias/models"}]
    )
    def test_of_something_else_under_the_same_name_is_rejected(self, stage: CopyStage, other: dict[str, Any]) -> None:
        """Same explicit name, other facts: rejected before anything is changed, with the way out."""
        old = stage.properties(VersionName="mine")
        physical_id = stage.made(VersionName="mine")
        new = stage.properties(VersionName="mine", **other)
        received = stage.send("Update", new, physical_id, old=old)
        assert not succeeded(received)
        assert "under the same name. Choose another VersionName" in received["Reason"]
        assert received["PhysicalResourceId"] == physical_id
        assert succeeded(stage.send("Update", old, physical_id, old=new))
        assert changes(stage) == []

    def test_rejected_before_anything_keeps_its_id(self, stage: CopyStage) -> None:
        """Bad properties call nothing; the Update back succeeds."""
        physical_id = stage.made()
        new = stage.properties(VersionName="no good")
        received = stage.send("Update", new, physical_id, old=stage.properties())
        assert not succeeded(received)
        assert received["PhysicalResourceId"] == physical_id
        assert stage.versions.calls() == []
        assert succeeded(stage.send("Update", stage.properties(), physical_id, old=new))

    @pytest.mark.parametrize("name", [None, "mine"])
    def test_copies_anew_what_was_deleted_by_hand(self, stage: CopyStage, name: str | None) -> None:
        """Gone, or going: another copy with another ID; the clean-up of the old ID finds nothing."""
        physical_id = stage.made(VersionName=name)
        stage.somebody("delete", physical_id)
        wanted = stage.properties(VersionName=name, Tags={"a": "b"})
        received = stage.send("Update", wanted, physical_id, old=stage.properties(VersionName=name))
        assert succeeded(received)
        assert received["PhysicalResourceId"] != physical_id
        assert succeeded(stage.send("Delete", wanted, physical_id))
        assert stage.arn == received["PhysicalResourceId"]


class TestDelete:
    """A Delete of a copy by its ARN."""

    def test_waits_until_it_is_gone(self, stage: CopyStage) -> None:
        """Else: one DeleteProjectVersion, and the response when it is no longer listed, so its project can go."""
        physical_id = stage.made()
        stage.versions.switches.deleting_time = 900
        received = stage.send("Delete", stage.properties(), physical_id)
        assert succeeded(received)
        assert received["PhysicalResourceId"] == physical_id
        assert stage.versions.live() == {}
        assert changes(stage) == ["DeleteProjectVersion"]
        assert "ListTagsForResource" not in stage.versions.calls()  # the ARN in the ID says whose it is
        assert stage.runs == 2

    def test_that_the_service_rejects_fails(self, stage: CopyStage) -> None:
        """It is still there, so it can be deleted again."""
        physical_id = stage.made()
        stage.fails("InvalidParameterException", "DeleteProjectVersion")
        received = stage.send("Delete", stage.properties(), physical_id)
        assert not succeeded(received)
        assert "InvalidParameterException" in received["Reason"]
        assert stage.arn == physical_id

    @pytest.mark.parametrize("gone", ["version", "project"])
    def test_of_what_is_gone_succeeds(self, stage: CopyStage, gone: str) -> None:
        """None: it, or its project, was deleted by hand."""
        physical_id = stage.made()
        stage.somebody("delete", physical_id)
        stage.time.now += 60
        if gone == "project":
            stage.versions.store.delete_project(ACCOUNT, REGION, stage.versions.destination)
        assert succeeded(stage.send("Delete", stage.properties(), physical_id))

    @pytest.mark.parametrize("after", [0, 60])
    def test_stops_a_running_version_first_where_asked(self, stage: CopyStage, after: float) -> None:
        """With StopRunning: stopped, then deleted."""
        physical_id = stage.made()
        stage.somebody("start", physical_id)
        stage.time.now += after
        assert succeeded(stage.send("Delete", stage.properties(StopRunning="true"), physical_id))
        assert changes(stage) == ["StopProjectVersion", "DeleteProjectVersion"]
        assert stage.versions.live() == {}

    @pytest.mark.parametrize("switch", ["reject", "delete"])
    def test_during_the_copy_waits_it_out(self, stage: CopyStage, switch: Any) -> None:
        """Copying: it is tried, and where the service refuses, tried again later."""
        stage.versions.switches.delete_while_copying = switch
        stage.versions.switches.copying_time = 4000
        received = stage.send("Create", stage.properties())
        assert succeeded(stage.send("Delete", stage.properties(), received["PhysicalResourceId"]))
        assert stage.versions.live() == {}

    def test_by_its_arn_waits_out_a_copy_in_progress(self, stage: CopyStage) -> None:
        """The status can't be read then, but the version's age tells that it may be one."""
        stage.versions.switches.delete_while_copying, stage.versions.switches.copying_time = "reject", 3590
        received = stage.send("Create", stage.properties())
        new = stage.properties(DestinationProjectArn=stage.versions.project("other"))
        assert succeeded(stage.send("Delete", new, received["PhysicalResourceId"]))
        assert stage.versions.live() == {}

    def test_with_the_new_project_in_its_properties_deletes_by_arn(self, stage: CopyStage) -> None:
        """A clean-up may carry what the copy was replaced by: another project must not be searched for it."""
        physical_id = stage.made(VersionName="mine")
        other = stage.versions.project("other")
        new = stage.properties(VersionName="mine", DestinationProjectArn=other)
        received = stage.send("Update", new, physical_id, old=stage.properties(VersionName="mine"))
        fault = AwsError("InternalServerError", "oops", 500)
        stage.versions.service.faults.inject("DeleteProjectVersion", fault)
        stage.versions.service.calls.clear()
        assert succeeded(stage.send("Delete", new, physical_id))
        assert stage.arn == received["PhysicalResourceId"]
        assert set(stage.versions.calls()) == {"DeleteProjectVersion"}

    def test_with_the_new_project_leaves_a_running_version(self, stage: CopyStage) -> None:
        """The status can't be read then, but the version's age tells that it isn't a copy in progress."""
        physical_id = stage.made()
        stage.somebody("start", physical_id)
        stage.time.now += 60
        new = stage.properties(DestinationProjectArn=stage.versions.project("other"), StopRunning="true")
        received = stage.send("Delete", new, physical_id)
        assert not succeeded(received)
        name = ModelVersion.parse(physical_id).name
        says = f'Model version "{name}" of project "copies" is in use, so it is probably running'
        assert says in received["Reason"]
        assert stage.arn == physical_id

    def test_of_nothing_made_or_adopted_calls_nothing(self, stage: CopyStage) -> None:
        """The marker of a Create that made nothing, and an adopted ID."""
        foreign = stage.versions.somebody_copies("mine")
        for physical_id in ("not-created:Copy:request-1", f"{foreign.arn}|adopted"):
            received = stage.send("Delete", stage.properties(VersionName="mine"), physical_id)
            assert succeeded(received)
            assert received["PhysicalResourceId"] == physical_id
        assert stage.versions.calls() == []


def test_what_the_service_leaves_out_is_empty() -> None:
    """Describe may leave out what its API doesn't require."""
    listed = {"ProjectVersionDescriptions": [{"ProjectVersionArn": VERSION, "Status": "STOPPED"}]}
    client: Any = SimpleNamespace(describe_project_versions=lambda **_: listed, list_tags_for_resource=lambda **_: {})
    versions = ProjectVersions(client, VirtualTime().clock, STARTED + 60, ends=STARTED + 60, met={})
    inputs = CopyInputs("", DESTINATION, "", "", "")
    assert versions.find(DESTINATION, "v1") == LiveVersion(VERSION, "v1", "STOPPED", 0, inputs)
    listed.clear()
    assert versions.find(DESTINATION, "v1") is None


def test_a_copy_whose_response_was_lost_is_found_by_its_tags(stage: CopyStage) -> None:
    """It isn't copied again, even where Describe and the tags lag."""
    stage.versions.switches.versions_lag = stage.versions.switches.tags_lag = 1.5
    stage.versions.service.faults.inject(
        "CopyProjectVersion", AwsError("InternalServerError", "oops", 500), when="after"
    )
    received = stage.send("Create", stage.properties())
    assert succeeded(received)
    assert received["PhysicalResourceId"] == stage.arn


def test_each_run_writes_one_line_without_the_signed_url(stage: CopyStage, caplog: pytest.LogCaptureFixture) -> None:
    """What was asked for, what was live, what was done, and how it ended."""
    caplog.set_level(logging.INFO)
    received = stage.send("Create", stage.properties(VersionName="mine"))
    lines = [json.loads(record.message) for record in caplog.records if record.name.startswith("project_version_copy")]
    assert [line["unfinished"] for line in lines] == [True, True, False]
    assert lines[0] == {
        "request": "Create",
        "project": stage.versions.destination,
        "model_version": "mine",
        "status": "COPYING_IN_PROGRESS",
        "did": "copied",
        "unfinished": True,
        "failure": "",
        "cause": "",
        "physical_id": received["PhysicalResourceId"],
    }
    stage.fails("InvalidParameterException")
    received = stage.send("Create", stage.properties(VersionName="mine"))
    line = json.loads(caplog.messages[-1])
    assert received["Reason"].startswith(f"{line['failure']} ({line['cause']}) CloudWatch Log Stream: ")
    assert line["failure"].startswith('Model version "mine"')
    assert caplog.records[-1].levelno == logging.ERROR
    for secret in ("X-Amz", "5ec2e7", "https://responses"):
        assert secret not in caplog.text


def test_looks_are_at_most_so_far_apart(stage: CopyStage) -> None:
    """The longest pause between two reads is a parameter, for tests."""
    stage.function.poll_seconds, stage.versions.switches.copying_time = 0.5, 20
    began = stage.time.now
    assert succeeded(stage.send("Create", stage.properties()))
    assert stage.time.now - began < 21
