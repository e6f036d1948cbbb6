"""A stack in an account of the local cloud, deployed by the CDK CLI with exactly that account's credentials."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

from botocore.exceptions import ClientError

from localcloud.cloud import REGION, LocalCloud

ROOT = Path(__file__).resolve().parent.parent
TOOLKIT = "CDKToolkit"
LOG = ROOT / ".localcloud" / "logs" / "deploy.log"


class DeployError(Exception):
    """Something did not work; the message says what, and where to look."""


class Stack:
    """A stack, whether it is deployed or not."""

    def __init__(
        self, cloud: LocalCloud, account: str, name: str, context: Mapping[str, str], app: Path = ROOT
    ) -> None:
        self.account, self.name = account, name
        self._cloud, self._app, self._context = cloud, app, context
        # The CLI takes options from variables such as CDK_PROFILE.
        kept = {key: value for key, value in cloud.full_environment(account).items() if not key.startswith("CDK_")}
        home = str(ROOT / ".localcloud" / "cdk")
        self._environment = kept | {"CDK_DISABLE_CLI_TELEMETRY": "true", "CDK_HOME": home}

    def client(self, service: str) -> Any:  # noqa: ANN401 - its stubs know no client whose name is a variable
        """Return a client of the account."""
        return self._cloud.client(service, self.account)

    def deploy(self, title: str, **context: str) -> dict[str, str]:
        """Deploy the stack, and return its outputs; bootstrap the CDK first, unless the account is bootstrapped."""
        if self._described(TOOLKIT) is None:
            place = f"aws://{self.account}/{REGION}"
            # From a folder without cdk.json, where the CLI finds no application to synthesize first.
            self._cdk(f"Bootstrapping the CDK in account {self.account}", "bootstrap", place, where=LOG.parent)
        self._cdk(title, "deploy", self.name, "--require-approval", "never", context={**self._context, **context})
        return self.outputs()

    def destroy(self) -> None:
        """Delete the stack, where there is one."""
        if self.status() is not None:
            title = f"Destroying {self.name} in account {self.account}"
            self._cdk(title, "destroy", self.name, "--force", context=self._context)

    def status(self) -> str | None:
        """Return the stack's status, None where there is no stack."""
        return (self._described(self.name) or {}).get("StackStatus")

    def outputs(self) -> dict[str, str]:
        """Return the stack's outputs by their keys; none where there is no stack."""
        outputs = (self._described(self.name) or {}).get("Outputs", [])
        return {output["OutputKey"]: output["OutputValue"] for output in outputs}

    def _described(self, name: str) -> Mapping[str, Any] | None:
        try:
            stack: Mapping[str, Any] = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return stack

    def _cdk(
        self, title: str, *arguments: str, context: Mapping[str, str] | None = None, where: Path | None = None
    ) -> None:
        """Run the CDK CLI quietly, with its output in the log."""
        # An empty profile, because one in ~/.cdk.json would come before the credentials of the environment.
        command = ["cdk", *arguments, "--profile", "", "--no-notices", "--no-color", "--ci"]
        command += [part for key, value in (context or {}).items() for part in ("-c", f"{key}={value}")]
        with step(title), LOG.open("a") as log:
            print(f"\n$ {shlex.join(command)}", file=log, flush=True)
            done = subprocess.run(
                command,
                cwd=where or self._app,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            end = "\n".join(LOG.read_text(errors="replace").rstrip().splitlines()[-25:])
            raise DeployError(f"{end}\n\nThat failed: {shlex.join(command)}\nIts whole output is in {LOG}")


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce what is done next, and print a dot every other second until it is done, so that a wait shows life."""
    print(f"==> {title}")
    done = Event()

    def print_dots() -> None:
        print(".", end="", flush=True)
        while not done.wait(2):
            print(".", end="", flush=True)
        print(flush=True)

    dots = Thread(target=print_dots, daemon=True)
    dots.start()
    try:
        yield
    finally:
        done.set()
        dots.join()
