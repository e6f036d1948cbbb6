"""Values that the CDK CLI looks up: the first synthesis has a dummy value in place of each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ssm as ssm

from cdk_rekognition_project_policy import CopyProjectVersionPolicy, ProjectPolicyProvider
from tests.unit.conftest import define, define_copy, document

LookUp = Callable[[str], str]


def share_all(stack: Stack, look_up: LookUp) -> None:
    """Give a policy each value of a project's sharing from a lookup."""
    policy = define(stack, project=look_up("project"), policy_name=look_up("name"), trigger=look_up("build"))
    policy.grant_copy(iam.AccountPrincipal(look_up("account")), versions=[look_up("version")])
    organization = {"StringEquals": {"aws:PrincipalOrgID": look_up("organization")}}
    policy.grant_copy(iam.AnyPrincipal().with_conditions(organization))
    policy.grant_copy(iam.Role.from_lookup(stack, "Theirs", role_name="copier"))
    vpc = {"StringEquals": {"aws:SourceVpc": ec2.Vpc.from_lookup(stack, "Vpc", vpc_id="vpc-1").vpc_id}}
    policy.grant_copy(iam.AnyPrincipal().with_conditions(vpc))
    define(stack, "Whole", project=look_up("project"), document=look_up("document"))
    define(stack, "Written", document=document(Principal={"AWS": look_up("account")}))


def copy_all(stack: Stack, look_up: LookUp) -> None:
    """Give a copy, and the policy for copying by hand, each value from a lookup."""
    key = kms.Key.from_lookup(stack, "Key", alias_name="alias/results")
    common: dict[str, Any] = {"source_project": look_up("source"), "output_encryption_key": key}
    define_copy(
        stack,
        source_version_arn=look_up("version"),
        destination_project=look_up("project"),
        version_name=look_up("name"),
        tags={"team": look_up("team")},
        output_key_prefix=look_up("prefix"),
        **common,
    )
    copying = iam.Role.from_lookup(stack, "Copying", role_name="copying")
    CopyProjectVersionPolicy(
        stack,
        "ByHand",
        destination_project=look_up("project"),
        output_bucket=stack.node.find_child("CopyBucket"),  # type: ignore[arg-type]
        versions=[look_up("name")],
        roles=[copying],
        **common,
    )


def import_a_provider(stack: Stack, look_up: LookUp) -> None:
    """Import a provider by values from a lookup, and give one a role from a lookup."""
    shared = ProjectPolicyProvider.from_attributes(
        stack, "Shared", service_token=look_up("token"), role_name=look_up("role")
    )
    define(stack, provider=shared, document=document())
    role = iam.Role.from_lookup(stack, "Role", role_name="provider")
    define(stack, "Other", provider=ProjectPolicyProvider(stack, "Provider", role=role), document=document())


@pytest.mark.parametrize("use", [share_all, copy_all, import_a_provider])
def test_what_is_yet_to_be_looked_up_breaks_no_rule(placed_stack: Stack, use: Callable[[Stack, LookUp], None]) -> None:
    """A dummy value counts as not known yet, wherever a value is checked."""
    use(placed_stack, lambda name: ssm.StringParameter.value_from_lookup(placed_stack, f"/sharing/{name}"))
    assembly = App.of(placed_stack).synth()  # type: ignore[union-attr]
    missing = json.loads((Path(assembly.directory) / "manifest.json").read_text())["missing"]
    assert {each["provider"] for each in missing} >= {"ssm", "cc-api-provider"}
