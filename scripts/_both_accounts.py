"""Deploys examples/both-accounts to two accounts of the local cloud, and shows what a grant and its withdrawal do."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from _deploy import LOG, ROOT, TOOLKIT, DeployError, Target, guarded, outputs, started, step, stop_if_unused, target_of

from localcloud.cloud import LocalCloud

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_rekognition.type_defs import ProjectVersionDescriptionTypeDef

TRUSTING, TRUSTED = "123456789012", "111122223333"
SOMEBODY_ELSE = "444455556666"
EXAMPLE = ROOT / "examples" / "both-accounts"
COPYING_TIME = 5
"""Seconds that the local Rekognition takes to copy, so that there is something to wait for."""


class Account:
    """One of the two accounts, and its stack of the example."""

    def __init__(self, cloud: LocalCloud, account: str, stack: str) -> None:
        self.target: Target = target_of(cloud.full_environment(account), "the local cloud")
        self._stack = stack
        self.rekognition: Any = self.target.client("rekognition")

    def deploy(self, title: str, **context: str) -> dict[str, str]:
        """Deploy the stack, and return its outputs."""
        if self.target.stack(TOOLKIT) is None:
            place = f"aws://{self.target.account}/{self.target.region}"
            self.target.cdk(
                f"Bootstrapping the CDK in account {self.target.account}", "bootstrap", place, where=LOG.parent
            )
        self._cdk(title, "deploy", "--require-approval", "never", **context)
        return outputs(self.stack or {})

    def destroy(self) -> None:
        """Delete the stack, where there is one."""
        if self.stack is not None:
            self._cdk(f"Destroying {self._stack} in account {self.target.account}", "destroy", "--force")

    @property
    def stack(self) -> Mapping[str, Any] | None:
        """What CloudFormation says about the stack."""
        return self.target.stack(self._stack)

    def reason(self) -> str:
        """Return why the last update of a custom resource failed."""
        events = self.target.client("cloudformation").describe_stack_events(StackName=self._stack)["StackEvents"]
        return next(
            str(event["ResourceStatusReason"])
            for event in events
            if event["ResourceStatus"] == "UPDATE_FAILED" and event["ResourceType"].startswith("Custom::")
        )

    def versions(self, project_arn: str) -> list[ProjectVersionDescriptionTypeDef]:
        """Return the model versions of a project."""
        found: list[ProjectVersionDescriptionTypeDef] = self.rekognition.describe_project_versions(
            ProjectArn=project_arn
        )["ProjectVersionDescriptions"]
        return found

    def _cdk(self, title: str, command: str, *options: str, **context: str) -> None:
        given = {"trusting": TRUSTING, "trusted": TRUSTED, **context}
        arguments = [part for key, value in given.items() for part in ("-c", f"{key}={value}")]
        self.target.cdk(title, command, self._stack, *options, *arguments, where=EXAMPLE)


def deploy(cloud: LocalCloud) -> None:
    """Share, train, copy; then withdraw the grant, and try to copy another model version."""
    trusting, trusted = Account(cloud, TRUSTING, "Trusting"), Account(cloud, TRUSTED, "Trusted")
    project = trusting.deploy(f"Deploying Trusting: account {TRUSTING} shares its models with {TRUSTED}")["ProjectArn"]
    step("Training the model versions v1 and v2 there")
    v1, v2 = (train(trusting, project, name) for name in ("v1", "v2"))

    with cloud.switched(copying_time=COPYING_TIME):
        copy = trusted.deploy(
            f"Deploying Trusted: account {TRUSTED} copies v1, and waits for the copy",
            source_project_arn=project,
            source_version_arn=v1,
        )["VersionArn"]
    show(trusted, copy)

    trusting.deploy("Withdrawing the grant: Trusting shares with another account instead", share_with=SOMEBODY_ELSE)
    show(trusted, copy)
    try:
        trusted.deploy(
            "Deploying Trusted with v2, which is denied (retried for two minutes, since a grant may be new)",
            source_project_arn=project,
            source_version_arn=v2,
        )
    except DeployError:
        status = (trusted.stack or {}).get("StackStatus")
        if status != "UPDATE_ROLLBACK_COMPLETE":
            raise
        print(f"\n  {status}, because:\n    {trusted.reason()}")
    else:
        raise DeployError(f"The copy was allowed, although the grant was withdrawn. See {LOG}")
    show(trusted, copy)
    print("\n  The local cloud keeps running; ./scripts/deploy --both-accounts --destroy takes all of it down.")


def train(account: Account, project_arn: str, name: str) -> str:
    """Return the ARN of a model version, which the local Rekognition trains at once."""
    for version in account.versions(project_arn):
        if f"/version/{name}/" in version["ProjectVersionArn"]:
            return version["ProjectVersionArn"]
    output = {"S3Bucket": "training", "S3KeyPrefix": "flags"}
    made = account.rekognition.create_project_version(ProjectArn=project_arn, VersionName=name, OutputConfig=output)
    return str(made["ProjectVersionArn"])


def show(account: Account, version_arn: str) -> None:
    """Print the copy as DescribeProjectVersions returns it; raises ``DeployError`` where it isn't complete."""
    project, _, name = version_arn.partition("/version/")
    (arn,) = (
        each["ProjectArn"]
        for each in account.rekognition.describe_projects()["ProjectDescriptions"]
        if each["ProjectArn"].startswith(f"{project}/")
    )
    (found,) = account.versions(arn)
    print("\n  As DescribeProjectVersions returns it:")
    for key in ("ProjectVersionArn", "Status", "SourceProjectVersionArn"):
        print(f"    {key:<24}{found[key]}")  # type: ignore[literal-required]
    if (found["ProjectVersionArn"], found["Status"]) != (version_arn, "COPYING_COMPLETED"):
        raise DeployError(f"{name} isn't the complete copy that the stack has made. See {LOG}")


def destroy(cloud: LocalCloud | None) -> None:
    """Delete both stacks, and what was trained."""
    if cloud is None:
        print("The local cloud is not running, so there is nothing to take down.")
        return
    trusting, trusted = Account(cloud, TRUSTING, "Trusting"), Account(cloud, TRUSTED, "Trusted")
    project = outputs(trusting.stack or {}).get("ProjectArn")
    copied_into, _, _ = outputs(trusted.stack or {}).get("VersionArn", "").partition("/version/")
    trusted.destroy()
    trusting.destroy()
    if project:
        step("Deleting the project that the stack has kept, with what was trained")
        for version in trusting.versions(project):
            trusting.rekognition.delete_project_version(ProjectVersionArn=version["ProjectVersionArn"])
        trusting.rekognition.delete_project(ProjectArn=project)
    projects = [each["ProjectArn"] for each in trusted.rekognition.describe_projects()["ProjectDescriptions"]]
    left = [arn for arn in projects if copied_into and arn.startswith(f"{copied_into}/")]
    if trusting.stack or trusted.stack or left:
        raise DeployError(f"Something is left: {left or 'a stack'}. See {LOG}")
    print("    Nothing is left: neither stack, nor the copy.")
    stop_if_unused(cloud, trusting.target, trusted.target)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="./scripts/deploy", add_help=False)
    parser.add_argument("--both-accounts", action="store_true", required=True)
    parser.add_argument("--destroy", action="store_true")
    return parser.parse_args(arguments)


def main() -> int:
    """Do what the command line says; return the exit code."""
    options = parse(sys.argv[1:])
    return guarded(lambda: destroy(LocalCloud.attach()) if options.destroy else deploy(started()))


if __name__ == "__main__":
    sys.exit(main())
