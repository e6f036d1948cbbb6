"""Apps with one stack, which has as many policies as the command line says (five to a project), made in one way.

    python -m benchmarks.apps KIND POLICIES

Each way imports what it uses itself, because the time to import it belongs to its synthesis.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aws_cdk import App, Stack

from benchmarks.samples import project_arn, trusted_account
from tests.documents import document

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import custom_resources as cr

Policies = Sequence[tuple[int, str, str]]
"""Each policy's number, project ARN and name."""


def ours(stack: Stack, policies: Policies) -> None:
    """Add this project's construct."""
    from cdk_rekognition_project_policy import ProjectPolicy

    for number, arn, name in policies:
        ProjectPolicy(
            stack, f"Policy{number}", project=arn, policy_name=name, document=document(trusted_account(number))
        )


def bare(stack: Stack, policies: Policies) -> None:
    """Add a bare function with bare custom resources."""
    custom_resources(stack, policies, function(stack).function_arn)


def provider(stack: Stack, policies: Policies) -> None:
    """Add the CDK's Provider with custom resources."""
    from aws_cdk import custom_resources as cr

    custom_resources(stack, policies, cr.Provider(stack, "Provider", on_event_handler=function(stack)).service_token)


def function(stack: Stack) -> lambda_.Function:
    """Return a bare function."""
    from aws_cdk import aws_lambda as lambda_

    return lambda_.Function(
        stack,
        "Function",
        runtime=lambda_.Runtime.PYTHON_3_14,
        handler="provider.on_event",
        code=lambda_.Code.from_inline("def on_event(event, context): ..."),
    )


def custom_resources(stack: Stack, policies: Policies, token: str) -> None:
    """Add a bare custom resource for each policy."""
    from aws_cdk import CustomResource

    for number, arn, name in policies:
        properties = {"ProjectArn": arn, "PolicyName": name, "PolicyDocument": document(trusted_account(number))}
        CustomResource(stack, f"Policy{number}", service_token=token, properties=properties)


def aws_custom_resource(stack: Stack, policies: Policies) -> None:
    """Add AwsCustomResource with a name for each project and document, which is the ID.

    It makes one call, so an update can't read the revision that changing a policy in place requires. A new name is a
    replacement instead: put the new policy, then delete the old one, whatever its revision. The calls are written as
    its README has them: PhysicalResourceId.of, PhysicalResourceIdReference, ignore_error_codes_matching.
    """
    from aws_cdk import custom_resources as cr

    for number, arn, name in policies:
        said = json.dumps(document(trusted_account(number)))
        named = f"{name}-{hashlib.sha256(f'{arn}{said}'.encode()).hexdigest()[:8]}"
        put = sdk_call(
            "PutProjectPolicy",
            {"ProjectArn": arn, "PolicyName": named, "PolicyDocument": said},
            physical_resource_id=cr.PhysicalResourceId.of(named),
        )
        delete = sdk_call(
            "DeleteProjectPolicy",
            {"ProjectArn": arn, "PolicyName": cr.PhysicalResourceIdReference()},
            # The function's ID for a failed Create is its log stream, which isn't a valid name.
            ignore_error_codes_matching="ResourceNotFoundException|InvalidParameterException",
        )
        resource(stack, number, arn, on_create=put, on_update=put, on_delete=delete)


def sdk_call(action: str, parameters: dict[str, Any], **more: Any) -> cr.AwsSdkCall:  # noqa: ANN401 - the call's other props
    """Return a call of Rekognition."""
    from aws_cdk import custom_resources as cr

    return cr.AwsSdkCall(service="Rekognition", action=action, parameters=parameters, **more)


def resource(stack: Stack, number: int, arn: str, **calls: Any) -> None:  # noqa: ANN401 - calls by the props' names
    """Add an AwsCustomResource without the SDK's installation, which takes a minute."""
    from aws_cdk import custom_resources as cr

    allowed = cr.AwsCustomResourcePolicy.from_sdk_calls(resources=[arn])
    cr.AwsCustomResource(stack, f"Policy{number}", install_latest_aws_sdk=False, policy=allowed, **calls)


KINDS = {each.__name__: each for each in (ours, bare, provider, aws_custom_resource)}


def main(kind: str, policies: int) -> None:
    """Synthesize the app into CDK_OUTDIR."""
    app = App(analytics_reporting=False)
    names = [(number, project_arn(number // 5), f"sharing-{number}") for number in range(policies)]
    KINDS[kind](Stack(app, "Sharing"), names)
    app.synth()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
