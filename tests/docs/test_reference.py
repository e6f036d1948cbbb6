"""The resource type's page: its properties, their limits and its attributes are the function's."""

from __future__ import annotations

import re

from project_policy import document, identity, properties
from project_policy.lifecycle import ATTRIBUTES
from rekognition import arns
from tests.packaging import ROOT

PAGE = (ROOT / "docs" / "reference.md").read_text()


def section(title: str, level: int) -> str:
    """Return what stands under a heading."""
    (found,) = re.findall(rf"^{'#' * level} {title}\n(.*?)(?=^#{{1,{level}}} |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def fact(name: str, label: str) -> str:
    """Return what a property's page says behind a label, such as *Maximum*."""
    (found,) = re.findall(rf"^\*{label}\*: `?(.*?)`?\\?$", section(name, 3), re.MULTILINE)
    return str(found)


def test_the_properties_are_those_that_the_function_takes() -> None:
    """Each is there with whether it is required, in the order of AWS's own pages, and so in both syntaxes."""
    known = sorted((*properties._REQUIRED, *properties._OPTIONAL, *properties._OF_CLOUDFORMATION))
    assert re.findall(r"^### (.+)$", section("Properties", 2), re.MULTILINE) == known
    required = {name for name in known if fact(name, "Required") == "Yes"}
    assert required == {*properties._REQUIRED, "ServiceToken"}
    for syntax in ("JSON", "YAML"):
        assert re.findall(r"^ +\"?(\w+)\"? ?: (?!\{)", section(syntax, 3), re.MULTILINE)[-len(known) :] == known


def test_limits_and_patterns_are_those_that_the_function_checks() -> None:
    """Who validates a parameter with what the page says accepts what the function accepts."""
    assert fact("PolicyName", "Pattern") == identity._POLICY_NAME.pattern
    assert fact("PolicyName", "Maximum") == str(identity.MAX_POLICY_NAME_LENGTH)
    assert fact("ProjectArn", "Pattern") == re.sub(r"\(\?P<\w+>(.*?)\)", r"\1", arns._PROJECT_ARN.pattern)
    assert fact("ProjectArn", "Maximum") == str(arns.MAX_PROJECT_ARN_LENGTH)
    assert fact("PolicyDocument", "Maximum") == str(document.MAX_SIZE)
    for member in (*document._TOP_LEVEL, *document._ALLOWED):
        assert f"| `{member}` |" in section("PolicyDocument", 3)


def test_the_attributes_are_those_that_the_function_answers() -> None:
    """Fn::GetAtt has no other."""
    assert re.findall(r"^`(\w+)`: ", section("Return values", 2), re.MULTILINE) == sorted(ATTRIBUTES)
