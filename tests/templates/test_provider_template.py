"""The providers for CloudFormation without the CDK: their templates are what the constructs synthesize, and bounded."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template
from cfnlint.decode import cfn_yaml

from cdk_rekognition_project_policy import ProjectPolicyProvider, ProjectVersionCopyProvider, __version__
from tests.packaging import ROOT

PROJECTS = "arn:${AWS::Partition}:rekognition:${AWS::Region}:${AWS::AccountId}:project/*"
COPIER = "rekognition-version-copies-<UUID of the stack>"
ITSELF = f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:{COPIER}"
ANY_KEY = "arn:${AWS::Partition}:kms:${AWS::Region}:*:key/*"
VIA_REKOGNITION = {"kms:ViaService": "rekognition.${AWS::Region}.amazonaws.com"}
NO_VALUE = {"Ref": "AWS::NoValue"}

LOG = (["logs:CreateLogStream", "logs:PutLogEvents"], "${Logs.Arn}")
INTERFACES = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]
NETWORK = {"Effect": "Allow", "Action": INTERFACES, "Resource": "*"}
POLICIES = [
    LOG,
    (["rekognition:DeleteProjectPolicy", "rekognition:ListProjectPolicies"], PROJECTS),
    (["rekognition:PutProjectPolicy"], PROJECTS),
]
COPIES = [
    LOG,
    (["rekognition:DescribeProjectVersions"], PROJECTS),
    (
        ["rekognition:DeleteProjectVersion", "rekognition:ListTagsForResource", "rekognition:StopProjectVersion"],
        f"{PROJECTS}/version/*",
    ),
    (["rekognition:CopyProjectVersion"], "arn:${AWS::Partition}:rekognition:${AWS::Region}:*:project/*/version/*"),
    (["rekognition:CopyProjectVersion", "rekognition:CreateProjectVersion"], PROJECTS),
    (["rekognition:TagResource", "rekognition:UntagResource"], f"{PROJECTS}/version/*"),
    (["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:PutObject"], "arn:${AWS::Partition}:s3:::*"),
    (["lambda:InvokeFunction"], ITSELF),
    (["lambda:InvokeFunction"], f"{ITSELF}:*"),
    (["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"], ANY_KEY, {"StringEquals": VIA_REKOGNITION}),
    (["kms:CreateGrant"], ANY_KEY, {"StringEquals": VIA_REKOGNITION, "Bool": {"kms:GrantIsForAWSResource": "true"}}),
]


def joined(value: Any) -> Any:
    """Return a value with intrinsic functions of literals, references and pseudo parameters as strings."""
    match value:
        case {"Fn::Sub": [text, {"Uuid": {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}}]}:
            return text.replace("${Uuid}", "<UUID of the stack>")
        case {"Fn::Sub": text}:
            return text
        case {"Ref": name}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [name, attribute]}:
            (resource,) = (each for each in ("Function", "Logs", "Role") if each in name)  # the CDK adds a hash
            return f"${{{resource}.{attribute}}}"
        case {"Fn::Join": ["", parts]}:
            return "".join(joined(part) for part in parts)
        case dict():
            return {key: joined(each) for key, each in value.items()}
        case list():
            return [joined(each) for each in value]
    return value


def allowed(statements: Any) -> set[tuple[str, str, str, str]]:
    """Return each action of statements on each resource, with its effect and its condition."""
    every = [each["Fn::If"][1] if "Fn::If" in each else each for each in statements]
    return {
        (each["Effect"], action, resource, str(joined(each.get("Condition"))))
        for each in every
        for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
        for resource in (joined(each["Resource"]) if isinstance(each["Resource"], list) else [joined(each["Resource"])])
    }


def template_of(name: str) -> Any:
    """Return a provider's template."""
    return cfn_yaml.load(str(ROOT / "templates" / f"{name}.yaml"))


@pytest.mark.parametrize(
    ("name", "kind"), [("provider", ProjectPolicyProvider), ("copy-provider", ProjectVersionCopyProvider)]
)
def test_a_template_has_what_its_construct_synthesizes(
    name: str, kind: type[ProjectPolicyProvider] | type[ProjectVersionCopyProvider]
) -> None:
    """The function, its retries, its role and what that is allowed, in a VPC, are the same."""
    stack = Stack(App(analytics_reporting=False), "Providers")
    vpc = ec2.Vpc(stack, "Vpc", max_azs=1)
    kind(stack, "Provider", vpc=vpc)
    synthesized = [*Template.from_stack(stack).to_json()["Resources"].values()]

    def made(kind: str) -> list[Any]:
        return [each["Properties"] for each in synthesized if each["Type"] == kind]

    template = template_of(name)
    role, policy, function, retries, logs = (
        template["Resources"][each]["Properties"]
        for each in ("Role", "Policy", "Function", "FunctionEventInvokeConfig", "Logs")
    )
    (its_role,), (its_function,) = made("AWS::IAM::Role"), made("AWS::Lambda::Function")
    added = {"Code", "FunctionName", "LoggingConfig", "VpcConfig"}
    assert {key: joined(each) for key, each in function.items() if key not in added} == {
        key: joined(each) for key, each in its_function.items() if key not in added
    }
    (its_retries,) = made("AWS::Lambda::EventInvokeConfig")
    assert {**retries, "FunctionName": ""} == {**its_retries, "FunctionName": ""}
    assert {**role, "Policies": "", "PermissionsBoundary": ""} == {
        **its_role,
        "Policies": "",
        "PermissionsBoundary": "",
    }
    network = role["Policies"]["Fn::If"][1][0]["PolicyDocument"]["Statement"]
    its_statements = [part for each in made("AWS::IAM::Policy") for part in each["PolicyDocument"]["Statement"]]
    assert allowed([*policy["PolicyDocument"]["Statement"], *network]) == allowed(its_statements)
    assert logs["RetentionInDays"] == {"Ref": "LogRetentionInDays"}
    assert [{"RetentionInDays": template["Parameters"]["LogRetentionInDays"]["Default"]}] == made("AWS::Logs::LogGroup")
    assert template["Description"].endswith(f", {__version__}")
    assert {*template["Outputs"]} == {"RoleName", "ServiceToken"}


@pytest.mark.parametrize(("name", "most"), [("provider", POLICIES), ("copy-provider", COPIES)])
def test_the_role_is_bounded_by_exactly_its_actions(name: str, most: list[Any]) -> None:
    """Whoever attaches a policy to the role, as every stack that uses the provider does, gives it nothing else."""
    template = template_of(name)
    resources = template["Resources"]
    *statements, network = resources["Boundary"]["Properties"]["PolicyDocument"]["Statement"]
    found = []
    for each in statements:
        assert each["Effect"] == "Allow"
        actions = each["Action"] if isinstance(each["Action"], list) else [each["Action"]]
        conditions = [joined(each["Condition"])] if "Condition" in each else []
        found.append((sorted(actions), joined(each["Resource"]), *conditions))
    assert found == most
    assert network == {"Fn::If": ["HasSubnets", NETWORK, NO_VALUE]}
    assert resources["Role"]["Properties"]["PermissionsBoundary"] == {
        "Fn::If": ["HasDefaultBoundary", {"Ref": "Boundary"}, {"Ref": "PermissionsBoundaryArn"}]
    }
    assert resources["Boundary"]["Condition"] == "HasDefaultBoundary"
    assert template["Conditions"]["HasDefaultBoundary"] == {"Fn::Equals": [{"Ref": "PermissionsBoundaryArn"}, ""]}
    assert template["Parameters"]["PermissionsBoundaryArn"]["Default"] == ""
    if name == "copy-provider":
        assert joined(resources["Function"]["Properties"]["FunctionName"]) == COPIER


@pytest.mark.parametrize("name", ["provider", "copy-provider"])
def test_the_function_is_in_a_vpc_if_subnets_are_given(name: str) -> None:
    """Then Lambda may manage network interfaces there, and the function's own code may not."""
    template = template_of(name)
    role, function, policy = (template["Resources"][each]["Properties"] for each in ("Role", "Function", "Policy"))
    subnets = {"Fn::Join": ["", {"Ref": "SubnetIds"}]}
    assert template["Conditions"]["HasSubnets"] == {"Fn::Not": [{"Fn::Equals": [subnets, ""]}]}
    assert [template["Parameters"][each]["Default"] for each in ("SubnetIds", "SecurityGroupIds")] == ["", ""]
    given = {"SubnetIds": {"Ref": "SubnetIds"}, "SecurityGroupIds": {"Ref": "SecurityGroupIds"}}
    assert function["VpcConfig"] == {"Fn::If": ["HasSubnets", given, NO_VALUE]}
    document = {"Statement": [NETWORK], "Version": "2012-10-17"}
    allowed = [{"PolicyName": "network", "PolicyDocument": document}]
    assert role["Policies"] == {"Fn::If": ["HasSubnets", allowed, NO_VALUE]}
    from_its_code = {"ArnEquals": {"lambda:SourceFunctionArn": {"Fn::GetAtt": ["Function", "Arn"]}}}
    denied = {**NETWORK, "Effect": "Deny", "Condition": from_its_code}
    assert policy["PolicyDocument"]["Statement"][-1] == {"Fn::If": ["HasSubnets", denied, NO_VALUE]}
