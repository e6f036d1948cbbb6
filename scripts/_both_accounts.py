"""Deploys examples/both-accounts to two accounts of the local cloud, and shows what a grant and its withdrawal do."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from _target import LOG, ROOT, DeployError, Target, guarded, started_cloud, step, stop_if_unused

from localcloud.cloud import LocalCloud

TRUSTING, TRUSTED = "123456789012", "111122223333"
SOMEBODY_ELSE = "444455556666"
EXAMPLE = ROOT / "examples" / "both-accounts"
COPYING_TIME = 5
"""Seconds that the local Rekognition takes to copy, so that there is something to wait for."""


class Account:
    """One of the two accounts, and its stack of the example."""

    def __init__(self, cloud: LocalCloud, account: str, stack: str) -> None:
        self.target = Target.of(cloud.full_environment(account))
        self.stack = stack
        self.rekognition: Any = self.target.client("rekognition")

    def deploy(self, title: str, **context: str) -> dict[str, str]:
        """Deploy the stack, and return its outputs."""
        self.target.bootstrap()
        self._cdk(title, "deploy", "--require-approval", "never", **context)
        return self.target.outputs(self.stack)

    def destroy(self) -> None:
        """Delete the stack, where there is one."""
        if self.target.stack(self.stack) is not None:
            self._cdk(f"Destroying {self.stack} in account {self.target.account}", "destroy", "--force")

    def reason(self) -> str:
        """Return why the last update of a custom resource failed."""
        events = self.target.client("cloudformation").describe_stack_events(StackName=self.stack)["StackEvents"]
        return next(
            str(event["ResourceStatusReason"])
            for event in events
            if event["ResourceStatus"] == "UPDATE_FAILED" and event["ResourceType"].startswith("Custom::")
        )

    def projects(self) -> list[str]:
        """Return the ARNs of the account's projects."""
        return [each["ProjectArn"] for each in self.rekognition.describe_projects()["ProjectDescriptions"]]

    def versions(self, project_arn: str) -> dict[str, Any]:
        """Return the model versions of a project, as DescribeProjectVersions returns them, by their ARNs."""
        found = self.rekognition.describe_project_versions(ProjectArn=project_arn)["ProjectVersionDescriptions"]
        return {each["ProjectVersionArn"]: each for each in found}

    def _cdk(self, title: str, command: str, *options: str, **context: str) -> None:
        accounts = {"trusting": TRUSTING, "trusted": TRUSTED}
        self.target.cdk(title, command, self.stack, *options, context=accounts | context, where=EXAMPLE)


def deploy(cloud: LocalCloud) -> None:
    """Share, train, copy; then withdraw the grant, and try to copy another model version."""
    trusting, trusted = Account(cloud, TRUSTING, "Trusting"), Account(cloud, TRUSTED, "Trusted")
    project = trusting.deploy(f"Deploying Trusting: account {TRUSTING} shares its models with {TRUSTED}")["ProjectArn"]
    step("Training the model versions v1 and v2 there")
    v1, v2 = (train(trusting, project, name) for name in ("v1", "v2"))

    with cloud.switched(copying_time=COPYING_TIME):
        copy = trusted.deploy(
            f"Deploying Trusted: account {TRUSTED} copies v1, and waits for the copy",
            source_project=project,
            source_version_arn=v1,
        )["VersionArn"]
    show(trusted, copy)

    trusting.deploy("Withdrawing the grant: Trusting shares with another account instead", share_with=SOMEBODY_ELSE)
    show(trusted, copy)
    try:
        trusted.deploy(
            "Deploying Trusted with v2, which is denied (retried for two minutes, since a grant may be new)",
            source_project=project,
            source_version_arn=v2,
        )
    except DeployError:
        status = (trusted.target.stack(trusted.stack) or {}).get("StackStatus")
        if status != "UPDATE_ROLLBACK_COMPLETE":
            raise
        print(f"\n  {status}, because:\n    {trusted.reason()}")
    else:
        raise DeployError(f"The copy was allowed, although the grant was withdrawn. See {LOG}")
    show(trusted, copy)
    print("\n  The local cloud keeps running; ./scripts/deploy --both-accounts --destroy takes all of it down.")


def train(account: Account, project_arn: str, name: str) -> str:
    """Return the ARN of a model version, which the local Rekognition trains at once."""
    for arn in account.versions(project_arn):
        if f"/version/{name}/" in arn:
            return arn
    output = {"S3Bucket": "training", "S3KeyPrefix": "flags"}
    made = account.rekognition.create_project_version(ProjectArn=project_arn, VersionName=name, OutputConfig=output)
    return str(made["ProjectVersionArn"])


def show(account: Account, version_arn: str) -> None:
    """Print the copy as DescribeProjectVersions returns it; raises ``DeployError`` where it isn't complete."""
    copies = [
        versions[version_arn] for versions in map(account.versions, account.projects()) if version_arn in versions
    ]
    if [copy["Status"] for copy in copies] != ["COPYING_COMPLETED"]:
        raise DeployError(f"{version_arn} isn't a complete copy. See {LOG}")
    print("\n  As DescribeProjectVersions returns it:")
    for key in ("ProjectVersionArn", "Status", "SourceProjectVersionArn"):
        print(f"    {key:<24}{copies[0][key]}")


def destroy(cloud: LocalCloud | None) -> None:
    """Delete both stacks, and what was trained."""
    if cloud is None:
        print("The local cloud is not running, so there is nothing to take down.")
        return
    trusting, trusted = Account(cloud, TRUSTING, "Trusting"), Account(cloud, TRUSTED, "Trusted")
    project = trusting.target.outputs(trusting.stack).get("ProjectArn")
    copy = trusted.target.outputs(trusted.stack).get("VersionArn")
    trusted.destroy()
    trusting.destroy()
    if project:
        step("Deleting the project that the stack has kept, with what was trained")
        for arn in trusting.versions(project):
            trusting.rekognition.delete_project_version(ProjectVersionArn=arn)
        trusting.rekognition.delete_project(ProjectArn=project)
    if any(copy in trusted.versions(each) for each in trusted.projects()):
        raise DeployError(f"The copy is left: {copy}. See {LOG}")
    print("    Nothing is left: neither stack, nor the copy.")
    stop_if_unused(cloud)


def main() -> int:
    """Do what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(prog="./scripts/deploy", add_help=False)
    parser.add_argument("--both-accounts", action="store_true", required=True)
    parser.add_argument("--destroy", action="store_true")
    options = parser.parse_args()
    return guarded(lambda: destroy(LocalCloud.attach()) if options.destroy else deploy(started_cloud()))


if __name__ == "__main__":
    sys.exit(main())
