"""A project as a construct is given it, and the ARNs of its model versions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from aws_cdk import Fn, Stack
from aws_cdk import aws_rekognition as rekognition

from constructs import IConstruct

from ._environment import Environment, check_is_here
from ._errors import invalid_value, reraise_as_value_error
from ._handler import arns, document_rules
from ._tokens import is_token, is_unknown, referenced, render, resolve, resolve_known

if TYPE_CHECKING:
    from aws_cdk.interfaces.aws_rekognition import IProjectRef

_EXAMPLES = {"AWS::Partition": "partition", "AWS::Region": "region", "AWS::AccountId": "000000000000"}
"""Values for the pseudo parameters in a project's ARN, so that the rest of it can be checked."""


class Project:
    """A project that a construct is given, by reference or by ARN, as far as synthesis knows it."""

    def __init__(self, construct: IConstruct, stack: Stack, parameter: str, given: IProjectRef | str) -> None:
        """Read the value of a parameter; raises ``ValueError`` for what isn't a project, as far as that is known."""
        self.stack = stack
        self._construct, self._parameter = construct, parameter
        self._versions: dict[str, str] = {}
        self._reference: IProjectRef | None = None
        if isinstance(given, str):
            self.arn = given
            reference = referenced(given)
            if reference is not None and isinstance(reference.target, rekognition.CfnProject):
                if reference.display_name == "Ref":
                    raise ValueError(
                        f"{construct.node.path}: {parameter} is the Ref of {reference.target.node.path}, which is its "
                        "name. Specify the project itself, or its attr_arn."
                    )
                self._reference = reference.target
        elif hasattr(given, "project_ref"):
            self.arn = given.project_ref.project_arn
            self._reference = given
        else:
            raise invalid_value(
                construct, parameter, given, "a CfnProject or another IProjectRef, or the ARN of a project"
            )
        resolved = resolve(stack, self.arn)
        arn = resolve_known(resolved, _EXAMPLES)
        project = (
            None if is_unknown(arn) else reraise_as_value_error(construct, lambda: arns.Project.parse(arn, parameter))
        )
        self.known = project if arn == resolved else None
        """The project, if its whole ARN is known."""
        self.name = project.name if project else None
        """Its name, if its ARN tells that."""
        self.environment = Environment.of_arn(resolved)
        if self._reference is not None:
            its = self._reference.env
            self.environment = self.environment.or_else(Environment.known(its.account, its.region))

    @property
    def identity(self) -> object:
        """What tells it from other projects of the app: its ARN, or what it is referred to by; None if neither does."""
        return self.known.arn if self.known else self._reference

    @cached_property
    def shown(self) -> str:
        """What people know it by: its name, or else what is known of its ARN."""
        name = self.name or getattr(self._reference, "project_name", None)
        return name if name and not is_unknown(name) else render(resolve(self.stack, self.arn))

    @property
    def place(self) -> Environment:
        """Where its stack is, which is where it has to be; as it tells itself, if the stack doesn't."""
        return Environment.of(self.stack).or_else(self.environment)

    def check_is_here(self, advice: str = "") -> None:
        """Raise ``ValueError`` for a project that is known to be in another account or Region than the stack."""
        check_is_here(self._construct, self._parameter, self.environment, Environment.of(self.stack), advice=advice)

    @property
    def region(self) -> str:
        """Its Region; a token if only the deployment will tell it, and the stack's until it is looked up."""
        if self.environment.region or not is_token(self.arn):
            return self.environment.region or self.stack.region
        return Fn.select(3, Fn.split(":", self.arn))

    def versions(self, given: Sequence[str] | None = None) -> list[str]:
        """Return the ARNs of model versions that are given by name or ARN, or the pattern for all of them.

        A model version's ARN isn't the project's with a suffix: ``...:project/NAME/NUMBER`` has model versions
        ``...:project/NAME/version/VERSION/NUMBER``. A token is a name, unless the string before it begins an ARN.

        Raises ``ValueError`` for an empty list, which doesn't mean all, and for what is neither a name nor an ARN.
        """
        if given is None:
            return [self._version("*")]
        if not isinstance(given, (list, tuple)) or not given:
            raise invalid_value(
                self._construct, "versions", given, "a list of model versions, or leave it out for all of them"
            )
        return [self._named(each) for each in given]

    def _named(self, version: object) -> str:
        if isinstance(version, str) and version.startswith("arn:"):
            if not is_unknown(version) and not self._has(version):
                own = self._without_number if self.known else "arn:PARTITION:rekognition:REGION:ACCOUNT:project/NAME"
                raise ValueError(
                    f'{self._construct.node.path}: version "{version}" isn\'t a model version of project '
                    f'"{self.shown}". Specify {own}/version/VERSION/NUMBER, as DescribeProjectVersions shows it.'
                )
            return version
        if not is_unknown(version) and not (isinstance(version, str) and arns.VERSION_NAME.fullmatch(version)):
            raise invalid_value(
                self._construct, "version", version, 'a model version\'s name, such as "v1", or its ARN'
            )
        return self._version(f"{version}/*")

    def _has(self, version: str) -> bool:
        """Return whether an ARN of model versions, perhaps with wildcards at its end, is of this project."""
        project, _, _ = version.partition("/version/")
        if "*" in project or "?" in project or document_rules.differences(version, None):
            return False
        if self.known:
            return project == self._without_number
        return self.name is None or project.endswith(f":project/{self.name}")

    def _version(self, which: str) -> str:
        """Return the ARN of model versions; always the same string, so that statements about them can be merged."""
        if which not in self._versions:
            if is_token(self.arn):
                parts = Fn.split("/", self.arn)
                arn = Fn.join("/", [Fn.select(0, parts), Fn.select(1, parts), "version", which])
            else:
                arn = f"{self._without_number}/version/{which}"
            self._versions[which] = arn
        return self._versions[which]

    @property
    def _without_number(self) -> str:
        return self.arn.rpartition("/")[0]
