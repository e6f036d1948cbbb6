"""Acknowledgments: why what cdk-nag's AwsSolutions pack and cfn-lint would find in the constructs is needed.

The findings are those of AwsSolutions-IAM5, one for each wildcard of an IAM policy. cdk-nag from 3 on reads what is
acknowledged in the app; the older one (2.x, an aspect) and cfn-lint read a resource's metadata.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import aws_cdk
import jsii
from aws_cdk import aws_iam as iam

from constructs import Construct, IValidation

from ._tokens import as_found, resolve, stack_of

_CAN_ACKNOWLEDGE = tuple(map(int, version("aws-cdk-lib").split(".")[:2])) >= (2, 270)
"""Whether the CDK accepts the IDs of cdk-nag 3. An older one works with cdk-nag 2 alone."""

WHY_EVERY_PROJECT = (
    "CloudFormation removes a project from the role before it deletes the policy there: a narrower role would be "
    "denied that Delete, and the grant would stay live"
)
WHY_EVERY_COPY = (
    "CloudFormation removes a copy from the role before it deletes the copy: a narrower role would be denied that "
    "Delete, and the copy would stay; and the function invokes itself by the version or alias that invoked it"
)
WHY_COPIES = (
    "The trusting account decides in its project policy which model versions may be copied, and Rekognition chooses "
    "the names of their results in the bucket"
)
WHY_EVERY_INTERFACE = (
    "Lambda names the network interfaces, and describes them all; the function's own code is denied these actions"
)


def acknowledge_wildcards(policy: Construct, resources: Sequence[str], why: str) -> None:
    """Acknowledge each resource with a wildcard in an IAM policy, for this reason; others need none."""
    found = _wildcards(policy, resources)
    if not found:
        return
    # cdk-nag 2 visits the constructs before the CDK prepares references to other stacks, and cdk-nag 3 after that.
    resource: Any = policy.node.default_child
    rules: Sequence[Mapping[str, object]] = (resource.get_metadata("cdk_nag") or {}).get("rules_to_suppress", [])
    rule = {"id": "AwsSolutions-IAM5", "reason": why, "applies_to": found}
    if rule not in rules:  # copies into one project and one bucket have the same
        resource.add_metadata("cdk_nag", {"rules_to_suppress": [*rules, rule]})
    if _CAN_ACKNOWLEDGE:
        policy.node.add_validation(_Acknowledgment(policy, resources, why))


def acknowledge_grant(grantee: iam.IPrincipal, resources: Sequence[str]) -> None:
    """Do the same for a grant to a role or user of this app, which adds to the identity policy that the CDK creates."""
    node = getattr(grantee, "node", None)
    if node is not None and (policy := node.try_find_child("DefaultPolicy")) is not None:
        acknowledge_wildcards(policy, resources, WHY_COPIES)


def acknowledge_dependency(function: Construct) -> None:
    """Acknowledge that the CDK makes every function depend on its role, which cfn-lint finds redundant (W3005)."""
    resource: Any = function.node.default_child
    resource.add_metadata("cfn-lint", {"config": {"ignore_checks": ["W3005"]}})


@jsii.implements(IValidation)
class _Acknowledgment:
    """Acknowledges wildcards at synthesis, when references to other stacks are what they are in the template."""

    def __init__(self, policy: Construct, resources: Sequence[str], why: str) -> None:
        self._policy, self._resources, self._why = policy, [*resources], why

    def validate(self) -> list[str]:
        found = _wildcards(self._policy, self._resources)
        aws_cdk.Validations.of(self._policy).acknowledge(
            *(aws_cdk.Acknowledgment(id=f"AwsSolutions-IAM5[{each}]", reason=self._why) for each in found)
        )
        return []


def _wildcards(policy: Construct, resources: Sequence[str]) -> list[str]:
    """Return the resources with a wildcard, as cdk-nag's findings have them."""
    resolved = [as_found(each) for each in resolve(stack_of(policy), [*resources])]
    return [f"Resource::{each}" for each in resolved if "*" in each]
