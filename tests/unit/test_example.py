"""The example application: its whole template, readable."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

ROOT = Path(__file__).parents[2]


def synthesize(
    folder: Path, trusted_account: str = "111122223333", *, is_validated: bool = False, **context: str
) -> dict[str, Any]:
    """Run app.py as the CLI does and return the template, which the CDK validates or not."""
    settings = json.loads((ROOT / "cdk.json").read_text())
    environment = os.environ | {
        "CDK_OUTDIR": str(folder),
        "CDK_CONTEXT_JSON": json.dumps(
            settings["context"] | context | {"trusted_account": trusted_account, "aws:cdk:disable-asset-staging": False}
        ),
    }
    if is_validated:
        del environment["CDK_VALIDATION"]
    subprocess.run(
        [sys.executable, str(ROOT / "app.py")], env=environment, check=True, capture_output=True, text=True, timeout=120
    )
    template: dict[str, Any] = json.loads((folder / "RekognitionModelSharing.template.json").read_text())
    return template


def test_its_template(tmp_path: Path, snapshot: SnapshotAssertion, pytestconfig: pytest.Config) -> None:
    """The template is the one that was reviewed, but for the asset's hash; with --full the CDK validates it."""
    template = json.dumps(synthesize(tmp_path, is_validated=pytestconfig.getoption("--full")))
    template = re.sub(r"[0-9a-f]{64}", "ASSET", template)
    assert json.loads(template) == snapshot(extension_class=JSONSnapshotExtension)


def test_takes_an_existing_project(tmp_path: Path) -> None:
    """With the context project_arn the stack creates no project."""
    arn = "arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815"
    resources = synthesize(tmp_path, "444455556666", project_arn=arn)["Resources"].values()
    kinds = {each["Type"]: each["Properties"] for each in resources}
    assert "AWS::Rekognition::Project" not in kinds
    assert kinds["Custom::RekognitionProjectPolicy"]["ProjectArn"] == arn
    assert "444455556666" in json.dumps(kinds["Custom::RekognitionProjectPolicy"]["PolicyDocument"])


@pytest.mark.parametrize("wrong", ["", "1234"])
def test_a_wrong_account(tmp_path: Path, wrong: str) -> None:
    """Without an account ID as trusted_account nothing is shared with anybody."""
    with pytest.raises(subprocess.CalledProcessError) as refused:
        synthesize(tmp_path, wrong)
    assert f'"{wrong}" is not an account ID. Say who may copy' in refused.value.stderr
