"""The example application: its whole template, readable."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

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


def test_its_template(tmp_path: Path, snapshot: SnapshotAssertion, pytestconfig: pytest.Config) -> None:
    """The template is the one that was reviewed, but for the asset's hash; with --full the CDK validates it."""
    settings = json.loads((ROOT / "cdk.json").read_text())["context"]
    environment = os.environ | {"CDK_OUTDIR": str(tmp_path), "CDK_CONTEXT_JSON": json.dumps(settings | CONTEXT)}
    if pytestconfig.getoption("--full"):
        del environment["CDK_VALIDATION"]
    command = [sys.executable, str(ROOT / "app.py")]  # as the CLI runs it
    subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=120)
    template = re.sub(r"[0-9a-f]{64}", "ASSET", json.dumps(template_in(tmp_path)))
    assert json.loads(template) == snapshot(extension_class=JSONSnapshotExtension)


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
