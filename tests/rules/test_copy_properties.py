"""The properties of a copy: each kind of wrong one is rejected before any call, with a reason that says what to do."""

from __future__ import annotations

from typing import Any

import pytest

from custom_resource.errors import RejectedError
from project_version_copy.identity import CopyInputs, PhysicalId
from project_version_copy.properties import Properties
from rekognition.arns import Environment, ModelVersion, Project
from tests.rules.support import DESTINATION, SOURCE, STACK, VERSION, says

HERE = Environment("us-east-1", "111122223333")
ALIAS = "arn:aws:kms:us-east-1:111122223333:alias/models"
KEY = "arn:aws:kms:us-east-1:111122223333:key/0b2e6f4c-6c5d-4b1a-9f0e-2d7f1c3a4b5c"


def given(**changed: object) -> dict[str, Any]:
    """Return good properties with these changed (None takes one away)."""
    properties: dict[str, Any] = {
        "ServiceToken": "arn:aws:lambda:us-east-1:111122223333:function:copies",
        "ServiceTimeout": "3600",
        "SourceProjectArn": SOURCE,
        "SourceProjectVersionArn": VERSION,
        "DestinationProjectArn": DESTINATION,
        "OutputConfig": {"S3Bucket": "results"},
        **changed,
    }
    return {name: value for name, value in properties.items() if value is not None}


def parse(**changed: object) -> Properties:
    """Read good properties with these changed."""
    return Properties.parse(given(**changed), HERE)


def test_reads_what_a_template_gives() -> None:
    """All that is optional is read, and flags come as strings."""
    tags = {"team": "a b", "cost:Center/é": "", "k" * 128: "v" * 256, **{f"key{number}": "" for number in range(42)}}
    properties = parse(
        OutputConfig={"S3Bucket": "My.results_1-a", "S3KeyPrefix": "p" * 1024},
        VersionName="Mine_1.0-a",
        KmsKeyId=KEY,
        Tags=tags,
        AdoptExisting="true",
        StopRunning="true",
    )
    assert properties.inputs == CopyInputs(VERSION, DESTINATION, "My.results_1-a", "p" * 1024, KEY)
    assert properties.name(STACK, "Copy") == "Mine_1.0-a"
    assert (properties.tags, properties.adopt_existing, properties.stop_running) == (tags, True, True)
    plain = parse(AdoptExisting="false")
    assert (plain.version_name, plain.tags, plain.adopt_existing, plain.stop_running) == ("", {}, False, False)


WRONG: list[tuple[dict[str, object], str]] = [
    ({"SourceArn": "x"}, 'Property "SourceArn" is not one of …. Remove it; the properties are SourceProjectArn, '),
    ({"SourceProjectArn": None}, "Property SourceProjectArn is missing or empty. Specify a value."),
    ({"SourceProjectVersionArn": None}, "Property SourceProjectVersionArn is missing"),
    ({"DestinationProjectArn": ""}, "Property DestinationProjectArn is missing"),
    ({"OutputConfig": None}, "Property OutputConfig is missing"),
    ({"SourceProjectArn": ["x"]}, "SourceProjectArn is not the ARN…Specify arn:…/NUMBER, as DescribeProjects returns"),
    ({"SourceProjectArn": VERSION}, "SourceProjectArn is not the ARN"),
    ({"SourceProjectVersionArn": SOURCE}, "SourceProjectVersionArn is not the ARN"),
    ({"SourceProjectVersionArn": 7}, "SourceProjectVersionArn is not the ARN…Specify arn:…as DescribeProjectVersions "),
    ({"SourceProjectVersionArn": VERSION.replace("1234", "١٢٣٤")}, "SourceProjectVersionArn is not the ARN"),
    ({"DestinationProjectArn": {"a": "b"}}, "DestinationProjectArn is not the ARN"),
    ({"SourceProjectVersionArn": VERSION.replace("logos", "faces")}, 'is project "logos"…Specify the project that the'),
    ({"SourceProjectVersionArn": VERSION.replace("123456789012", "444455556666")}, "account 444455556666"),
    ({"DestinationProjectArn": DESTINATION.replace("111122223333", "444455556666")}, "account 444455556666"),
    ({"DestinationProjectArn": DESTINATION.replace("us-east-1", "eu-west-1")}, "Region eu-west-1…Deploy the stack"),
    ({"DestinationProjectArn": DESTINATION.replace("arn:aws:", "arn:aws-cn:")}, "partition aws-cn"),
    (
        {
            "SourceProjectArn": SOURCE.replace("us-east-1", "eu-west-1"),
            "SourceProjectVersionArn": VERSION.replace("us-east-1", "eu-west-1"),
        },
        "Region eu-west-1",
    ),
    (
        {
            "SourceProjectArn": SOURCE.replace("arn:aws:", "arn:aws-cn:"),
            "SourceProjectVersionArn": VERSION.replace("arn:aws:", "arn:aws-cn:"),
        },
        "partition aws-cn, but …. A model version can be copied within one Region only.",
    ),
    ({"OutputConfig": "results"}, "Property OutputConfig must be an object with S3Bucket and, optionally"),
    ({"OutputConfig": {"S3Bucket": "results", "Prefix": "x"}}, "must be an object with S3Bucket and, optionally"),
    ({"OutputConfig": {"S3KeyPrefix": "x"}}, "S3Bucket"),
    ({"OutputConfig": {"S3Bucket": "arn:aws:s3:::results"}}, "S3Bucket of…is not valid. Specify the bucket's name: 3"),
    ({"OutputConfig": {"S3Bucket": ["results"]}}, "S3Bucket"),
    ({"OutputConfig": {"S3Bucket": "s3://results"}}, "S3Bucket"),
    ({"OutputConfig": {"S3Bucket": "ab"}}, 'S3Bucket of OutputConfig "ab" is not valid. Specify'),
    ({"OutputConfig": {"S3Bucket": "a" * 256}}, "S3Bucket"),
    ({"OutputConfig": {"S3Bucket": "results", "S3KeyPrefix": 7}}, """S3KeyPrefix of OutputConfig "7" is not valid."""),
    ({"OutputConfig": {"S3Bucket": "results", "S3KeyPrefix": "a" * 1025}}, "S3KeyPrefix"),
    (
        {"OutputConfig": {"S3Bucket": "results", "S3KeyPrefix": "s3://results/x"}},
        "s3://results/x…is not valid. Specify what follows the bucket's name: at most 1024 characters.",
    ),
    ({"VersionName": ""}, "VersionName"),
    ({"VersionName": "my version"}, "is not valid. Use 1 to 255 letters, …or leave it out, and the function makes"),
    ({"VersionName": "a" * 256}, "VersionName"),
    ({"VersionName": ["mine"]}, "VersionName"),
    ({"KmsKeyId": ""}, "KmsKeyId"),
    ({"KmsKeyId": "my key"}, "is not valid. Specify a key's ID or ARN, or an alias's name or ARN."),
    ({"KmsKeyId": "a" * 2049}, "KmsKeyId"),
    ({"KmsKeyId": {"a": "b"}}, "KmsKeyId"),
    ({"KmsKeyId": "arn:aws:s3:::results"}, "KmsKeyId"),
    ({"KmsKeyId": KEY.replace("us-east-1", "eu-west-1")}, "Region eu-west-1…but the copy is in Region us-east-1, part"),
    ({"KmsKeyId": KEY.replace("arn:aws:", "arn:aws-cn:")}, "partition aws-cn, …. Specify a key in the copy's Region."),
    ({"Tags": [{"Key": "a", "Value": "b"}]}, "Property Tags must be an object of keys and values, not"),
    ({"Tags": {f"key{number}": "" for number in range(46)}}, "46 tags. Specify at most 45: …the function adds 5."),
    ({"Tags": {"": "x"}}, "Tags has the key"),
    ({"Tags": {"k" * 129: "x"}}, "Tags has the key"),
    ({"Tags": {"a*b": "x"}}, 'the key "a*b", which is not valid. Use 1 to 128 letters, digits, spaces or _ . : / = '),
    ({"Tags": {"aws:team": "x"}}, 'the key "aws:team", whose prefix is reserved for AWS. Rename the key.'),
    ({"Tags": {"AWS:team": "x"}}, 'the key "AWS:team", whose prefix'),
    ({"Tags": {"rekognition-version-copy:stack": "x"}}, "reserved for the function"),
    ({"Tags": {"team": "v" * 257}}, 'for the key "team". Use 0 to 256 letters, digits, spaces or _ . : /'),
    ({"Tags": {"team": "a;b"}}, 'for the key "team"'),
    ({"Tags": {"team": ["a"]}}, 'for the key "team"'),
    ({"AdoptExisting": "yes"}, 'Property AdoptExisting is "yes". Specify true or false.'),
    ({"StopRunning": "True"}, "Property StopRunning"),
    ({"StopRunning": ["true"]}, "Property StopRunning"),
    ({"AdoptExisting": "true"}, "AdoptExisting takes over … Specify its name as VersionName, or leave out"),
    ({"AdoptExisting": ""}, "Property AdoptExisting"),
]


@pytest.mark.parametrize(("wrong", "reason"), WRONG)
def test_rejects_what_is_wrong(wrong: dict[str, object], reason: str) -> None:
    """The reason names the property, and the offending account, Region, partition or key."""
    properties = given(**wrong)
    with pytest.raises(RejectedError) as raised:
        Properties.parse(properties, HERE)
    assert says(str(raised.value), reason), raised.value


@pytest.mark.parametrize(
    "key", [KEY, "0B2e6f4c-6c5d", "alias/Models", "arn:aws:kms:us-east-1:444455556666:alias/models"]
)
def test_accepts_each_form_of_a_key(key: str) -> None:
    """A key's ID or ARN, an alias's name or ARN; the key may be another account's."""
    assert parse(KmsKeyId=key).inputs.kms_key == key


class TestDefaultName:
    """The name of a copy whose template gives none."""

    def test_is_the_sources_and_a_hash(self) -> None:
        """It is valid however long the source's name is, and the same each time."""
        long = VERSION.replace("/v1/", f"/{'v' * 255}/")
        name = parse(SourceProjectVersionArn=long).name(STACK, "Copy")
        assert name == parse(SourceProjectVersionArn=long).name(STACK, "Copy")
        assert name.startswith("v" * 200 + "-")
        assert len(name) <= 255

    @pytest.mark.parametrize(
        "changed",
        [
            {"SourceProjectVersionArn": VERSION.replace("772816", "772899")},
            {"DestinationProjectArn": DESTINATION.replace("772817", "772899")},
            {"OutputConfig": {"S3Bucket": "others"}},
            {"OutputConfig": {"S3Bucket": "results", "S3KeyPrefix": "x"}},
            {"KmsKeyId": KEY},
        ],
    )
    def test_differs_with_each_fact(self, changed: dict[str, object]) -> None:
        """A replacement never has the name of what it replaces."""
        assert parse(**changed).name(STACK, "Copy") != parse().name(STACK, "Copy")

    def test_differs_with_the_resource(self) -> None:
        """Two resources of one app don't collide."""
        names = {parse().name(stack, logical) for stack in (STACK, "other") for logical in ("Copy", "Other")}
        assert len(names) == 4

    def test_stays_with_all_that_can_change_in_place(self) -> None:
        """Tags and flags are no part of what a copy is."""
        assert parse(Tags={"a": "b"}, StopRunning="true").name(STACK, "Copy") == parse().name(STACK, "Copy")


@pytest.mark.parametrize(
    ("wanted", "live", "same"),
    [
        ("", "", True),
        (KEY, KEY, True),
        (KEY.rpartition("/")[2], KEY, True),
        (KEY, "", False),
        ("", KEY, False),
        (KEY, KEY[:-1] + "0", False),
        ("alias/models", "alias/models", True),
        ("alias/models", ALIAS, True),
        ("alias/models", "alias/other", False),
        ("alias/models", "", False),
        ("alias/models", KEY, True),  # they can't be compared
        # What has no ARN is of the copy's own account, Region and partition.
        *(
            (wanted, key.replace(*elsewhere), False)
            for wanted, key in (
                (KEY, KEY),
                (KEY.rpartition("/")[2], KEY),
                ("alias/models", KEY),
                ("alias/models", ALIAS),
            )
            for elsewhere in (("us-east-1", "eu-west-1"), ("111122223333", "444455556666"), ("arn:aws:", "arn:aws-cn:"))
        ),
    ],
)
def test_compares_keys_in_whichever_form(wanted: str, live: str, same: bool) -> None:
    """Describe may show another form of a key than was given, but none only for a copy without a key."""
    inputs = [CopyInputs(VERSION, DESTINATION, "results", "", key) for key in (wanted, live)]
    assert inputs[0].match(inputs[1]) == same


@pytest.mark.parametrize("text", [VERSION, f"{VERSION}|adopted"])
def test_a_physical_id_is_the_copys_arn(text: str) -> None:
    """Written and read alike; adopted ones have a second part."""
    physical_id = PhysicalId.parse(text)
    assert physical_id is not None
    assert str(physical_id) == text
    assert physical_id.version == ModelVersion.parse(VERSION)
    assert physical_id.adopted == text.endswith("adopted")


@pytest.mark.parametrize(
    "text",
    ["", "serving-Copy-1ABC", "not-created:Copy:1", SOURCE, f"{VERSION}|", f"{VERSION}|other", f"{SOURCE}|sharing"],
)
def test_other_ids_are_nobodys(text: str) -> None:
    """A marker, one made up by CloudFormation, and another resource's."""
    assert PhysicalId.parse(text) is None


def test_a_model_versions_arn_says_what_it_is_of() -> None:
    """Its project's name, and when it was made; not its project's number."""
    version = ModelVersion.parse(VERSION)
    assert (version.project, version.name, version.created_at) == ("logos", "v1", 1690474772.816)
    assert version.is_of(Project.parse(SOURCE))
    assert not version.is_of(Project.parse(DESTINATION))
    with pytest.raises(ValueError, match="ProjectVersionArn is not the ARN of a model version"):
        ModelVersion.parse(SOURCE)
