"""The life of a policy through the real CDK CLI: after each step what Rekognition lists is what the template says."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from tests.end_to_end.conftest import Cdk, Live

APP, STACK = "sharing.py", "Sharing"


def accounts_of(policy: Mapping[str, Any]) -> set[str]:
    """Return the accounts that a live policy shares with."""
    return {
        principal.split(":")[4]
        for statement in json.loads(policy["PolicyDocument"])["Statement"]
        for principal in [statement["Principal"]["AWS"]]
        if statement["Effect"] == "Allow"
    }


def test_a_denial_by_an_organizations_policy_is_understood_from_the_stack_event(cdk: Cdk, live: Live) -> None:
    """The event names the policy, who denies it and what to do, then the service's whole message and the log stream."""
    with live.cloud.switched(denied_by_organization="rekognition:PutProjectPolicy"):
        failed = cdk.app("deploy", APP, "--require-approval", "never", stack="Denied", projects=["one"])
    assert failed.returncode != 0
    (reason,) = live.reasons("Denied", "CREATE_FAILED")
    role = r"arn:aws:sts::123456789012:assumed-role/[^ ]+"
    project = r"arn:aws:rekognition:[^ ]+:project/Denied-one/\d+"
    assert re.fullmatch(
        r'.*Policy "sharing" of project "Denied-one": PutProjectPolicy was denied explicitly: a service control policy '
        r"of the organization denies it, so allowing it elsewhere doesn't help\. Ask whoever owns that policy for an "
        r"exception, or deploy where it doesn't apply\. "
        rf"\(AccessDeniedException: User: {role} is not authorized to perform: rekognition:PutProjectPolicy on "
        rf"resource: {project} with an explicit deny in a service control policy; request ID [\w-]+; "
        r"log stream [^ ]+\).*",
        reason,
    )
    assert cdk.app("destroy", APP, "--force", stack="Denied", projects=["one"]).returncode == 0


def test_a_policy_lives_with_its_stack(cdk: Cdk, live: Live) -> None:
    """Made, left alone, edited, rolled back, renamed, moved, removed, made anew, destroyed: always what is asked."""
    one, two = f"{STACK}-one", f"{STACK}-two"

    def deploy(**context: Any) -> str:
        done = cdk.app("deploy", APP, "--require-approval", "never", **context)
        assert done.returncode == 0, done.stdout
        return done.stdout

    deploy()
    (first,) = live.policies().values()
    assert list(live.policies()) == [(one, "sharing")]
    assert accounts_of(first) == {"111122223333"}
    assert live.outputs(STACK)["Revision"] == first["PolicyRevisionId"]
    physical_id = live.physical_id(STACK)
    assert physical_id == f"{first['ProjectArn']}|sharing"

    assert "(no changes)" in deploy()
    assert live.policies() == {(one, "sharing"): first}

    difference = cdk.app("diff", APP, accounts=["444455556666"])
    assert difference.returncode == 0, difference.stdout
    assert "444455556666" in difference.stdout

    deploy(accounts=["444455556666"])
    edited = live.policies()[one, "sharing"]
    assert accounts_of(edited) == {"444455556666"}
    assert edited["PolicyRevisionId"] not in ("", first["PolicyRevisionId"])
    assert edited["CreationTimestamp"] == first["CreationTimestamp"]
    assert live.outputs(STACK)["Revision"] == edited["PolicyRevisionId"]
    assert live.physical_id(STACK) == physical_id

    failed = cdk.app("deploy", APP, "--require-approval", "never", accounts=["444455556666", "777788889999"], fail=True)
    assert failed.returncode != 0
    stack = live.stack(STACK)
    assert stack is not None
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert accounts_of(live.policies()[one, "sharing"]) == {"444455556666"}
    assert live.physical_id(STACK) == physical_id

    deploy(accounts=["444455556666"], policy_name="renamed")
    assert list(live.policies()) == [(one, "renamed")]
    assert live.physical_id(STACK).endswith("|renamed")

    deploy(accounts=["444455556666"], policy_name="renamed", project="two")
    assert list(live.policies()) == [(two, "renamed")]
    assert live.outputs(STACK)["ProjectArn"] == live.policies()[two, "renamed"]["ProjectArn"]

    # The project's last policy goes: the role has lost the project before the policy is cleaned up there.
    deploy(project=None)
    assert live.policies() == {}

    deploy(project="two")
    assert list(live.policies()) == [(two, "sharing")]

    done = cdk.app("destroy", APP, "--force")
    assert done.returncode == 0, done.stdout
    assert live.stack(STACK) is None
    assert live.policies() == {}
    assert live.cloud.client("rekognition").describe_projects()["ProjectDescriptions"] == []


def test_a_create_that_is_rolled_back_leaves_nothing(cdk: Cdk, live: Live) -> None:
    """When another resource fails, the policy that was just made goes with the stack."""
    failed = cdk.app("deploy", APP, "--require-approval", "never", stack="Failing", fail=True)
    assert failed.returncode != 0
    assert live.policies() == {}
    cdk.app("destroy", APP, "--force", stack="Failing")


def test_a_permission_that_is_seen_late_is_waited_for(cdk: Cdk, live: Live) -> None:
    """IAM may show the role's new permission some seconds late; the deployment succeeds all the same."""
    with live.cloud.switched(permission_delay=4):
        done = cdk.app("deploy", APP, "--require-approval", "never", stack="Late")
        assert done.returncode == 0, done.stdout
        assert ("Late-one", "sharing") in live.policies()
    assert cdk.app("destroy", APP, "--force", stack="Late").returncode == 0
    assert ("Late-one", "sharing") not in live.policies()


def test_the_reason_of_a_failure_reaches_the_person(cdk: Cdk, live: Live) -> None:
    """A policy that is there already fails the deployment in words, is not touched, and the stack goes away again."""
    deployed = cdk.app("deploy", APP, "--require-approval", "never", stack="Taken", project=None)
    assert deployed.returncode == 0, deployed.stdout
    client = live.cloud.client("rekognition")
    (arn,) = (
        each["ProjectArn"]
        for each in client.describe_projects()["ProjectDescriptions"]
        if "project/Taken-one/" in each["ProjectArn"]
    )
    foreign = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": "999988887777"},
            "Action": "rekognition:CopyProjectVersion",
            "Resource": "*",
        },
    }
    client.put_project_policy(ProjectArn=arn, PolicyName="sharing", PolicyDocument=json.dumps(foreign))
    before = live.policies()["Taken-one", "sharing"]

    failed = cdk.app("deploy", APP, "--require-approval", "never", stack="Taken")
    assert failed.returncode != 0
    assert 'Policy "sharing" of project "Taken-one" already exists' in failed.stdout
    assert live.policies()["Taken-one", "sharing"] == before
    assert cdk.app("destroy", APP, "--force", stack="Taken", project=None).returncode == 0
