"""Errors at synthesis: each names the construct, and what to specify instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from aws_cdk import RemovalPolicy

from constructs import IConstruct

from ._handler import errors

_T = TypeVar("_T")


def invalid_value(construct: IConstruct, parameter: str, value: object, what: str) -> ValueError:
    """Return the error for a parameter's value that isn't what it should be."""
    return ValueError(f"{construct.node.path}: {parameter} is {value!r}. Specify {what}.")


def boolean(construct: IConstruct, parameter: str, value: object) -> bool:
    """Return a boolean; raises ``ValueError`` for anything else: every string is true in Python, "false" included."""
    if not isinstance(value, bool):
        raise invalid_value(construct, parameter, value, "True or False")
    return value


def check_removal_policy(construct: IConstruct, policy: object) -> RemovalPolicy:
    """Return a removal policy; raises ``ValueError`` for None, by which the CDK would retain, and for snapshots."""
    if not isinstance(policy, RemovalPolicy) or policy is RemovalPolicy.SNAPSHOT:
        raise invalid_value(construct, "removal_policy", policy, "RemovalPolicy.DESTROY or RemovalPolicy.RETAIN")
    return policy


def reraise_as_value_error(construct: IConstruct, rule: Callable[[], _T]) -> _T:
    """Return what a rule of the function returns; what it rejects is raised as ``ValueError``."""
    try:
        return rule()
    except (errors.RejectedError, ValueError) as rejected:
        raise ValueError(f"{construct.node.path}: {rejected}") from None
