"""Deploys the example application to the local cloud, or to AWS, and shows what is live."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from _target import LOG, TOOLKIT, DeployError, Target, guarded, started_cloud, step, stop_if_unused
from botocore.exceptions import ClientError

from localcloud.cloud import LocalCloud

if TYPE_CHECKING:
    from mypy_boto3_rekognition.type_defs import ProjectPolicyTypeDef

STACK = "RekognitionModelSharing"
CONTEXT = {"trusted_account": "111122223333", "project_arn": ""}
"""What the application may be told, with its defaults; without a project's ARN it creates a project."""


def main() -> int:
    """Do what the command line says; return the exit code."""
    options = parse(sys.argv[1:])
    return guarded(lambda: destroy(options) if options.destroy else deploy(options))


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
    target = announced(options) if options.aws else Target.of(started_cloud().full_environment())
    target.bootstrap()
    before = live_policy(target, target.outputs(STACK))
    asks = options.aws and not options.yes
    approval = ("--require-approval", "any-change" if asks else "never")
    context = whole_context(target, options.context)
    target.cdk(f"Deploying {STACK}", "deploy", STACK, *approval, context=context, asks=asks)
    step(f"Live in account {target.account}, Region {target.region} ({'AWS' if options.aws else 'the local cloud'})")
    outputs = target.outputs(STACK)
    after = live_policy(target, outputs)
    if after is not None:
        show(after)
    print(f"\n  {verdict(before, after, outputs['PolicyRevisionId'])}")
    if not options.aws:
        print("  The local cloud keeps running; ./scripts/deploy --destroy takes all of it down.")
        print("  To deploy an app of yours to it with the CDK, run this in your shell first:")
        print(f'  eval "$({shlex.quote(sys.executable)} -m localcloud env)"')


def destroy(options: argparse.Namespace) -> None:
    """Delete the stack, and stop the local cloud unless it has other stacks."""
    if options.aws:
        take_down(announced(options))
        return
    cloud = LocalCloud.attach()
    if cloud is None:
        print("The local cloud is not running, so there is nothing to take down.")
        return
    target = Target.of(cloud.full_environment())
    take_down(target)
    stop_if_unused(cloud)


def take_down(target: Target) -> None:
    """Delete the stack, and say what is left of it."""
    if target.stack(STACK) is None:
        print(f"There is no stack {STACK} in account {target.account}, Region {target.region}.")
        return
    outputs = target.outputs(STACK)
    target.cdk(f"Destroying {STACK}", "destroy", STACK, "--force", context=whole_context(target, CONTEXT))
    left = live_policy(target, outputs)
    if left is not None:
        raise DeployError(f"The policy {left['PolicyName']} is left. See {LOG}")
    print(f"    Nothing is left: no stack {STACK}, and none of its policies.")


def whole_context(target: Target, context: Mapping[str, str]) -> dict[str, str]:
    """Return the context that is announced, whole: what files of context say then has no effect."""
    return {**context, "account": target.account, "region": target.region}


def announced(options: argparse.Namespace) -> Target:
    """Return the account of the user's credentials as a target, after saying whose it is."""
    target = Target.of(os.environ)
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


def live_policy(target: Target, outputs: Mapping[str, str]) -> ProjectPolicyTypeDef | None:
    """Return the policy of a stack with these outputs, as ListProjectPolicies tells it; None where it is gone."""
    if not outputs:
        return None
    paginator = target.client("rekognition").get_paginator("list_project_policies")
    try:
        policies = [
            policy
            for page in paginator.paginate(ProjectArn=outputs["ProjectArn"])
            for policy in page["ProjectPolicies"]
            if policy["PolicyName"] == outputs["PolicyName"]
        ]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    return policies[0] if policies else None


def show(policy: ProjectPolicyTypeDef) -> None:
    """Print a policy as ListProjectPolicies tells it."""
    said = dict(policy) | {"PolicyDocument": json.loads(policy["PolicyDocument"])}
    print("\n  As ListProjectPolicies returns it (its document unpacked):")
    text = json.dumps(said, indent=2, default=lambda time: time.isoformat(timespec="seconds"))
    print("\n".join(f"    {line}" for line in text.splitlines()))


def verdict(before: ProjectPolicyTypeDef | None, after: ProjectPolicyTypeDef | None, recorded: str) -> str:
    """Return in one line what this deployment did to the policy, whose revision the stack has recorded."""
    if after is None or after["PolicyRevisionId"] != recorded:
        raise DeployError(
            f"The policy is not as the stack made it, at revision {recorded}: somebody has "
            f"{'changed' if after else 'removed'} it. CloudFormation changes nothing while the template stays the "
            "same. Deploy another trusted_account, then this one again; or --destroy, and deploy."
        )
    if before is None:
        return f"The policy is live, at revision {recorded}."
    if before["PolicyRevisionId"] == recorded:
        return f"Nothing changed: the policy is still at revision {recorded}."
    return f"The policy was updated in place, from revision {before['PolicyRevisionId']} to {recorded}."


if __name__ == "__main__":
    sys.exit(main())
