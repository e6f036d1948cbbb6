"""A bootstrapped local cloud, the real CDK CLI to deploy to it, and what a reader has: a bare copy, or the wheel."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localcloud.cloud import LocalCloud
from localcloud.virtual_environment import ensure_virtual_environment
from tests.account import Account
from tests.packaging import ROOT, made_once

APPS = Path(__file__).parent / "apps"
CLI = ROOT / "node_modules" / ".bin" / "cdk"
UV = ROOT / ".venv" / "bin" / "uv"
NAME = "cdk-rekognition-project-policy"
QUIET = {
    "CDK_DISABLE_CLI_TELEMETRY": "true",
    "CDK_VALIDATION": "false",
    "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
}
"""What makes the CDK quick and quiet: nothing sent home, no validation of templates, no banner about Node's version."""


def run(
    *command: str | Path,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    fails: bool = False,
    seconds: int = 300,
) -> str:
    """Run a command without input, which has to succeed, or to fail; return its output and errors together."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment or bare_environment(cwd),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
    )
    assert bool(done.returncode) == fails, done.stdout
    return done.stdout


def bare_environment(home: Path) -> dict[str, str]:
    """Return this environment without what belongs to this checkout or to a user's AWS set-up.

    jsii's cache is the checkout's: to unpack the CDK for each home would take seconds and 200 MB.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "CDK_", "PYTEST_", "JSII_"))
        and name not in ("VIRTUAL_ENV", "PYTHON", "PYTHONPATH")
    }
    own = (str(ROOT / ".venv" / "bin"), str(ROOT / "node_modules" / ".bin"))
    path = [entry for entry in kept["PATH"].split(os.pathsep) if entry not in own]
    cache = {"JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(ROOT / ".localcloud" / "jsii")}
    return kept | cache | {"PATH": os.pathsep.join(path), "HOME": str(home)}


@dataclass(frozen=True)
class Cdk:
    """The CDK CLI, run in a folder against an account of the local cloud."""

    account: Account
    folder: Path
    python: Path = Path(sys.executable)
    """Whose `python3` an application runs with."""

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Run the CLI, which has to succeed, or to fail; return what it printed."""
        base = bare_environment(self.folder) | QUIET
        base["PATH"] = f"{self.python.parent}{os.pathsep}{base['PATH']}"
        environment = self.account.cloud.full_environment(self.account.id, base=base)
        command = [*arguments, "--no-notices", "--no-color", "--ci"]
        return run(CLI, *command, cwd=self.folder, environment=environment, fails=fails)

    def bootstrap(self) -> None:
        """Bootstrap the CDK in the account."""
        assert CLI.exists(), "The CDK CLI is missing. Run: npm ci --ignore-scripts"
        # From a folder without cdk.json, where the CLI finds no application to synthesize first.
        Cdk(self.account, self.folder.parent).run("bootstrap", f"aws://{self.account.id}/{self.account.region}")

    def deploy(self, *arguments: str, fails: bool = False) -> str:
        """Deploy without a question."""
        return self.run("deploy", "--require-approval", "never", *arguments, fails=fails)

    def app(self, app: str, **context: Any) -> tuple[str, ...]:
        """Return the arguments for one of the apps beside this file, its context given as JSON.

        An app is synthesized once for each context: later commands use its cloud assembly.
        """
        given = [part for key, value in context.items() for part in ("-c", f"{key}={json.dumps(value)}")]
        assembly = self.folder / hashlib.sha256(json.dumps([app, *given]).encode()).hexdigest()
        source = assembly if assembly.exists() else f"{sys.executable} {APPS / app}"
        return "--app", str(source), "--output", str(assembly), *given


@pytest.fixture(scope="session")
def bootstrapped(local_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> LocalCloud:
    """The local cloud, in whose usual account the CDK may deploy."""
    Cdk(Account(local_cloud), tmp_path_factory.mktemp("bootstrap") / "app").bootstrap()
    return local_cloud


@pytest.fixture
def cdk(bootstrapped: LocalCloud, tmp_path: Path) -> Cdk:
    """The CDK CLI in an empty folder."""
    return Cdk(Account(bootstrapped), tmp_path)


def deploy_provider(account: Account, dist: Path, name: str = "provider") -> None:
    """Deploy a packaged provider as the stack Provider of an account."""
    s3, bucket = account.client("s3"), f"code-of-{account.id}"
    s3.create_bucket(Bucket=bucket)
    s3.upload_file(str(dist / f"{name}.zip"), bucket, f"{name}.zip")
    template = (dist / f"{name}.yaml").read_text()
    assert account.deploy("Provider", template, CodeBucket=bucket) == "CREATE_COMPLETE", account.reasons("Provider")


@pytest.fixture(scope="session")
def bare_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the repository holds, and nothing else, in an empty folder."""
    folder = tmp_path_factory.mktemp("bare") / "copy"
    for name in tracked():
        source, target = ROOT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
            target.chmod(source.stat().st_mode)
    return folder


def tracked(*folders: str) -> list[str]:
    """Return the files that the repository holds, or will with the next commit, in these folders or in all."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *folders]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return list(filter(None, listed.stdout.split("\0")))


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    """The wheel, built from this checkout."""
    (built,) = dist.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel and the locked requirements; made once, so that it needs no index."""
    python = ROOT / ".localcloud" / "installed" / "bin" / "python"

    def install(folder: Path) -> None:
        ensure_virtual_environment(python.parents[1], "deploy")
        # By its name, and without an index, so that whatever it requires must be locked.
        uv = (UV, "pip", "install", "--no-config", "--python", python, "--no-index", "--find-links", wheel.parent)
        run(*uv, "--reinstall-package", NAME, NAME, cwd=ROOT, environment=bare_environment(folder))

    made_once(tmp_path_factory, "installed", install)
    return python
