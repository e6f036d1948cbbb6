"""The resource types' pages: their properties, limits and attributes are the functions'."""

from __future__ import annotations

import re
from types import ModuleType

import pytest

from custom_resource.properties import OF_CLOUDFORMATION
from project_policy import document, identity, properties
from project_policy.lifecycle import ATTRIBUTES
from project_version_copy import properties as copy_properties
from project_version_copy.lifecycle import ATTRIBUTES as COPY_ATTRIBUTES
from rekognition import arns
from tests.packaging import ROOT

PAGE = (ROOT / "docs" / "reference.md").read_text()
COPY_PAGE = (ROOT / "docs" / "reference-copy.md").read_text()


def section(title: str, level: int, page: str = PAGE) -> str:
    """Return what stands under a heading."""
    (found,) = re.findall(rf"^{'#' * level} {title}\n(.*?)(?=^#{{1,{level}}} |\Z)", page, re.MULTILINE | re.DOTALL)
    return str(found)


def fact(name: str, label: str, page: str = PAGE) -> str:
    """Return what a property's page says behind a label, such as *Maximum*."""
    (found,) = re.findall(rf"\*{label}\*: `?(.*?)`?(?: ·|$)", section(name, 3, page), re.MULTILINE)
    return str(found)


@pytest.mark.parametrize(("page", "of_function"), [(PAGE, properties), (COPY_PAGE, copy_properties)])
def test_the_properties_are_those_that_the_function_takes(page: str, of_function: ModuleType) -> None:
    """Each is there with whether it is required, in the order of AWS's own pages, and so in the syntax."""
    known = sorted((*of_function._REQUIRED, *of_function._OPTIONAL, *OF_CLOUDFORMATION))
    assert re.findall(r"^### (.+)$", section("Properties", 2, page), re.MULTILINE) == known
    required = {name for name in known if fact(name, "Required", page) == "Yes"}
    assert required == {*of_function._REQUIRED, "ServiceToken"}
    assert re.findall(r"^  (\w+): ", section("Syntax", 2, page), re.MULTILINE) == known


def test_limits_and_patterns_are_those_that_the_function_checks() -> None:
    """Who validates a parameter with what the page says accepts what the function accepts."""
    assert fact("PolicyName", "Pattern") == identity._POLICY_NAME.pattern
    assert fact("PolicyName", "Maximum") == str(identity.MAX_POLICY_NAME_LENGTH)
    assert fact("ProjectArn", "Pattern") == re.sub(r"\(\?P<\w+>(.*?)\)", r"\1", arns._PROJECT_ARN.pattern)
    assert fact("ProjectArn", "Maximum") == str(arns.MAX_PROJECT_ARN_LENGTH)
    assert fact("PolicyDocument", "Maximum") == str(document.MAX_SIZE)
    for member in (*document._TOP_LEVEL, *document._ALLOWED):
        assert f"| `{member}` |" in section("PolicyDocument", 3)


def test_the_copys_limits_and_patterns_are_those_that_the_function_checks() -> None:
    """The same of the copy's page."""
    project = re.sub(r"\(\?P<\w+>(.*?)\)", r"\1", arns._PROJECT_ARN.pattern)
    for name in ("SourceProjectArn", "DestinationProjectArn"):
        assert fact(name, "Pattern", COPY_PAGE) == project
        assert fact(name, "Maximum", COPY_PAGE) == str(arns.MAX_PROJECT_ARN_LENGTH)
    assert fact("VersionName", "Pattern", COPY_PAGE) == arns._VERSION_NAME.pattern
    assert fact("Tags", "Maximum", COPY_PAGE) == f"{copy_properties.MAX_TAGS}` tags"


@pytest.mark.parametrize(("page", "attributes"), [(PAGE, ATTRIBUTES), (COPY_PAGE, COPY_ATTRIBUTES)])
def test_the_attributes_are_those_that_the_function_answers(page: str, attributes: tuple[str, ...]) -> None:
    """Fn::GetAtt has no other."""
    assert re.findall(r"^`(\w+)`: ", section("Return values", 2, page), re.MULTILINE) == sorted(attributes)
