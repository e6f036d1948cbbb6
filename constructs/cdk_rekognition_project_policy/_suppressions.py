"""Suppressions: the findings of scanners that don't apply, with the reasons, so that a user's scan has none.

cfn-lint, checkov and the older cdk-nag (2.x, an aspect) read a resource's metadata; cdk-nag from 3 on reads what is
acknowledged in the app.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Acknowledgment, CfnResource, Validations

from constructs import Construct

from ._tokens import readable, resolve, stack_of

_CHECKOV_OF_FUNCTION = {
    "CKV_AWS_115": "Reserved concurrency would be taken from the account's other functions; this one rarely runs",
    "CKV_AWS_116": "CloudFormation waits for the response, so an event that was not handled shows as a failed resource",
    "CKV_AWS_117": "It calls the public endpoints of AWS and nothing in a VPC",
}
_CHECKOV_OF_LOG_GROUP = {
    "CKV_AWS_158": "CloudWatch Logs encrypts it with a key of its own; log_encryption_key takes one of yours",
}
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


def explain_function(function: Construct) -> None:
    """Say why the function has neither reserved concurrency, nor a dead-letter queue, nor a VPC."""
    resource = _resource(function)
    _skip(resource, _CHECKOV_OF_FUNCTION)
    # The CDK makes every function depend on its role, which cfn-lint finds redundant (W3005).
    resource.add_metadata("cfn-lint", {"config": {"ignore_checks": ["W3005"]}})


def explain_log_group(log_group: Construct) -> None:
    """Say why the log has no KMS key of the user's."""
    _skip(_resource(log_group), _CHECKOV_OF_LOG_GROUP)


def explain_wildcards(policy: Construct, resources: Sequence[str], why: str) -> None:
    """Say why a policy has each of its resources with a wildcard; others need no reason."""
    resolved = [readable(each) for each in resolve(stack_of(policy), list(resources))]
    found = [f"Resource::{each}" for each in resolved if "*" in each]
    Validations.of(policy).acknowledge(*(Acknowledgment(id=f"AwsSolutions-IAM5[{each}]", reason=why) for each in found))
    rule = {"id": "AwsSolutions-IAM5", "reason": why, "applies_to": found}
    known = (_resource(policy).get_metadata("cdk_nag") or {}).get("rules_to_suppress", [])
    _resource(policy).add_metadata("cdk_nag", {"rules_to_suppress": [*known, rule]})


def _skip(resource: CfnResource, checks: dict[str, str]) -> None:
    resource.add_metadata("checkov", {"skip": [{"id": id_, "comment": why} for id_, why in checks.items()]})


def _resource(construct: Construct) -> CfnResource:
    child = construct.node.default_child
    if not isinstance(child, CfnResource):
        raise TypeError(f"{construct.node.path} has no CloudFormation resource of its own.")
    return child
