"""An account to deploy to, of the local cloud or of AWS, and the CDK CLI with exactly its credentials."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from localcloud.cloud import CloudError, LocalCloud
from localcloud.virtual_environment import SetupError, only_one_at_a_time

ROOT = Path(__file__).resolve().parent.parent
TOOLKIT = "CDKToolkit"
LOG = ROOT / ".localcloud" / "logs" / "deploy.log"


class DeployError(Exception):
    """Something did not work; the message says what, and where to look."""


@dataclass(frozen=True)
class Target:
    """The account and Region to deploy to, and how to reach them."""

    account: str
    region: str
    caller: str
    """Whose credentials they are, by ARN."""
    environment: Mapping[str, str]
    """The environment of the CDK CLI, with exactly these credentials."""
    session: Any  # its stubs know no client whose name is a variable

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Target:
        """Return the target that an environment's credentials reach, and make it this process's environment.

        boto3 reads endpoints and authorities there, as the CLI does.
        """
        environment = dict(environment)
        if environment.get("AWS_PROFILE"):
            environment.pop("AWS_DEFAULT_PROFILE", None)  # boto3 alone prefers it
        os.environ.clear()
        os.environ.update(environment)
        # boto3 reads one of the two variables, the CLI prefers the other, and a profile may name the Region instead.
        region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
        session: Any = boto3.Session(region_name=region or None)
        region = session.region_name
        if not region:
            raise DeployError("No Region is configured. Set AWS_REGION, or name one in your AWS profile.")
        identity = session.client("sts").get_caller_identity()
        keys = session.get_credentials().get_frozen_credentials()
        # The CLI would choose a profile by other rules than boto3, and takes options from variables like CDK_PROFILE.
        kept = {
            name: value
            for name, value in environment.items()
            if name not in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE") and not name.startswith("CDK_")
        }
        given = {
            "AWS_ACCESS_KEY_ID": keys.access_key,
            "AWS_SECRET_ACCESS_KEY": keys.secret_key,
            "AWS_SESSION_TOKEN": keys.token or "",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CDK_HOME": str(ROOT / ".localcloud" / "cdk"),
        }
        return cls(identity["Account"], region, identity["Arn"], kept | given, session)

    def client(self, service: str) -> Any:  # noqa: ANN401 - the same
        """Return a client."""
        return self.session.client(service)

    def stack(self, name: str) -> Mapping[str, Any] | None:
        """Return what CloudFormation says about a stack, None where there is none."""
        try:
            (stack,) = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        found: Mapping[str, Any] = stack
        return found

    def outputs(self, stack_name: str) -> dict[str, str]:
        """Return a stack's outputs by their keys; none where there is no stack."""
        outputs = (self.stack(stack_name) or {}).get("Outputs", [])
        return {output["OutputKey"]: output["OutputValue"] for output in outputs}

    def bootstrap(self) -> None:
        """Bootstrap the CDK, unless the account and Region are bootstrapped."""
        if self.stack(TOOLKIT) is None:
            place = f"aws://{self.account}/{self.region}"
            # From a folder without cdk.json, where the CLI finds no application to synthesize first.
            self.cdk(f"Bootstrapping the CDK in account {self.account}", "bootstrap", place, where=LOG.parent)

    def cdk(
        self,
        title: str,
        *arguments: str,
        context: Mapping[str, str] | None = None,
        where: Path = ROOT,
        asks: bool = False,
    ) -> None:
        """Run the CDK CLI: in the terminal where it asks, else quietly, with its output in the log."""
        step(title)
        # An empty profile, because one in ~/.cdk.json would come before the credentials of the environment.
        command = ["cdk", *arguments, "--profile", "", "--no-notices"]
        command += [part for key, value in (context or {}).items() for part in ("-c", f"{key}={value}")]
        if asks:
            if subprocess.run(command, cwd=where, env=self.environment, check=False).returncode:
                raise DeployError(f"That failed, or you declined: {' '.join(arguments[:2])}")
            return
        command += ["--no-color", "--ci"]
        with LOG.open("a") as log:
            print(f"\n$ {' '.join(command)}", file=log, flush=True)
            done = subprocess.run(
                command, cwd=where, env=self.environment, stdout=log, stderr=subprocess.STDOUT, check=False
            )
        if done.returncode:
            end = "\n".join(LOG.read_text(errors="replace").rstrip().splitlines()[-25:])
            raise DeployError(f"{end}\n\nThat failed: {' '.join(command)}\nIts whole output is in {LOG}")


def step(title: str) -> None:
    """Announce what is done next."""
    print(f"==> {title}", flush=True)


def guarded(action: Callable[[], None]) -> int:
    """Do something, one process at a time; print what went wrong, and return the exit code."""
    try:
        with only_one_at_a_time(LOG.with_suffix(".lock"), "another ./scripts/deploy"):
            LOG.write_text("")
            action()
    except (DeployError, CloudError, SetupError, BotoCoreError, ClientError) as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "Interrupted. A deployment that has begun may go on; run the command again, or ./scripts/deploy --destroy.",
            file=sys.stderr,
        )
        return 130
    return 0


def started_cloud() -> LocalCloud:
    """Return the local cloud, after starting it where it doesn't run."""
    cloud = LocalCloud.attach()
    if cloud is None:
        step("Starting the local cloud (the first time makes its own virtual environment)")
        cloud = LocalCloud.attach_or_start()
    return cloud


def stop_if_unused(cloud: LocalCloud) -> None:
    """Stop the local cloud, unless any account and Region has a stack."""
    others = [f"{name} ({account}, {region})" for account, region, name in cloud.stacks() if name != TOOLKIT]
    if others:
        print(f"    The local cloud keeps running, because it has other stacks: {', '.join(others)}.")
        print(f"    This stops it: {shlex.quote(sys.executable)} -m localcloud stop")
        return
    step("Stopping the local cloud")
    cloud.stop()
