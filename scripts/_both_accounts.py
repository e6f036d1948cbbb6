"""Deploys examples/both-accounts to two accounts of the local cloud, and shows what a grant and its withdrawal do."""

from __future__ import annotations

from typing import Any

from _stack import LOG, ROOT, DeployError, Stack, step

from localcloud.cloud import LocalCloud

TRUSTING, TRUSTED = "123456789012", "111122223333"
SOMEBODY_ELSE = "444455556666"
COPYING_TIME = 5
"""Seconds that the local Rekognition takes to copy, so that there is something to wait for."""


def both(cloud: LocalCloud) -> tuple[Stack, Stack]:
    """Return the two stacks of the example, each in its account."""
    app = ROOT / "examples" / "both-accounts"
    accounts = {"trusting": TRUSTING, "trusted": TRUSTED}
    return Stack(cloud, TRUSTING, "Trusting", accounts, app), Stack(cloud, TRUSTED, "Trusted", accounts, app)


def deploy(cloud: LocalCloud) -> None:
    """Share, train, copy; then withdraw the grant, and try to copy another model version."""
    trusting, trusted = both(cloud)
    project = trusting.deploy(f"Deploying Trusting: account {TRUSTING} shares its models with {TRUSTED}")["ProjectArn"]
    with step("Training the model versions v1 and v2 there"):
        v1, v2 = (train(trusting, project, name) for name in ("v1", "v2"))

    with cloud.switched(copying_time=COPYING_TIME):
        arn = trusted.deploy(
            f"Deploying Trusted: account {TRUSTED} copies v1, and waits for the copy",
            source_project_arn=project,
            source_version_arn=v1,
        )["VersionArn"]
    copy = complete_copy(trusted, arn)
    print("\n  As DescribeProjectVersions returns it:")
    for key in ("ProjectVersionArn", "Status", "SourceProjectVersionArn"):
        print(f"    {key:<24}{copy[key]}")

    trusting.deploy("Withdrawing the grant: Trusting shares with another account instead", share_with=SOMEBODY_ELSE)
    complete_copy(trusted, arn)
    print("\n  The copy stays, because it belongs to the account that has made it.")
    try:
        trusted.deploy(
            "Deploying Trusted with v2, which is denied (retried for two minutes, since a grant may be new)",
            source_project_arn=project,
            source_version_arn=v2,
        )
    except DeployError:
        if trusted.status() != "UPDATE_ROLLBACK_COMPLETE":
            raise
        print(f"\n  {trusted.status()}, because:\n    {reason(trusted)}")
    else:
        raise DeployError(f"The copy was allowed, although the grant was withdrawn. See {LOG}")
    print(f"\n  The copy of v1 is still there, {complete_copy(trusted, arn)['Status']}. v2 wasn't copied.")
    print("  The local cloud keeps running; ./scripts/deploy --both-accounts --destroy takes all of it down.")


def reason(stack: Stack) -> str:
    """Return why the last update of a custom resource failed."""
    events = stack.client("cloudformation").describe_stack_events(StackName=stack.name)["StackEvents"]
    return next(
        str(event["ResourceStatusReason"])
        for event in events
        if event["ResourceStatus"] == "UPDATE_FAILED" and event["ResourceType"].startswith("Custom::")
    )


def versions(stack: Stack) -> dict[str, Any]:
    """Return the model versions of the stack's account, as DescribeProjectVersions returns them, by their ARNs."""
    client = stack.client("rekognition")
    return {
        version["ProjectVersionArn"]: version
        for project in client.describe_projects()["ProjectDescriptions"]
        for version in client.describe_project_versions(ProjectArn=project["ProjectArn"])["ProjectVersionDescriptions"]
    }


def train(stack: Stack, project_arn: str, name: str) -> str:
    """Return the ARN of a model version, which the local Rekognition trains at once."""
    for arn in versions(stack):
        if arn.startswith(f"{project_arn.rpartition('/')[0]}/version/{name}/"):
            return arn
    output = {"S3Bucket": "training", "S3KeyPrefix": "flags"}
    made = stack.client("rekognition").create_project_version(
        ProjectArn=project_arn, VersionName=name, OutputConfig=output
    )
    return str(made["ProjectVersionArn"])


def complete_copy(stack: Stack, version_arn: str) -> dict[str, Any]:
    """Return the copy as DescribeProjectVersions returns it; raises ``DeployError`` where it isn't complete."""
    copy: dict[str, Any] = versions(stack).get(version_arn, {})
    if copy.get("Status") != "COPYING_COMPLETED":
        raise DeployError(f"{version_arn} isn't a complete copy. See {LOG}")
    return copy


def destroy(cloud: LocalCloud) -> None:
    """Delete both stacks, and what was trained."""
    trusting, trusted = both(cloud)
    project = trusting.outputs().get("ProjectArn")
    copy = trusted.outputs().get("VersionArn")
    trusted.destroy()
    trusting.destroy()
    if project:
        with step("Deleting the project that the stack has kept, with what was trained"):
            client = trusting.client("rekognition")
            for version in client.describe_project_versions(ProjectArn=project)["ProjectVersionDescriptions"]:
                client.delete_project_version(ProjectVersionArn=version["ProjectVersionArn"])
            client.delete_project(ProjectArn=project)
    if copy in versions(trusted):
        raise DeployError(f"The copy is left: {copy}. See {LOG}")
    print("    Nothing is left: neither stack, nor the copy.")
