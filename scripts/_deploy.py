"""Deploys the example application to the local cloud, or to AWS, and shows what is live."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import boto3  # noqa: E402
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError  # noqa: E402

from localcloud.cloud import CloudError, LocalCloud  # noqa: E402
from localcloud.virtual_environment import SetupError, only_one_at_a_time  # noqa: E402

if TYPE_CHECKING:
    from mypy_boto3_rekognition.type_defs import ProjectPolicyTypeDef

STACK = "RekognitionModelSharing"
TOOLKIT = "CDKToolkit"
CONTEXT = {"trusted_account": "111122223333", "project_arn": ""}
"""What the application may be told, with its defaults; without a project's ARN it creates a project."""
LOG = ROOT / ".localcloud" / "logs" / "deploy.log"


class DeployError(Exception):
    """Something did not work; the message says what, and where to look."""


@dataclass(frozen=True)
class Target:
    """The account and Region to deploy to, and how to reach them."""

    account: str
    caller: str
    """Whose credentials they are, by ARN."""
    region: str
    environment: Mapping[str, str]
    """The environment of the CDK CLI, with exactly these credentials."""
    session: Any  # its stubs know no client whose name is a variable
    name: str

    def client(self, service: str) -> Any:  # noqa: ANN401 - the same
        """Return a client; endpoints and authorities come from the environment, as they do for the CLI."""
        return self.session.client(service)

    def stack(self, name: str) -> dict[str, Any] | None:
        """Return what CloudFormation says about a stack, None where there is none."""
        try:
            (stack,) = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        found: dict[str, Any] = stack
        return found

    def cdk(self, title: str, *arguments: str, where: Path = ROOT, asks: bool = False) -> None:
        """Run the CDK CLI: in the terminal where it asks, else quietly, with its output in the log."""
        step(title)
        # An empty profile, because one in ~/.cdk.json would come before the credentials of the environment.
        command = ["cdk", *arguments, "--profile", "", "--no-notices"]
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

    def app(self, context: Mapping[str, str]) -> list[str]:
        """Return the context that is announced, whole: what files of context say then has no effect."""
        whole = {**context, "account": self.account, "region": self.region}
        return [part for key, value in whole.items() for part in ("-c", f"{key}={value}")]


def main() -> int:
    """Do what the command line says; return the exit code."""
    options = parse(sys.argv[1:])
    return guarded(lambda: destroy(options) if options.destroy else deploy(options))


def guarded(action: Callable[[], None]) -> int:
    """Do something, one process at a time; print what went wrong, and return the exit code."""
    try:
        with only_one_at_a_time(LOG.with_suffix(".lock")):
            LOG.write_text("")
            action()
    except (DeployError, CloudError, SetupError) as problem:
        print(problem, file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as problem:
        print(f"AWS: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "Interrupted. A deployment that has begun may go on; run the command again, or ./scripts/deploy --destroy.",
            file=sys.stderr,
        )
        return 130
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    # scripts/deploy, which answers --help, describes them.
    parser = argparse.ArgumentParser(prog="./scripts/deploy", add_help=False)
    parser.add_argument("-c", "--context", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--destroy", action="store_true")
    parser.add_argument("--aws", action="store_true")
    parser.add_argument("--yes", action="store_true")
    options = parser.parse_args(arguments)
    context = {}
    for given in options.context:
        key, _, value = given.partition("=")
        if key not in CONTEXT:
            parser.error(f'unknown key "{key}"; the application takes {" and ".join(CONTEXT)}')
        if not value:
            parser.error(f'"-c {given}" has no value; give {key}=VALUE')
        context[key] = value
    if context and options.destroy:
        parser.error("-c says what to deploy; --destroy deletes what is deployed, so leave it out")
    if options.yes and not options.aws:
        parser.error("--yes goes with --aws; the local cloud asks nothing")
    if options.aws and "project_arn" in context and "trusted_account" not in context:
        parser.error("say who may copy the models of your project: -c trusted_account=ACCOUNT")
    options.context = CONTEXT | context
    return options


def deploy(options: argparse.Namespace) -> None:
    """Deploy, and show what is live and whether it changed."""
    target = aws(options) if options.aws else target_of(started().full_environment(), "the local cloud")
    if target.stack(TOOLKIT) is None:
        # From a folder without cdk.json, where the CLI finds no application to synthesize first.
        place = f"aws://{target.account}/{target.region}"
        target.cdk("Bootstrapping the CDK", "bootstrap", place, where=LOG.parent)
    before = live_policies(target, target.stack(STACK))
    asks = options.aws and not options.yes
    approval = ("--require-approval", "any-change" if asks else "never")
    target.cdk(f"Deploying {STACK}", "deploy", STACK, *approval, *target.app(options.context), asks=asks)
    stack = target.stack(STACK)
    if stack is None:
        raise DeployError(f"The stack {STACK} doesn't exist after its deployment. See {LOG}")
    step(f"Live in account {target.account}, Region {target.region} ({target.name})")
    policies = live_policies(target, stack)
    for policy in policies:
        show(policy)
    print()
    print(f"  {verdict(before, policies, outputs(stack)['PolicyRevisionId'])}")
    if not options.aws:
        print("  The local cloud keeps running; ./scripts/deploy --destroy takes all of it down.")
        print("  To deploy an app of yours to it with the CDK, run this in your shell first:")
        print(f'  eval "$({shlex.quote(sys.executable)} -m localcloud env)"')


def destroy(options: argparse.Namespace) -> None:
    """Delete the stack, and stop the local cloud unless it has other stacks."""
    if options.aws:
        take_down(aws(options))
        return
    cloud = LocalCloud.attach()
    if cloud is None:
        print("The local cloud is not running, so there is nothing to take down.")
        return
    target = target_of(cloud.full_environment(), "the local cloud")
    take_down(target)
    stop_if_unused(cloud, target)


def stop_if_unused(cloud: LocalCloud, *targets: Target) -> None:
    """Stop the local cloud, unless an account has other stacks."""
    others = [
        stack["StackName"]
        for target in targets
        for page in target.client("cloudformation").get_paginator("describe_stacks").paginate()
        for stack in page["Stacks"]
        if stack["StackName"] != TOOLKIT and stack["StackStatus"] != "DELETE_COMPLETE"
    ]
    if others:
        print(f"    The local cloud keeps running, because it has other stacks: {', '.join(others)}.")
        print(f"    This stops it: {shlex.quote(sys.executable)} -m localcloud stop")
        return
    step("Stopping the local cloud")
    cloud.stop()


def take_down(target: Target) -> None:
    """Delete the stack and show what is left of it."""
    stack = target.stack(STACK)
    if stack is None:
        print(f"There is no stack {STACK} in account {target.account}, Region {target.region}.")
        return
    target.cdk(f"Destroying {STACK}", "destroy", STACK, "--force", *target.app(CONTEXT))
    left = live_policies(target, stack)
    if target.stack(STACK) is not None or left:
        raise DeployError(f"Something is left: {[policy['PolicyName'] for policy in left] or STACK}. See {LOG}")
    print(f"    Nothing is left: no stack {STACK}, and none of its policies.")


def started() -> LocalCloud:
    """Return the local cloud, after starting it where it doesn't run."""
    cloud = LocalCloud.attach()
    if cloud is None:
        step("Starting the local cloud (the first time makes its own virtual environment)")
        cloud = LocalCloud.attach_or_start()
    return cloud


def aws(options: argparse.Namespace) -> Target:
    """Return the account of the user's credentials as a target, after saying whose it is."""
    target = target_of(os.environ, "AWS")
    print(f"This will {'delete' if options.destroy else 'deploy'} the stack {STACK}")
    print(f"in account {target.account}, Region {target.region}, as {target.caller}.")
    if not options.destroy:
        project = options.context["project_arn"] or "a project that it creates"
        print(f"It allows account {options.context['trusted_account']} to copy the models of {project}.")
        if target.stack(TOOLKIT) is None:
            print(f"It will first bootstrap the CDK there, which creates the stack {TOOLKIT}.")
    if not options.yes and not confirmed():
        raise DeployError("Nothing was changed.")
    return target


def confirmed() -> bool:
    """Ask the person at the terminal; where there is none, the answer is no."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("Add --yes to go on without a terminal.")
        return False
    return input("Go on? [y/N] ").strip().lower() in ("y", "yes")


def target_of(environment: Mapping[str, str], name: str) -> Target:
    """Return the target that an environment's credentials reach."""
    environment = dict(environment)
    if environment.get("AWS_PROFILE"):
        environment.pop("AWS_DEFAULT_PROFILE", None)  # boto3 alone prefers it
    os.environ.clear()
    os.environ.update(environment)
    # boto3 reads one of the two variables, the CLI prefers the other, and a profile may name the Region instead.
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or boto3.Session().region_name
    if not region:
        raise DeployError("No Region is configured. Set AWS_REGION, or name one in your AWS profile.")
    os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = region
    session = boto3.Session()
    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    identity = session.client("sts").get_caller_identity()
    # The CLI would choose a profile by other rules than boto3, and takes options from variables that begin with CDK_.
    kept = {
        variable: value
        for variable, value in os.environ.items()
        if variable not in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE") and not variable.startswith("CDK_")
    }
    keys = credentials.get_frozen_credentials()
    given = {
        "AWS_ACCESS_KEY_ID": keys.access_key or "",
        "AWS_SECRET_ACCESS_KEY": keys.secret_key or "",
        "AWS_SESSION_TOKEN": keys.token or "",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_HOME": str(ROOT / ".localcloud" / "cdk"),
    }
    return Target(identity["Account"], identity["Arn"], region, kept | given, session, name)


def outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    """Return a stack's outputs by their keys."""
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def live_policies(target: Target, stack: Mapping[str, Any] | None) -> list[ProjectPolicyTypeDef]:
    """Return the stack's policy as ListProjectPolicies tells it; none where it, or its project, is gone."""
    known = outputs(stack) if stack else {}
    if "ProjectArn" not in known:
        return []
    pages = target.client("rekognition").get_paginator("list_project_policies").paginate(ProjectArn=known["ProjectArn"])
    try:
        return [
            policy
            for page in pages
            for policy in page["ProjectPolicies"]
            if policy["PolicyName"] == known["PolicyName"]
        ]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return []
        raise


def show(policy: ProjectPolicyTypeDef) -> None:
    """Print a policy as ListProjectPolicies tells it."""
    said = dict(policy) | {"PolicyDocument": json.loads(policy["PolicyDocument"])}
    print()
    print("  As ListProjectPolicies returns it (its document unpacked):")
    text = json.dumps(said, indent=2, default=lambda time: time.isoformat(timespec="seconds"))
    print("\n".join(f"    {line}" for line in text.splitlines()))


def verdict(before: Sequence[ProjectPolicyTypeDef], after: Sequence[ProjectPolicyTypeDef], recorded: str) -> str:
    """Return in one line what this deployment did to the policy, whose revision the stack has recorded."""
    now = after[0]["PolicyRevisionId"] if after else None
    if now != recorded:
        raise DeployError(
            f"The policy is not as the stack made it, at revision {recorded}: somebody has "
            f"{'changed' if now else 'removed'} it. CloudFormation changes nothing while the template stays the same. "
            "Deploy another trusted_account, then this one again; or --destroy, and deploy."
        )
    was = [policy["PolicyRevisionId"] for policy in before]
    if not was:
        return f"The policy is live, at revision {now}."
    if was == [now]:
        return f"Nothing changed: the policy is still at revision {now}."
    return f"The policy was updated in place, from revision {was[0]} to {now}."


def step(title: str) -> None:
    """Announce what is done next."""
    print(f"==> {title}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
