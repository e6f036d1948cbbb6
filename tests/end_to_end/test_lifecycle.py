"""The life of a policy through the real CDK CLI: after each step what Rekognition lists is what the template says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.documents import FOREIGN
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
    arn = live.outputs(STACK)["ProjectArn"]
    deploy(project=None)
    assert live.policies() == {}

    # Somebody else's policy has the name: it isn't touched, and the person who deploys is told.
    client = live.cloud.client("rekognition")
    client.put_project_policy(ProjectArn=arn, PolicyName="sharing", PolicyDocument=json.dumps(FOREIGN))
    foreign = live.policies()
    failed = cdk.app("deploy", APP, "--require-approval", "never", project="two")
    assert failed.returncode != 0
    assert f'Policy "sharing" of project "{two}" already exists' in failed.stdout
    assert live.policies() == foreign
    client.delete_project_policy(ProjectArn=arn, PolicyName="sharing")

    deploy(project="two")
    assert list(live.policies()) == [(two, "sharing")]

    done = cdk.app("destroy", APP, "--force")
    assert done.returncode == 0, done.stdout
    assert live.stack(STACK) is None
    assert client.describe_projects()["ProjectDescriptions"] == []
