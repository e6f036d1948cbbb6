"""What users give, held to what the signatures say, where jsii lets mistakes through or tells them in its own words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from aws_cdk import Token

from constructs import IConstruct

from ._handler import InvalidArnError, errors

_T = TypeVar("_T")


def is_token(value: object) -> bool:
    """Tell whether a value is a text, or has a text in it, that only deployment will tell."""
    return isinstance(value, str) and may_hold_token(value) and Token.is_unresolved(value)


def may_hold_token(text: str) -> bool:
    """Tell whether a text has the mark of a token; most have not, and asking the CDK crosses to Node.js."""
    return "{Token[" in text


def matches(pattern: re.Pattern[str], value: object) -> bool:
    """Tell whether a value is a text that is wholly of a pattern."""
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def has(user: IConstruct, name: str, value: _T, attribute: str, what: str) -> _T:
    """Return a value that has the attribute by which it is known; raises ``ValueError`` for another and for a class."""
    if isinstance(value, type) or not hasattr(value, attribute):
        raise wrong(user, name, value, what)
    return value


def wrong(user: IConstruct, name: str, value: object, what: str) -> ValueError:
    """Return the error for a value that is none of what it should be."""
    return ValueError(f"{user.node.path}: {name} is {value!r}. Give {what}.")


def checked(user: IConstruct, rule: Callable[[], _T]) -> _T:
    """Return what a rule returns; what it refuses is raised as ``ValueError``, with the construct's path."""
    try:
        return rule()
    except (errors.RejectedError, InvalidArnError) as rejected:
        raise ValueError(f"{user.node.path}: {rejected}") from None
