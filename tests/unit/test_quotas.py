"""IAM's quotas: the provider's role has permissions for hundreds of projects with the longest names."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_rekognition as rekognition
from aws_cdk.assertions import Template

from cdk_rekognition_project_policy import ProjectPolicyProvider
from tests.unit.conftest import TYPE, define, document, resources, warned

DOCUMENT = document(Resource="*")
INLINE, MANAGED = 10_240, 6_144
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


def check(stacks: list[Stack], projects: int, attached: int = 10) -> None:
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
    assert len(managed) <= attached
    puts = [
        statement["Resource"]
        for each in inline + managed
        for statement in each["Statement"]
        if statement["Action"] == "rekognition:PutProjectPolicy"
    ]
    allowed = [json.dumps(arn) for put in puts for arn in (put if isinstance(put, list) else [put])]
    assert len(allowed) == len(set(allowed)) == projects


@pytest.mark.parametrize(
    ("projects", "warned_of"), [(200, []), (220, ["/Sharing/RekognitionProjectPolicyProvider/Projects"])]
)
def test_two_hundred_projects_with_the_longest_names_fit(stack: Stack, projects: int, warned_of: list[str]) -> None:
    """Their ARNs are known at synthesis, or are tokens; of too many synthesis only warns, as the quota can be raised.

    A policy depends on the permission of its own project only: others would be in the template hundreds of times.
    """
    for number in range(projects):
        project: Any = longest_arn(number)
        if number % 2:
            project = rekognition.CfnProject(stack, f"Project{number}", project_name=f"p{number}")
        define(stack, f"Policy{number}", project=project, document=DOCUMENT)
    check([stack], projects, attached=10 + len(warned_of))
    assert warned(stack, "needs 11 managed policies for its resources, and takes 10 unless") == warned_of
    assert len(warned(stack, "")) == len(warned_of)
    permissions = Template.from_stack(stack).to_json()["Resources"]
    for policy in resources(stack, TYPE):
        arn = json.dumps(policy["Properties"]["ProjectArn"])
        allowing = [name for name in policy["DependsOn"] if arn in json.dumps(permissions[name]["Properties"])]
        assert (len(allowing), len(policy["DependsOn"])) == (1, 3)


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
