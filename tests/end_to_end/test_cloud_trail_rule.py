"""The rule for changes by hand, held by an EventBridge to events as CloudTrail writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from cdk_rekognition_project_policy import ProjectPolicy, ProjectPolicyProvider
from localcloud.cloud import LocalCloud

ACCOUNT, REGION = "123456789012", "us-east-1"
PROJECT_ARN = f"arn:aws:rekognition:{REGION}:{ACCOUNT}:project/logos/1690474772815"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:role/provider"

ROOT_USER = {"type": "Root", "arn": f"arn:aws:iam::{ACCOUNT}:root"}
IAM_USER = {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/alice", "userName": "alice"}
IN_CONSOLE = {**IAM_USER, "sessionContext": {"attributes": {"mfaAuthenticated": "true"}}}


def session_of(role: str) -> dict[str, Any]:
    """Return the identity of a role's session."""
    issuer = {"type": "Role", "arn": role, "accountId": ACCOUNT, "userName": role.rpartition("/")[2]}
    return {"type": "AssumedRole", "sessionContext": {"sessionIssuer": issuer, "attributes": {}}}


def event(user: Mapping[str, Any], call: str, source: str, detail_type: str, **detail: Any) -> str:
    """Return the event of a call."""
    parameters = {"projectArn": PROJECT_ARN, "policyName": "partners", "policyDocument": "{}"}
    called = {"eventSource": "rekognition.amazonaws.com", "eventName": call, "awsRegion": REGION, "readOnly": False}
    detail = {"eventVersion": "1.11", "userIdentity": user, **called, "requestParameters": parameters, **detail}
    given = {"version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718", "account": ACCOUNT, "region": REGION}
    given |= {"time": "2026-11-26T00:00:00Z", "source": source, "detail-type": detail_type}
    return json.dumps({**given, "resources": [], "detail": detail})


@pytest.fixture(scope="module")
def pattern() -> str:
    """What the rule of a policy matches, whose provider's role is known."""
    stack = Stack(App(analytics_reporting=False), "Sharing", env=Environment(account=ACCOUNT, region=REGION))
    provider = ProjectPolicyProvider(stack, "Provider", role=iam.Role.from_role_arn(stack, "Role", PROVIDER))
    policy = ProjectPolicy(stack, "Policy", project=PROJECT_ARN, policy_name="partners", provider=provider)
    policy.grant_copy(iam.AccountPrincipal("111122223333"))
    policy.on_cloud_trail_change("Changed")
    (rule,) = Template.from_stack(stack).find_resources("AWS::Events::Rule").values()
    return json.dumps(rule["Properties"]["EventPattern"])


ELSEWHERE = {"projectArn": PROJECT_ARN.replace("logos", "signs"), "policyName": "partners"}
ANOTHER = {"projectArn": PROJECT_ARN, "policyName": "partners-2"}


PUT, DELETE = "PutProjectPolicy", "DeleteProjectPolicy"


@pytest.mark.parametrize(
    ("user", "call", "changes", "matches"),
    [
        (session_of(f"arn:aws:iam::{ACCOUNT}:role/Admin"), PUT, {}, True),
        (session_of(f"{PROVIDER}-2"), DELETE, {}, True),
        (IAM_USER, PUT, {}, True),
        (IN_CONSOLE, DELETE, {}, True),
        (ROOT_USER, PUT, {}, True),
        (session_of(PROVIDER), PUT, {}, False),
        (session_of(PROVIDER), DELETE, {}, False),
        (IAM_USER, PUT, {"errorCode": "AccessDenied"}, False),
        (IAM_USER, "ListProjectPolicies", {}, False),
        (IAM_USER, PUT, {"requestParameters": ELSEWHERE}, False),
        (IAM_USER, PUT, {"requestParameters": ANOTHER}, True),
        (IAM_USER, PUT, {"source": "aws.s3"}, False),
        (IAM_USER, PUT, {"detail_type": "AWS Service Event via CloudTrail"}, False),
    ],
)
def test_matches_changes_by_anybody_but_the_provider(
    user: dict[str, Any],
    call: str,
    changes: dict[str, Any],
    matches: bool,
    pattern: str,
    local_cloud: LocalCloud,
) -> None:
    """Each caller's Put and Delete of a policy of this project match, unless the call failed or is the provider's."""
    given = {"source": "aws.rekognition", "detail_type": "AWS API Call via CloudTrail", **changes}
    tested = local_cloud.client("events").test_event_pattern(EventPattern=pattern, Event=event(user, call, **given))
    assert tested["Result"] is matches
