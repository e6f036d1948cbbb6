"""Whoever approves a deployment with the real CDK CLI sees who gains access, without asking for it."""

from __future__ import annotations

import re

from tests.end_to_end.conftest import Cdk, Live

APP, STACK = "sharing.py", "Approval"
QUESTION = ("--require-approval", "any-change")
"""Without a terminal the CLI shows what it would ask about, then fails."""


def grantees(output: str) -> list[str]:
    """Return the accounts in what the CLI says about who may copy, wherever else it shows them."""
    lines = [line for line in output.splitlines() if line.startswith("INFO Project ")]
    return re.findall(r"account (\d{12})", "\n".join(lines))


def test_the_first_deployment_and_an_edit_show_who_may_copy(cdk: Cdk, live: Live) -> None:
    """Each trusted account is in the output of ``cdk diff`` and above the approval question, before any change."""
    before, after = ["111122223333"], ["111122223333", "444455556666"]

    for options in ((), ("--quiet",), ("--method=template",), ("--security-only",)):
        difference = cdk.app("diff", APP, *options, stack=STACK, accounts=before)
        assert difference.returncode == 0, difference.stdout
        assert grantees(difference.stdout) == before
    asked = cdk.app("deploy", APP, *QUESTION, stack=STACK, accounts=before)
    assert "unable to get a confirmation" in asked.stdout
    assert grantees(asked.stdout) == before
    assert (f"{STACK}-one", "sharing") not in live.policies()

    deployed = cdk.app("deploy", APP, "--require-approval", "never", stack=STACK, accounts=before)
    assert deployed.returncode == 0, deployed.stdout
    assert grantees(cdk.app("diff", APP, stack=STACK, accounts=after).stdout) == after
    asked = cdk.app("deploy", APP, *QUESTION, stack=STACK, accounts=after)
    assert "unable to get a confirmation" in asked.stdout
    assert grantees(asked.stdout) == after
    assert cdk.app("destroy", APP, "--force", stack=STACK).returncode == 0
