"""Model versions: trained, copied, started, stopped, tagged and deleted, each on virtual time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.rekognition import LocalRekognition
from localcloud.rekognition.models import ProjectArn, VersionArn
from tests.localcloud.support import OUTPUT, TRUSTED, TRUSTING, Setting, VirtualClock, document, put, rejected

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient


@pytest.fixture
def rekognition(clock: VirtualClock) -> Iterator[LocalRekognition]:
    """Run the service on virtual time."""
    with LocalRekognition(clock=clock) as service:
        yield service


@pytest.fixture
def here(client: RekognitionClient) -> Setting:
    """Return a setting within one account."""
    return Setting(client, client, "here")


@pytest.fixture
def copy(here: Setting) -> str:
    """Copy the model version, and return the copy's ARN."""
    return here.copy(here.source)


def train(client: RekognitionClient, project: str, name: str = "v1", **more: Any) -> str:
    """Make a model version and return its ARN."""
    given = {"ProjectArn": project, "VersionName": name, "OutputConfig": OUTPUT, **more}
    return client.create_project_version(**given)["ProjectVersionArn"]


def described(client: RekognitionClient, project: str, **more: Any) -> list[Any]:
    """Return the descriptions of a project's model versions."""
    return list(client.describe_project_versions(ProjectArn=project, **more)["ProjectVersionDescriptions"])


def status(setting: Setting) -> str:
    """Return the status of the latest copy."""
    return str(setting.copies()[0]["Status"])


def copy_again(setting: Setting, arn: str) -> str:
    """Copy a model version of the target within the target."""
    changes = {"SourceProjectArn": setting.target, "SourceProjectVersionArn": arn, "VersionName": "again"}
    return setting.copy(setting.source, **changes)


def start(setting: Setting, arn: str) -> Any:
    """Start a model version."""
    return setting.source.start_project_version(ProjectVersionArn=arn, MinInferenceUnits=1)


def stop(setting: Setting, arn: str) -> Any:
    """Stop a model version."""
    return setting.source.stop_project_version(ProjectVersionArn=arn)


def delete(setting: Setting, arn: str) -> Any:
    """Delete a model version."""
    return setting.source.delete_project_version(ProjectVersionArn=arn)


def assert_in_use(setting: Setting, arn: str, *uses: Callable[[Setting, str], Any]) -> None:
    """Expect these uses of a model version to be rejected."""
    for use in uses:
        with rejected("ResourceInUseException"):
            use(setting, arn)


class TestMaking:
    """CreateProjectVersion and CopyProjectVersion."""

    def test_it_is_described_as_it_was_made(self, clock: VirtualClock, here: Setting) -> None:
        """With its own ARN, its time, its place for results, its key and description; a copy with its source too."""
        clock.forward(1)
        trained = train(here.source, here.target, KmsKeyId="alias/results", VersionDescription="The first.")
        clock.forward(1)
        copied = here.copy(here.source, KmsKeyId="alias/copies")
        copy, version = here.copies()
        arns = "arn:aws:rekognition:us-east-1:123456789012:project/here-target/version"
        assert (trained, copied) == (f"{arns}/v1/1700000001000", f"{arns}/copy/1700000002000")
        assert version.pop("CreationTimestamp").timestamp() == 1_700_000_001
        assert copy.pop("CreationTimestamp").timestamp() == 1_700_000_002
        assert version == {
            "ProjectVersionArn": trained,
            "Status": "TRAINING_COMPLETED",
            "OutputConfig": OUTPUT,
            "KmsKeyId": "alias/results",
            "VersionDescription": "The first.",
            "Feature": "CUSTOM_LABELS",
        }
        assert copy == {
            "ProjectVersionArn": copied,
            "Status": "COPYING_COMPLETED",
            "OutputConfig": OUTPUT,
            "KmsKeyId": "alias/copies",
            "SourceProjectVersionArn": here.version,
            "Feature": "CUSTOM_LABELS",
        }

    @pytest.mark.parametrize(
        ("given", "shown"),
        [
            ("alias/copies", "arn:aws:kms:us-east-1:123456789012:alias/copies"),
            ("0123-abcd", "arn:aws:kms:us-east-1:123456789012:key/0123-abcd"),
            ("arn:aws:kms:us-east-1:123456789012:key/1", "arn:aws:kms:us-east-1:123456789012:key/1"),
        ],
    )
    def test_a_key_may_be_described_by_its_arn(
        self, rekognition: LocalRekognition, here: Setting, given: str, shown: str
    ) -> None:
        """The other form of a key's id or alias."""
        here.copy(here.source, KmsKeyId=given)
        rekognition.switches.key_form = "arn"
        assert here.copies()[0]["KmsKeyId"] == shown

    @pytest.mark.parametrize("make", ["train", "copy"])
    def test_a_name_is_unique_in_its_project(
        self, rekognition: LocalRekognition, here: Setting, copy: str, make: str
    ) -> None:
        """A trained model version and a copy of the same name: ResourceInUseException, or what the switch says."""
        for code in ("ResourceInUseException", "InvalidParameterException"):
            rekognition.switches.change({"version_name_taken": code})
            with rejected(code):
                here.copy(here.source) if make == "copy" else train(here.source, here.target, "copy")
        assert [found["ProjectVersionArn"] for found in here.copies()] == [copy]
        train(here.source, here.source.create_project(ProjectName="other")["ProjectArn"], "copy")

    @pytest.mark.parametrize("code", ["LimitExceededException", "ServiceQuotaExceededException"])
    def test_a_project_has_a_hundred_versions(self, rekognition: LocalRekognition, here: Setting, code: str) -> None:
        """Beyond the quota neither training nor copying begins, until one is deleted."""
        for number in range(100):
            rekognition.store.create_version("123456789012", "us-east-1", here.target, f"v{number}", OUTPUT)
        rekognition.switches.change({"quota_error": code})
        with rejected(code):
            train(here.source, here.target, "one-more")
        with rejected(code):
            here.copy(here.source)
        here.source.delete_project_version(ProjectVersionArn=here.copies()[0]["ProjectVersionArn"])
        here.copy(here.source)

    def test_results_need_a_bucket(self, here: Setting) -> None:
        """Though the service model doesn't require one."""
        with rejected("InvalidParameterException") as told:
            train(here.source, here.project, "v2", OutputConfig={"S3KeyPrefix": "demo"})
        assert "S3Bucket" in told.message
        with rejected("InvalidParameterException"):
            here.copy(here.source, OutputConfig={"S3KeyPrefix": "copies"})

    def test_a_request_with_a_fraction_fits_the_model(self, client: RekognitionClient, project: str) -> None:
        """FeatureConfig has the only number that may have one; its limits hold all the same."""
        for name, threshold in (("whole", 50), ("fraction", 99.5)):
            train(client, project, name, FeatureConfig={"ContentModeration": {"ConfidenceThreshold": threshold}})
        with rejected("InvalidParameterException") as told:
            train(client, project, "v1", FeatureConfig={"ContentModeration": {"ConfidenceThreshold": 100.5}})
        assert re.search("confidenceThreshold.*value less than or equal to 100", told.message)


class TestCopying:
    """What can be copied where, and how it ends."""

    @pytest.mark.parametrize("which", ["SourceProjectArn", "SourceProjectVersionArn", "DestinationProjectArn"])
    def test_source_and_destination_must_exist(self, here: Setting, which: str) -> None:
        """A project or model version that was made at another time is another one: ResourceNotFoundException."""
        given = {
            "SourceProjectArn": here.project,
            "SourceProjectVersionArn": here.version,
            "DestinationProjectArn": here.target,
        }
        with rejected("ResourceNotFoundException"):
            here.copy(here.source, **{which: given[which][:-1] + ("0" if given[which][-1] != "0" else "1")})
        with rejected("ResourceNotFoundException"):
            here.copy(here.source, SourceProjectVersionArn=here.version.replace("/v1/", "/v2/"))
        assert here.copies() == []

    def test_the_source_must_belong_to_its_project(self, here: Setting) -> None:
        """Else it would be copied under the policies of another project."""
        with rejected("InvalidParameterException"):
            here.copy(here.source, SourceProjectArn=here.target)

    def test_copies_stay_in_their_region(self, rekognition: LocalRekognition, here: Setting) -> None:
        """Neither a source nor a destination in another Region than the request's is accepted."""
        elsewhere = rekognition.client(region="eu-west-1")
        there = elsewhere.create_project(ProjectName="there")["ProjectArn"]
        with rejected("InvalidParameterException"):
            here.copy(here.source, DestinationProjectArn=there)
        with rejected("InvalidParameterException"):
            here.copy(elsewhere, DestinationProjectArn=there)

    def test_nothing_crosses_accounts_without_iam(self, rekognition: LocalRekognition) -> None:
        """The emulator alone reads no policy, so it takes none for a permission; nor can a copy be pushed."""
        setting = Setting(rekognition.client(TRUSTING), rekognition.client(TRUSTED), "demo")
        setting.share()
        for caller in (setting.source, setting.destination):
            with rejected("AccessDeniedException"):
                setting.copy(caller)

    @pytest.mark.parametrize("which", ["source", "target"])
    def test_only_custom_labels_are_copied(self, client: RekognitionClient, here: Setting, which: str) -> None:
        """A project for content moderation is neither a source nor a destination."""
        adapter = client.create_project(ProjectName="adapter", Feature="CONTENT_MODERATION")["ProjectArn"]
        changes = {"DestinationProjectArn": adapter}
        if which == "source":
            changes = {"SourceProjectArn": adapter, "SourceProjectVersionArn": train(client, adapter)}
        with rejected("InvalidParameterException"):
            here.copy(client, **changes)

    @pytest.mark.parametrize("made_by", ["training", "copying"])
    def test_what_is_being_made_is_in_use(
        self, rekognition: LocalRekognition, clock: VirtualClock, here: Setting, made_by: str
    ) -> None:
        """Until the switch's time is over it can be neither copied, started nor deleted."""
        rekognition.switches.change({f"{made_by}_time": 60})
        arn = here.copy(here.source) if made_by == "copying" else train(here.source, here.target)
        clock.forward(59.9)
        assert status(here) == f"{made_by.upper()}_IN_PROGRESS"
        assert_in_use(here, arn, copy_again, start, delete)
        clock.forward(0.1)
        assert status(here) == f"{made_by.upper()}_COMPLETED"
        copy_again(here, arn)
        delete(here, arn)

    def test_a_copy_may_fail(self, rekognition: LocalRekognition, clock: VirtualClock, here: Setting) -> None:
        """It says why, can be neither copied nor started, and is deleted like any other."""
        rekognition.switches.change({"copying_ends": "COPYING_FAILED", "copying_time": 60})
        arn = here.copy(here.source)
        rekognition.switches.copying_ends = "COPYING_COMPLETED"
        assert (status(here), here.copies()[0].get("StatusMessage")) == ("COPYING_IN_PROGRESS", None)
        clock.forward(60)
        assert (status(here), here.copies()[0].get("StatusMessage")) == ("COPYING_FAILED", "The copy failed.")
        assert_in_use(here, arn, copy_again, start)
        delete(here, arn)
        assert here.copies() == []

    @pytest.mark.parametrize(
        ("side", "account", "seconds", "ends"),
        [
            ("completes", TRUSTED, 60, "COPYING_COMPLETED"),
            ("fails", TRUSTED, 60, "COPYING_FAILED"),
            ("fails", TRUSTED, 0, "COPYING_COMPLETED"),
            ("fails", TRUSTING, 60, "COPYING_COMPLETED"),
        ],
    )
    def test_the_policy_may_be_deleted_meanwhile(
        self, rekognition: LocalRekognition, clock: VirtualClock, side: str, account: str, seconds: float, ends: str
    ) -> None:
        """The switch says whether a copy in progress then fails, but not one that is complete or within an account."""
        rekognition.switches.change({"withdrawing_while_copying": side, "copying_time": seconds})
        setting = Setting(rekognition.client(TRUSTING), rekognition.client(account), "demo")
        setting.share()
        source = (ProjectArn.parse(setting.project), VersionArn.parse(setting.version))
        rekognition.store.copy_version(account, "us-east-1", *source, setting.target, "copy", OUTPUT)
        setting.withdraw()
        assert status(setting) == ("COPYING_IN_PROGRESS" if seconds else ends)
        clock.forward(60)
        assert status(setting) == ends


class TestRunning:
    """StartProjectVersion and StopProjectVersion."""

    def test_it_starts_and_stops(
        self, rekognition: LocalRekognition, clock: VirtualClock, here: Setting, copy: str
    ) -> None:
        """Each takes the switch's time; only what is idle starts, only what runs stops, and neither is deleted."""
        rekognition.switches.starting_time = 30
        assert_in_use(here, copy, stop)
        assert start(here, copy)["Status"] == status(here) == "STARTING"
        assert_in_use(here, copy, start, stop, delete)
        clock.forward(30)
        assert status(here) == "RUNNING"
        assert_in_use(here, copy, start, delete)
        assert stop(here, copy)["Status"] == status(here) == "STOPPING"
        assert_in_use(here, copy, start, stop, delete)
        clock.forward(30)
        assert status(here) == "STOPPED"
        start(here, copy)
        clock.forward(30)
        stop(here, copy)
        clock.forward(30)
        delete(here, copy)
        assert here.copies() == []

    def test_two_run_at_the_same_time(self, rekognition: LocalRekognition, here: Setting) -> None:
        """The quota is the account's in a Region; what has stopped doesn't count."""
        first, second, third = (here.train(f"v{number}") for number in range(2, 5))
        start(here, first)
        start(here, second)
        with rejected("LimitExceededException"):
            start(here, third)
        stop(here, first)
        start(here, third)


class TestDeleting:
    """DeleteProjectVersion, and what it takes to delete a project."""

    def test_a_deletion_takes_time(
        self, rekognition: LocalRekognition, clock: VirtualClock, here: Setting, copy: str
    ) -> None:
        """A model version that is DELETING can't be used, keeps its name, and is then no longer listed."""
        rekognition.switches.deleting_time = 60
        for _ in range(2):
            assert delete(here, copy)["Status"] == "DELETING"
            clock.forward(59.9 / 2)
            assert status(here) == "DELETING"
        with rejected("ResourceInUseException"):
            here.copy(here.source)
        assert_in_use(here, copy, copy_again, start)
        clock.forward(0.2)
        assert here.copies() == []
        with rejected("ResourceNotFoundException"):
            delete(here, copy)
        assert here.copy(here.source) != copy

    def test_what_is_gone_stays_gone(self, rekognition: LocalRekognition, here: Setting, copy: str) -> None:
        """A switch that is changed later doesn't bring it back."""
        delete(here, copy)
        assert here.copies() == []
        rekognition.switches.deleting_time = 3600
        assert here.copies() == []

    @pytest.mark.parametrize("side", ["reject", "delete"])
    def test_a_copy_in_progress_may_be_deleted(self, rekognition: LocalRekognition, here: Setting, side: str) -> None:
        """Rejected or deleted, as the switch says."""
        rekognition.switches.change({"copying_time": 60, "delete_while_copying": side})
        arn = here.copy(here.source)
        if side == "reject":
            with rejected("ResourceInUseException"):
                delete(here, arn)
            assert status(here) == "COPYING_IN_PROGRESS"
        else:
            delete(here, arn)
            assert here.copies() == []

    @pytest.mark.parametrize("kept", [True, False])
    def test_versions_keep_their_project(
        self, rekognition: LocalRekognition, clock: VirtualClock, client: RekognitionClient, project: str, kept: bool
    ) -> None:
        """Policies go with their project, model versions must go first: wholly, unless the switch says otherwise."""
        rekognition.switches.change({"deleting_time": 60, "deleting_versions_keep_project": kept})
        client.put_project_policy(ProjectArn=project, PolicyName="share", PolicyDocument=document())
        arn = train(client, project)
        with rejected("ResourceInUseException"):
            client.delete_project(ProjectArn=project)
        client.delete_project_version(ProjectVersionArn=arn)
        if kept:
            with rejected("ResourceInUseException"):
                client.delete_project(ProjectArn=project)
            clock.forward(60)
        client.delete_project(ProjectArn=project)

    def test_a_version_made_anew_has_another_arn(self, client: RekognitionClient, project: str) -> None:
        """Even within the same millisecond."""
        old = train(client, project)
        client.delete_project_version(ProjectVersionArn=old)
        assert train(client, project) != old
        with rejected("ResourceNotFoundException"):
            client.delete_project_version(ProjectVersionArn=old)

    @pytest.mark.parametrize("changed", ["project", "version"])
    def test_only_the_named_version_is_deleted(self, client: RekognitionClient, project: str, changed: str) -> None:
        """An ARN that differs in the project's or the model version's name is ResourceNotFoundException."""
        other = train(client, project).replace(f"{changed}/", f"{changed}/x")
        with rejected("ResourceNotFoundException"):
            client.delete_project_version(ProjectVersionArn=other)
        assert len(described(client, project)) == 1


class TestDescribing:
    """DescribeProjectVersions."""

    def test_the_latest_is_first_and_some_can_be_named(self, client: RekognitionClient, project: str) -> None:
        """A name that isn't there is no error."""
        arns = [train(client, project, f"v{number}") for number in range(3)]
        assert [version["ProjectVersionArn"] for version in described(client, project)] == arns[::-1]
        (named,) = described(client, project, VersionNames=["v1", "missing"])
        assert named["ProjectVersionArn"] == arns[1]

    def test_there_are_pages(self, client: RekognitionClient, project: str) -> None:
        """The paginator finds every model version, and a token belongs to its project."""
        other = client.create_project(ProjectName="other")["ProjectArn"]
        for number in range(5):
            train(client, project, f"v{number}")
        paginator = client.get_paginator("describe_project_versions")
        pages = list(paginator.paginate(ProjectArn=project, PaginationConfig={"PageSize": 2}))
        assert [len(page["ProjectVersionDescriptions"]) for page in pages] == [2, 2, 1]
        token = client.describe_project_versions(ProjectArn=project, MaxResults=2)["NextToken"]
        with rejected("InvalidPaginationTokenException"):
            client.describe_project_versions(ProjectArn=other, NextToken=token)

    def test_it_may_lag(self, rekognition: LocalRekognition, clock: VirtualClock, here: Setting) -> None:
        """A new model version, a status and a deletion are seen late; changes themselves see the truth at once."""
        rekognition.switches.change({"versions_lag": 2, "copying_time": 10, "deleting_time": 20})
        arn = here.copy(here.source)
        assert here.copies() == []
        clock.forward(2)
        assert status(here) == "COPYING_IN_PROGRESS"
        clock.forward(8)
        assert status(here) == "COPYING_IN_PROGRESS"
        delete(here, arn)
        clock.forward(1.9)
        assert status(here) == "COPYING_IN_PROGRESS"
        clock.forward(0.1)
        assert status(here) == "DELETING"
        clock.forward(19.9)
        assert status(here) == "DELETING"
        with rejected("ResourceNotFoundException"):
            delete(here, arn)
        clock.forward(0.1)
        assert here.copies() == []

    def test_a_deletion_that_was_not_watched_is_over_in_time(
        self, rekognition: LocalRekognition, clock: VirtualClock, here: Setting, copy: str
    ) -> None:
        """The lag is counted from the deletion's end, not from the first look after it."""
        rekognition.switches.change({"versions_lag": 2, "deleting_time": 20})
        delete(here, copy)
        clock.forward(22)
        assert here.copies() == []


class TestTags:
    """ListTagsForResource, TagResource and UntagResource."""

    def test_tags_are_kept(self, here: Setting) -> None:
        """Those given with a project, a model version or a copy, and those added and changed later."""
        client, tags = here.source, {"team": "vision", "Cost Center": "7 / a+b=c@d"}
        project = client.create_project(ProjectName="tagged", Tags=tags)["ProjectArn"]
        for arn in (project, train(client, project, Tags=tags), here.copy(client, Tags=tags)):
            assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == tags
            client.tag_resource(ResourceArn=arn, Tags={"team": "audio", "new": ""})
            client.untag_resource(ResourceArn=arn, TagKeys=["Cost Center", "missing"])
            assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"team": "audio", "new": ""}

    def test_a_resource_has_at_most_fifty_tags(self, here: Setting, copy: str) -> None:
        """Beyond that nothing is changed, or made."""
        fifty = {f"k{number}": "v" for number in range(50)}
        here.source.tag_resource(ResourceArn=copy, Tags=fifty)
        with rejected("ServiceQuotaExceededException"):
            here.source.tag_resource(ResourceArn=copy, Tags={"one": "more"})
        assert here.source.list_tags_for_resource(ResourceArn=copy)["Tags"] == fifty
        with rejected("ServiceQuotaExceededException"):
            here.copy(here.source, VersionName="second", Tags={**fifty, "one": "more"})
        assert len(here.copies()) == 1

    @pytest.mark.parametrize("tags", [{"aws:cloudformation:stack-id": "x"}, {"a*b": "x"}, {"a": "x\n;"}])
    def test_tags_must_fit_the_model(self, here: Setting, tags: dict[str, str]) -> None:
        """The prefix `aws:` and other characters are InvalidParameterException."""
        with rejected("InvalidParameterException"):
            here.source.tag_resource(ResourceArn=here.version, Tags=tags)

    def test_only_what_exists_has_tags(self, here: Setting) -> None:
        """Neither a deleted model version nor another kind of resource."""
        with rejected("ResourceNotFoundException"):
            here.source.list_tags_for_resource(ResourceArn=here.version.replace("/v1/", "/v2/"))
        with rejected("InvalidParameterException"):
            here.source.tag_resource(ResourceArn="arn:aws:rekognition:us-east-1:123456789012:collection/c", Tags={})

    def test_new_tags_may_be_seen_late(self, rekognition: LocalRekognition, clock: VirtualClock, here: Setting) -> None:
        """A model version has none until the switch's time is over."""
        rekognition.switches.tags_lag = 2
        arn = here.copy(here.source, Tags={"team": "vision"})
        clock.forward(1.9)
        assert here.source.list_tags_for_resource(ResourceArn=arn)["Tags"] == {}
        clock.forward(0.1)
        assert here.source.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"team": "vision"}

    @pytest.mark.parametrize("copied", [False, True])
    def test_the_source_may_hand_its_tags_on(self, rekognition: LocalRekognition, here: Setting, copied: bool) -> None:
        """A copy has its own tags, and the source's where the switch says so; its own win."""
        rekognition.switches.source_tags_copied = copied
        here.source.tag_resource(ResourceArn=here.version, Tags={"team": "vision", "from": "source"})
        arn = here.copy(here.source, Tags={"team": "audio"})
        tags = {"from": "source", "team": "audio"} if copied else {"team": "audio"}
        assert here.source.list_tags_for_resource(ResourceArn=arn)["Tags"] == tags


@pytest.mark.parametrize(("account", "region"), [("111122223333", "us-east-1"), ("123456789012", "eu-west-1")])
def test_another_account_and_region_have_no_access(
    rekognition: LocalRekognition, client: RekognitionClient, project: str, account: str, region: str
) -> None:
    """Policies and model versions are of their project's account and Region, whatever is asked of them."""
    arn, other = train(client, project), rekognition.client(account, region)
    calls: list[Callable[[], Any]] = [
        lambda: put(other, project),
        lambda: other.list_project_policies(ProjectArn=project),
        lambda: other.delete_project_policy(ProjectArn=project, PolicyName="share"),
        lambda: train(other, project, "v2"),
        lambda: described(other, project),
        lambda: other.start_project_version(ProjectVersionArn=arn, MinInferenceUnits=1),
        lambda: other.stop_project_version(ProjectVersionArn=arn),
        lambda: other.delete_project_version(ProjectVersionArn=arn),
        lambda: other.list_tags_for_resource(ResourceArn=arn),
        lambda: other.tag_resource(ResourceArn=arn, Tags={"a": "b"}),
        lambda: other.untag_resource(ResourceArn=project, TagKeys=["a"]),
    ]
    for call in calls:
        with rejected("AccessDeniedException" if region == "us-east-1" else "ResourceNotFoundException"):
            call()
    assert len(described(client, project)) == 1
