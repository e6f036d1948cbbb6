"""Many deployments at once, under Rekognition's quota of calls, and each of them is rolled back."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from localcloud.cloud import LocalCloud
from tests.end_to_end.conftest import deploy_provider
from tests.packaging import ROOT

ACCOUNT = "616161616161"
OLD, NEW = "111122223333", "444455556666"
STACKS, AT_ONCE, SECONDS = 100, 10, 400
TEMPLATE = (ROOT / "examples" / "cloudformation" / "project-and-policy.yaml").read_text()
BROKEN = "\n  Broken: {Type: AWS::Rekognition::Project, DependsOn: Sharing, Properties: {ProjectName: not a name}}\n"


def deploy_all(cloudformation: Any, template: str, account: str, *, anew: bool) -> dict[str, str]:
    """Create or update every stack, some at a time, and return the status in which each ended."""
    waiting, deadline = [f"many-{number}" for number in range(STACKS)], time.monotonic() + SECONDS
    started: set[str] = set()
    change = cloudformation.create_stack if anew else cloudformation.update_stack
    while True:
        statuses = {
            stack["StackName"]: stack["StackStatus"]
            for page in cloudformation.get_paginator("describe_stacks").paginate()
            for stack in page["Stacks"]
            if stack["StackName"] in started
        }
        running = sum(status.endswith("_IN_PROGRESS") for status in statuses.values())
        if not running and not waiting:
            return statuses
        assert time.monotonic() < deadline, statuses
        for name in waiting[: AT_ONCE - running]:
            parameters = {"ProjectName": name, "TrustedAccount": account}
            change(
                StackName=name,
                TemplateBody=template,
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
                Capabilities=["CAPABILITY_IAM"],
            )
            started.add(name)
        del waiting[: AT_ONCE - running]
        time.sleep(0.5)  # CloudFormation doesn't say when it is done


@pytest.mark.full
@pytest.mark.timeout(900)
def test_a_hundred_rollbacks_under_the_quota_restore_every_document(local_cloud: LocalCloud, dist: Path) -> None:
    """Five calls a second pass, others get status 500, and lists are late: each stack ends with its old grantee."""
    deploy_provider(local_cloud, ACCOUNT, dist)
    cloudformation, rekognition = (local_cloud.client(name, ACCOUNT) for name in ("cloudformation", "rekognition"))
    assert set(deploy_all(cloudformation, TEMPLATE, OLD, anew=True).values()) == {"CREATE_COMPLETE"}
    broken = TEMPLATE.replace("\nOutputs:\n", f"{BROKEN}\nOutputs:\n")
    with local_cloud.switched(calls_per_second=5, list_lag=4):
        ended = deploy_all(cloudformation, broken, NEW, anew=False)
    assert set(ended.values()) == {"UPDATE_ROLLBACK_COMPLETE"}
    projects = rekognition.describe_projects()["ProjectDescriptions"]
    documents = [
        json.loads(policy["PolicyDocument"])
        for project in projects
        for policy in rekognition.list_project_policies(ProjectArn=project["ProjectArn"])["ProjectPolicies"]
    ]
    grantees = [statement["Principal"]["AWS"] for document in documents for statement in document["Statement"]]
    assert grantees == [OLD] * STACKS
