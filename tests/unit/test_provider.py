"""The provider: one function a stack, and a role that may do what it must and nothing more."""

from __future__ import annotations

import re

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rekognition as rekognition
from aws_cdk.assertions import Template

from cdk_rekognition_project_policy import ProjectPolicy
from tests.unit.conftest import PROJECT_ARN, Resources


def share(stack: Stack, construct_id: str, project_arn: str = PROJECT_ARN) -> ProjectPolicy:
    """Share a project of a stack with an account."""
    policy = ProjectPolicy(stack, construct_id, project_arn=project_arn)
    policy.grant_copy(iam.AccountPrincipal("111122223333"))
    return policy


def test_one_function_serves_a_stack(stack: Stack) -> None:
    """Many policies share one function, one role and one log group."""
    for number in range(5):
        share(stack, f"Policy{number}", PROJECT_ARN.replace("logos", f"logos-{number}"))
    template = Template.from_stack(stack)
    template.resource_count_is("Custom::RekognitionProjectPolicy", 5)
    for kind in ("Lambda::Function", "IAM::Role", "IAM::Policy", "Logs::LogGroup", "Lambda::EventInvokeConfig"):
        template.resource_count_is(f"AWS::{kind}", 1)


def test_each_stack_has_its_own() -> None:
    """Stacks of one app depend on nothing of one another."""
    app = App()
    stacks = [Stack(app, name) for name in ("One", "Two")]
    for each in stacks:
        share(each, "Policy")
    for each in stacks:
        Template.from_stack(each).resource_count_is("AWS::Lambda::Function", 1)
        assert not each.dependencies


def test_the_role_may_do_what_it_must_and_nothing_more(stack: Stack, resources: Resources) -> None:
    """Put on the projects in use, List and Delete on the account's own projects, its own log, and nothing managed."""
    project = rekognition.CfnProject(stack, "Project", project_name="logos")
    share(stack, "One", project.attr_arn)
    share(stack, "Two", project.attr_arn)
    share(stack, "Three", PROJECT_ARN)
    (role,) = resources(stack, "AWS::IAM::Role")
    assert role["Properties"].keys() == {"AssumeRolePolicyDocument", "Description"}
    (policy,) = resources(stack, "AWS::IAM::Policy")
    allowed = {str(statement["Action"]): statement for statement in policy["Properties"]["PolicyDocument"]["Statement"]}
    assert all(statement["Effect"] == "Allow" for statement in allowed.values())
    everything = {
        "Fn::Join": [
            "",
            [
                "arn:",
                {"Ref": "AWS::Partition"},
                ":rekognition:",
                {"Ref": "AWS::Region"},
                ":",
                {"Ref": "AWS::AccountId"},
                ":project/*",
            ],
        ]
    }
    assert allowed.keys() == {
        "['logs:CreateLogStream', 'logs:PutLogEvents']",
        "rekognition:PutProjectPolicy",
        "['rekognition:ListProjectPolicies', 'rekognition:DeleteProjectPolicy']",
    }
    put = allowed["rekognition:PutProjectPolicy"]["Resource"]
    assert sorted(put, key=str) == sorted([{"Fn::GetAtt": ["Project", "Arn"]}, PROJECT_ARN], key=str)
    assert allowed["['rekognition:ListProjectPolicies', 'rekognition:DeleteProjectPolicy']"]["Resource"] == everything
    (log,) = (statement["Resource"] for action, statement in allowed.items() if "logs" in action)
    assert log["Fn::GetAtt"][0].startswith("RekognitionProjectPolicyProviderLogs")


def test_the_function_is_as_the_design_has_it(stack: Stack, resources: Resources) -> None:
    """Newest Python, arm64, 256 MB, no VPC, its own log group, and times that fit into one another."""
    share(stack, "Policy")
    (function,) = (each["Properties"] for each in resources(stack, "AWS::Lambda::Function"))
    latest = max(int(name.removeprefix("PYTHON_3_")) for name in dir(lambda_.Runtime) if name.startswith("PYTHON_3_"))
    assert function["Runtime"] == f"python3.{latest}"
    assert function["Architectures"] == ["arm64"]
    assert (function["MemorySize"], function["Timeout"], function["Handler"]) == (256, 480, "index.handler")
    assert "VpcConfig" not in function
    assert "Environment" not in function
    (retries,) = (each["Properties"] for each in resources(stack, "AWS::Lambda::EventInvokeConfig"))
    assert (retries["MaximumEventAgeInSeconds"], retries["MaximumRetryAttempts"]) == (360, 2)
    (log_group,) = (each["Properties"] for each in resources(stack, "AWS::Logs::LogGroup"))
    assert log_group == {"RetentionInDays": 365}
    (policy,) = (each["Properties"] for each in resources(stack, "Custom::RekognitionProjectPolicy"))
    assert retries["MaximumEventAgeInSeconds"] + function["Timeout"] < int(policy["ServiceTimeout"])


def test_a_policy_waits_for_all_that_its_requests_need(stack: Stack, resources: Resources) -> None:
    """Permissions, log group and retries are there before the first request, and go after the last."""
    share(stack, "Policy")
    (policy,) = resources(stack, "Custom::RekognitionProjectPolicy")
    template = Template.from_stack(stack).to_json()
    kinds = {template["Resources"][name]["Type"] for name in policy["DependsOn"]}
    assert kinds == {
        "AWS::IAM::Role",
        "AWS::IAM::Policy",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Logs::LogGroup",
    }


@pytest.mark.parametrize("partition", ["aws", "aws-cn"])
def test_no_partition_is_hard_coded(partition: str, stack: Stack) -> None:
    """Every ARN that is made takes its partition from where it is deployed, or from the project's own ARN."""
    share(stack, "Policy", PROJECT_ARN.replace("arn:aws:", f"arn:{partition}:"))
    text = str(Template.from_stack(stack).to_json())
    assert set(re.findall(r"arn:(aws[a-z-]*):", text)) == {partition}
