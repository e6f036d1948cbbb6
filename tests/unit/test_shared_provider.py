"""One provider for several stacks: of the same app, or imported."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import App, Environment, Fn, NestedStack, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rekognition as rekognition
from aws_cdk.assertions import Template

from cdk_rekognition_project_policy import IProjectPolicyProvider, ProjectPolicy, ProjectPolicyProvider
from tests.unit.conftest import PROJECT_ARN, TYPE, resources

FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:provider"
ROLE_NAME = "provider-role"


def share(stack: Stack, provider: IProjectPolicyProvider, project_arn: str = PROJECT_ARN) -> ProjectPolicy:
    """Share a project with an account, through a provider."""
    policy = ProjectPolicy(stack, "Sharing", project_arn=project_arn, policy_name=stack.node.id, provider=provider)
    policy.grant_copy(iam.AccountPrincipal("111122223333"))
    return policy


def test_stacks_of_one_app_share_a_function(app: App) -> None:
    """The function is in one stack, which the others depend on."""
    home, *users = (Stack(app, name) for name in ("Home", "One", "Two"))
    provider = ProjectPolicyProvider(home, "Provider")
    for user in users:
        share(user, provider)
    app.synth()
    for user in users:
        assert user.dependencies == [home]
        assert resources(user, "AWS::Lambda::Function") == resources(user, "AWS::IAM::Role") == []
        (policy,) = resources(user, TYPE)
        assert "Fn::ImportValue" in policy["Properties"]["ServiceToken"]
    assert home.dependencies == []


def test_each_stack_brings_the_permission_for_its_own_projects(app: App) -> None:
    """Put on a stack's own projects is allowed in that stack, before its policies are created."""
    home, *users = (Stack(app, name) for name in ("Home", "One", "Two"))
    provider = ProjectPolicyProvider(home, "Provider")
    for user in users:
        project = rekognition.CfnProject(user, "Project", project_name=user.node.id)
        share(user, provider, project.attr_arn)
    app.synth()
    assert "PutProjectPolicy" not in json.dumps(Template.from_stack(home).to_json()["Resources"])
    for user in users:
        ((name, permission),) = Template.from_stack(user).find_resources("AWS::IAM::Policy").items()
        (statement,) = permission["Properties"]["PolicyDocument"]["Statement"]
        assert statement["Action"] == "rekognition:PutProjectPolicy"
        assert statement["Resource"] == {"Fn::GetAtt": ["Project", "Arn"]}
        (role,) = permission["Properties"]["Roles"]
        assert "Fn::ImportValue" in role
        (policy,) = resources(user, TYPE)
        assert policy["DependsOn"] == [name]


def test_stacks_of_one_name_do_not_overwrite_their_permissions(app: App) -> None:
    """Inline policies of one name overwrite one another on a role, so the name has the stack's own UUID."""
    stacks = [Stack(app, name, stack_name="same") for name in ("One", "Two")]
    for stack in stacks:
        share(
            stack,
            ProjectPolicyProvider.from_attributes(stack, "Provider", service_token=FUNCTION_ARN, role_name=ROLE_NAME),
        )
    app.synth()
    for stack in stacks:
        (permission,) = resources(stack, "AWS::IAM::Policy")
        *rest, last = permission["Properties"]["PolicyName"]["Fn::Join"][1]
        assert last == {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
        assert len("".join(rest)) + len("01234567-89ab-cdef-0123-456789abcdef") <= 128


def test_an_imported_provider(app: App) -> None:
    """Only the permission is created, attached to the role by its name."""
    stack = Stack(app, "Sharing")
    provider = ProjectPolicyProvider.from_attributes(stack, "Provider", service_token=FUNCTION_ARN, role_name=ROLE_NAME)
    assert provider.service_token == FUNCTION_ARN
    assert provider.role.role_name == ROLE_NAME
    share(stack, provider)
    made = Template.from_stack(stack).to_json()["Resources"]
    assert {each["Type"] for each in made.values()} == {"AWS::IAM::Policy", "Custom::RekognitionProjectPolicy"}
    ((name, permission),) = Template.from_stack(stack).find_resources("AWS::IAM::Policy").items()
    assert permission["Properties"]["Roles"] == [ROLE_NAME]
    (policy,) = resources(stack, TYPE)
    assert policy["Properties"]["ServiceToken"] == FUNCTION_ARN
    assert policy["DependsOn"] == [name]


def test_an_imported_provider_that_only_the_deployment_knows(app: App) -> None:
    """The service token and the role's name can be exports of another stack."""
    stack = Stack(app, "Sharing")
    provider = ProjectPolicyProvider.from_attributes(
        stack, "Provider", service_token=Fn.import_value("Token"), role_name=Fn.import_value("Role")
    )
    share(stack, provider)
    (permission,) = resources(stack, "AWS::IAM::Policy")
    assert permission["Properties"]["Roles"] == [{"Fn::ImportValue": "Role"}]


def test_a_nested_stack_uses_its_parents_provider(app: App) -> None:
    """The permission is in the nested stack, which gets the service token as a parameter."""
    parent = Stack(app, "Parent")
    provider = ProjectPolicyProvider.of(parent)
    nested = NestedStack(parent, "Nested")
    share(nested, provider)
    assert len(resources(nested, "AWS::IAM::Policy")) == 1
    assert resources(nested, "AWS::Lambda::Function") == []


@pytest.mark.parametrize(
    ("account", "region", "told"),
    [
        ("210987654321", "us-east-1", "is in account 123456789012, but this stack is in 210987654321"),
        ("123456789012", "eu-west-1", "is in Region us-east-1, but this stack is in eu-west-1"),
    ],
)
def test_a_provider_serves_its_own_account_and_region_only(app: App, account: str, region: str, told: str) -> None:
    """A function can't be invoked from another Region, nor manage another account's projects."""
    home = Stack(app, "Home", env=Environment(account="123456789012", region="us-east-1"))
    user = Stack(app, "User", env=Environment(account=account, region=region))
    elsewhere = PROJECT_ARN.replace("us-east-1", region).replace("123456789012", account)
    imported = ProjectPolicyProvider.from_attributes(user, "Imported", service_token=FUNCTION_ARN, role_name=ROLE_NAME)
    for number, provider in enumerate([ProjectPolicyProvider.of(home), imported]):
        with pytest.raises(ValueError, match=f"User/Policy{number}.*: provider .* {told}"):
            ProjectPolicy(user, f"Policy{number}", project_arn=elsewhere, provider=provider)


def test_where_the_stack_is_not_known_its_project_decides(app: App) -> None:
    """A project's ARN has the account of a stack whose own only the deployment will tell."""
    stack = Stack(app, "User")
    elsewhere = FUNCTION_ARN.replace("123456789012", "210987654321")
    provider = ProjectPolicyProvider.from_attributes(stack, "Provider", service_token=elsewhere, role_name=ROLE_NAME)
    with pytest.raises(ValueError, match="is in account 210987654321, but this stack is in 123456789012"):
        share(stack, provider)


@pytest.mark.parametrize(
    ("service_token", "role_name", "told"),
    [
        (f"{FUNCTION_ARN}:live", ROLE_NAME, None),
        ("provider", ROLE_NAME, 'service_token "provider" is not the ARN of a Lambda function'),
        (PROJECT_ARN, ROLE_NAME, "is not the ARN of a Lambda function"),
        (FUNCTION_ARN, "arn:aws:iam::123456789012:role/provider-role", "is not the name of a role"),
        (FUNCTION_ARN, "", "is not the name of a role"),
        (None, ROLE_NAME, "is not the ARN of a Lambda function"),
        (FUNCTION_ARN, b"role", "is not the name of a role"),
    ],
)
def test_what_is_not_a_provider(app: App, service_token: Any, role_name: Any, told: str | None) -> None:
    """A wrong token would fail at deployment only, and nothing can be attached to a role's ARN."""
    stack = Stack(app, "Sharing")

    def imported() -> None:
        ProjectPolicyProvider.from_attributes(stack, "Provider", service_token=service_token, role_name=role_name)

    if told is None:
        imported()
    else:
        with pytest.raises(ValueError, match=f"Sharing/Provider: .*{told}"):
            imported()
