"""Fixtures of the synthesis tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

# Before the first import of the CDK starts Node: no banner about its version, and no template validation, which costs
# seconds a stack; tests of whole templates turn it on for themselves.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
os.environ.setdefault("CDK_VALIDATION", "false")

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk.assertions import Template

PROJECT_ARN = "arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815"


@pytest.fixture
def stack() -> Stack:
    """A stack whose account and Region are not known until it is deployed."""
    return Stack(App(analytics_reporting=False), "Sharing")


@pytest.fixture
def placed_stack() -> Stack:
    """A stack whose account and Region are known."""
    return Stack(App(analytics_reporting=False), "Sharing", env=Environment(account="123456789012", region="us-east-1"))


Resources = Callable[[Stack, str], list[Mapping[str, Any]]]


@pytest.fixture
def resources() -> Resources:
    """Return the resources of a type that a stack synthesizes."""

    def of_type(stack: Stack, kind: str) -> list[Mapping[str, Any]]:
        return list(Template.from_stack(stack).find_resources(kind).values())

    return of_type
