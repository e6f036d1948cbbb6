"""Suppressions: the findings of scanners that don't apply, with the reasons, so that a user's scan has none.

cfn-lint, checkov and the older cdk-nag (2.x, an aspect) read a resource's metadata; cdk-nag from 3 on reads what is
acknowledged in the app.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Acknowledgment, CfnResource, Validations
from aws_cdk import aws_iam as iam

from constructs import Construct, IConstruct

from ._tokens import as_found, resolve, stack_of

_Reasons = Mapping[str, Sequence[str]]
"""The rules that don't apply, by the reason."""

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

_WHY_NO_DEAD_LETTERS = (
    "CloudFormation waits for the response, so an event that was not handled shows as a failed resource"
)
_OF_FUNCTION: _Reasons = {
    "Reserved concurrency would be taken from the account's other functions; this one rarely runs": (
        "CKV_AWS_115",
        "HIPAA.Security-LambdaConcurrency",
        "NIST.800.53.R5-LambdaConcurrency",
    ),
    _WHY_NO_DEAD_LETTERS: (
        "CKV_AWS_116",
        "HIPAA.Security-LambdaDLQ",
        "NIST.800.53.R5-LambdaDLQ",
        "Serverless-LambdaDLQ",
    ),
    "Its log has a line for each request; tracing takes a permission on every resource": ("Serverless-LambdaTracing",),
}
_OF_RETRIES: _Reasons = {_WHY_NO_DEAD_LETTERS: ("Serverless-LambdaAsyncFailureDestination",)}
_OF_FUNCTION_OUTSIDE_A_VPC: _Reasons = {
    "It calls AWS's public endpoints only, over TLS; the provider's vpc takes one of yours": (
        "CKV_AWS_117",
        "HIPAA.Security-LambdaInsideVPC",
        "NIST.800.53.R4-LambdaInsideVPC",
        "NIST.800.53.R5-LambdaInsideVPC",
        "PCI.DSS.321-LambdaInsideVPC",
    )
}
_OF_LOG_GROUP: _Reasons = {
    "CloudWatch Logs encrypts it with a key of its own; log_encryption_key takes one of yours": (
        "CKV_AWS_158",
        "HIPAA.Security-CloudWatchLogGroupEncrypted",
        "NIST.800.53.R4-CloudWatchLogGroupEncrypted",
        "NIST.800.53.R5-CloudWatchLogGroupEncrypted",
        "PCI.DSS.321-CloudWatchLogGroupEncrypted",
    )
}
_OF_INLINE_POLICY: _Reasons = {
    "It belongs to one role and goes with the resources that need it; nothing else can be given it": (
        "HIPAA.Security-IAMNoInlinePolicy",
        "NIST.800.53.R4-IAMNoInlinePolicy",
        "NIST.800.53.R5-IAMNoInlinePolicy",
        "PCI.DSS.321-IAMNoInlinePolicy",
    )
}


def explain_function(function: Construct, *, in_vpc: bool) -> None:
    """Say why the function and its retries are as they are."""
    _explain(function, _OF_FUNCTION if in_vpc else {**_OF_FUNCTION, **_OF_FUNCTION_OUTSIDE_A_VPC})
    _explain(function.node.find_child("EventInvokeConfig"), _OF_RETRIES)
    # The CDK makes every function depend on its role, which cfn-lint finds redundant (W3005).
    _resource(function).add_metadata("cfn-lint", {"config": {"ignore_checks": ["W3005"]}})


def explain_log_group(log_group: Construct) -> None:
    """Say why the log has no KMS key of the user's."""
    _explain(log_group, _OF_LOG_GROUP)


def explain_inline_policy(policy: Construct) -> None:
    """Say why a policy is an inline one."""
    _explain(policy, _OF_INLINE_POLICY)


def explain_wildcards(policy: Construct, resources: Sequence[str], why: str) -> None:
    """Say why a policy has each of its resources with a wildcard; others need no reason."""
    resolved = [as_found(each) for each in resolve(stack_of(policy), list(resources))]
    found = [f"Resource::{each}" for each in resolved if "*" in each]
    if found:
        Validations.of(policy).acknowledge(
            *(Acknowledgment(id=f"AwsSolutions-IAM5[{each}]", reason=why) for each in found)
        )
        _suppress(policy, [{"id": "AwsSolutions-IAM5", "reason": why, "applies_to": found}])


def explain_grant(grantee: iam.IPrincipal, resources: Sequence[str]) -> None:
    """Say the same of a grant to a role or user of this app, which adds to the identity policy that the CDK makes."""
    node = getattr(grantee, "node", None)
    policy = None if node is None else node.try_find_child("DefaultPolicy")
    if policy is not None:
        explain_wildcards(policy, resources, WHY_COPIES)


def _explain(construct: IConstruct, reasons: _Reasons) -> None:
    rules = [(rule, why) for why, those in reasons.items() for rule in those]
    checkov = [{"id": rule, "comment": why} for rule, why in rules if rule.startswith("CKV_")]
    nag = [(rule, why) for rule, why in rules if not rule.startswith("CKV_")]
    if checkov:
        _resource(construct).add_metadata("checkov", {"skip": checkov})
    Validations.of(construct).acknowledge(*(Acknowledgment(id=rule, reason=why) for rule, why in nag))
    _suppress(construct, [{"id": rule, "reason": why} for rule, why in nag])


def _suppress(construct: IConstruct, rules: Sequence[Mapping[str, object]]) -> None:
    resource = _resource(construct)
    known = (resource.get_metadata("cdk_nag") or {}).get("rules_to_suppress", [])
    resource.add_metadata("cdk_nag", {"rules_to_suppress": [*known, *rules]})


def _resource(construct: IConstruct) -> CfnResource:
    child = construct.node.default_child
    if not isinstance(child, CfnResource):
        raise TypeError(f"{construct.node.path} has no CloudFormation resource of its own.")
    return child
