"""Deploys the example application to the local cloud, or that of both accounts, and shows what is live."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import _both_accounts
from _command_line import CONTEXT, parse
from _stack import LOG, TOOLKIT, DeployError, Stack, step
from botocore.exceptions import BotoCoreError, ClientError

from localcloud.cloud import ACCOUNT, REGION, CloudError, LocalCloud
from localcloud.virtual_environment import SetupError, only_one_at_a_time

if TYPE_CHECKING:
    from mypy_boto3_rekognition.type_defs import ProjectPolicyTypeDef


def main() -> int:
    """Do what the command line says, one process at a time; print what went wrong, and return the exit code."""
    options = parse(sys.argv[1:])
    try:
        with only_one_at_a_time(LOG.with_suffix(".lock"), "another ./scripts/deploy"):
            LOG.write_text("")
            if options.destroy:
                take_down(_both_accounts.destroy if options.both_accounts else destroy)
            elif options.both_accounts:
                _both_accounts.deploy(started_cloud())
            else:
                deploy(started_cloud(), options.context)
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
        with step("Starting the local cloud (the first time installs 90 MB, about half a minute)"):
            cloud = LocalCloud.attach_or_start()
    return cloud


def take_down(destroy: Callable[[LocalCloud], None]) -> None:
    """Delete something from the local cloud, and stop it unless it has other stacks."""
    cloud = LocalCloud.attach()
    if cloud is None:
        print("The local cloud is not running, so there is nothing to take down.")
        return
    destroy(cloud)
    others = [f"{name} ({account}, {region})" for account, region, name in cloud.stacks() if name != TOOLKIT]
    if others:
        print(f"    The local cloud keeps running, because it has other stacks: {', '.join(others)}.")
        print(f"    This stops it: {shlex.quote(sys.executable)} -m localcloud stop")
        return
    with step("Stopping the local cloud"):
        cloud.stop()


def example(cloud: LocalCloud, context: Mapping[str, str]) -> Stack:
    """Return the stack of the example application, with its whole context: what other files say has no effect."""
    return Stack(cloud, ACCOUNT, "RekognitionModelSharing", {"account": ACCOUNT, "region": REGION, **context})


def deploy(cloud: LocalCloud, context: Mapping[str, str]) -> None:
    """Deploy, and show what is live and whether it changed."""
    stack = example(cloud, context)
    before = live_policy(stack, stack.outputs())
    outputs = stack.deploy(f"Deploying {stack.name}")
    after = live_policy(stack, outputs)
    if after is not None:
        print(f"==> Live in account {stack.account} of the local cloud")
        show(after)
    print(f"\n  {verdict(before, after, outputs['PolicyRevisionId'])}")
    print("  The local cloud keeps running; ./scripts/deploy --destroy takes all of it down.")
    print("  To deploy an app of yours to it with the CDK, run this in your shell first:")
    print(f'  eval "$({shlex.quote(sys.executable)} -m localcloud env)"')


def destroy(cloud: LocalCloud) -> None:
    """Delete the stack, and say what is left of it."""
    stack = example(cloud, CONTEXT)
    if stack.status() is None:
        print(f"There is no stack {stack.name} in account {stack.account} of the local cloud.")
        return
    outputs = stack.outputs()
    stack.destroy()
    left = live_policy(stack, outputs)
    if left is not None:
        raise DeployError(f"The policy {left['PolicyName']} is left. See {LOG}")
    print(f"    Nothing is left: no stack {stack.name}, and none of its policies.")


def live_policy(stack: Stack, outputs: Mapping[str, str]) -> ProjectPolicyTypeDef | None:
    """Return the policy of a stack with these outputs, as ListProjectPolicies tells it; None where it is gone."""
    if not outputs:
        return None
    paginator = stack.client("rekognition").get_paginator("list_project_policies")
    try:
        pages = list(paginator.paginate(ProjectArn=outputs["ProjectArn"]))
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    policies = [policy for page in pages for policy in page["ProjectPolicies"]]
    return next((policy for policy in policies if policy["PolicyName"] == outputs["PolicyName"]), None)


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
