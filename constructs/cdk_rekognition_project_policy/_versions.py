"""The versions of a project, as the resources of a statement."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Fn, Token

from constructs import IConstruct

from ._handler import identity


class Versions:
    """The model versions of one project, whose ARNs are made of the project's.

    A version's ARN is not the project's with a suffix: ``...:project/NAME/NUMBER`` has versions
    ``...:project/NAME/version/VERSION/NUMBER``.
    """

    def __init__(self, user: IConstruct, project_arn: str) -> None:
        self._user = user
        self._project_arn = project_arn
        self._arns: dict[str, str] = {}

    def arns(self, versions: Sequence[str] | None) -> list[str]:
        """Return the ARNs of versions that are given by name or ARN, or the one that stands for all.

        Raises ``ValueError`` for an empty list, which would not mean all, and for what is neither name nor ARN.
        """
        if versions is None:
            return [self._arn("*")]
        if isinstance(versions, str) or not versions:
            raise ValueError(
                f"{self._user.node.path}: versions is {versions!r}. Give a list of at least one version, or leave it "
                "out for every version."
            )
        return [self._arn_of_version(version) for version in versions]

    def _arn_of_version(self, version: object) -> str:
        if isinstance(version, str) and (Token.is_unresolved(version) or version.startswith("arn:")):
            return version
        if not identity.is_version_name(version):
            raise ValueError(
                f'{self._user.node.path}: version "{version}" is not valid. Give a version\'s name, such as "v1", or '
                "its ARN."
            )
        return self._arn(f"{version}/*")

    def _arn(self, which: str) -> str:
        """Return the ARN of versions; always the same text, so that statements about them can be merged."""
        if which not in self._arns:
            arn = self._project_arn
            if Token.is_unresolved(arn):
                parts = Fn.split("/", arn)
                self._arns[which] = Fn.join("/", [Fn.select(0, parts), Fn.select(1, parts), "version", which])
            else:
                self._arns[which] = f"{arn.rsplit('/', 1)[0]}/version/{which}"
        return self._arns[which]
