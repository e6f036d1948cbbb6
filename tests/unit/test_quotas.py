"""IAM's quotas: the provider's role has permissions for hundreds of projects with the longest names."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_rekognition as rekognition
from aws_cdk.assertions import Template

from cdk_rekognition_project_policy import ProjectPolicyProvider
from tests.unit.conftest import define, document, warned

DOCUMENT = document(Resource="*")
INLINE, MANAGED, ATTACHED = 10_240, 6_144, 10
LONGEST_LOG_GROUP = "arn:aws:logs:ap-southeast-1:123456789012:log-group:" + "l" * 512 + ":*"


def longest_arn(number: int) -> str:
    """Return the ARN of a project whose name has 255 characters."""
    return f"arn:aws:rekognition:ap-southeast-1:123456789012:project/{number:0>255}/1690474772815"


def size(policy: Any) -> int:
    """Return the most characters that a policy can have at deployment, where every token has its longest value."""
    return len(json.dumps(longest(policy), separators=(",", ":")))


def longest(value: Any) -> Any:
    """Return a resolved value with the longest value of each token."""
    if isinstance(value, dict):
        if "Fn::GetAtt" in value:
            return longest_arn(0) if value["Fn::GetAtt"][0].startswith("Project") else LONGEST_LOG_GROUP
        if "Fn::Join" in value:
            parts = [part if isinstance(part, str) else "ap-southeast-1" for part in value["Fn::Join"][1]]
            return "".join(parts)
        return {name: longest(member) for name, member in value.items()}
    return [longest(member) for member in value] if isinstance(value, list) else value


def check(stacks: list[Stack], projects: int) -> None:
    """Check that one role's policies are within the quotas, and allow each project once."""
    templates = [Template.from_stack(stack) for stack in stacks]
    inline, managed = (
        [
            each["Properties"]["PolicyDocument"]
            for template in templates
            for each in template.find_resources(kind).values()
        ]
        for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
    )
    assert sum(size(each) for each in inline) <= INLINE
    assert all(size(each) <= MANAGED for each in managed)
    assert len(managed) <= ATTACHED
    puts = [
        statement["Resource"]
        for each in inline + managed
        for statement in each["Statement"]
        if statement["Action"] == "rekognition:PutProjectPolicy"
    ]
    allowed = [json.dumps(arn) for put in puts for arn in (put if isinstance(put, list) else [put])]
    assert len(allowed) == len(set(allowed)) == projects


@pytest.mark.parametrize("known", [True, False], ids=["arn", "token"])
def test_two_hundred_projects_with_the_longest_names_fit(stack: Stack, known: bool) -> None:
    """Their ARNs are known at synthesis, or are tokens."""
    for number in range(200):
        arn = (
            longest_arn(number)
            if known
            else rekognition.CfnProject(stack, f"Project{number}", project_name=f"p{number}").attr_arn
        )
        define(stack, f"Policy{number}", project=arn, document=DOCUMENT)
    check([stack], 200)
    assert warned(stack, "") == []


def test_stacks_that_share_a_role_share_its_quotas(app: App) -> None:
    """The inline policies of a role count together, whichever stacks they are in."""
    home = Stack(app, "Home")
    provider = ProjectPolicyProvider.of(home)
    users = [Stack(app, f"User{number}") for number in range(3)]
    for place, user in enumerate(users):
        for number in range(20):
            arn = longest_arn(100 * place + number)
            define(user, f"Policy{number}", project=arn, document=DOCUMENT, provider=provider)
    app.synth()
    check([home, *users], 60)


def test_warns_of_more_managed_policies_than_a_role_takes(stack: Stack) -> None:
    """The quota can be raised, so synthesis warns only."""
    for number in range(220):
        define(stack, f"Policy{number}", project=longest_arn(number), document=DOCUMENT)
    text = "needs 11 managed policies for its resources, and takes 10 unless"
    assert warned(stack, text) == ["/Sharing/RekognitionProjectPolicyProvider/Projects"]


def test_a_policy_depends_on_the_permission_of_its_own_project_only(stack: Stack) -> None:
    """With hundreds of policies each further dependency would be in the template hundreds of times."""
    for number in range(60):
        define(stack, f"Policy{number}", project=longest_arn(number), document=DOCUMENT)
    resources = Template.from_stack(stack).to_json()["Resources"]
    for resource in resources.values():
        if resource["Type"] == "Custom::RekognitionProjectPolicy":
            allowing = [
                name
                for name in resource["DependsOn"]
                if resource["Properties"]["ProjectArn"] in json.dumps(resources[name]["Properties"])
            ]
            assert len(allowing) == 1
            assert len(resource["DependsOn"]) == 3
