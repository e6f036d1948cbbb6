"""Tokens: what synthesis knows of values that only the deployment, or a lookup, will tell."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from types import MappingProxyType
from typing import Any

from aws_cdk import Reference, Stack, Token, Tokenization

from constructs import IConstruct

_SUBSTITUTION = re.compile(r"\$\{([^!$}][^$}]*)\}")
_DUMMY = re.compile(r"dummy-value-for-|:role/DUMMY_ARN$")
"""Where the CDK's dummy value of ``value_from_lookup`` or ``Role.from_lookup`` begins."""

_NOTHING: Mapping[str, str] = MappingProxyType({})


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


def is_dummy(value: object) -> bool:
    """Return whether a value is a string that stands for what the CDK CLI has yet to look up.

    The CLI looks it up after this synthesis, and the next one has the real value.
    """
    return isinstance(value, str) and _DUMMY.search(value) is not None


def is_unknown(value: object) -> bool:
    """Return whether a value, given or resolved, isn't known at this synthesis."""
    return is_dummy(value) or is_intrinsic(value) or is_token(value)


def is_intrinsic(value: object) -> bool:
    """Return whether a resolved value is an intrinsic function of CloudFormation."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return False
    (name,) = value
    return name == "Ref" or str(name).startswith("Fn::")


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


def referenced(text: str) -> Reference | None:
    """Return the reference to a construct's attribute that a string is, if it is one and nothing else.

    In a template a reference is a logical ID, which is unique in the construct's own stack only.
    """
    if not is_token(text):
        return None
    fragments = Tokenization.reverse_string(text)
    reference = fragments.first_token if fragments.length == 1 else None
    return reference if isinstance(reference, Reference) else None


@dataclass(frozen=True)
class _Unknown:
    """A part of a string that isn't known, and what to show for it."""

    shown: str
    found: str = ""
    """What cdk-nag's findings have in its place, if that is something else."""


def _parts(value: object, references: Mapping[str, str]) -> Iterator[str | _Unknown]:
    """Yield the parts of the string that a resolved value will be, with the value of each of these references."""
    match value:
        case str():
            known, *looked_up = _DUMMY.split(value, maxsplit=1)
            yield known
            yield from (_Unknown(f"<{name}>") for name in looked_up)
        case {"Ref": str(name)}:
            yield references.get(name) or _Unknown(f"<{name}>")
        case {"Fn::GetAtt": [name, attribute]}:
            yield _Unknown(f"<{name}.{attribute}>")
        case {"Fn::ImportValue": str(name)}:
            yield _Unknown(f"<{name}>", found=name)
        case {"Fn::GetStackOutput": {"StackName": str(stack), "OutputName": str(name)}}:
            yield _Unknown(f"<{stack}.{name}>", found=json.dumps(value, separators=(",", ":")))
        case {"Fn::Join": [str(delimiter), [*elements]]}:
            for number, element in enumerate(elements):
                yield delimiter if number else ""
                yield from _parts(element, references)
        case {"Fn::Sub": str(text)}:
            yield from _substituted(text, {}, references)
        case {"Fn::Sub": [str(text), Mapping() as values]}:
            yield from _substituted(text, values, references)
        case _:
            yield _Unknown(json.dumps(value, separators=(",", ":")))


def _substituted(text: str, values: Mapping[str, object], references: Mapping[str, str]) -> Iterator[str | _Unknown]:
    """Yield the parts of a substitution; a name in it is that of a value that it is given, or a reference."""
    for number, part in enumerate(_SUBSTITUTION.split(text)):
        is_name = number % 2
        yield from _parts(values.get(part, {"Ref": part}) if is_name else part.replace("${!", "${"), references)


def render(value: object) -> str:
    """Return a resolved value as a string, with ``<LogicalId>`` for a reference, and ``<Name>`` for an import."""
    return "".join(part if isinstance(part, str) else part.shown for part in _parts(value, _NOTHING))


def as_found(value: object) -> str:
    """Return the same as cdk-nag's findings have it, with an import's name alone."""
    return "".join(part if isinstance(part, str) else part.found or part.shown for part in _parts(value, _NOTHING))


def known_prefix(value: object, references: Mapping[str, str] = _NOTHING) -> str:
    """Return the string that a resolved value is known to begin with, given the values of these references."""
    return _known(takewhile(lambda part: isinstance(part, str), _parts(value, references)))


def known_text(value: Any, references: Mapping[str, str] = _NOTHING) -> Any:  # noqa: ANN401 - any JSON, same shape back
    """Return a resolved value with nothing but the known parts of each of its strings."""
    return _each_string(value, lambda each: _known(_parts(each, references)))


def resolve_known(value: Any, references: Mapping[str, str]) -> Any:  # noqa: ANN401 - the same
    """Return a resolved value with a string in place of each intrinsic function whose value is known."""

    def whole(each: object) -> object:
        parts = [*_parts(each, references)]
        return each if any(isinstance(part, _Unknown) for part in parts) else _known(parts)

    return _each_string(value, whole)


def _known(parts: Iterable[str | _Unknown]) -> str:
    return "".join(part for part in parts if isinstance(part, str))


def _each_string(value: Any, change: Callable[[object], object]) -> Any:  # noqa: ANN401 - the same
    """Return a resolved value with each string, and each intrinsic function, changed."""
    if isinstance(value, str) or is_intrinsic(value):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _each_string(element, change) for key, element in value.items()}
    if isinstance(value, (list, tuple)):
        return [_each_string(element, change) for element in value]
    return value
