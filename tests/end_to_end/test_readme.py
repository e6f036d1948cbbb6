"""README's own lines of code: they run as they stand, and do what README says."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Cdk, Live, bare_environment
from tests.packaging import ROOT

BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
PROJECT_ARN = "arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815"


def test_ten_lines_share_with_an_account_an_organization_and_a_role(cdk: Cdk, live: Live, installed: Path) -> None:
    """Deployed with the wheel, README's app allows exactly those three to copy, and is destroyed again."""
    app = BLOCKS[0]
    assert len([line for line in app.splitlines() if line.strip()]) <= 10
    client = live.cloud.client("rekognition")
    arn = client.create_project(ProjectName="logos")["ProjectArn"]
    (cdk.folder / "app.py").write_text(app.replace(PROJECT_ARN, arn))
    done = cdk.run("deploy", "--app", f"{installed} app.py", "--require-approval", "never")
    assert done.returncode == 0, done.stdout
    (policy,) = (each for (project, _), each in live.policies().items() if project == "logos")
    versions = arn.rsplit("/", 1)[0] + "/version/"
    said = {
        (principal, statement["Resource"], json.dumps(statement.get("Condition")))
        for statement in json.loads(policy["PolicyDocument"])["Statement"]
        for principals in [statement["Principal"]["AWS"]]
        for principal in (principals if isinstance(principals, list) else [principals])
    }
    assert said == {
        ("arn:aws:iam::111122223333:root", f"{versions}*", "null"),
        ("arn:aws:iam::444455556666:role/copier", f"{versions}*", "null"),
        ("*", f"{versions}v1/*", '{"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}'),
    }
    assert cdk.run("destroy", "--app", "cdk.out", "--force").returncode == 0
    assert "logos" not in {project for project, _ in live.policies()}
    client.delete_project(ProjectArn=arn)


@pytest.mark.parametrize("block", BLOCKS[1:])
def test_the_other_lines_work_in_an_app(block: str, installed: Path, tmp_path: Path) -> None:
    """The other blocks are parts of an app that has what they name."""
    (tmp_path / "app.py").write_text(
        "from aws_cdk import App, Stack, aws_iam as iam, aws_rekognition as rekognition, aws_s3 as s3\n"
        "app = App()\n"
        'stack = Stack(app, "Part")\n'
        'project = rekognition.CfnProject(stack, "Project", project_name="copies")\n'
        'bucket = s3.Bucket(stack, "Bucket")\n'
        'role = iam.Role(stack, "Role", assumed_by=iam.AccountRootPrincipal())\n' + block + "app.synth()\n"
    )
    environment = bare_environment(tmp_path) | {"CDK_OUTDIR": str(tmp_path / "out"), "CDK_VALIDATION": "false"}
    done = subprocess.run([installed, "app.py"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    template = json.loads((tmp_path / "out" / "Part.template.json").read_text())
    assert "Custom::RekognitionProjectVersionCopy" in {each["Type"] for each in template["Resources"].values()}
