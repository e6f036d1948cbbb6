"""The packaged provider: its role's permissions boundary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml

PROJECTS = "arn:${AWS::Partition}:rekognition:${AWS::Region}:${AWS::AccountId}:project/*"


def joined(value: Any) -> Any:
    """Return a value with Fn::Join of literals and pseudo parameters as Fn::Sub would have it."""
    if isinstance(value, dict) and "Fn::Join" in value:
        return "".join(part if isinstance(part, str) else f"${{{part['Ref']}}}" for part in value["Fn::Join"][1])
    return value


@pytest.mark.parametrize("name", ["provider.yaml", "provider-from-s3.yaml"])
def test_the_role_is_bounded_by_exactly_its_actions(dist: Path, name: str) -> None:
    """Whoever attaches a policy to the role, as every stack that uses the provider does, gives it nothing else."""
    template = cfn_yaml.load(str(dist / name))
    resources = template["Resources"]
    statements = resources["Boundary"]["Properties"]["PolicyDocument"]["Statement"]
    assert [(each["Effect"], sorted(each["Action"]), joined(each["Resource"])) for each in statements] == [
        ("Allow", ["logs:CreateLogStream", "logs:PutLogEvents"], {"Fn::GetAtt": ["Logs", "Arn"]}),
        (
            "Allow",
            [
                "rekognition:DeleteProjectPolicy",
                "rekognition:ListProjectPolicies",
                "rekognition:PutProjectPolicy",
            ],
            PROJECTS,
        ),
    ]
    assert resources["Role"]["Properties"]["PermissionsBoundary"] == {
        "Fn::If": ["HasDefaultBoundary", {"Ref": "Boundary"}, {"Ref": "PermissionsBoundaryArn"}]
    }
    assert resources["Boundary"]["Condition"] == "HasDefaultBoundary"
    assert template["Conditions"]["HasDefaultBoundary"] == {"Fn::Equals": [{"Ref": "PermissionsBoundaryArn"}, ""]}
    assert template["Parameters"]["PermissionsBoundaryArn"]["Default"] == ""
