"""What users give, held to what the signatures say, where jsii lets mistakes through or tells them in its own words."""

from __future__ import annotations

from typing import TypeVar

from aws_cdk import Token

from constructs import IConstruct

_T = TypeVar("_T")


def is_token(value: object) -> bool:
    """Tell whether a value is a text, or has a text in it, that only deployment will tell."""
    return isinstance(value, str) and Token.is_unresolved(value)


def has(user: IConstruct, name: str, value: _T, attribute: str, what: str) -> _T:
    """Return a value that has the attribute by which it is known; raises ``ValueError`` for another and for a class."""
    if isinstance(value, type) or not hasattr(value, attribute):
        raise wrong(user, name, value, what)
    return value


def wrong(user: IConstruct, name: str, value: object, what: str) -> ValueError:
    """Return the error for a value that is none of what it should be."""
    return ValueError(f"{user.node.path}: {name} is {value!r}. Give {what}.")
