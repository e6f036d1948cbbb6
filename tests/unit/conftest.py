"""Fixtures of the synthesis tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk.assertions import Template

PROJECT_ARN = "arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815"


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


Resources = Callable[[Stack, str], list[Mapping[str, Any]]]


@pytest.fixture
def resources() -> Resources:
    """Return the resources of a type that a stack synthesizes."""

    def of_type(stack: Stack, kind: str) -> list[Mapping[str, Any]]:
        return list(Template.from_stack(stack).find_resources(kind).values())

    return of_type
