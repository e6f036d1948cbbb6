"""The packaged provider: its role's permissions boundary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml

PROJECTS = "arn:${AWS::Partition}:rekognition:${AWS::Region}:${AWS::AccountId}:project/*"
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
    (["lambda:InvokeFunction"], "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:*"),
    (
        ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
        "arn:${AWS::Partition}:kms:${AWS::Region}:*:key/*",
    ),
]


def joined(value: Any) -> Any:
    """Return a value with Fn::Join of literals and pseudo parameters as Fn::Sub would have it."""
    if isinstance(value, dict) and "Fn::Join" in value:
        return "".join(part if isinstance(part, str) else f"${{{part['Ref']}}}" for part in value["Fn::Join"][1])
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
        found.append((actions, joined(each["Resource"])))
        through = joined(each.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService"))
        assert through == ("rekognition.${AWS::Region}.amazonaws.com" if "kms:" in actions[0] else None)
    assert [(sorted(actions), resource) for actions, resource in found] == allowed
    assert resources["Role"]["Properties"]["PermissionsBoundary"] == {
        "Fn::If": ["HasDefaultBoundary", {"Ref": "Boundary"}, {"Ref": "PermissionsBoundaryArn"}]
    }
    assert resources["Boundary"]["Condition"] == "HasDefaultBoundary"
    assert template["Conditions"]["HasDefaultBoundary"] == {"Fn::Equals": [{"Ref": "PermissionsBoundaryArn"}, ""]}
    assert template["Parameters"]["PermissionsBoundaryArn"]["Default"] == ""
