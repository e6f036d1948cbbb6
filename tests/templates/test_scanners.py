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
from typing import Any

import cdk_nag
import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk import aws_iam as iam

from cdk_rekognition_project_policy import ProjectPolicy
from localcloud.virtual_environment import ensure_virtual_environment
from tests.packaging import ROOT

GALLERY = Path(__file__).with_name("gallery.py")
APPS = [ROOT / "app.py", GALLERY, *sorted((ROOT / "examples").glob("*/app.py"))]
PACKS = ["AwsSolutions", "HIPAASecurity", "NIST80053R4", "NIST80053R5", "PCIDSS321", "Serverless"]


@pytest.fixture(scope="module")
def apps() -> Iterator[dict[Path, App]]:
    """Each app, after its synthesis into a folder that the CDK chose."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aws_cdk.App", partial(App, context={"trusted_account": "111122223333"}))  # as -c gives it
        made: dict[Path, App] = {path: runpy.run_path(str(path))["app"] for path in APPS}
    yield made
    for app in made.values():
        shutil.rmtree(app.outdir)


@pytest.fixture(scope="module")
def templates(apps: dict[Path, App], dist: Path) -> list[Path]:
    """The paths of all templates: synthesized from the apps, packaged, or written by hand."""
    synthesized = {path: sorted(Path(app.outdir).glob("*.template.json")) for path, app in apps.items()}
    packaged, written = sorted(dist.glob("*.yaml")), sorted((ROOT / "examples").glob("**/*.yaml"))
    assert all(synthesized.values())
    assert len(packaged) == 4
    assert written
    return [*(path for paths in synthesized.values() for path in paths), *packaged, *written]


def test_cfn_lint_finds_nothing(templates: list[Path]) -> None:
    """CloudFormation's own linter has neither error nor warning."""
    command: list[str | Path] = [Path(sys.executable).with_name("cfn-lint"), *templates]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


@pytest.mark.full
def test_checkov_finds_nothing_and_skips_nothing_without_a_reason(templates: list[Path], tmp_path: Path) -> None:
    """It asks nothing of the network; who reads its report needs the reason of each suppression."""
    python = ensure_virtual_environment(ROOT / ".localcloud" / "checkov", ROOT / "requirements-checkov.txt")
    command: list[str | Path] = [python.with_name("checkov"), "--framework", "cloudformation", "--skip-download"]
    command += ["--output", "json", *(part for template in templates for part in ("--file", str(template)))]
    # It unpickles a cache of a predictable name in the temporary folder, where another user could lay one.
    private = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=private)
    report: dict[str, Any] = json.loads(done.stdout)["results"]
    # A file that it can't read is no finding to checkov, and it has no check that concerns a stack set.
    read = {Path(check["file_abs_path"]) for checks in report.values() for check in checks}
    assert {path.name for path in set(templates) - read} == {"stack-set.yaml"}, done.stderr
    assert [(check["check_id"], check["resource"]) for check in report["failed_checks"]] == []
    skipped = report["skipped_checks"]
    assert {check["check_id"] for check in skipped} == {f"CKV_AWS_{number}" for number in (18, 115, 116, 117, 158)}
    assert all(len(check["check_result"]["suppress_comment"]) > 20 for check in skipped)


def nag(app: App, pack: str) -> set[tuple[str, str]]:
    """Return what a pack of cdk-nag finds in an app."""
    report = getattr(cdk_nag, f"{pack}Checks")().validate_scope(app)
    return {
        (found.rule_name, str(where.construct_path))
        for found in report.violations
        for where in found.violating_resources
    }


def of_the_construct(findings: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the findings except the inline policies that the CDK gives roles of the user, who accepts them or not."""
    return {
        (rule, path)
        for rule, path in findings
        if not (rule.endswith("-IAMNoInlinePolicy") and path.endswith("/DefaultPolicy/Resource"))
    }


@pytest.mark.parametrize(
    ("path", "pack"),
    [*((path, PACKS[0]) for path in APPS), *((GALLERY, pack) for pack in PACKS[1:])],
    ids=lambda given: f"{given.parent.name}-{given.stem}" if isinstance(given, Path) else given,
)
def test_cdk_nag_finds_nothing(path: Path, pack: str, apps: dict[Path, App]) -> None:
    """One pack is content with each app, and all with the gallery, which has every option of every construct."""
    assert of_the_construct(nag(apps[path], pack)) == set()


def test_cdk_nag_sees_what_is_not_acknowledged() -> None:
    """The same pack finds a wildcard of a user's own beside an acknowledged one, so its silence says something."""
    app = App(analytics_reporting=False)
    stack = Stack(app, "Sharing")
    role = iam.Role(stack, "Role", assumed_by=iam.AccountRootPrincipal())
    project = "arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815"
    ProjectPolicy(stack, "Policy", project=project).grant_copy(role)
    role.add_to_principal_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=["*"]))
    assert nag(app, "AwsSolutions") == {("AwsSolutions-IAM5[Resource::*]", "Sharing/Role/DefaultPolicy/Resource")}


def test_a_users_synthesis_with_cdk_nag_is_quiet(tmp_path: Path) -> None:
    """Who adds the pack to an app meets no finding of the construct's."""
    app = App(analytics_reporting=False, outdir=str(tmp_path))
    project = "arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815"
    ProjectPolicy(Stack(app, "Sharing"), "Policy", project=project).grant_copy(iam.AccountPrincipal("111122223333"))
    Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks(app))
    app.synth()


OLDER = """
import runpy, sys
import cdk_nag
from aws_cdk import Aspects
gallery, *packs = sys.argv[1:]
app = runpy.run_path(gallery)["app"]
for pack in packs:
    Aspects.of(app).add(getattr(cdk_nag, f"{pack}Checks")())
for stack in app.synth(force=True).stacks:
    for message in stack.messages:
        print(str(message.entry.data).partition(":")[0], message.id)
"""


@pytest.mark.full
def test_the_older_cdk_nag_finds_no_more(tmp_path: Path) -> None:
    """cdk-nag 2 is an aspect, and reads in the template what is acknowledged."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(tmp_path)]
    subprocess.run([*command, "cdk-nag==2.38.2"], check=True)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    done = subprocess.run(
        [sys.executable, "-c", OLDER, GALLERY, *PACKS], env=environment, capture_output=True, text=True, check=True
    )
    words = [line.split() for line in done.stdout.splitlines()]
    findings = {(first, rest[0]) for first, *rest in words if len(rest) == 1}  # others are warnings, of many words
    assert findings
    assert of_the_construct(findings) == set()
