"""Fixtures of the synthesis tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk.assertions import Template

TYPE = "Custom::RekognitionProjectPolicy"
PROJECT_ARN = "arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815"
VERSIONS = "arn:aws:rekognition:us-east-1:123456789012:project/logos/version/*"


@pytest.fixture
def app() -> App:
    """An app without stacks."""
    return App(analytics_reporting=False)


@pytest.fixture
def stack() -> Stack:
    """A stack whose account and Region are not known until it is deployed."""
    return Stack(App(analytics_reporting=False), "Sharing")


@pytest.fixture
def placed_stack() -> Stack:
    """A stack whose account and Region are known."""
    return Stack(App(analytics_reporting=False), "Sharing", env=Environment(account="123456789012", region="us-east-1"))


def resources(stack: Stack, kind: str) -> list[Mapping[str, Any]]:
    """Return the resources of a type that a stack synthesizes."""
    return list(Template.from_stack(stack).find_resources(kind).values())


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


def properties(stack: Stack) -> Mapping[str, Any]:
    """Return the properties of a stack's one policy."""
    (resource,) = resources(stack, TYPE)
    found: Mapping[str, Any] = resource["Properties"]
    return found


def statements(stack: Stack) -> list[Any]:
    """Return the statements in the document of a stack's one policy."""
    found: list[Any] = properties(stack)["PolicyDocument"]["Statement"]
    return found
