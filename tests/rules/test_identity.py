"""What identifies a policy: ARN, name and physical ID."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_resource.errors import RejectedError
from project_policy.identity import PhysicalId, check_policy_name
from rekognition.arns import Project

CHARACTERS = string.ascii_letters + string.digits + "_.-"
NAMES = st.text(CHARACTERS, min_size=1, max_size=128)
ARNS = st.builds(
    "arn:{}:rekognition:{}:{}:project/{}/{}".format,
    st.sampled_from(["aws", "aws-cn", "aws-us-gov"]),
    st.sampled_from(["us-east-1", "ap-southeast-2"]),
    st.text(string.digits, min_size=12, max_size=12),
    st.text(CHARACTERS, min_size=1, max_size=255),
    st.text(string.digits, min_size=13, max_size=13),
)


@given(ARNS, NAMES, st.booleans())
def test_a_physical_id_is_read_back(arn: str, name: str, adopted: bool) -> None:
    """Every ID of a valid name can be read back, and stays within CloudFormation's 1 KB."""
    check_policy_name(name)
    made = PhysicalId(arn, name, adopted)
    assert PhysicalId.parse(str(made)) == made
    assert len(str(made).encode()) <= 1024


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "sharing-Sharing-1K7PM2Q3R4S5T",
        "2024/01/01/[$LATEST]0123456789abcdef",
        "arn:aws:rekognition:us-east-1:123456789012:project/logos/1",
        "logos|sharing",
        "arn:aws:rekognition:us-east-1:123456789012:project/logos/1|",
        "arn:aws:rekognition:us-east-1:123456789012:project/logos/1|a|owned",
        "arn:aws:rekognition:us-east-1:123456789012:project/logos/1|a|adopted|adopted",
        "arn:aws:rekognition:us-east-1:123456789012:project/logos/1|a b",
        "not-created:Sharing:request",
        "in-doubt:Sharing:request:1700000000-1700000009",
    ],
)
def test_an_id_of_others_names_no_policy(foreign: str) -> None:
    """What isn't exactly an ID of a policy is never taken for one, because Delete trusts it."""
    assert PhysicalId.parse(foreign) is None


def test_a_project_is_read_from_its_arn() -> None:
    """Partition, Region, account and name come out of the ARN."""
    arn = "arn:aws-us-gov:rekognition:us-gov-west-1:123456789012:project/my.logos-1/1690474772815"
    assert Project.parse(arn) == Project(arn, "aws-us-gov", "us-gov-west-1", "123456789012", "my.logos-1")


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "logos",
        "arn:aws:rekognition:us-east-1:123456789012:project/logos",
        "arn:aws:rekognition:us-east-1:123456789012:project/logos/version/v1/1690474772815",
        "arn:aws:rekognition:us-east-1:1234:project/logos/1690474772815",
        "arn:aws:rekognition:us-east-1:123456789012:project/lo gos/1690474772815",
        "arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815\n",
        "arn:aws:rekognition:us-east-1:123456789012:project/" + "n" * 256 + "/1690474772815",
        "arn:aws:s3:us-east-1:123456789012:project/logos/1690474772815",
        "arn:aws:rekognition:us-east-1:١٢٣٤٥٦٧٨٩٠١٢:project/logos/1",
        "arn:aws:rekognition:us-east-1:123456789012:project/logos/" + "1" * 2000,
    ],
)
def test_an_arn_that_is_no_projects_is_rejected(arn: str) -> None:
    """A version's ARN, another service's and a mistyped one are rejected with the form to use."""
    with pytest.raises(ValueError, match=r"^ProjectArn is not the ARN of a Custom Labels project"):
        Project.parse(arn)


@pytest.mark.parametrize("version", ["v1/1690474772815", "v1", "*"])
def test_a_model_versions_arn_is_told_from_its_projects(version: str) -> None:
    """The message has the project's ARN as far as it is known: its number isn't part of a model version's ARN."""
    project = "arn:aws:rekognition:us-east-1:123456789012:project/logos"
    said = f"^SourceProjectArn is not .* project, but of a model version. Specify that of its project, {project}/NUMBER"
    with pytest.raises(ValueError, match=said):
        Project.parse(f"{project}/version/{version}", "SourceProjectArn")


def test_an_arn_has_at_most_880_characters() -> None:
    """A physical ID, which holds it, is at most 1 KB; with the longest name and "|adopted" it fits."""
    begin = "arn:aws:rekognition:us-east-1:123456789012:project/logos/"
    longest = begin + "1" * (880 - len(begin))
    assert len(str(PhysicalId(Project.parse(longest).arn, "n" * 128, adopted=True))) <= 1024
    with pytest.raises(ValueError, match="is not the ARN"):
        Project.parse(longest + "1")


@pytest.mark.parametrize("name", ["", " ", "a b", "a/b", "a|b", "é", "n" * 129, "a\n"])
def test_a_name_outside_the_pattern_is_rejected(name: str) -> None:
    """Only 1 to 128 letters, digits, hyphens, underscores and full stops pass."""
    with pytest.raises(RejectedError, match="is not valid"):
        check_policy_name(name)


def test_a_number_of_any_length_is_a_time() -> None:
    """The API's pattern limits the digits at the end of a project's ARN to no length; none fails a Delete."""
    arn = "arn:aws:rekognition:us-east-1:123456789012:project/logos/"
    assert Project.parse(arn + "1690474772815").created_at == 1690474772.815
    assert Project.parse(arn + "9" * 400).created_at == float("inf")
