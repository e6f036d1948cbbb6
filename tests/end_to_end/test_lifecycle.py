"""The life of a policy and of a copy through the real CDK CLI: after each step what is live is what the app says."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.account import Account
from tests.end_to_end.conftest import Cdk
from tests.localcloud.support import Setting

ONE, TWO, THREE = "111122223333", "444455556666", "777788889999"
TRUSTING = "686868686868"


def grantees(output: str) -> list[str]:
    """Return the accounts in what the CLI says about who may copy, wherever else it shows them."""
    lines = [line for line in output.splitlines() if line.startswith("INFO Project ")]
    return re.findall(r"account (\d{12})", "\n".join(lines))


@pytest.mark.full
def test_a_policy_lives_with_its_stack(cdk: Cdk) -> None:
    """Approved, made, left alone, edited, rolled back, moved, removed, made anew, destroyed: always what is asked."""
    account, one, two = cdk.account, "Sharing-one", "Sharing-two"

    def assert_shown(expected: list[str], **context: Any) -> None:
        """Whoever approves sees who gains access, in the difference and above the question, before any change."""
        before, app = account.policies(), cdk.app("sharing.py", **context)
        assert grantees(cdk.run("diff", *app)) == expected
        # Without a terminal the CLI shows what it would ask about, then fails.
        asked = cdk.run("deploy", *app, "--require-approval", "any-change", fails=True)
        assert "unable to get a confirmation" in asked
        assert grantees(asked) == expected
        assert account.policies() == before

    def deploy(*, fails: bool = False, **context: Any) -> str:
        return cdk.deploy(*cdk.app("sharing.py", **context), fails=fails)

    assert_shown([ONE])
    for options in ("--quiet", "--method=template", "--security-only"):
        assert grantees(cdk.run("diff", *cdk.app("sharing.py"), options)) == [ONE]

    deploy()
    assert account.trusted() == {(one, "sharing"): {ONE}}
    first = account.policies()[one, "sharing"]
    assert account.outputs("Sharing")["Revision"] == first["PolicyRevisionId"]
    assert account.physical_id("Sharing") == f"{first['ProjectArn']}|sharing"

    assert "(no changes)" in deploy()
    assert account.policies() == {(one, "sharing"): first}

    assert_shown([ONE, TWO], accounts=[ONE, TWO])
    deploy(accounts=[TWO])
    assert account.trusted() == {(one, "sharing"): {TWO}}
    edited = account.policies()[one, "sharing"]
    assert edited["CreationTimestamp"] == first["CreationTimestamp"]
    assert account.outputs("Sharing")["Revision"] == edited["PolicyRevisionId"] not in ("", first["PolicyRevisionId"])

    deploy(accounts=[TWO, THREE], fail=True, fails=True)
    assert account.status("Sharing") == "UPDATE_ROLLBACK_COMPLETE"
    assert account.trusted() == {(one, "sharing"): {TWO}}
    assert account.physical_id("Sharing") == f"{first['ProjectArn']}|sharing"

    # The role has lost the project before the policy is cleaned up there: when it moves, and when the last one goes.
    deploy(project="two")
    assert account.trusted() == {(two, "sharing"): {ONE}}
    deploy(project=None)
    assert account.policies() == {}

    deploy()
    cdk.run("destroy", *cdk.app("sharing.py"), "--force")
    assert account.status("Sharing") is None
    assert account.projects() == {}


@pytest.mark.full
def test_a_copy_lives_with_its_stack(cdk: Cdk) -> None:
    """Waited for over several runs, tagged in place, replaced, rolled back, then stopped and deleted while it runs."""
    account, trusting = cdk.account, Account(cdk.account.cloud, TRUSTING).rekognition
    models = Setting(trusting, trusting, "models")
    models.share(Principal={"AWS": account.id})
    versions = {"v1": models.version, "v2": models.train("v2")}

    def deploy(version: str, *, fails: bool = False, **context: Any) -> str:
        given = {"project": models.project, "version": versions[version], **context}
        cdk.deploy(*cdk.app("copying.py", **given), fails=fails)
        return account.outputs("Copying")["VersionArn"]

    def copies() -> dict[str, tuple[str, str]]:
        """Return the status and the source of every copy by its ARN."""
        return {arn: (each["Status"], each["SourceProjectVersionArn"]) for arn, each in account.versions().items()}

    def team(arn: str) -> str:
        return account.rekognition.list_tags_for_resource(ResourceArn=arn)["Tags"]["team"]

    # Longer than a run of the function, so without the next one there would be no response.
    with account.cloud.switched(copying_time=4, deleting_time=1):
        first = deploy("v1", tags={"team": "logos"})
        assert copies() == {first: ("COPYING_COMPLETED", versions["v1"])}
        assert team(first) == "logos"
        assert deploy("v1", tags={"team": "signs"}) == first
        assert team(first) == "signs"
        second = deploy("v2")
        assert copies() == {second: ("COPYING_COMPLETED", versions["v2"])}

    with account.cloud.switched(copying_time=4, copying_ends="COPYING_FAILED"):
        assert deploy("v1", fails=True) == second
    reason = account.reasons("Copying", "UPDATE_FAILED")
    assert 'of project "copies" couldn\'t be copied (COPYING_FAILED)' in reason
    left = copies()
    assert left.pop(second) == ("COPYING_COMPLETED", versions["v2"])
    for arn in left:  # the local CloudFormation sends no Delete for a replacement that failed
        account.rekognition.delete_project_version(ProjectVersionArn=arn)

    account.rekognition.start_project_version(ProjectVersionArn=second, MinInferenceUnits=1)
    cdk.run("destroy", *cdk.app("copying.py", project=models.project, version=versions["v1"]), "--force")
    assert account.versions() == {}
