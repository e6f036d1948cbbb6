"""The rules of a document at synthesis: the handler's own, as far as values are known."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import Aws, CfnParameter, Fn, Stack
from aws_cdk import aws_iam as iam

from cdk_rekognition_project_policy import ProjectPolicy
from tests.public_conditions import LIMITING, MALFORMED, ORGANIZATION, PUBLIC
from tests.unit.conftest import PROJECT_ARN, Resources


def for_everybody(condition: Any) -> dict[str, Any]:
    """Return a document that allows everybody under a condition."""
    statement = {"Effect": "Allow", "Principal": "*", "Action": "rekognition:CopyProjectVersion", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement | {"Condition": condition}]}


class TestBlockPublicPolicy:
    """What the handler would reject, synthesis rejects, and names the construct's own parameter."""

    @pytest.mark.parametrize("name", PUBLIC)
    def test_a_condition_that_leaves_it_public(self, stack: Stack, name: str) -> None:
        """The document is rejected where it is given, and accepted where that is asked for."""
        given = for_everybody(PUBLIC[name])
        with pytest.raises(ValueError, match=r"shares the model with every AWS account; .*block_public_policy=False"):
            ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=given)
        ProjectPolicy(stack, "Public", project_arn=PROJECT_ARN, document=given, block_public_policy=False)

    @pytest.mark.parametrize("name", MALFORMED)
    def test_a_malformed_condition(self, stack: Stack, name: str) -> None:
        """It is rejected even if sharing with everybody is asked for; a null, which the CDK would leave out, too."""
        given = json.dumps(for_everybody(MALFORMED[name]))
        with pytest.raises(
            ValueError, match=r"^Sharing/Policy: (statement 1: .*ondition|PolicyDocument contains None)"
        ):
            ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=given, block_public_policy=False)

    def test_conditions_of_grants(self, stack: Stack, resources: Resources) -> None:
        """Grants are held to the same rules: each that is public is named, and no other."""
        principal = iam.AnyPrincipal()
        for number, condition in enumerate([*PUBLIC.values(), *LIMITING.values()]):
            policy = ProjectPolicy(stack, f"Policy{number:02}", project_arn=PROJECT_ARN)
            policy.grant_copy(principal.with_conditions(condition))
        with pytest.raises(RuntimeError) as raised:
            resources(stack, "Custom::RekognitionProjectPolicy")
        told = [line for line in str(raised.value).splitlines() if "Sharing/Policy" in line]
        assert all("shares the model with every AWS account" in line for line in told)
        assert [line.partition("Policy")[2][:2] for line in told] == [f"{number:02}" for number in range(len(PUBLIC))]

    @pytest.mark.parametrize(
        "condition",
        [
            {"StringEquals": {"aws:PrincipalAccount": Aws.ACCOUNT_ID}},
            {"StringEquals": {"aws:PrincipalAccount": {"Fn::If": ["Everybody", "*", "111122223333"]}}},
            {"StringEquals": {"Fn::If": ["Everybody", {"aws:SecureTransport": "true"}, {"Ref": "AWS::NoValue"}]}},
            {"Fn::If": ["Everybody", {"Bool": {"aws:SecureTransport": "true"}}, {"Ref": "AWS::NoValue"}]},
            {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": Fn.join("/", [Fn.import_value("Organization"), "*"])}},
            {"ArnLike": {"aws:PrincipalArn": f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/*"}},
            {"ArnLike": {"aws:PrincipalArn": {"Fn::Sub": "arn:aws:iam::${Account}:role/*"}}},
        ],
    )
    def test_what_only_the_deployment_tells(self, stack: Stack, resources: Resources, condition: Any) -> None:
        """A value that may limit is left for the function to judge."""
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=for_everybody(condition))
        assert len(resources(stack, "Custom::RekognitionProjectPolicy")) == 1

    @pytest.mark.parametrize(
        "condition",
        [
            {"ArnLike": {"aws:PrincipalArn": f"arn:{Aws.PARTITION}:iam::*:role/x"}},
            {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::*:role/{Aws.STACK_NAME}"}},
            {"ArnLike": {"aws:PrincipalArn": {"Fn::Sub": "arn:aws:iam::*:role/${Role}"}}},
            {"StringLike": {"aws:PrincipalOrgID": ["*", Aws.STACK_NAME]}},
            {"StringEquals": {"aws:PrincipalOrgID": {"Fn::Sub": "${!aws:PrincipalOrgID}${Nothing}"}}},
            {"StringNotEquals": {"aws:PrincipalAccount": Aws.ACCOUNT_ID}},
            {"StringEquals": {"aws:RequestedRegion": Aws.REGION}},
            {"Bool": {"Fn::If": ["A", {"aws:SecureTransport": "true"}, {"aws:SecureTransport": "false"}]}},
        ],
    )
    def test_what_is_known_of_tokens_already(self, stack: Stack, condition: Any) -> None:
        """Where nothing unknown could make a test limit, synthesis says so."""
        with pytest.raises(ValueError, match="shares the model with every AWS account"):
            ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=for_everybody(condition))

    def test_an_organization_that_is_a_parameter(self, stack: Stack, resources: Resources) -> None:
        """A grant to an organization that only the deployment knows is accepted, and one beside it that is known."""
        policy = ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN)
        for organization in (ORGANIZATION, CfnParameter(stack, "Organization").value_as_string):
            policy.grant_copy(iam.OrganizationPrincipal(organization))
        assert len(resources(stack, "Custom::RekognitionProjectPolicy")) == 1
