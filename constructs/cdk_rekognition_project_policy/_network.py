"""A function in a VPC: what Lambda does there in its role's name, and its own code may not.

Lambda creates and deletes the network interfaces; the role allows it (Lambda developer guide, 'Giving Lambda functions
access to resources in an Amazon VPC'). The same page says how to keep the function's code from doing so.
"""

from __future__ import annotations

from aws_cdk import aws_iam as iam

_ACTIONS = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]


def allow_interfaces() -> iam.PolicyStatement:
    """Return what Lambda needs: to describe is allowed on everything only, and Lambda names what it creates."""
    return iam.PolicyStatement(actions=_ACTIONS, resources=["*"])


def deny_interfaces(function_arn: str) -> iam.PolicyStatement:
    """Return what denies the same to the function's code."""
    return iam.PolicyStatement(
        effect=iam.Effect.DENY,
        actions=_ACTIONS,
        resources=["*"],
        conditions={"ArnEquals": {"lambda:SourceFunctionArn": function_arn}},
    )
