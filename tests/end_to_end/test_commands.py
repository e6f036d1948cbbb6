"""README's commands, run as a newcomer runs them: on a bare copy, in an empty folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.cloud import LocalCloud
from tests.account import Account
from tests.end_to_end import conftest
from tests.end_to_end.conftest import bare_environment
from tests.localcloud.roles import signed_with
from tests.packaging import ROOT

OF_ANOTHER_ACCOUNT = "arn:aws:rekognition:us-east-1:999988887777:project/logos/1690474772815"
REVISION = re.compile(r"[0-9a-f]{32}")


def attached(copy: Path) -> LocalCloud:
    """Return a copy's local cloud, which runs."""
    cloud = LocalCloud.attach(copy / ".localcloud")
    assert cloud is not None
    return cloud


@pytest.fixture
def copy(bare_copy: Path) -> Iterator[Path]:
    """A bare copy whose local cloud is stopped in the end, whatever happens."""
    yield bare_copy
    cloud = LocalCloud.attach(bare_copy / ".localcloud")
    if cloud:
        cloud.stop()


def run(copy: Path, *command: str | Path, environment: dict[str, str] | None = None, fails: bool = False) -> str:
    """Run a command of the copy, by default without a HOME that can be written to, and return what it printed."""
    environment = environment or bare_environment(copy / "README.md" / "home")
    return conftest.run(*command, cwd=copy, environment=environment, fails=fails, seconds=600)


@pytest.mark.full
@pytest.mark.timeout(1200)  # it installs everything, and synthesizes nine times
def test_deploy_shows_what_is_live_until_it_is_destroyed(copy: Path) -> None:
    """Deployed, deployed again, edited, and destroyed, with one command."""
    first = run(copy, "./scripts/deploy")
    assert "==> Deploying RekognitionModelSharing\n.." in first
    assert "111122223333" in first
    (revision,) = set(REVISION.findall(first))
    assert f"The policy is live, at revision {revision}." in first
    (line,) = (line for line in first.splitlines() if "-m localcloud env" in line)
    told = run(copy.parent, "bash", "-c", f"{line}; echo $AWS_ENDPOINT_URL")
    assert told.startswith("https://localhost:")

    again = run(copy, "./scripts/deploy")
    assert f"Nothing changed: the policy is still at revision {revision}." in again
    assert "Installing" not in again

    edited = run(copy, "./scripts/deploy", "-c", "trusted_account=444455556666")
    assert "444455556666" in edited
    assert f"The policy was updated in place, from revision {revision} to" in edited

    wrong = run(copy, "./scripts/deploy", "-c", f"project_arn={OF_ANOTHER_ACCOUNT}", fails=True)
    assert "project is in account 999988887777, but this stack is in 123456789012" in wrong
    assert ".localcloud/logs/deploy.log" in wrong

    account = Account(attached(copy))
    ((_, policy),) = account.policies().items()
    account.rekognition.put_project_policy(
        ProjectArn=policy["ProjectArn"],
        PolicyName=policy["PolicyName"],
        PolicyRevisionId=policy["PolicyRevisionId"],
        PolicyDocument=policy["PolicyDocument"].replace("444455556666", "666677778888"),
    )
    drifted = run(copy, "./scripts/deploy", "-c", "trusted_account=444455556666", fails=True)
    assert "somebody has changed it" in drifted

    account.deploy("OfTheUser", json.dumps({"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}}))
    destroyed = run(copy, "./scripts/deploy", "--destroy")
    assert "Nothing is left" in destroyed
    assert "keeps running, because it has other stacks: OfTheUser" in destroyed
    attached(copy)
    account.delete("OfTheUser")
    assert "Stopping the local cloud" in run(copy, "./scripts/deploy", "--destroy")
    assert not account.cloud.is_running
    assert LocalCloud.attach(copy / ".localcloud") is None
    assert "nothing to take down" in run(copy, "./scripts/deploy", "--destroy")


@pytest.mark.full  # the function retries a denied copy for two minutes
@pytest.mark.timeout(1200)
def test_a_model_is_copied_between_accounts_until_the_grant_is_withdrawn(copy: Path) -> None:
    """The copy can be used, stays when the grant goes, and the next one is rolled back with a reason that says why."""
    shown = run(copy, "./scripts/deploy", "--both-accounts")
    before, withdrawn, denied, after = re.split("==> Withdrawing|==> Deploying Trusted with v2|UPDATE_ROLLBACK_", shown)
    (arn,) = set(re.findall(r"arn:aws:rekognition:us-east-1:111122223333:project/\S+", before))
    assert re.search(rf"{arn}\n +Status +COPYING_COMPLETED\n", before)
    assert "The copy stays" in withdrawn
    assert arn not in denied
    assert "The copy of v1 is still there, COPYING_COMPLETED." in after
    assert "CopyProjectVersion was denied. A project policy of the source project has to allow this account" in after
    assert "AccessDeniedException" in after

    trusted = Account(attached(copy), "111122223333")
    role = trusted.outputs("Trusted")["RoleArn"]
    session = trusted.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    signed_with(trusted.cloud, **session).start_project_version(ProjectVersionArn=arn, MinInferenceUnits=1)

    destroyed = run(copy, "./scripts/deploy", "--both-accounts", "--destroy")
    assert "Nothing is left: neither stack, nor the copy." in destroyed
    assert LocalCloud.attach(copy / ".localcloud") is None


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["-c", "trusted_acount=444455556666"], 'unknown key "trusted_acount"'),
        (["-c", "trusted_account="], "has no value"),
        (["-c", "trusted_account"], "has no value"),
        (["--destroy", "-c", "trusted_account=444455556666"], "leave it out"),
        (["--both-accounts", "-c", "trusted_account=444455556666"], "takes no -c"),
        (["-c", "trusted_account=123"], 'trusted_account "123" is not an account ID. Specify its 12 digits'),
        (["-c", "project_arn=logos"], "project_arn is not the ARN of a Custom Labels project."),
        (["--aws"], "unrecognized arguments: --aws"),
    ],
)
def test_a_command_line_that_means_something_else_is_refused(wrong: list[str], told: str, commands: Path) -> None:
    """What is mistyped never shares a model with somebody who was not named, and installs nothing."""
    assert told in run(commands, "./scripts/deploy", *wrong, fails=True)
    assert not (commands / ".venv").exists()


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A copy of the commands alone, with nothing set up."""
    for folder in ("scripts", "lambda"):
        shutil.copytree(ROOT / folder, tmp_path / "copy" / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("uv.lock", "README.md"):
        (tmp_path / "copy" / name).touch()
    return tmp_path / "copy"


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({}, "Python 3.10 or newer is needed"),
        ({"PYTHON": "/no/such/python"}, "PYTHON=/no/such/python isn't Python 3.10 or newer"),
        ({"PYTHON": sys.executable}, "Node.js 22 or newer with npm is needed"),
    ],
)
def test_what_is_missing_is_said(commands: Path, tmp_path: Path, found: dict[str, str], told: str) -> None:
    """Without Node or Python the command ends with what to install; a mistyped PYTHON isn't replaced silently."""
    environment, tools = bare_environment(tmp_path) | found, tmp_path / "bin"
    tools.mkdir()
    for tool in ("bash", "cat", "dirname", "mkdir", "readlink", "rm"):
        (tools / tool).symlink_to(shutil.which(tool, path=environment["PATH"]) or "")
    assert told in run(commands, "./scripts/deploy", environment=environment | {"PATH": str(tools)}, fails=True)


@pytest.mark.parametrize("name", ["bench", "deploy", "docs", "mutants", "package", "test", "verify", "workflows"])
def test_help_sets_nothing_up(commands: Path, name: str) -> None:
    """Each command says what it does at once, however it is started, and leaves nothing behind."""
    (commands / "link").symlink_to(commands / "scripts" / name)
    before = set(commands.rglob("*"))
    told = {
        run(commands, *command, "--help")
        for command in ((f"./scripts/{name}",), ("sh", f"scripts/{name}"), ("./link",))
    }
    assert len(told) == 1
    assert f"./scripts/{name}" in told.pop()
    assert set(commands.rglob("*")) == before


def test_an_environment_of_the_user_is_kept(commands: Path) -> None:
    """A .venv that the commands didn't make stays as it is."""
    (commands / ".venv").mkdir()
    (commands / ".venv" / "mine").touch()
    assert "wasn't made by the commands" in run(commands, "./scripts/deploy", fails=True)
    assert (commands / ".venv" / "mine").exists()


def test_an_interrupted_set_up_is_no_failure(commands: Path, tmp_path: Path) -> None:
    """Ctrl-C during set-up says so and nothing else, and the next run sets up again."""
    os.mkfifo(tmp_path / "begun")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\n[ "$1" != -m ] || {{ echo >{tmp_path}/begun; exec sleep 600; }}\n')
    python.chmod(0o755)
    process = subprocess.Popen(
        ["./scripts/deploy"],
        cwd=commands,
        env=bare_environment(tmp_path) | {"PYTHON": str(python)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # A suite that runs in the background may ignore it, and so would all that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - one thread runs here
    )
    (tmp_path / "begun").read_text()
    os.killpg(process.pid, signal.SIGINT)
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert told.splitlines() == ["==> Making the virtual environment (.venv)", ".", "Interrupted."]
    python.write_text('#!/bin/sh\n[ "$1" != -m ]\n')
    environment = bare_environment(tmp_path) | {"PYTHON": str(python)}
    assert "Making the virtual environment" in run(commands, "./scripts/deploy", environment=environment, fails=True)
