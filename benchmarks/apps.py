"""Apps with one stack, which has as many policies on as many projects as the command line says, made in one way.

    python -m benchmarks.apps KIND POLICIES PROJECTS

Each way imports what it uses itself, because the time to import it belongs to its synthesis.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aws_cdk import App, Stack

from benchmarks.samples import document, project_arn, trusted_account

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_

Policies = Sequence[tuple[int, str, str]]
"""Each policy's number, project ARN and name."""


def empty(stack: Stack, policies: Policies) -> None:
    """Add nothing."""


def ours(stack: Stack, policies: Policies) -> None:
    """Add this project's construct with whole documents."""
    from cdk_rekognition_project_policy import ProjectPolicy

    for number, arn, name in policies:
        ProjectPolicy(stack, f"Policy{number}", project=arn, policy_name=name, document=document(number))


def granting(stack: Stack, policies: Policies) -> None:
    """Add this project's construct with grants."""
    from aws_cdk import aws_iam as iam

    from cdk_rekognition_project_policy import ProjectPolicy

    for number, arn, name in policies:
        policy = ProjectPolicy(stack, f"Policy{number}", project=arn, policy_name=name)
        policy.grant_copy(iam.AccountPrincipal(trusted_account(number)))


def bare(stack: Stack, policies: Policies) -> None:
    """Add a bare function with bare custom resources."""
    custom_resources(stack, policies, function(stack).function_arn)


def provider(stack: Stack, policies: Policies) -> None:
    """Add the CDK's Provider with custom resources."""
    from aws_cdk import aws_iam as iam
    from aws_cdk import custom_resources as cr

    on_event = function(stack)
    actions = ["rekognition:PutProjectPolicy", "rekognition:DeleteProjectPolicy"]
    arns = sorted({arn for _, arn, _ in policies})
    on_event.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=arns))
    custom_resources(stack, policies, cr.Provider(stack, "Provider", on_event_handler=on_event).service_token)


def function(stack: Stack) -> lambda_.Function:
    """Return a bare function."""
    from aws_cdk import aws_lambda as lambda_

    return lambda_.Function(
        stack,
        "Function",
        runtime=lambda_.Runtime.PYTHON_3_14,
        handler="index.on_event",
        code=lambda_.Code.from_inline("def on_event(event, context): ..."),
    )


def custom_resources(stack: Stack, policies: Policies, token: str) -> None:
    """Add a bare custom resource for each policy."""
    from aws_cdk import CustomResource

    for number, arn, name in policies:
        properties = {"ProjectArn": arn, "PolicyName": name, "PolicyDocument": document(number)}
        CustomResource(stack, f"Policy{number}", service_token=token, properties=properties)


def aws_custom_resource(stack: Stack, policies: Policies) -> None:
    """Add the CDK's AwsCustomResource, with the policy's revision as the physical id."""
    from aws_cdk import custom_resources as cr

    def call(
        action: str, parameters: dict[str, Any], physical_id: cr.PhysicalResourceId | None = None
    ) -> cr.AwsSdkCall:
        return cr.AwsSdkCall(
            service="Rekognition", action=action, parameters=parameters, physical_resource_id=physical_id
        )

    for number, arn, name in policies:
        policy = {"ProjectArn": arn, "PolicyName": name}
        wanted = {**policy, "PolicyDocument": json.dumps(document(number))}
        revision = {"PolicyRevisionId": cr.PhysicalResourceIdReference()}
        physical_id = cr.PhysicalResourceId.from_response("PolicyRevisionId")
        cr.AwsCustomResource(
            stack,
            f"Policy{number}",
            on_create=call("PutProjectPolicy", wanted, physical_id),
            on_update=call("PutProjectPolicy", {**wanted, **revision}, physical_id),
            on_delete=call("DeleteProjectPolicy", {**policy, **revision}),
            install_latest_aws_sdk=False,
            policy=cr.AwsCustomResourcePolicy.from_sdk_calls(resources=[arn]),
        )


KINDS = {each.__name__: each for each in (empty, ours, granting, bare, provider, aws_custom_resource)}


def main(kind: str, policies: int, projects: int) -> None:
    """Synthesize the app into CDK_OUTDIR."""
    app = App(analytics_reporting=False)
    names = [(number, project_arn(number % projects), f"sharing-{number}") for number in range(policies)]
    KINDS[kind](Stack(app, "Sharing"), names)
    app.synth()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
