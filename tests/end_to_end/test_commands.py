"""README's commands, run as a newcomer runs them: on a bare copy, in an empty folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.cloud import LocalCloud
from tests.end_to_end.conftest import ROOT, bare_environment

REVISION = re.compile(r"[0-9a-f]{32}")


@pytest.fixture
def copy(bare_copy: Path) -> Iterator[Path]:
    """A bare copy whose local cloud is stopped in the end, whatever happens."""
    yield bare_copy
    cloud = LocalCloud.attach(bare_copy / ".localcloud")
    if cloud:
        cloud.stop()


def run(copy: Path, *command: str, environment: dict[str, str] | None = None, fails: bool = False) -> str:
    """Run a command of the copy, and return what it printed."""
    done = subprocess.run(
        command,
        cwd=copy,
        env=bare_environment(copy.parent) if environment is None else environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    assert bool(done.returncode) == fails, done.stdout
    return done.stdout


def test_deploy_shows_what_is_live_until_it_is_destroyed(copy: Path) -> None:
    """Deployed, deployed again, edited, deployed with credentials of an account, and destroyed, with one command."""
    first = run(copy, "./scripts/deploy")
    assert "111122223333" in first
    (revision,) = set(REVISION.findall(first))
    assert f"The policy is live, at revision {revision}." in first

    again = run(copy, "./scripts/deploy")
    assert f"Nothing changed: the policy is still at revision {revision}." in again
    assert "Installing" not in again

    edited = run(copy, "./scripts/deploy", "-c", "trusted_account=444455556666")
    assert "444455556666" in edited
    assert f"The policy was updated in place, from revision {revision} to" in edited

    wrong = run(copy, "./scripts/deploy", "-c", "trusted_account=12", fails=True)
    assert 'trusted_account "12" is not an account id' in wrong
    assert ".localcloud/logs/deploy.log" in wrong

    cloud = LocalCloud.attach(copy / ".localcloud")
    assert cloud is not None
    as_an_account = bare_environment(copy.parent) | cloud.environment()
    refused = run(copy, "./scripts/deploy", "--aws", environment=as_an_account, fails=True)
    assert "account 123456789012, Region us-east-1" in refused
    assert "lets the account 111122223333 copy" in refused
    assert "Nothing was changed." in refused
    agreed = run(copy, "./scripts/deploy", "--aws", "--yes", environment=as_an_account)
    assert agreed.index("account 123456789012, Region us-east-1") < agreed.index("==>")
    assert "The policy was updated in place" in agreed

    change_by_hand(cloud)
    drifted = run(copy, "./scripts/deploy", fails=True)
    assert "somebody has changed it" in drifted

    destroyed = run(copy, "./scripts/deploy", "--destroy")
    assert "Nothing is left" in destroyed
    assert not cloud.is_running
    assert LocalCloud.attach(copy / ".localcloud") is None
    assert "nothing to take down" in run(copy, "./scripts/deploy", "--destroy")


def change_by_hand(cloud: LocalCloud) -> None:
    """Let somebody else in, behind the stack's back."""
    client = cloud.client("rekognition")
    (project,) = client.describe_projects()["ProjectDescriptions"]
    (policy,) = client.list_project_policies(ProjectArn=project["ProjectArn"])["ProjectPolicies"]
    client.put_project_policy(
        ProjectArn=project["ProjectArn"],
        PolicyName=policy["PolicyName"],
        PolicyRevisionId=policy["PolicyRevisionId"],
        PolicyDocument=policy["PolicyDocument"].replace("111122223333", "666677778888"),
    )


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["-c", "trusted_acount=444455556666"], '"trusted_acount" is nothing the application knows'),
        (["-c", "trusted_account="], "has no value"),
        (["-c", "trusted_account"], "has no value"),
        (["--yes"], "--yes goes with --aws"),
        (["--destroy", "-c", "trusted_account=444455556666"], "leave it out"),
        (["--aws", "-c", "project_arn=arn:aws:x"], "say who may copy the models of your project"),
    ],
)
def test_a_command_line_that_means_something_else_is_refused(wrong: list[str], told: str) -> None:
    """What is mistyped never shares a model with somebody who was not named."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "_deploy.py", *wrong], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert told in done.stderr


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        (("node", "npm"), "Node.js 20 or newer with npm is needed"),
        (("python3", "python3.10", "python3.11", "python3.12", "python3.13"), "Python 3.10 or newer is needed"),
    ],
)
def test_what_is_missing_is_said(copy: Path, tmp_path: Path, missing: tuple[str, ...], told: str) -> None:
    """Without Node or Python the command ends with what to install."""
    tools = tmp_path / "bin"
    tools.mkdir()
    environment = bare_environment(tmp_path)
    for folder in reversed(environment["PATH"].split(os.pathsep)):
        for tool in Path(folder).iterdir() if Path(folder).is_dir() else ():
            if tool.name not in missing:
                (tools / tool.name).unlink(missing_ok=True)
                (tools / tool.name).symlink_to(tool)
    assert told in run(copy, "./scripts/deploy", environment=environment | {"PATH": str(tools)}, fails=True)


def test_readme_names_the_commands_that_are_tested(bare_copy: Path) -> None:
    """Each ./scripts command in README's code blocks is one that exists here."""
    readme = (bare_copy / "README.md").read_text()
    commands = set(re.findall(r"^\./scripts/\w+", readme, re.MULTILINE))
    assert commands >= {"./scripts/deploy", "./scripts/test"}
    for command in commands:
        assert os.access(bare_copy / command, os.X_OK), command
    assert json.loads((bare_copy / "package.json").read_text())["devDependencies"] == {"aws-cdk": "2.1148.1"}
