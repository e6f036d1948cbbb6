"""What a stack's template gives: the properties of its resources, with parameters and intrinsic functions evaluated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

NO_VALUE = object()


class UnknownError(Exception):
    """A value that can't be found out from outside the stack."""


class Template:
    """A stack's processed template, evaluated with what CloudFormation tells about the stack.

    ``attribute`` returns an attribute of a resource by its type, physical ID and the attribute's name, and ``exported``
    the value of an export; both raise ``UnknownError``.
    """

    def __init__(
        self,
        body: str | Mapping[str, Any],
        stack_id: str,
        parameters: Mapping[str, str],
        physical_ids: Mapping[str, str],
        attribute: Callable[[str, str, str], str],
        exported: Callable[[str], str],
    ) -> None:
        self._body = read_template(body)
        _, partition, _, region, account, name = stack_id.split(":", 5)
        self._references = {
            "AWS::AccountId": account,
            "AWS::NoValue": NO_VALUE,
            "AWS::Partition": partition,
            "AWS::Region": region,
            "AWS::StackId": stack_id,
            "AWS::StackName": name.split("/")[1],
            "AWS::URLSuffix": "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com",
            **parameters,
            **physical_ids,
        }
        self._attribute = attribute
        self._exported = exported

    def property(self, logical_id: str, name: str) -> Any:  # noqa: ANN401 - any JSON
        """Return a property of a resource; raise ``UnknownError`` if a part of it can't be evaluated."""
        try:
            return self._value(self._body["Resources"][logical_id]["Properties"][name])
        except UnknownError:
            raise
        except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError) as problem:
            raise UnknownError(f"{type(problem).__name__}: {problem}") from problem

    def _value(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        if isinstance(value, list):
            return [each for each in map(self._value, value) if each is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref":
                return self._reference(argument)
            if name == "Condition" and isinstance(argument, str):
                return self._value(self._body["Conditions"][argument])
            if name.startswith("Fn::"):
                return self._call(name, argument)
        values = {key: self._value(each) for key, each in value.items()}
        return {key: each for key, each in values.items() if each is not NO_VALUE}

    def _reference(self, name: str) -> Any:  # noqa: ANN401 - any JSON
        if name not in self._references or self._references[name] == "****":  # NoEcho
            raise UnknownError(f"Ref {name}")
        return self._references[name]

    def _call(self, name: str, argument: Any) -> Any:  # noqa: ANN401, C901 - a function a line
        if name == "Fn::GetAtt":
            return self._get_attribute(*(argument.split(".", 1) if isinstance(argument, str) else argument))
        if name == "Fn::If":
            condition, true, false = argument
            return self._value(true if self._value({"Condition": condition}) else false)
        if name == "Fn::Sub":
            text, own = argument if isinstance(argument, list) else (argument, {})
            # Where a brace is never closed, looking for its end from each place takes a time that is quadratic.
            closed, brace, rest = text.rpartition("}")
            pattern = r"\$\{(!?)([^}]*)\}"
            return re.sub(pattern, lambda found: self._substituted(*found.groups(), own), closed + brace) + rest
        given = self._value(argument)
        if name == "Fn::Join":
            return given[0].join(map(str, given[1]))
        if name == "Fn::Split":
            return given[1].split(given[0])
        if name == "Fn::Select":
            return given[1][int(given[0])]
        if name == "Fn::FindInMap":
            return self._body["Mappings"][given[0]][given[1]][given[2]]
        if name == "Fn::ImportValue":
            return self._exported(given)
        if name == "Fn::Equals":
            return str(given[0]) == str(given[1])
        if name in ("Fn::And", "Fn::Or"):
            return all(given) if name == "Fn::And" else any(given)
        if name == "Fn::Not":
            return not given[0]
        raise UnknownError(name)

    def _substituted(self, literal: str, name: str, own: Mapping[str, Any]) -> str:
        if literal:
            return f"${{{name}}}"
        if name in own:
            return str(self._value(own[name]))
        return str(self._get_attribute(*name.split(".", 1)) if "." in name else self._reference(name))

    def _get_attribute(self, logical_id: str, name: str) -> str:
        resource = self._body["Resources"][logical_id]
        return self._attribute(resource["Type"], self._reference(logical_id), name)


def read_template(body: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a template as GetTemplate returned it: the SDK has parsed JSON already, YAML is a string."""
    if isinstance(body, Mapping):
        return body
    import yaml  # here, because templates of the CDK don't need it

    class Loader(yaml.SafeLoader):
        """Reads the short forms of intrinsic functions; dates stay strings."""

    Loader.yaml_implicit_resolvers = {
        first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def long_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
        name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
        if isinstance(node, yaml.ScalarNode):
            return {name: loader.construct_scalar(node)}
        return {name: loader.construct_sequence(node, deep=True)}

    Loader.add_multi_constructor("!", long_form)
    return yaml.load(body, Loader)  # noqa: S506 - derived from SafeLoader
