"""Tokens: what synthesis knows of values that only the deployment will tell."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from itertools import takewhile
from typing import Any

from aws_cdk import Reference, Stack, Token, Tokenization

from constructs import IConstruct

_SUBSTITUTION = re.compile(r"\$\{[^!][^}]*\}")


@cache
def stack_of(construct: IConstruct) -> Stack:
    """Return the stack that a construct is in.

    Each question about a construct crosses to Node.js. Without this cache and that of ``Environment.of`` the synthesis
    of 100 policies takes a third longer.
    """
    return Stack.of(construct)


def is_token(value: object) -> bool:
    """Return whether a value is a string with a part that only the deployment will tell."""
    return isinstance(value, str) and _may_hold_token(value) and Token.is_unresolved(value)


def _may_hold_token(text: str) -> bool:
    """Return whether a string has the mark of a token; most have none, and asking the CDK crosses to Node.js."""
    return "{Token[" in text


def resolve(stack: Stack, value: Any) -> Any:  # noqa: ANN401 - any JSON, and the same shape back
    """Return what a value will be in the template."""
    return stack.resolve(value) if _holds_something_to_resolve(value) else value


def _holds_something_to_resolve(value: object) -> bool:
    if isinstance(value, str):
        return _may_hold_token(value)
    if isinstance(value, Mapping):
        return any(_holds_something_to_resolve(each) for item in value.items() for each in item)
    if isinstance(value, (list, tuple)):
        return any(_holds_something_to_resolve(each) for each in value)
    return not isinstance(value, int)  # tokens of the CDK are objects and floats, and None is left out


def referenced(text: str) -> tuple[IConstruct, str] | None:
    """Return the construct and the attribute that a string refers to, if it is one reference and nothing else.

    In a template a reference is a logical ID, which is unique in the construct's own stack only.
    """
    fragments = Tokenization.reverse_string(text)
    reference = fragments.first_token if fragments.length == 1 else None
    return (reference.target, reference.display_name) if isinstance(reference, Reference) else None


def joined(value: Any, references: Mapping[str, str]) -> Any:  # noqa: ANN401 - the same
    """Return a resolved value with these references replaced, and the strings joined that are known then."""
    if isinstance(value, Mapping):
        members = {key: joined(member, references) for key, member in value.items()}
        if is_intrinsic(members):
            match members:
                case {"Ref": str(name)} if name in references:
                    return references[name]
                case {"Fn::Join": [str(delimiter), [*parts]]} if all(isinstance(part, str) for part in parts):
                    return delimiter.join(parts)
        return members
    if isinstance(value, (list, tuple)):
        return [joined(member, references) for member in value]
    return value


def readable(value: object) -> str:
    """Return a resolved value as a string, with ``<LogicalId>`` for a reference, as cdk-nag's findings have it."""
    match value:
        case str():
            return value
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::ImportValue": str(name)}:
            return name
        case {"Fn::Join": [delimiter, list(parts)]}:
            return str(delimiter).join(readable(part) for part in parts)
    return json.dumps(value, separators=(",", ":"))


def is_intrinsic(value: object) -> bool:
    """Return whether a resolved value is an intrinsic function of CloudFormation, whose value isn't known."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return False
    (name,) = value
    return name == "Ref" or str(name).startswith("Fn::")


def shortest(value: Any) -> Any:  # noqa: ANN401 - any JSON, and the same shape back
    """Return ``value`` with each intrinsic function replaced by the known parts of its string."""
    if is_intrinsic(value):
        return _shortest_text(value)
    if isinstance(value, Mapping):
        return {key: shortest(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [shortest(member) for member in value]
    return value


def _shortest_text(intrinsic: Mapping[str, Any]) -> str:
    match intrinsic:
        case {"Fn::Join": [str(delimiter), [*parts]]}:
            return delimiter.join(str(shortest(part)) for part in parts)
        case {"Fn::Sub": str(text) | [str(text), _]}:
            return _SUBSTITUTION.sub("", text)
    return ""


def beginning(intrinsic: Any) -> str:  # noqa: ANN401 - an intrinsic function
    """Return the string that an intrinsic function's value is known to begin with."""
    match intrinsic:
        case {"Fn::Join": [str(delimiter), [*parts]]}:
            return delimiter.join(takewhile(lambda part: isinstance(part, str), parts))
        case {"Fn::Sub": str(text) | [str(text), _]}:
            return _SUBSTITUTION.split(text, maxsplit=1)[0]
    return ""
