"""A bootstrapped local cloud, and the real CDK CLI to deploy to it."""

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
from botocore.exceptions import ClientError

from localcloud.cloud import ACCOUNT, REGION, LocalCloud
from localcloud.virtual_environment import ensure_virtual_environment
from tests.cloudformation import CloudFormation
from tests.packaging import made_once

ROOT = Path(__file__).parents[2]
APPS = Path(__file__).parent / "apps"
CLI = ROOT / "node_modules" / ".bin" / "cdk"


@dataclass(frozen=True)
class Cdk:
    """The CDK CLI, run in a folder of its own against an account of the local cloud."""

    cloud: LocalCloud
    folder: Path
    account: str = ACCOUNT
    python: Path = Path(sys.executable)
    """Whose `python3` an application runs with."""

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the CLI and return how it ended, its output and errors together."""
        environment = self.cloud.full_environment(self.account, base=bare_environment(self.folder))
        environment |= {
            "PATH": f"{self.python.parent}{os.pathsep}{environment['PATH']}",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CDK_VALIDATION": "false",
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
            "HOME": str(self.folder),
        }
        return subprocess.run(
            [CLI, *arguments, "--no-notices", "--no-color", "--ci"],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )

    def app(self, command: str, app: str, *arguments: str, **context: Any) -> subprocess.CompletedProcess[str]:
        """Run a command on one of the apps beside this file, its context given as JSON.

        An app is synthesized once for each context: later commands use its cloud assembly.
        """
        given = [part for key, value in context.items() for part in ("-c", f"{key}={json.dumps(value)}")]
        assembly = self.folder / hashlib.sha256(json.dumps([app, *given]).encode()).hexdigest()
        source = assembly if assembly.exists() else f"{sys.executable} {APPS / app}"
        return self.run(command, "--app", str(source), "--output", str(assembly), *given, *arguments)


@pytest.fixture(scope="session")
def bootstrapped(local_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> LocalCloud:
    """The local cloud, in which the CDK may deploy."""
    assert CLI.exists(), "The CDK CLI is missing. Run: npm ci --ignore-scripts"
    done = Cdk(local_cloud, tmp_path_factory.mktemp("bootstrap")).run("bootstrap", f"aws://{ACCOUNT}/{REGION}")
    assert done.returncode == 0, done.stdout
    return local_cloud


@pytest.fixture
def cdk(bootstrapped: LocalCloud, tmp_path: Path) -> Cdk:
    """The CDK CLI in an empty folder."""
    return Cdk(bootstrapped, tmp_path)


@dataclass(frozen=True)
class Live:
    """What is live in an account of the local cloud, asked of the services themselves."""

    cloud: LocalCloud
    account: str = ACCOUNT

    def _client(self, service: str) -> Any:
        return self.cloud.client(service, self.account)

    def stack(self, name: str) -> Mapping[str, Any] | None:
        """Return what CloudFormation tells about a stack, None where it is gone."""
        try:
            found: Mapping[str, Any] = self._client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        except ClientError:
            return None
        return None if found["StackStatus"] == "DELETE_COMPLETE" else found

    def outputs(self, name: str) -> dict[str, str]:
        """Return a stack's outputs."""
        stack = self.stack(name)
        assert stack is not None
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def reasons(self, stack: str, status: str) -> list[str]:
        """Return why resources of a stack came to a status, as its events say."""
        events = self._client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
        return [
            event["ResourceStatusReason"]
            for event in events
            if event["ResourceStatus"] == status and event["ResourceType"].startswith("Custom::")
        ]

    def physical_id(self, stack: str) -> str:
        """Return the physical id of a stack's one policy."""
        resources = self._client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
        (found,) = (
            each["PhysicalResourceId"]
            for each in resources
            if each["ResourceType"] == "Custom::RekognitionProjectPolicy"
        )
        return str(found)

    def policies(self) -> dict[tuple[str, str], Mapping[str, Any]]:
        """Return every policy of the account, by its project's name and its own."""
        client = self._client("rekognition")
        return {
            (project["ProjectArn"].split("/")[1], policy["PolicyName"]): policy
            for project in client.describe_projects()["ProjectDescriptions"]
            for policy in client.list_project_policies(ProjectArn=project["ProjectArn"])["ProjectPolicies"]
        }


@pytest.fixture
def live(bootstrapped: LocalCloud) -> Live:
    """What is live in the local cloud."""
    return Live(bootstrapped)


def deploy_provider(cloud: LocalCloud, account: str, dist: Path, name: str = "provider") -> CloudFormation:
    """Deploy a packaged provider as the stack Provider of an account, and return the account's CloudFormation."""
    s3, bucket = cloud.client("s3", account), f"code-of-{account}"
    s3.create_bucket(Bucket=bucket)
    s3.upload_file(str(dist / f"{name}.zip"), bucket, f"{name}.zip")
    cloudformation = CloudFormation(cloud.client("cloudformation", account))
    template = (dist / f"{name}-from-s3.yaml").read_text()
    assert cloudformation.deploy("Provider", template, CodeBucket=bucket) == "CREATE_COMPLETE"
    return cloudformation


@pytest.fixture(scope="session")
def bare_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the repository holds, and nothing else, in an empty folder."""
    folder = tmp_path_factory.mktemp("bare") / "copy"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        source, target = ROOT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
            target.chmod(source.stat().st_mode)
    return folder


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
        ensure_virtual_environment(python.parents[1], ROOT / "requirements.txt")
        pip = [str(python), "-m", "pip"]
        subprocess.run([*pip, "uninstall", "--quiet", "--yes", "cdk-rekognition-project-policy"], check=True)
        # The wheel comes without an index, so that whatever it requires must be locked.
        subprocess.run(
            [*pip, "install", "--quiet", "--no-compile", "--no-index", str(wheel)],
            check=True,
            env=bare_environment(folder),
        )

    made_once(tmp_path_factory, "installed", install)
    return python


def bare_environment(home: Path) -> dict[str, str]:
    """Return this environment without what belongs to this checkout or to a user's AWS set-up.

    jsii's cache is the checkout's: to unpack the CDK for each home would take seconds and 200 MB.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "CDK_", "PYTEST_", "JSII_")) and name not in ("VIRTUAL_ENV", "PYTHONPATH")
    }
    own = (str(ROOT / ".venv" / "bin"), str(ROOT / "node_modules" / ".bin"))
    path = [entry for entry in kept["PATH"].split(os.pathsep) if entry not in own]
    cache = {"JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(ROOT / ".localcloud" / "jsii")}
    return kept | cache | {"PATH": os.pathsep.join(path), "HOME": str(home)}
