"""Fixtures of the synthesis tests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Annotations, Match, Template

from cdk_rekognition_project_policy import ProjectPolicy, ProjectVersionCopy
from tests.packaging import ROOT

TYPE, TYPE_OF_COPY = "Custom::RekognitionProjectPolicy", "Custom::RekognitionProjectVersionCopy"
PROJECT_ARN = "arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815"
VERSIONS = "arn:aws:rekognition:us-east-1:123456789012:project/logos/version/*"
SOURCE = "arn:aws:rekognition:us-east-1:111122223333:project/logos/1690474772815"
SOURCE_VERSION = "arn:aws:rekognition:us-east-1:111122223333:project/logos/version/v1/1690474772816"
HERE = Environment(account="123456789012", region="us-east-1")
TRUSTED = iam.AccountPrincipal("111122223333")
CDK_INIT = json.loads((ROOT / "node_modules/aws-cdk/lib/init-templates/.recommended-feature-flags.json").read_text())
"""The feature flags that ``cdk init`` writes into a new app's cdk.json."""


@pytest.fixture
def app() -> App:
    """A new app without stacks. The example apps, which the scanners check, have no feature flags."""
    return App(analytics_reporting=False, context=CDK_INIT)


@pytest.fixture
def stack(app: App) -> Stack:
    """A stack whose account and Region are not known until it is deployed."""
    return Stack(app, "Sharing")


@pytest.fixture
def placed_stack() -> Stack:
    """A stack whose account and Region are known."""
    return Stack(App(analytics_reporting=False, context=CDK_INIT), "Sharing", env=HERE)


def define(stack: Stack, construct_id: str = "Policy", **given: Any) -> ProjectPolicy:
    """Define a policy, of the project that everything is about unless another one is given."""
    wanted: dict[str, Any] = {"project": PROJECT_ARN, **given}
    return ProjectPolicy(stack, construct_id, **wanted)


def define_copy(stack: Stack, construct_id: str = "Copy", **changes: Any) -> ProjectVersionCopy:
    """Define a copy with what it requires, but for the changes."""
    given: dict[str, Any] = {
        "source_project": SOURCE,
        "source_version_arn": SOURCE_VERSION,
        "destination_project": PROJECT_ARN,
        "output_bucket": s3.Bucket.from_bucket_name(stack, f"{construct_id}Bucket", "results"),
        **changes,
    }
    return ProjectVersionCopy(stack, construct_id, **given)


def document(**changed: Any) -> dict[str, Any]:
    """Return a valid document with these elements of its statement changed; None removes one."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": "rekognition:CopyProjectVersion",
        "Resource": VERSIONS,
    } | changed
    return {
        "Version": "2012-10-17",
        "Statement": [{name: value for name, value in statement.items() if value is not None}],
    }


def resources(stack: Stack, kind: str) -> list[Mapping[str, Any]]:
    """Return the resources of a type that a stack synthesizes."""
    return list(Template.from_stack(stack).find_resources(kind).values())


def properties(stack: Stack, kind: str = TYPE) -> Mapping[str, Any]:
    """Return the properties of a stack's one resource of a type, by default its policy."""
    (resource,) = resources(stack, kind)
    found: Mapping[str, Any] = resource["Properties"]
    return found


def statements(stack: Stack) -> list[Any]:
    """Return the statements in the document of a stack's one policy."""
    found: list[Any] = properties(stack)["PolicyDocument"]["Statement"]
    return found


def identity_statements(stack: Stack, kind: str = "AWS::IAM::Policy") -> list[Any]:
    """Return the statements of a stack's IAM policies of a type."""
    return [
        statement
        for policy in resources(stack, kind)
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def allowed(statements: Iterable[Mapping[str, Any]]) -> set[tuple[str, str, str]]:
    """Return what statements allow, however they are merged: each action, on each resource, under its condition."""

    def each(value: Any) -> list[Any]:
        return value if isinstance(value, list) else [value]

    return {
        (action, json.dumps(resource), json.dumps(statement.get("Condition", {}), sort_keys=True))
        for statement in statements
        for action in each(statement["Action"])
        for resource in each(statement["Resource"])
    }


def warned(stack: Stack, text: str) -> list[str]:
    """Return the paths of the constructs that a warning with this text is about."""
    found = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp(text))
    return [warning.id for warning in found]
