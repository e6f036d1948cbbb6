"""The provider: one function a stack, and a role with least privilege."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rekognition as rekognition
from aws_cdk.assertions import Template

from cdk_rekognition_project_policy import ProjectPolicy, ProjectPolicyProvider
from tests.unit.conftest import PROJECT_ARN, resources

TRUSTED = iam.AccountPrincipal("111122223333")


def share(stack: Stack, construct_id: str, project_arn: str = PROJECT_ARN) -> ProjectPolicy:
    """Share a project of a stack with an account."""
    policy = ProjectPolicy(stack, construct_id, project_arn=project_arn)
    policy.grant_copy(TRUSTED)
    return policy


def test_one_function_serves_a_stack(stack: Stack) -> None:
    """Many policies share one function, one role and one log group."""
    for number in range(5):
        share(stack, f"Policy{number}", PROJECT_ARN.replace("logos", f"logos-{number}"))
    template = Template.from_stack(stack)
    template.resource_count_is("Custom::RekognitionProjectPolicy", 5)
    for kind in ("Lambda::Function", "IAM::Role", "Logs::LogGroup", "Lambda::EventInvokeConfig"):
        template.resource_count_is(f"AWS::{kind}", 1)
    template.resource_count_is("AWS::IAM::Policy", 2)


def test_each_stack_has_its_own() -> None:
    """Stacks of one app don't depend on one another."""
    app = App(analytics_reporting=False)
    stacks = [Stack(app, name) for name in ("One", "Two")]
    for each in stacks:
        share(each, "Policy")
    for each in stacks:
        Template.from_stack(each).resource_count_is("AWS::Lambda::Function", 1)
        assert not each.dependencies


def test_the_roles_permissions(stack: Stack) -> None:
    """Put on the projects in use, List and Delete on the account's projects, its own log, and no managed policy."""
    project = rekognition.CfnProject(stack, "Project", project_name="logos")
    share(stack, "One", project.attr_arn)
    share(stack, "Two", project.attr_arn)
    share(stack, "Three", PROJECT_ARN)
    (role,) = resources(stack, "AWS::IAM::Role")
    assert role["Properties"].keys() == {"AssumeRolePolicyDocument", "Description"}
    policies = [policy["Properties"] for policy in resources(stack, "AWS::IAM::Policy")]
    allowed = {
        str(statement["Action"]): statement
        for policy in policies
        for statement in policy["PolicyDocument"]["Statement"]
    }
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


def test_the_function(stack: Stack) -> None:
    """It has the newest Python, arm64, 256 MiB, no VPC, its own log group, and timeouts that a response precedes."""
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


def test_a_policy_depends_on_what_its_requests_need(stack: Stack) -> None:
    """Permissions, log group and retries are created before the first request, and deleted after the last."""
    share(stack, "Policy")
    (policy,) = resources(stack, "Custom::RekognitionProjectPolicy")
    template = Template.from_stack(stack).to_json()["Resources"]
    waited_for: set[str] = set()
    new = set(policy["DependsOn"])
    while new:
        waited_for |= new
        new = {name for each in new for name in template if f'"{name}"' in json.dumps(template[each])} - waited_for
    kinds = Counter(template[name]["Type"] for name in waited_for)
    assert kinds == {
        "AWS::IAM::Role": 1,
        "AWS::IAM::Policy": 2,
        "AWS::Lambda::EventInvokeConfig": 1,
        "AWS::Lambda::Function": 1,
        "AWS::Logs::LogGroup": 1,
    }


@pytest.mark.parametrize("partition", ["aws", "aws-cn"])
def test_no_partition_is_hard_coded(partition: str, stack: Stack) -> None:
    """Every ARN has the partition that it is deployed in, or that of the project's ARN."""
    share(stack, "Policy", PROJECT_ARN.replace("arn:aws:", f"arn:{partition}:"))
    text = str(Template.from_stack(stack).to_json())
    assert set(re.findall(r"arn:(aws[a-z-]*):", text)) == {partition}


def test_options(stack: Stack) -> None:
    """Retention, removal policy, key, boundary and memory are in the template, and the log may use the key."""
    key = kms.Key(stack, "Key")
    boundary = iam.ManagedPolicy.from_managed_policy_arn(stack, "Boundary", "arn:aws:iam::123456789012:policy/limits")
    ProjectPolicyProvider(
        stack,
        "Provider",
        log_retention=logs.RetentionDays.TEN_YEARS,
        log_removal_policy=RemovalPolicy.RETAIN,
        log_encryption_key=key,
        permissions_boundary=boundary,
        memory_size=512,
    )
    (log_group,) = resources(stack, "AWS::Logs::LogGroup")
    assert log_group["Properties"]["RetentionInDays"] == 3653
    assert log_group["Properties"]["KmsKeyId"]["Fn::GetAtt"][0].startswith("Key")
    assert log_group["DeletionPolicy"] == "Retain"
    (role,) = resources(stack, "AWS::IAM::Role")
    assert role["Properties"]["PermissionsBoundary"] == "arn:aws:iam::123456789012:policy/limits"
    (function,) = resources(stack, "AWS::Lambda::Function")
    assert function["Properties"]["MemorySize"] == 512
    (key_resource,) = resources(stack, "AWS::KMS::Key")
    *_, statement = key_resource["Properties"]["KeyPolicy"]["Statement"]
    region, account = {"Ref": "AWS::Region"}, {"Ref": "AWS::AccountId"}
    log_groups = ["arn:", {"Ref": "AWS::Partition"}, ":logs:", region, ":", account, ":log-group:*"]
    assert statement == {
        "Effect": "Allow",
        "Principal": {"Service": {"Fn::Join": ["", ["logs.", region, ".amazonaws.com"]]}},
        "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        "Resource": "*",
        "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": {"Fn::Join": ["", log_groups]}}},
    }


def test_takes_an_imported_key(stack: Stack) -> None:
    """Its policy can't be changed from here, so its owner allows CloudWatch Logs to use it."""
    key = kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:us-east-1:123456789012:key/1")
    ProjectPolicyProvider(stack, "Provider", log_encryption_key=key)
    (log_group,) = resources(stack, "AWS::Logs::LogGroup")
    assert log_group["Properties"]["KmsKeyId"] == key.key_arn


def test_takes_a_role(stack: Stack) -> None:
    """The permissions are attached to the given role; the provider creates none."""
    role = iam.Role(stack, "Mine", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    provider = ProjectPolicyProvider(stack, "Provider", role=role)
    assert provider.role is role
    ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, provider=provider).grant_copy(TRUSTED)
    (made,) = resources(stack, "AWS::IAM::Role")
    assert "Description" not in made["Properties"]
    policies = [each["Properties"] for each in resources(stack, "AWS::IAM::Policy")]
    assert {str(policy["Roles"]) for policy in policies} == {str([stack.resolve(role.role_name)])}
    assert len(policies) == 2


def test_a_role_of_another_stack_makes_no_cycle() -> None:
    """The provider's stack depends on the role's, and not the other way round."""
    app = App(analytics_reporting=False)
    roles, provider_stack = Stack(app, "Roles"), Stack(app, "Provider")
    role = iam.Role(roles, "Mine", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    provider = ProjectPolicyProvider(provider_stack, "Provider", role=role)
    ProjectPolicy(provider_stack, "Policy", project_arn=PROJECT_ARN, provider=provider).grant_copy(TRUSTED)
    app.synth()
    assert provider_stack.dependencies == [roles]
    assert roles.dependencies == []


def test_a_boundary_beside_a_role(stack: Stack) -> None:
    """A given role keeps its own boundary, so another one would be ignored."""
    role = iam.Role(stack, "Mine", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    boundary = iam.ManagedPolicy.from_managed_policy_arn(stack, "Boundary", "arn:aws:iam::123456789012:policy/limits")
    with pytest.raises(ValueError, match="Sharing/Provider: give the permissions boundary to the role that you give"):
        ProjectPolicyProvider(stack, "Provider", role=role, permissions_boundary=boundary)


@pytest.mark.parametrize("memory_size", [127, 10_241, 0, -1, 256.5, "256", None, True, float("nan"), b"256"])
def test_an_unsupported_memory_size(memory_size: Any, stack: Stack) -> None:
    """Lambda functions have 128 to 10240 MiB."""
    with pytest.raises(
        ValueError, match=f"^Sharing/Provider: memory_size is {memory_size!r}. Give 128 to 10240, in MiB"
    ):
        ProjectPolicyProvider(stack, "Provider", memory_size=memory_size)


def test_memory_may_be_a_token(stack: Stack) -> None:
    """A parameter's number is known at deployment only."""
    size = CfnParameter(stack, "Size", type="Number").value_as_number
    ProjectPolicyProvider(stack, "Provider", memory_size=size)  # type: ignore[arg-type]
    (function,) = resources(stack, "AWS::Lambda::Function")
    assert function["Properties"]["MemorySize"] == {"Ref": "Size"}


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"log_retention": 30}, TypeError),
        ({"log_removal_policy": "retain"}, TypeError),
        ({"log_encryption_key": "arn:aws:kms:us-east-1:123456789012:key/1"}, RuntimeError),
        ({"role": ""}, AttributeError),
        ({"permissions_boundary": iam.AccountRootPrincipal()}, ValueError),
    ],
)
def test_options_of_other_types_are_not_ignored(wrong: dict[str, Any], error: type[Exception], stack: Stack) -> None:
    """Python or the CDK rejects them; a boundary of another type would be missing from the template silently."""
    with pytest.raises(error):
        ProjectPolicyProvider(stack, "Provider", **wrong)


def test_a_role_of_another_account(placed_stack: Stack) -> None:
    """The function could not assume it, and this account's role of that name would get its permissions."""
    role = iam.Role.from_role_arn(placed_stack, "Theirs", "arn:aws:iam::444455556666:role/provider")
    with pytest.raises(ValueError, match="role has a role of account 444455556666, but this stack is in 123456789012"):
        ProjectPolicyProvider(placed_stack, "Provider", role=role)


def test_a_role_whose_account_only_the_deployment_tells(placed_stack: Stack) -> None:
    """It is accepted, because its account may be the stack's."""
    account = CfnParameter(placed_stack, "Account").value_as_string
    role = iam.Role.from_role_arn(placed_stack, "Role", f"arn:aws:iam::{account}:role/provider")
    assert ProjectPolicyProvider(placed_stack, "Provider", role=role).role is role
