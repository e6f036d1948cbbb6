"""A stack made as its context says: projects, one policy on one of them, and what else shall fail."""

from __future__ import annotations

import json
from typing import Any

from aws_cdk import App, CfnOutput, CfnResource, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rekognition as rekognition

from cdk_rekognition_project_policy import ProjectPolicy

app = App()


def context(name: str, default: Any) -> Any:
    """Return a value of the context, which the command line gives as JSON."""
    given = app.node.try_get_context(name)
    return default if given is None else json.loads(given)


stack = Stack(app, "Sharing")
projects = {
    name: rekognition.CfnProject(stack, f"Project-{name}", project_name=f"{stack.stack_name}-{name}")
    for name in ("one", "two")
}
project = context("project", "one")
made = []
if project:
    policy = ProjectPolicy(stack, "Sharing", project=projects[project], policy_name="sharing")
    for account in context("accounts", ["111122223333"]):
        policy.grant_copy(iam.AccountPrincipal(account))
    made.append(policy)
    CfnOutput(stack, "Revision", value=policy.policy_revision_id)
if context("fail", default=False):
    # No function has this ARN, so this resource fails, and after the policy at that.
    failing = CfnResource(
        stack,
        "Failing",
        type="Custom::Failing",
        properties={"ServiceToken": f"arn:aws:lambda:{stack.region}:{stack.account}:function:nobody"},
    )
    failing.node.add_dependency(*made)
app.synth()
