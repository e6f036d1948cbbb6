"""The packaged providers: what their templates add to what the constructs synthesize."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml

PROJECTS = "arn:${AWS::Partition}:rekognition:${AWS::Region}:${AWS::AccountId}:project/*"
COPIER = "rekognition-version-copies-<UUID of the stack>"
ITSELF = f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:{COPIER}"
ANY_KEY = "arn:${AWS::Partition}:kms:${AWS::Region}:*:key/*"
VIA_REKOGNITION = {"kms:ViaService": "rekognition.${AWS::Region}.amazonaws.com"}
NO_VALUE = {"Ref": "AWS::NoValue"}

LOG = (["logs:CreateLogStream", "logs:PutLogEvents"], {"Fn::GetAtt": ["Logs", "Arn"]})
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
    """Return a value with Fn::Join and Fn::Sub of literals and pseudo parameters as one string."""
    match value:
        case {"Fn::Sub": [text, {"Uuid": {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}}]}:
            return text.replace("${Uuid}", "<UUID of the stack>")
        case {"Fn::Sub": text}:
            return text
        case {"Ref": name}:
            return f"${{{name}}}"
        case {"Fn::Join": ["", parts]}:
            return "".join(joined(part) for part in parts)
        case dict() if "Fn::GetAtt" not in value:
            return {key: joined(each) for key, each in value.items()}
    return value


@pytest.fixture(params=["", "-from-s3"])
def form(request: pytest.FixtureRequest) -> str:
    """The end of the file's name: with its code beside it, and with its code in a bucket."""
    return str(request.param)


@pytest.mark.parametrize(("name", "allowed"), [("provider", POLICIES), ("copy-provider", COPIES)])
def test_the_role_is_bounded_by_exactly_its_actions(dist: Path, name: str, allowed: list[Any], form: str) -> None:
    """Whoever attaches a policy to the role, as every stack that uses the provider does, gives it nothing else."""
    template = cfn_yaml.load(str(dist / f"{name}{form}.yaml"))
    resources = template["Resources"]
    *statements, network = resources["Boundary"]["Properties"]["PolicyDocument"]["Statement"]
    found = []
    for each in statements:
        assert each["Effect"] == "Allow"
        actions = each["Action"] if isinstance(each["Action"], list) else [each["Action"]]
        conditions = [joined(each["Condition"])] if "Condition" in each else []
        found.append((sorted(actions), joined(each["Resource"]), *conditions))
    assert found == allowed
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
def test_the_function_is_in_a_vpc_if_subnets_are_given(dist: Path, name: str, form: str) -> None:
    """Then Lambda may manage network interfaces there, and the function's own code may not."""
    template = cfn_yaml.load(str(dist / f"{name}{form}.yaml"))
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
