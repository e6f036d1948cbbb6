"""The packaged provider: its role's permissions boundary."""

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
LOG = (["logs:CreateLogStream", "logs:PutLogEvents"], {"Fn::GetAtt": ["Logs", "Arn"]})

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
    """Return a value with Fn::Join of literals and pseudo parameters as Fn::Sub would have it."""
    match value:
        case {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}:
            return "<UUID of the stack>"
        case {"Ref": name}:
            return f"${{{name}}}"
        case {"Fn::Join": ["", parts]}:
            return "".join(joined(part) for part in parts)
        case dict() if "Fn::GetAtt" not in value:
            return {key: joined(each) for key, each in value.items()}
    return value


@pytest.mark.parametrize("form", ["", "-from-s3"])
@pytest.mark.parametrize(("name", "allowed"), [("provider", POLICIES), ("copy-provider", COPIES)])
def test_the_role_is_bounded_by_exactly_its_actions(dist: Path, name: str, allowed: list[Any], form: str) -> None:
    """Whoever attaches a policy to the role, as every stack that uses the provider does, gives it nothing else."""
    template = cfn_yaml.load(str(dist / f"{name}{form}.yaml"))
    resources = template["Resources"]
    statements = resources["Boundary"]["Properties"]["PolicyDocument"]["Statement"]
    assert {each["Effect"] for each in statements} == {"Allow"}
    found = []
    for each in statements:
        actions = each["Action"] if isinstance(each["Action"], list) else [each["Action"]]
        conditions = [joined(each["Condition"])] if "Condition" in each else []
        found.append((sorted(actions), joined(each["Resource"]), *conditions))
    assert found == allowed
    assert resources["Role"]["Properties"]["PermissionsBoundary"] == {
        "Fn::If": ["HasDefaultBoundary", {"Ref": "Boundary"}, {"Ref": "PermissionsBoundaryArn"}]
    }
    assert resources["Boundary"]["Condition"] == "HasDefaultBoundary"
    assert template["Conditions"]["HasDefaultBoundary"] == {"Fn::Equals": [{"Ref": "PermissionsBoundaryArn"}, ""]}
    assert template["Parameters"]["PermissionsBoundaryArn"]["Default"] == ""
