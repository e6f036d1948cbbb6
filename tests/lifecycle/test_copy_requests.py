"""Single requests for a copy: what the function calls, responds and logs, over one run or several."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from localcloud.rekognition import AwsError
from localcloud.rekognition.models import Version
from tests.documents import REGION
from tests.lifecycle.cases import Copy
from tests.lifecycle.cloud import TAG_PREFIX, TRUSTED, Cloud, own_tags

DAY = 86_400
COPY, DELETE, STOP = "CopyProjectVersion", "DeleteProjectVersion", "StopProjectVersion"
TAG, UNTAG, DESCRIBE = "TagResource", "UntagResource", "DescribeProjectVersions"
CHANGES = (COPY, DELETE, STOP, TAG, UNTAG)
MADE_UP, MARKER = "one-Copy-0000000000001", "not-created:Copy:request-1"
IN_DOUBT = "in-doubt:Copy:request-1:1700003600-1700003610"
LOST = AwsError("InternalServerError", "oops")


@pytest.fixture
def cloud() -> Cloud:
    """A project to copy to, and a source that takes three runs to copy."""
    return Cloud()


def made(cloud: Cloud, **copy: Any) -> str:
    """Return the physical ID of a copy that was made a day ago."""
    received = cloud.ask("Create", Copy(**copy)).response
    assert received["Status"] == "SUCCESS", received
    cloud.world.now += DAY
    return str(received["PhysicalResourceId"])


def changes(cloud: Cloud) -> list[str]:
    """Return the calls of the last request that change something."""
    return [call for call in cloud.cloudformation.log[-1].calls if call in CHANGES]


def only(cloud: Cloud) -> Version:
    """Return the only live model version."""
    (version,) = cloud.live_versions().values()
    return version


def allow(cloud: Cloud) -> None:
    """Attach the source's policy."""
    cloud.sharing.allowed = True


def test_a_create_copies_and_waits_over_three_runs(caplog: pytest.LogCaptureFixture) -> None:
    """One CopyProjectVersion with all that the template says, one line without secrets a run, and one response."""
    cloud = Cloud(copying_time=1500)
    more = {"OutputConfig": {"S3Bucket": "results", "S3KeyPrefix": "copies/"}, "KmsKeyId": "alias/models"}
    with caplog.at_level(logging.INFO):
        sent = cloud.ask("Create", Copy(name="mine", tags={"team": "a"}, more=more))
    arn = str(only(cloud).arn)
    assert len(sent.invocations) == 3
    assert changes(cloud) == [COPY, TAG]
    assert sent.response["Data"] == {"ProjectVersionArn": arn, "VersionName": "mine", "ProjectArn": cloud.destination}
    (asked,) = [parameters for operation, parameters in cloud.rekognition.calls if operation == COPY]
    tags = asked.pop("Tags")
    assert asked == {
        "SourceProjectArn": cloud.logos,
        "SourceProjectVersionArn": cloud.versions["v1"],
        "DestinationProjectArn": cloud.destination,
        "VersionName": "mine",
        **more,
    }
    assert len(tags.pop(f"{TAG_PREFIX}inputs")) == 64
    owner = {f"{TAG_PREFIX}resource": "Copy", f"{TAG_PREFIX}request": "request-1"}
    assert tags == {"team": "a", f"{TAG_PREFIX}stack": sent.event["StackId"], **owner}
    assert "X-Amz" not in caplog.text
    lines = [json.loads(record.message) for record in caplog.records if record.name == "custom_resource.lifecycle"]
    assert [line["unfinished"] for line in lines] == [True, True, False]
    assert lines[0] == {
        "request": "Create",
        "project": cloud.destination,
        "model_version": "mine",
        "status": "COPYING_IN_PROGRESS",
        "did": "copied",
        "unfinished": True,
        "failure": "",
        "cause": "",
        "physical_id": arn,
    }


@pytest.mark.parametrize(("minutes", "invocations", "calls"), [(1, 1, 10), (10, 2, 64), (30, 4, 184), (55, 6, 334)])
def test_waiting_costs_what_the_performance_page_says(minutes: int, invocations: int, calls: int) -> None:
    """One look every ten seconds, and one more invocation every ten minutes."""
    sent = Cloud(copying_time=minutes * 60).ask("Create", Copy())
    assert (len(sent.invocations), len(sent.calls)) == (invocations, calls)


@pytest.mark.parametrize("run_seconds", [20, 45, 600])
def test_a_denial_is_retried_for_two_minutes_whatever_a_run_lasts(run_seconds: float) -> None:
    """Patience is the request's, not a run's; nothing was made, so the Delete calls nothing."""
    cloud = Cloud(run_seconds=run_seconds, copying_time=60)
    cloud.sharing.allowed = False
    began = cloud.world.now
    received = cloud.ask("Create", Copy()).response
    assert "AccessDeniedException: User: arn:aws:iam::111122223333:root is not authorized" in received["Reason"]
    assert "project policy of the source project" in received["Reason"]
    assert 60 <= cloud.world.now - began <= 160
    assert received["PhysicalResourceId"] == MARKER
    assert cloud.ask("Delete", Copy(), MARKER).calls == []
    cloud.world.spawn(lambda: allow(cloud), 100)
    assert cloud.ask("Create", Copy()).response["Status"] == "SUCCESS"


def test_a_create_that_is_denied_until_it_is_late_says_why(cloud: Cloud) -> None:
    """A Create that was throttled first has less time; the reason is the denial, not the time."""
    cloud.sharing.allowed = False
    began = cloud.world.now
    cloud.fails("ThrottlingException", when=lambda elapsed: elapsed < 100)
    assert "is not authorized" in cloud.ask("Create", Copy()).response["Reason"]
    assert cloud.world.now < began + 165


@pytest.mark.parametrize("deleting", [0, 30])
def test_a_create_whose_copy_vanishes_never_copies_again(cloud: Cloud, deleting: float) -> None:
    """Somebody deleted it, perhaps this stack's own rollback."""
    cloud.rekognition.switches.delete_while_copying, cloud.rekognition.switches.deleting_time = "delete", deleting
    cloud.world.spawn(lambda: cloud.call(DELETE, ProjectVersionArn=str(only(cloud).arn)), 60)
    received = cloud.ask("Create", Copy()).response
    assert "deleted" in received["Reason"]
    assert "/version/" in received["PhysicalResourceId"]
    assert changes(cloud) == [COPY]


@pytest.mark.parametrize(
    ("age", "fault", "copy", "reason", "physical_id", "calls", "seconds"),
    [
        (151, (), Copy(), "within 150 seconds", MARKER, {DESCRIBE}, 3),
        (3600, (), Copy(), "no longer waits", MARKER, set(), 1),
        (0, (), Copy(name="no good"), 'VersionName "no good"', MARKER, set(), 1),
        # It isn't throttling, so waiting doesn't help.
        (0, ("LimitExceededException", COPY), Copy(), "quota", MARKER, {DESCRIBE, COPY}, 1),
        (0, ("ServiceQuotaExceededException", COPY), Copy(), "quota", MARKER, {DESCRIBE, COPY}, 1),
        # The name is in use, although nothing of the name is listed.
        (0, ("ResourceInUseException", COPY), Copy(name="mine"), "its name is taken", MARKER, {DESCRIBE, COPY}, 90),
    ],
)
def test_a_create_fails_in_time_and_makes_nothing(
    cloud: Cloud,
    age: float,
    fault: tuple[str, ...],
    copy: Copy,
    reason: str,
    physical_id: str,
    calls: set[str],
    seconds: float,
) -> None:
    """The reason says why, and its Delete knows whether there is something to look for."""
    if fault:
        cloud.fails(*fault)
    began = cloud.world.now
    sent = cloud.ask("Create", copy, age=age)
    assert reason in sent.response["Reason"]
    assert not fault or fault[0] in sent.response["Reason"]
    assert sent.response["PhysicalResourceId"].startswith(physical_id)
    assert set(sent.calls) == calls
    assert cloud.live_versions() == {}
    assert cloud.world.now - began - age < seconds + 1


def test_tags_that_cant_be_listed_are_not_none(cloud: Cloud) -> None:
    """A Create that can't tell whose a model version is fails."""
    cloud.somebody_copies("mine")
    cloud.fails("InvalidParameterException", "ListTagsForResource")
    assert "InvalidParameterException" in cloud.ask("Create", Copy(name="mine")).response["Reason"]
    assert changes(cloud) == []


def test_an_adopted_copy_is_never_changed(cloud: Cloud) -> None:
    """Its ID ends in |adopted, its attributes don't, and an Update leaves its tags."""
    more: dict[str, Any] = {"OutputConfig": {"S3Bucket": "results", "S3KeyPrefix": "copies/"}}
    foreign = cloud.somebody_copies("mine", **more)
    cloud.world.now += DAY
    wanted = Copy(name="mine", adopt_existing=True, tags={"team": "a"}, more=more)
    received = cloud.ask("Create", wanted).response
    assert received["PhysicalResourceId"] == f"{foreign.arn}|adopted"
    assert received["Data"]["ProjectVersionArn"] == str(foreign.arn)
    changed = Copy(name="mine", adopt_existing=True, tags={"team": "b"}, more=more)
    update = cloud.ask("Update", changed, received["PhysicalResourceId"], wanted).response
    assert update["PhysicalResourceId"] == received["PhysicalResourceId"]
    assert changes(cloud) == []


def test_a_create_copies_if_what_has_its_name_goes_while_it_is_read(cloud: Cloud) -> None:
    """Its tags can't be listed anymore, and the next read doesn't show it."""
    foreign = cloud.somebody_copies("mine")
    cloud.world.now += DAY

    def vanish(operation: str, _: object) -> None:
        if operation == "ListTagsForResource" and cloud.live_versions().get(str(foreign.arn)) is foreign:
            cloud.rekognition.switches.deleting_time = 0
            cloud.store.delete_version(TRUSTED, REGION, str(foreign.arn))

    cloud.rekognition.faults.before = vanish
    assert cloud.ask("Create", Copy(name="mine")).response["Status"] == "SUCCESS"


def test_a_copy_slower_than_cloudformation_waits_fails_with_its_arn_in_time(cloud: Cloud) -> None:
    """FAILED a minute before the end; the Delete waits, and can be repeated."""
    cloud.rekognition.switches.copying_time, copy = 2000, Copy(service_timeout=900)
    began = cloud.world.now
    received = cloud.ask("Create", copy).response
    assert "COPYING_IN_PROGRESS" in received["Reason"]
    assert received["PhysicalResourceId"] == str(only(cloud).arn)
    assert 800 < cloud.world.now - began <= 841
    assert "COPYING_IN_PROGRESS" in cloud.ask("Delete", copy, received["PhysicalResourceId"]).response["Reason"]
    assert cloud.ask("Delete", copy, received["PhysicalResourceId"]).response["Status"] == "SUCCESS"
    assert cloud.live_versions() == {}


def test_a_request_whose_runs_are_used_up_says_what_it_waits_for() -> None:
    """However short the runs, a request ends with its ARN and a reason before Lambda ends the chain by itself."""
    cloud = Cloud(run_seconds=20, copying_time=1500)
    sent = cloud.ask("Create", Copy())
    assert len(sent.invocations) == 12
    assert "more runs of the provider function than it may have. In a temp" in sent.response["Reason"]
    assert "COPYING_IN_PROGRESS" in sent.response["Reason"]
    assert sent.response["PhysicalResourceId"] == str(only(cloud).arn)


def test_a_function_without_time_for_a_call_says_so_at_once(cloud: Cloud) -> None:
    """Its Timeout is too short, so that a next run would have no more time than the first."""
    cloud.copies.kind = replace(cloud.copies.kind, timeout=60)
    sent = cloud.ask("Create", Copy())
    assert f"no time was left for {DESCRIBE}. Deploy again" in sent.response["Reason"]
    assert "shipped templates. (OutOfTime) CloudWatch" in sent.response["Reason"]
    assert (sent.response["PhysicalResourceId"], len(sent.invocations)) == (MARKER, 1)


def test_an_invalid_setting_fails_the_request() -> None:
    """A function that fails before its handler would leave CloudFormation waiting for an hour."""
    cloud = Cloud(run_seconds="ten")
    with pytest.raises(AssertionError):  # no other response may say what this one does
        cloud.ask("Create", Copy())
    assert "unexpected error (ValueError)" in cloud.sent[0].response["Reason"]


def test_a_copy_without_a_response_is_found_by_its_tags(cloud: Cloud) -> None:
    """It isn't copied again, even if the list and the tags lag; if nothing can be read, its Delete finds it."""
    cloud.rekognition.switches.versions_lag = cloud.rekognition.switches.tags_lag = 1.5
    cloud.rekognition.faults.inject(COPY, LOST, when="after")
    assert cloud.ask("Create", Copy()).response["PhysicalResourceId"] == str(only(cloud).arn)
    cloud.rekognition.faults.inject(COPY, LOST, when="after")
    cloud.fails("ThrottlingException", when=lambda elapsed: 0.35 < elapsed < 3600)
    received = cloud.ask("Create", Copy("v2")).response
    assert "throttled" in received["Reason"]
    assert received["PhysicalResourceId"].startswith("in-doubt:Copy:request-2:")
    cloud.world.now += 100
    assert cloud.ask("Delete", Copy("v2"), received["PhysicalResourceId"]).response["Status"] == "SUCCESS"
    assert str(only(cloud).source) == cloud.versions["v1"]


def test_what_was_met_counts_until_a_call_works(cloud: Cloud) -> None:
    """Two denials far apart are outlasted, and a reason has nothing in it that was over by then."""
    cloud.fails("AccessDeniedException", DESCRIBE, when=lambda elapsed: elapsed < 10 or 1000 < elapsed < 1010)
    made(cloud)
    cloud.sharing.allowed, cloud.rekognition.switches.copying_ends = False, "COPYING_FAILED"
    cloud.world.spawn(lambda: allow(cloud), 50)
    received = cloud.ask("Create", Copy("v2")).response
    assert "COPYING_FAILED" in received["Reason"]
    assert "AccessDenied" not in received["Reason"]


def test_a_copy_that_shows_late_is_seen_after_a_denial() -> None:
    """For how long nothing was seen before the copy says nothing about it; reads may be as close as a tenth."""
    cloud = Cloud(poll_seconds=0.1, versions_lag=1.5, copying_time=5)
    cloud.sharing.allowed = False
    cloud.world.spawn(lambda: allow(cloud), 50)
    began = cloud.world.now
    made(cloud)
    assert cloud.world.now - began - DAY < 60


def test_throttling_at_the_end_of_a_run_fails_nothing(cloud: Cloud) -> None:
    """The next run goes on, whatever the last call met, and though a call has used up its time."""
    cloud.fails("ThrottlingException", when=lambda elapsed: 590 < elapsed < 660)
    physical_id = made(cloud)

    def slow(operation: str, _: object) -> None:
        if operation == "ListTagsForResource" and len(cloud.cloudformation.log[-1].invocations) == 1:
            cloud.world.now += 690

    cloud.rekognition.faults.before = slow
    sent = cloud.ask("Update", Copy(tags={"team": "a"}), physical_id, Copy())
    assert len(sent.invocations) == 2
    assert own_tags(only(cloud)) == {"team": "a"}


def test_a_destination_made_in_the_same_stack_is_waited_for(cloud: Cloud) -> None:
    """A young project may not be known everywhere yet; an older one is missing at once."""
    for destination, succeeds in (("young", True), ("copies", False)):
        cloud.project(destination, TRUSTED)
        cloud.fails("ResourceNotFoundException", when=lambda elapsed: elapsed < 10)
        received = cloud.ask("Create", Copy(destination=destination)).response
        assert (received["Status"] == "SUCCESS") == succeeds


@pytest.mark.parametrize("physical_id", [MADE_UP, IN_DOUBT])
@pytest.mark.parametrize("name", [None, "mine"])
def test_a_delete_of_a_canceled_create_removes_what_its_tags_tell(
    cloud: Cloud, physical_id: str, name: str | None
) -> None:
    """It waits out the copy, and goes on reading if somebody else has deleted it."""
    cloud.rekognition.switches.copying_time = 10
    cloud.ask("Create", Copy(name=name))
    began = cloud.world.now
    cloud.rekognition.faults.inject(DELETE, AwsError("ResourceNotFoundException", "Gone"))
    assert cloud.ask("Delete", Copy(name=name), physical_id).response["Status"] == "SUCCESS"
    assert cloud.live_versions() == {}
    assert cloud.world.now - began < 80


@pytest.mark.parametrize(
    ("physical_id", "denied", "read_for", "status"),
    [
        (MADE_UP, DESCRIBE, 0, "SUCCESS"),
        (MADE_UP, DESCRIBE, 5, "FAILED"),
        (MADE_UP, "ListTagsForResource", 0, "FAILED"),
        (IN_DOUBT, DESCRIBE, 0, "FAILED"),
    ],
)
def test_a_delete_that_is_denied_succeeds_only_if_its_create_was(
    cloud: Cloud, caplog: pytest.LogCaptureFixture, physical_id: str, denied: str, read_for: float, status: str
) -> None:
    """If anything could be read, or an ID in doubt says so, that Create may have copied."""
    cloud.somebody_copies("mine")
    cloud.fails("AccessDeniedException", denied, when=lambda elapsed: elapsed >= read_for)
    assert cloud.ask("Delete", Copy(name="mine"), physical_id).response["Status"] == status
    assert ('"did": "nothing: its Create couldn\'t read either, so it ' in caplog.messages[-1]) == (status == "SUCCESS")


@pytest.mark.parametrize(("found", "seconds"), [(True, 45), (False, 200)])
def test_a_canceled_create_holds_its_rollback_no_longer_than_it_may_run(found: bool, seconds: float) -> None:
    """For one call after its copy was found and deleted; otherwise as long as it may start to copy."""
    cloud = Cloud(copying_time=10, deleting_time=1)
    if found:
        cloud.ask("Create", Copy())
    began = cloud.world.now
    assert cloud.ask("Delete", Copy(service_timeout=3600 if found else None), MADE_UP).response["Status"] == "SUCCESS"
    assert 20 < cloud.world.now - began < seconds


@pytest.mark.parametrize(
    ("kind", "physical_id", "wanted", "calls", "did"),
    [
        ("Create", "", Copy(name="theirs", adopt_existing=True), 4, "nothing: it existed and is equivalent, so"),
        ("Update", "ID", Copy(), 2, "nothing: it already matches the template"),
        ("Update", "ID|adopted", Copy(tags={"a": "b"}), 2, "nothing: it was adopted, so it stays as it is"),
        ("Delete", "ID", Copy(), 6, "deleted"),
        ("Delete", MADE_UP, Copy("v2"), 83, "nothing: there is no copy of this resource"),
        ("Delete", MADE_UP, Copy("v2", service_timeout=120), 29, ""),
    ],
)
def test_a_request_logs_what_it_did(
    cloud: Cloud,
    caplog: pytest.LogCaptureFixture,
    kind: str,
    physical_id: str,
    wanted: Copy,
    calls: int,
    did: str,
) -> None:
    """One that changes nothing says why; a short ServiceTimeout is no failure."""
    given = physical_id.replace("ID", made(cloud)) if physical_id.startswith("ID") else physical_id
    cloud.somebody_copies("theirs")
    cloud.world.now += DAY
    with caplog.at_level(logging.INFO):
        sent = cloud.ask(kind, wanted, given, Copy())
    assert sent.response["Status"] == "SUCCESS"
    assert json.loads(caplog.messages[-1])["did"].startswith(did)
    assert len(sent.calls) == calls


def test_tags_are_changed_in_place_and_back(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    """The same ID; the function's tags survive, and those that others have set; old ones go first, for AWS's limit."""
    first, second = Copy(tags={"team": "a", "x": "1"}), Copy(tags={"team": "b", "y": "2"})
    physical_id = made(cloud, tags=first.tags)
    cloud.call(TAG, ResourceArn=physical_id, Tags={"theirs": "yes"})
    functions = {key for key in only(cloud).tags if key.startswith(TAG_PREFIX)}
    assert len(functions) == 5
    for wanted, old in ((second, first), (first, second)):
        received = cloud.ask("Update", wanted, physical_id, old).response
        assert received["PhysicalResourceId"] == received["Data"]["ProjectVersionArn"] == physical_id
        assert own_tags(only(cloud)) == {**wanted.tags, "theirs": "yes"}
        assert changes(cloud) == [UNTAG, TAG]
    assert {key for key in only(cloud).tags if key.startswith(TAG_PREFIX)} == functions
    assert json.loads(caplog.messages[-1])["did"] == "tagged"


@pytest.mark.parametrize(
    ("old", "new", "makes"),
    [
        # They concern the function only.
        (Copy(name="mine"), Copy(name="mine", stop_running=True, adopt_existing=True), []),
        (Copy(tags={"a": "b"}), Copy(), [UNTAG]),
        (Copy(name="mine"), Copy(), []),  # the live version is what is wanted, whatever it is called
        (Copy(kms_key="alias/models"), Copy(kms_key="alias/models", tags={"a": "b"}), [TAG]),
        # What a copy was made from is in its tags, because Describe may show it in another form.
        (Copy(kms_key="alias/models"), Copy(kms_key="alias/other"), [COPY, TAG]),
        (Copy(name="mine"), Copy(name="mine", destination="other"), [COPY, TAG]),
    ],
)
@pytest.mark.parametrize("key_form", ["as_given", "arn"])
def test_an_update_replaces_only_what_differs(old: Copy, new: Copy, makes: list[str], key_form: str) -> None:
    """In whichever form Describe shows a KMS key; names are a project's own."""
    cloud = Cloud(key_form=key_form, copying_time=60)
    physical_id = str(cloud.ask("Create", old).response["PhysicalResourceId"])
    received = cloud.ask("Update", new, physical_id, old).response
    assert (received["PhysicalResourceId"] == physical_id) == (COPY not in makes)
    assert changes(cloud) == makes
    assert received["Data"]["ProjectArn"] == cloud.project(new.destination, TRUSTED)


@pytest.mark.parametrize(
    ("kind", "call"),
    [("Update", call) for call in (DESCRIBE, "ListTagsForResource", UNTAG, TAG)]
    + [("Delete", call) for call in (STOP, DELETE)],
)
def test_a_reason_names_the_call_that_was_denied(
    cloud: Cloud, caplog: pytest.LogCaptureFixture, kind: str, call: str
) -> None:
    """The role may lack any one of the permissions; the log has what the reason says."""
    physical_id = made(cloud, tags={"a": "b"})
    if call == STOP:
        cloud.store.start_version(TRUSTED, REGION, physical_id)
        cloud.world.now += 60
    cloud.fails("AccessDeniedException", call)
    received = cloud.ask(kind, Copy(tags={"c": "d"}, stop_running=True), physical_id, Copy(tags={"a": "b"})).response
    assert f": {call} was denied. Allow the provider's execution role rekognition:{call} on" in received["Reason"]
    line = json.loads(caplog.messages[-1])
    assert received["Reason"].startswith(f"{line['failure']} ({line['cause']}) CloudWatch Log Stream: ")
    assert caplog.records[-1].levelno == logging.ERROR


def test_a_replacement_that_fails_takes_only_itself_back(cloud: Cloud) -> None:
    """It responds with the new ARN; one that is denied, or rejected before anything, keeps its ID."""
    physical_id = made(cloud)
    for allowed, wanted in ((False, Copy("v2")), (True, Copy(name="no good"))):
        cloud.sharing.allowed = allowed
        received = cloud.ask("Update", wanted, physical_id, Copy()).response
        assert (received["Status"], received["PhysicalResourceId"]) == ("FAILED", physical_id)
    cloud.rekognition.switches.copying_ends = "COPYING_FAILED"
    received = cloud.ask("Update", Copy("v2"), physical_id, Copy()).response
    assert (received["Status"], received["PhysicalResourceId"] != physical_id) == ("FAILED", True)
    cloud.ask("Delete", Copy("v2"), received["PhysicalResourceId"])
    assert str(only(cloud).arn) == physical_id


def test_a_delete_waits_until_the_copy_is_gone(cloud: Cloud) -> None:
    """One DeleteProjectVersion, over two runs, so that its project can go then; its ARN says whose it is."""
    physical_id = made(cloud)
    cloud.rekognition.switches.deleting_time = 900
    sent = cloud.ask("Delete", Copy(), physical_id)
    assert cloud.live_versions() == {}
    assert changes(cloud) == [DELETE]
    assert "ListTagsForResource" not in sent.calls
    assert len(sent.invocations) == 2


def test_a_delete_that_the_service_rejects_fails(cloud: Cloud) -> None:
    """It is still there, so it can be deleted again."""
    physical_id = made(cloud)
    cloud.fails("InvalidParameterException", DELETE)
    assert "InvalidParameterException" in cloud.ask("Delete", Copy(), physical_id).response["Reason"]
    assert str(only(cloud).arn) == physical_id


def test_a_delete_of_what_is_gone_with_its_project_succeeds(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    """DeleteProject needs no version in it."""
    physical_id = made(cloud)
    cloud.call(DELETE, ProjectVersionArn=physical_id)
    cloud.world.now += 60
    cloud.store.delete_project(TRUSTED, REGION, cloud.destination)
    assert cloud.ask("Delete", Copy(), physical_id).response["Status"] == "SUCCESS"
    assert '"did": "nothing: the project is gone, and its model versions with it"' in caplog.messages[-1]


@pytest.mark.parametrize("destination", ["copies", "other"])
@pytest.mark.parametrize("while_copying", ["reject", "delete"])
def test_a_delete_during_the_copy_waits_it_out(destination: str, while_copying: str) -> None:
    """If the service rejects it, it is tried again later, also if the properties name another project."""
    cloud = Cloud(copying_time=890, delete_while_copying=while_copying)
    received = cloud.ask("Create", Copy(service_timeout=900)).response
    sent = cloud.ask("Delete", Copy(destination=destination), received["PhysicalResourceId"])
    assert sent.response["Status"] == "SUCCESS"
    assert cloud.live_versions() == {}


def test_a_cleanup_with_another_project_deletes_by_the_arn(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    """Another project, or none, isn't searched for it; the status can't be read, so what is in use is left."""
    physical_id = made(cloud, name="mine")
    cloud.store.start_version(TRUSTED, REGION, physical_id)
    cloud.world.now += 60
    new = Copy(name="mine", destination="other", stop_running=True)
    received = cloud.ask("Delete", new, physical_id).response
    assert 'Model version "mine" of project "copies" is in use, so it is probably running' in received["Reason"]
    assert "left as it is. Stop it (StopProjectVersion); then delete again." in received["Reason"]
    cloud.store.stop_version(TRUSTED, REGION, physical_id)
    cloud.world.now += 60
    cloud.rekognition.faults.inject(DELETE, LOST)
    sent = cloud.ask("Delete", Copy(more={"DestinationProjectArn": "copies"}), physical_id)
    assert set(sent.calls) == {DELETE}
    assert json.loads(caplog.messages[-1])["did"] == "deleted"
    assert cloud.live_versions() == {}
    cloud.ask("Delete", new, physical_id)
    assert json.loads(caplog.messages[-1])["did"] == "nothing: it was gone already"


@pytest.mark.parametrize(
    ("given", "other"), [("us-east-1", "eu-west-1"), (TRUSTED, "444455556666"), ("arn:aws:", "arn:aws-cn:")]
)
@pytest.mark.parametrize("destination", ["copies", "another"])
def test_a_delete_of_another_place_calls_nothing(cloud: Cloud, given: str, other: str, destination: str) -> None:
    """No Create of this function can have made a copy in another Region, account or partition."""
    own = made(cloud)
    sent = cloud.ask("Delete", Copy(destination=destination), own.replace(given, other, 1))
    assert (sent.response["Status"], sent.calls, len(cloud.live_versions())) == ("SUCCESS", [], 1)


def test_a_delete_that_takes_too_long_says_so() -> None:
    """Also if the status can't be read, because the properties name another project."""
    cloud = Cloud(copying_time=2000)
    received = cloud.ask("Create", Copy(service_timeout=900)).response
    sent = cloud.ask("Delete", Copy(destination="other", service_timeout=300), received["PhysicalResourceId"])
    assert 'project "copies" is still there after as long as CloudFormation waits. Delete' in sent.response["Reason"]


def test_what_describe_leaves_out_is_empty(cloud: Cloud) -> None:
    """The API requires little: a model version of the name without the rest is somebody else's."""
    arn = str(cloud.somebody_copies("mine").arn)
    cloud.world.now += DAY
    described = [{"ProjectVersionArn": arn, "Status": "STOPPED"}]
    cloud.shows(DESCRIBE, lambda _: {"ProjectVersionDescriptions": described})
    cloud.shows("ListTagsForResource", lambda _: {})
    assert "already exists" in cloud.ask("Create", Copy(name="mine")).response["Reason"]
    assert changes(cloud) == []
    cloud.shows(DESCRIBE, lambda _: {})
    assert cloud.ask("Delete", Copy(name="mine"), arn).response["Status"] == "SUCCESS"


@pytest.mark.parametrize("allowed", [True, False])
def test_a_hand_over_that_fails_is_responded_with_the_arn(allowed: bool, caplog: pytest.LogCaptureFixture) -> None:
    """It is retried for a while; without a response CloudFormation would wait, and lose the ARN."""
    cloud = Cloud(copying_time=1500)
    began = cloud.world.now
    cloud.copies.invoke_fails = lambda: not allowed or cloud.world.now < began + 630
    sent = cloud.ask("Create", Copy())
    assert sent.response["PhysicalResourceId"] == str(only(cloud).arn)
    assert (sent.response["Status"] == "SUCCESS") == allowed
    assert allowed or "Allow its execution role lambda:InvokeFunction on arn:aws:lambda" in sent.response["Reason"]
    assert allowed or sent.response["Reason"].startswith(caplog.messages[-1])
