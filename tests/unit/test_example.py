"""The example application: what it has, what it takes, and what it rejects."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

ROOT = Path(__file__).parents[2]
CONTEXT = {"trusted_account": "111122223333", "aws:cdk:disable-asset-staging": False}


def synthesize(folder: Path, **context: str) -> dict[str, Any]:
    """Run app.py with this context, and return its template."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aws_cdk.App", partial(App, outdir=str(folder), context=CONTEXT | context))
        runpy.run_path(str(ROOT / "app.py"))
    return template_in(folder)


def template_in(folder: Path) -> dict[str, Any]:
    """Return the template in a folder."""
    template: dict[str, Any] = json.loads((folder / "RekognitionModelSharing.template.json").read_text())
    return template


def test_its_template(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """A logical ID stays: another one would replace the function, and CloudFormation rejects another ServiceToken.

    With --full the CDK validates the template.
    """
    settings = json.loads((ROOT / "cdk.json").read_text())["context"]
    environment = os.environ | {"CDK_OUTDIR": str(tmp_path), "CDK_CONTEXT_JSON": json.dumps(settings | CONTEXT)}
    if pytestconfig.getoption("--full"):
        del environment["CDK_VALIDATION"]
    command = [sys.executable, str(ROOT / "app.py")]  # as the CLI runs it
    subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=120)
    template = template_in(tmp_path)
    assert template["Outputs"].keys() == {"PolicyName", "PolicyRevisionId", "ProjectArn"}
    assert {name: each["Type"] for name, each in template["Resources"].items()} == {
        "Project": "AWS::Rekognition::Project",
        "RekognitionProjectPolicyProviderFunction4873AA62": "AWS::Lambda::Function",
        "RekognitionProjectPolicyProviderFunctionEventInvokeConfig71B8DD3D": "AWS::Lambda::EventInvokeConfig",
        "RekognitionProjectPolicyProviderLogs431DCC53": "AWS::Logs::LogGroup",
        "RekognitionProjectPolicyProviderPolicy00231A79": "AWS::IAM::Policy",
        "RekognitionProjectPolicyProviderProjectsPolicy794D2684": "AWS::IAM::Policy",
        "RekognitionProjectPolicyProviderRoleF27B8127": "AWS::IAM::Role",
        "Sharing58144A44": "Custom::RekognitionProjectPolicy",
    }
    # For cdk-nag 2, which reads it here.
    metadata = template["Resources"]["RekognitionProjectPolicyProviderPolicy00231A79"]["Metadata"]
    (rule,) = metadata["cdk_nag"]["rules_to_suppress"]
    every_project = "Resource::arn:<AWS::Partition>:rekognition:<AWS::Region>:<AWS::AccountId>:project/*"
    assert (rule["id"], rule["applies_to"]) == ("AwsSolutions-IAM5", [every_project])
    assert "a narrower role would be denied that Delete" in rule["reason"]


def test_takes_an_existing_project(tmp_path: Path) -> None:
    """With the context project_arn the stack creates no project."""
    arn = "arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815"
    resources = synthesize(tmp_path, trusted_account="444455556666", project_arn=arn)["Resources"].values()
    kinds = {each["Type"]: each["Properties"] for each in resources}
    assert "AWS::Rekognition::Project" not in kinds
    assert kinds["Custom::RekognitionProjectPolicy"]["ProjectArn"] == arn
    assert "444455556666" in json.dumps(kinds["Custom::RekognitionProjectPolicy"]["PolicyDocument"])


@pytest.mark.parametrize("wrong", ["", "1234"])
def test_a_wrong_account(tmp_path: Path, wrong: str) -> None:
    """Without an account ID as trusted_account nothing is shared with anybody."""
    with pytest.raises(SystemExit, match=f'"{wrong}" is not an account ID. Specify who may copy'):
        synthesize(tmp_path, trusted_account=wrong)
