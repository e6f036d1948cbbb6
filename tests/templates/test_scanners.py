"""The field's scanners over every template that users meet: no findings, and a reason if one is suppressed."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cdk_nag
import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk import aws_iam as iam

from cdk_rekognition_project_policy import ProjectPolicy
from tests.packaging import ROOT
from tests.unit.conftest import CDK_INIT

GALLERY = Path(__file__).with_name("gallery.py")
WITH_FLAGS = "gallery with the flags of cdk init"
APPS = {
    "app": ROOT / "app.py",
    "gallery": GALLERY,
    **{path.parent.name: path for path in sorted((ROOT / "examples").glob("*/app.py"))},
    WITH_FLAGS: GALLERY,
}


@pytest.fixture(scope="module")
def apps() -> Iterator[dict[str, App]]:
    """Each app, after its synthesis into a folder that the CDK chose."""
    made: dict[str, App] = {}
    for name, path in APPS.items():
        context = {"trusted_account": "111122223333", **(CDK_INIT if name == WITH_FLAGS else {})}  # as -c gives it
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("aws_cdk.App", partial(App, context=context))
            made[name] = runpy.run_path(str(path))["app"]
    yield made
    for app in made.values():
        shutil.rmtree(app.outdir)


@pytest.fixture(scope="module")
def templates(apps: dict[str, App]) -> list[Path]:
    """The paths of all templates: synthesized from the apps, or written by hand."""
    # cfn-lint doesn't know Fn::GetStackOutput yet.
    synthesized = {
        name: sorted(Path(app.outdir).glob("*.template.json")) for name, app in apps.items() if name != WITH_FLAGS
    }
    written = [sorted((ROOT / folder).glob("**/*.yaml")) for folder in ("templates", "examples")]
    assert all([*synthesized.values(), *written])
    return [path for paths in (*synthesized.values(), *written) for path in paths]


def test_cfn_lint_finds_nothing(templates: list[Path]) -> None:
    """CloudFormation's own linter has neither error nor warning."""
    command: list[str | Path] = [Path(sys.executable).with_name("cfn-lint"), *templates]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def nag(app: App) -> set[tuple[str, str]]:
    """Return what cdk-nag's AwsSolutions pack finds in an app."""
    report = cdk_nag.AwsSolutionsChecks().validate_scope(app)
    return {
        (found.rule_name, str(where.construct_path))
        for found in report.violations
        for where in found.violating_resources
    }


@pytest.mark.parametrize("name", APPS)
def test_cdk_nag_finds_nothing(name: str, apps: dict[str, App]) -> None:
    """It is content with each app; the gallery has every option of every construct, and references to other stacks."""
    assert nag(apps[name]) == set()


def test_cdk_nag_sees_what_is_not_acknowledged(tmp_path: Path) -> None:
    """The same pack finds a wildcard of a user's own beside an acknowledged one, so its silence says something."""
    app = App(analytics_reporting=False, outdir=str(tmp_path))
    stack = Stack(app, "Sharing")
    role = iam.Role(stack, "Role", assumed_by=iam.AccountRootPrincipal())
    project = "arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815"
    ProjectPolicy(stack, "Policy", project=project).grant_copy(role)
    role.add_to_principal_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=["*"]))
    app.synth()
    assert nag(app) == {("AwsSolutions-IAM5[Resource::*]", "Sharing/Role/DefaultPolicy/Resource")}


def test_a_users_synthesis_with_cdk_nag_is_quiet(tmp_path: Path) -> None:
    """Who adds the pack to an app meets no finding of the construct's."""
    app = App(analytics_reporting=False, outdir=str(tmp_path))
    project = "arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815"
    ProjectPolicy(Stack(app, "Sharing"), "Policy", project=project).grant_copy(iam.AccountPrincipal("111122223333"))
    Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks(app))
    app.synth()


OLDER = """
import runpy, sys
import aws_cdk, cdk_nag
from aws_cdk import aws_iam as iam
App = aws_cdk.App
def make(**given):
    app = App(**given)
    aws_cdk.Aspects.of(app).add(cdk_nag.AwsSolutionsChecks())
    wildcard = iam.PolicyStatement(actions=["s3:GetObject"], resources=["*"])
    iam.ManagedPolicy(aws_cdk.Stack(app, "Other"), "Policy", statements=[wildcard])
    return app
aws_cdk.App = make
for stack in runpy.run_path(sys.argv[1])["app"].synth().stacks:
    for message in stack.messages:
        print(str(message.entry.data).partition(":")[0], message.id)
"""


@pytest.mark.full
@pytest.mark.parametrize("references", ["strong", "weak"])
def test_the_older_cdk_nag_finds_nothing(tmp_path: Path, references: str) -> None:
    """cdk-nag 2 is an aspect, and reads in the template what is acknowledged; it finds what isn't."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(tmp_path)]
    subprocess.run([*command, "cdk-nag==2.38.2"], check=True)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    environment["CDK_CONTEXT_JSON"] = json.dumps({"@aws-cdk/core:defaultCrossStackReferences": references})
    done = subprocess.run(
        [sys.executable, "-c", OLDER, GALLERY], env=environment, capture_output=True, text=True, check=True
    )
    findings = [line for line in done.stdout.splitlines() if line.startswith("AwsSolutions-")]
    assert findings == ["AwsSolutions-IAM5[Resource /Other/Policy/Resource"]  # up to the first colon
