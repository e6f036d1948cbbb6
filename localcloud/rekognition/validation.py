"""Requests checked against botocore's own model of the service: required members, types, lengths, patterns, enums."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from localcloud.rekognition.errors import invalid_parameter

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "float": (float, int),
    "boolean": (bool,),
    "list": (list,),
    "map": (dict,),
    "structure": (dict,),
}


@functools.cache
def service_model() -> ServiceModel:
    """Rekognition's service model, as botocore ships it."""
    return ServiceModel(Loader().load_service_model("rekognition", "service-2"), "rekognition")


def check_request(operation: str, parameters: Mapping[str, Any]) -> None:
    """Raise InvalidParameterException, in the words of AWS, unless the parameters fit the operation."""
    shape = service_model().operation_model(operation).input_shape
    problems = list(_structure(cast(StructureShape, shape), parameters, ""))
    if problems:
        errors = "error" if len(problems) == 1 else "errors"
        raise invalid_parameter(f"{len(problems)} validation {errors} detected: {'; '.join(problems)}")


def _structure(shape: StructureShape, value: Mapping[str, Any], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value null at '{_member(path, name)}' failed to satisfy constraint: Member must not be null"
    for name, item in value.items():
        if name not in shape.members:
            yield f"Value at '{_member(path, name)}' failed to satisfy constraint: Member must be known"
        elif item is not None:
            yield from _value(shape.members[name], item, _member(path, name))


def _value(shape: Shape, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if type(value) not in _TYPES[shape.type_name]:
        yield _failed(value, path, f"Member must be of type {shape.type_name}")
        return
    for constraint in _broken(shape, value):
        yield _failed(value, path, constraint)
    yield from _members(shape, value, path)


def _members(shape: Shape, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if isinstance(shape, StructureShape):
        yield from _structure(shape, value, path)
    elif isinstance(shape, ListShape):
        for number, item in enumerate(value, start=1):
            yield from _value(shape.member, item, f"{path}.{number}.member")
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from _value(shape.key, key, f"{path}.key")
            yield from _value(shape.value, item, f"{path}.{key}.member")


def _broken(shape: Shape, value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    size, what = (value, "value") if isinstance(value, (int, float)) else (len(value), "length")
    limits = shape.metadata
    if size < limits.get("min", size):
        yield f"Member must have {what} greater than or equal to {limits['min']}"
    if size > limits.get("max", size):
        yield f"Member must have {what} less than or equal to {limits['max']}"
    pattern = limits.get("pattern")
    if pattern is not None and not _matches(pattern, value):
        yield f"Member must satisfy regular expression pattern: {pattern}"
    if "enum" in limits and value not in limits["enum"]:
        yield f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]"


def _matches(pattern: str, value: str) -> bool:
    # Python's re lacks the classes of letters, separators and numbers that the patterns of tags have.
    return re.fullmatch(pattern.replace(r"\p{L}\p{Z}\p{N}", r"\w\s"), value) is not None


def _failed(value: Any, path: str, constraint: str) -> str:  # noqa: ANN401 - any JSON
    return f"Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"


def _member(path: str, name: str) -> str:
    member = name[:1].lower() + name[1:]
    return f"{path}.{member}" if path else member
