"""The field's scanners over every template: no findings, and a reason where one is suppressed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk import aws_iam as iam
from cdk_nag import AwsSolutionsChecks

from cdk_rekognition_project_policy import ProjectPolicy
from localcloud.virtual_environment import ensure_virtual_environment
from tests.packaging import ROOT
from tests.templates.apps import APPS


def test_all_templates_are_there(templates: list[Path]) -> None:
    """The scanners below would find nothing in nothing."""
    names = {path.name for path in templates}
    assert {
        "RekognitionModelSharing.template.json",
        "BadgeSharing.template.json",
        "LabelSharing.template.json",
        "SharingProvider.template.json",
        "SignSharing.template.json",
        "Trusting.template.json",
        "Trusted.template.json",
        "SharedProvider.template.json",
        "provider.yaml",
        "provider-from-s3.yaml",
        "copy-provider.yaml",
        "copy-provider-from-s3.yaml",
        "copied-model.yaml",
        "existing-project.yaml",
        "project-and-policy.yaml",
        "stack-set.yaml",
    } <= names


def test_cfn_lint_finds_nothing(templates: list[Path]) -> None:
    """CloudFormation's own linter has neither error nor warning."""
    command: list[str | Path] = [Path(sys.executable).with_name("cfn-lint"), *templates]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


@pytest.fixture(scope="module")
def checkov_report(templates: list[Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What checkov finds in all templates, without asking anything of the network."""
    python = ensure_virtual_environment(ROOT / ".localcloud" / "checkov", ROOT / "requirements-checkov.txt")
    command: list[str | Path] = [python.with_name("checkov"), "--framework", "cloudformation", "--skip-download"]
    command += ["--output", "json"]
    for template in templates:
        command += ["--file", template]
    # It unpickles a cache of a predictable name in the temporary folder, where another user could lay one.
    private = {**os.environ, "TMPDIR": str(tmp_path_factory.mktemp("checkov"))}
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=private)
    report: dict[str, Any] = json.loads(done.stdout)["results"]
    # A file that it cannot read is no finding to checkov; and it has no check that concerns a stack set.
    read = {Path(check["file_abs_path"]) for checks in report.values() for check in checks}
    assert {path.name for path in set(templates) - read} == {"stack-set.yaml"}, done.stderr
    return report


@pytest.mark.full
def test_checkov_finds_nothing(checkov_report: dict[str, Any]) -> None:
    """No check fails."""
    assert [(check["check_id"], check["resource"]) for check in checkov_report["failed_checks"]] == []


@pytest.mark.full
def test_what_checkov_is_told_to_skip_has_a_reason(checkov_report: dict[str, Any]) -> None:
    """Who reads a report needs the reason of each suppression."""
    skipped = checkov_report["skipped_checks"]
    of_provider = {"CKV_AWS_115", "CKV_AWS_116", "CKV_AWS_117", "CKV_AWS_158"}
    assert {check["check_id"] for check in skipped} == of_provider | {"CKV_AWS_18"}
    assert all(len(check["check_result"]["suppress_comment"]) > 20 for check in skipped)


def nag(app: App) -> set[tuple[str, str | None]]:
    """Return what the AwsSolutions pack finds in an app."""
    report = AwsSolutionsChecks().validate_scope(app)
    return {
        (found.rule_name, where.construct_path) for found in report.violations for where in found.violating_resources
    }


@pytest.mark.parametrize("name", APPS)
def test_cdk_nag_finds_nothing(name: str, apps: dict[str, App]) -> None:
    """The AwsSolutions pack is content with each app."""
    assert nag(apps[name]) == set()


def test_a_users_synthesis_with_cdk_nag_is_quiet(tmp_path: Path) -> None:
    """Who adds the pack to an app meets no finding of the construct's, which acknowledges its one wildcard itself."""
    app = App(analytics_reporting=False, outdir=str(tmp_path))
    policy = ProjectPolicy(
        Stack(app, "Sharing"),
        "Policy",
        project="arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815",
    )
    policy.grant_copy(iam.AccountPrincipal("111122223333"))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()


def test_cdk_nag_sees_what_is_not_acknowledged() -> None:
    """The same pack finds a wildcard of a user's own, so its silence about the construct says something."""
    app = App(analytics_reporting=False)
    role = iam.Role(Stack(app, "Sharing"), "Role", assumed_by=iam.AccountRootPrincipal())
    role.add_to_principal_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=["*"]))
    assert nag(app) == {("AwsSolutions-IAM5[Resource::*]", "Sharing/Role/DefaultPolicy/Resource")}


def test_the_older_cdk_nag_is_told_in_the_template(templates: list[Path]) -> None:
    """cdk-nag 2.x reads metadata, which names the wildcards and their reasons."""
    (template,) = (path for path in templates if path.name == "SharedProvider.template.json")
    rules = [
        rule
        for resource in json.loads(template.read_text())["Resources"].values()
        for rule in resource.get("Metadata", {}).get("cdk_nag", {}).get("rules_to_suppress", [])
    ]
    assert {rule["id"] for rule in rules} == {"AwsSolutions-IAM5"}
    assert all(len(rule["reason"]) > 20 for rule in rules)
    every = "Resource::arn:<AWS::Partition>:rekognition:<AWS::Region>:<AWS::AccountId>:project/*"
    policies, (*copies, itself) = (rule["applies_to"] for rule in rules)
    assert (policies, copies) == ([every], [every, f"{every}/version/*"])
    assert re.fullmatch(r"Resource::<ProjectVersionCopyProviderFunction\w+\.Arn>:\*", itself)
