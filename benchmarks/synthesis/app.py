"""An app with one stack: as many policies on as many projects as the command line says, in one of several ways.

python -m benchmarks.synthesis.app KIND POLICIES PROJECTS [PROJECT_ARN...]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aws_cdk import App, Stack

from benchmarks.policies import policies, project_arn
from benchmarks.synthesis import STACK

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_


def empty(stack: Stack, count: int, arns: Sequence[str]) -> None:
    """Add nothing."""


def ours(stack: Stack, count: int, arns: Sequence[str]) -> None:
    """Add this project's construct."""
    from cdk_rekognition_project_policy import ProjectPolicy

    for construct_id, arn, name, said in policies(count, arns):
        ProjectPolicy(stack, construct_id, project_arn=arn, policy_name=name, document=said)


def granting(stack: Stack, count: int, arns: Sequence[str]) -> None:
    """Add this project's construct, with grants in place of whole documents."""
    from aws_cdk import aws_iam as iam

    from cdk_rekognition_project_policy import ProjectPolicy

    for construct_id, arn, name, said in policies(count, arns):
        policy = ProjectPolicy(stack, construct_id, project_arn=arn, policy_name=name)
        policy.grant_copy(iam.AccountPrincipal(said["Statement"][0]["Principal"]["AWS"]))


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


def bare(stack: Stack, count: int, arns: Sequence[str]) -> None:
    """Add a bare function and bare custom resources."""
    from aws_cdk import CustomResource

    token = function(stack).function_arn
    for construct_id, arn, name, said in policies(count, arns):
        properties = {"ProjectArn": arn, "PolicyName": name, "PolicyDocument": said}
        CustomResource(stack, construct_id, service_token=token, properties=properties)


def provider(stack: Stack, count: int, arns: Sequence[str]) -> None:
    """Add the CDK's provider framework, and custom resources."""
    from aws_cdk import CustomResource
    from aws_cdk import aws_iam as iam
    from aws_cdk import custom_resources as cr

    on_event = function(stack)
    on_event.add_to_role_policy(
        iam.PolicyStatement(
            actions=["rekognition:PutProjectPolicy", "rekognition:DeleteProjectPolicy"],
            resources=[*arns],
        )
    )
    token = cr.Provider(stack, "Provider", on_event_handler=on_event).service_token
    for construct_id, arn, name, said in policies(count, arns):
        properties = {"ProjectArn": arn, "PolicyName": name, "PolicyDocument": said}
        CustomResource(stack, construct_id, service_token=token, properties=properties)


def aws_custom_resource(stack: Stack, count: int, arns: Sequence[str]) -> None:
    """Add the CDK's AwsCustomResource, with the policy's revision as its physical id."""
    import json

    from aws_cdk import custom_resources as cr

    for construct_id, arn, name, said in policies(count, arns):
        named = {"ProjectArn": arn, "PolicyName": name}
        wanted = {**named, "PolicyDocument": json.dumps(said)}
        revision = {"PolicyRevisionId": cr.PhysicalResourceIdReference()}
        new_id = cr.PhysicalResourceId.from_response("PolicyRevisionId")
        cr.AwsCustomResource(
            stack,
            construct_id,
            on_create=_call("PutProjectPolicy", wanted, new_id),
            on_update=_call("PutProjectPolicy", {**wanted, **revision}, new_id),
            on_delete=_call("DeleteProjectPolicy", {**named, **revision}),
            install_latest_aws_sdk=False,
            policy=cr.AwsCustomResourcePolicy.from_sdk_calls(resources=[arn]),
        )


def _call(action: str, parameters: dict[str, Any], new_id: Any = None) -> Any:  # noqa: ANN401 - aws_cdk's are slow to load
    from aws_cdk import custom_resources as cr

    return cr.AwsSdkCall(service="Rekognition", action=action, parameters=parameters, physical_resource_id=new_id)


KINDS = {each.__name__: each for each in (empty, ours, granting, bare, provider, aws_custom_resource)}


def main(kind: str, count: int, arns: Sequence[str]) -> None:
    """Synthesize the app to where CDK_OUTDIR says."""
    app = App(analytics_reporting=False)
    KINDS[kind](Stack(app, STACK), count, arns)
    app.synth()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[4:] or [project_arn(number) for number in range(int(sys.argv[3]))])
