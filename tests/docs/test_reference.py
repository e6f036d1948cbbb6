"""The reference pages and the deployer's policy: what they list is what the functions and the constructs have."""

from __future__ import annotations

import inspect
import json
import re
from types import ModuleType

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

import cdk_rekognition_project_policy as package
from custom_resource.properties import OF_CLOUDFORMATION
from project_policy import document_rules, identity, properties
from project_policy.lifecycle import ATTRIBUTES
from project_version_copy import properties as copy_properties
from project_version_copy.lifecycle import ATTRIBUTES as COPY_ATTRIBUTES
from rekognition import arns
from tests.packaging import ROOT

PAGE = (ROOT / "docs" / "reference.md").read_text()
NAME = re.compile(r"`(\w+)")
COPY_PAGE = (ROOT / "docs" / "reference-copy.md").read_text()


def section(title: str, level: int, page: str = PAGE) -> str:
    """Return what stands under a heading."""
    (found,) = re.findall(rf"^{'#' * level} {title}\n(.*?)(?=^#{{1,{level}}} |\Z)", page, re.MULTILINE | re.DOTALL)
    return str(found)


def fact(name: str, label: str, page: str = PAGE) -> str:
    """Return what a property's page says behind a label, such as *Maximum*."""
    (found,) = re.findall(rf"\*{label}\*: `?(.*?)`?(?: ·|$)", " ".join(section(name, 3, page).split()))
    return str(found)


@pytest.mark.parametrize(("page", "of_function"), [(PAGE, properties), (COPY_PAGE, copy_properties)])
def test_the_properties_are_those_that_the_function_takes(page: str, of_function: ModuleType) -> None:
    """Each is there with whether it is required, in the order of AWS's own pages, and so in the syntax."""
    known = sorted((*of_function._REQUIRED, *of_function._OPTIONAL, *OF_CLOUDFORMATION))
    assert re.findall(r"^### (.+)$", section("Properties", 2, page), re.MULTILINE) == known
    required = {name for name in known if fact(name, "Required", page) == "Yes"}
    assert required == {*of_function._REQUIRED, "ServiceToken"}
    assert re.findall(r"^  (\w+): ", section("Syntax", 2, page), re.MULTILINE) == known


PROJECT = re.sub(r"\(\?P<\w+>(.*?)\)", r"\1", arns._PROJECT_ARN.pattern)


@pytest.mark.parametrize(
    ("page", "name", "label", "said"),
    [
        (PAGE, "PolicyName", "Pattern", identity._POLICY_NAME.pattern),
        (PAGE, "PolicyName", "Maximum", str(identity.MAX_POLICY_NAME_LENGTH)),
        (PAGE, "PolicyDocument", "Maximum", str(document_rules.MAX_SIZE)),
        (PAGE, "ProjectArn", "Pattern", PROJECT),
        (PAGE, "ProjectArn", "Maximum", str(arns.MAX_PROJECT_ARN_LENGTH)),
        (COPY_PAGE, "SourceProjectArn", "Pattern", PROJECT),
        (COPY_PAGE, "SourceProjectArn", "Maximum", str(arns.MAX_PROJECT_ARN_LENGTH)),
        (COPY_PAGE, "DestinationProjectArn", "Pattern", PROJECT),
        (COPY_PAGE, "DestinationProjectArn", "Maximum", str(arns.MAX_PROJECT_ARN_LENGTH)),
        (COPY_PAGE, "VersionName", "Pattern", arns.VERSION_NAME.pattern),
        (COPY_PAGE, "Tags", "Maximum", f"{copy_properties.MAX_TAGS}` tags"),
    ],
)
def test_limits_and_patterns_are_those_that_the_function_checks(page: str, name: str, label: str, said: str) -> None:
    """Who validates a parameter with what the page says accepts what the function accepts."""
    assert fact(name, label, page) == said


def test_the_documents_elements_are_those_that_the_function_takes() -> None:
    """The table has each of them."""
    for element in (*document_rules._TOP_LEVEL, *document_rules._ALLOWED):
        assert f"| `{element}` |" in section("PolicyDocument", 3)


@pytest.mark.parametrize(("page", "attributes"), [(PAGE, ATTRIBUTES), (COPY_PAGE, COPY_ATTRIBUTES)])
def test_the_attributes_are_those_that_the_function_answers(page: str, attributes: tuple[str, ...]) -> None:
    """Fn::GetAtt has no other."""
    assert re.findall(r"^`(\w+)`: ", section("Return values", 2, page), re.MULTILINE) == sorted(attributes)


@pytest.mark.parametrize("name", package.__all__)
def test_each_construct_is_described_as_it_is(name: str) -> None:
    """The page has an example of each public class, its parameters with whether they are required, and its members."""
    text = section(name, 2, (ROOT / "docs" / "api.md").read_text())
    assert name in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[0]
    parameters, members = (
        {
            each: said
            for names, said in re.findall(r"^\| (`.+?) \| (.+?) \|", table, re.MULTILINE)
            for each in NAME.findall(names)
        }
        for table in (*re.split(r"^\| member", text, flags=re.MULTILINE), "")[:2]
    )
    public = getattr(package, name)
    given = inspect.signature(public.__init__).parameters.values()
    required = {each.name: each.default is each.empty for each in given if each.kind is each.KEYWORD_ONLY}
    kinds = [kind for kind in public.__mro__ if kind.__module__.startswith(package.__name__)]
    own = {each for kind in kinds for each in (*vars(kind), *inspect.get_annotations(kind))}
    if parameters:
        assert {each: said == "required" for each, said in parameters.items()} == required
    if members:
        assert {*members} == {each for each in own if not each.startswith("_")}


def test_the_deployers_policy_has_the_actions_of_awss_schemas() -> None:
    """It allows all that they name to read and delete what a stack has, but for what it doesn't use; nothing else."""
    stack = Stack(App(), "ModelSharing")
    project = "arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815"
    package.ProjectPolicy(stack, "Sharing", project=project).grant_copy(iam.AccountPrincipal("111122223333"))
    types = {each["Type"] for each in Template.from_stack(stack).to_json()["Resources"].values()}
    named: dict[str, set[str]] = {}
    for kind in types - {properties.RESOURCE_TYPE}:
        for handler, its in PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema["handlers"].items():
            named.setdefault(handler, set()).update(its["permissions"])
    statements = json.loads((ROOT / "examples" / "policies" / "deployer-policy.json").read_text())["Statement"]
    actions = [each["Action"] for each in statements]
    allowed = {action for some in actions for action in ([some] if isinstance(some, str) else some)}
    # Custom resources and the CDK's bootstrap have no schemas.
    assert allowed - set().union(*named.values()) == {"lambda:InvokeFunction", "ssm:GetParameters"}
    assert (named["read"] | named["delete"]) - allowed == {
        *("ec2:DescribeNetworkInterfaces", "iam:DetachRolePolicy", "kms:Decrypt", "logs:DeleteDataProtectionPolicy"),
        *("iam:DeleteGroupPolicy", "iam:DeleteUserPolicy"),
    }
