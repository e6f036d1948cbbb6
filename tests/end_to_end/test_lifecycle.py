"""The life of a policy through the real CDK CLI: after each step what Rekognition lists is what the template says."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

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


def grantees(output: str) -> list[str]:
    """Return the accounts in what the CLI says about who may copy, wherever else it shows them."""
    lines = [line for line in output.splitlines() if line.startswith("INFO Project ")]
    return re.findall(r"account (\d{12})", "\n".join(lines))


@pytest.mark.full
def test_a_policy_lives_with_its_stack(cdk: Cdk, live: Live) -> None:
    """Approved, made, left alone, edited, rolled back, moved, removed, made anew, destroyed: always what is asked."""
    one, two = f"{STACK}-one", f"{STACK}-two"

    def assert_shown(expected: list[str], **context: Any) -> None:
        """Whoever approves sees who gains access, in the difference and above the question, before any change."""
        before = live.policies()
        difference = cdk.app("diff", APP, **context)
        assert difference.returncode == 0, difference.stdout
        assert grantees(difference.stdout) == expected
        # Without a terminal the CLI shows what it would ask about, then fails.
        asked = cdk.app("deploy", APP, "--require-approval", "any-change", **context)
        assert "unable to get a confirmation" in asked.stdout
        assert grantees(asked.stdout) == expected
        assert live.policies() == before

    def deploy(**context: Any) -> str:
        done = cdk.app("deploy", APP, "--require-approval", "never", **context)
        assert done.returncode == 0, done.stdout
        return done.stdout

    assert_shown(["111122223333"])
    for options in ("--quiet", "--method=template", "--security-only"):
        assert grantees(cdk.app("diff", APP, options).stdout) == ["111122223333"]

    deploy()
    (first,) = live.policies().values()
    assert list(live.policies()) == [(one, "sharing")]
    assert accounts_of(first) == {"111122223333"}
    assert live.outputs(STACK)["Revision"] == first["PolicyRevisionId"]
    physical_id = live.physical_id(STACK)
    assert physical_id == f"{first['ProjectArn']}|sharing"

    assert "(no changes)" in deploy()
    assert live.policies() == {(one, "sharing"): first}

    assert_shown(["111122223333", "444455556666"], accounts=["111122223333", "444455556666"])
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

    deploy(accounts=["444455556666"], policy_name="renamed", project="two")
    assert list(live.policies()) == [(two, "renamed")]
    arn = live.policies()[two, "renamed"]["ProjectArn"]
    assert live.outputs(STACK)["ProjectArn"] == arn
    assert live.physical_id(STACK) == f"{arn}|renamed"

    # The project's last policy goes: the role has lost the project before the policy is cleaned up there.
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
