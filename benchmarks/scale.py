"""A stack with 450 policies on 90 projects: held to the quotas, then deployed on the local cloud."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.assets import synthesize, template_of
from benchmarks.places import ACCOUNT, REGION, WORK
from benchmarks.syntheses import MANY
from benchmarks.synthesis import STACK
from localcloud.cloud import LocalCloud


@dataclass(frozen=True)
class Scale:
    """What the stack takes of each quota, and how its deployment went."""

    template: int
    """Bytes, as it is uploaded."""
    resources: int
    inline: int
    """Characters of the role's inline policies together."""
    largest_managed: int
    """Characters of its largest managed policy; 0 where it has none."""
    attached: int
    """Managed policies of the role."""
    live: int
    """Policies that are live when the stack is there."""
    left: int
    """Policies that are live when the stack is gone again."""
    create_seconds: float
    delete_seconds: float


def measure_scale() -> Scale:
    """Deploy the stack with the CDK's command line, look at what is there, and take it down again."""
    policies, projects = MANY
    with LocalCloud(WORK / "cloud") as cloud:
        rekognition = cloud.client("rekognition", ACCOUNT, REGION)
        arns = [rekognition.create_project(ProjectName=f"logos-{number}")["ProjectArn"] for number in range(projects)]
        out = synthesize("ours", policies, projects, WORK / "synthesized" / "deployed", arns)
        _cdk(cloud, "bootstrap", f"aws://{ACCOUNT}/{REGION}")
        create = _cdk(cloud, "deploy", "--app", str(out), "--require-approval", "never")
        live = _live(rekognition, arns)
        inline, managed = _role_policies(cloud)
        delete = _cdk(cloud, "destroy", "--app", str(out), "--force")
        left = _live(rekognition, arns)
    (template,) = out.glob("*.template.json")
    return Scale(
        template=template.stat().st_size,
        resources=len(template_of(out)["Resources"]),
        inline=sum(inline),
        largest_managed=max(managed, default=0),
        attached=len(managed),
        live=live,
        left=left,
        create_seconds=create,
        delete_seconds=delete,
    )


def _cdk(cloud: LocalCloud, *arguments: str) -> float:
    """Run the CDK's command line; return how many seconds it took."""
    began = time.monotonic()
    done = subprocess.run(
        ["cdk", *arguments, "--no-notices", "--no-color", "--ci"],
        cwd=cloud.state,  # where there is no cdk.json
        env=cloud.full_environment() | {"CDK_DISABLE_CLI_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        end = "\n".join((done.stdout + done.stderr).splitlines()[-25:])
        raise RuntimeError(f"cdk {arguments[0]} failed:\n{end}")
    return time.monotonic() - began


def _live(rekognition: Any, arns: list[str]) -> int:  # noqa: ANN401 - a boto3 client
    pages = rekognition.get_paginator("list_project_policies")
    return sum(len(page["ProjectPolicies"]) for arn in arns for page in pages.paginate(ProjectArn=arn))


def _role_policies(cloud: LocalCloud) -> tuple[list[int], list[int]]:
    """Return the sizes of the role's policies as IAM has them: inline ones, and managed ones."""
    (role,) = {
        resource["PhysicalResourceId"] for resource in _resources(cloud) if resource["ResourceType"] == "AWS::IAM::Role"
    }
    iam = cloud.client("iam", ACCOUNT, REGION)
    inline = [
        iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    ]
    managed = []
    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        arn = policy["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        managed.append(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])
    return [_size(document) for document in inline], [_size(document) for document in managed]


def _resources(cloud: LocalCloud) -> Iterator[dict[str, Any]]:
    cloudformation = cloud.client("cloudformation", ACCOUNT, REGION)
    for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=STACK):
        yield from page["StackResourceSummaries"]


def _size(document: object) -> int:
    """Return the characters of a document as IAM counts them: without white space."""
    return len(json.dumps(document, separators=(",", ":")))
