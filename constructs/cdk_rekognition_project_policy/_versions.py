"""The versions of a project, as the resources of a statement."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aws_cdk import Fn

from constructs import IConstruct

from ._given import is_token
from ._handler import arns

_VERSION_ARN = re.compile(
    r"arn:[a-z\d-]+:rekognition:[a-z\d-]+:\d{12}:project/[a-zA-Z0-9_.\-]{1,255}/version/[a-zA-Z0-9_.\-*?]{1,255}(/[0-9*?]+|(?<=\*))",
    re.ASCII,
)
"""A version's ARN (CopyProjectVersion), in whose last two parts wildcards may stand, one ``*`` for both."""


class Versions:
    """The model versions of one project, whose ARNs are made of the project's.

    A version's ARN is not the project's with a suffix: ``...:project/NAME/NUMBER`` has versions
    ``...:project/NAME/version/VERSION/NUMBER``.
    """

    def __init__(self, user: IConstruct, project_arn: str, project_name: str | None) -> None:
        self._user = user
        self._project_arn = project_arn
        self._project_name = project_name
        self._arns: dict[str, str] = {}

    def arns(self, versions: Sequence[str] | None) -> list[str]:
        """Return the ARNs of versions that are given by name or ARN, or the one that stands for all.

        A token is taken for a name, unless a text before it begins an ARN.

        Raises ``ValueError`` for an empty list, which would not mean all, and for what is neither name nor ARN.
        """
        if versions is None:
            return [self._arn("*")]
        if not isinstance(versions, (list, tuple)) or not versions:
            raise ValueError(
                f"{self._user.node.path}: versions is {versions!r}. Give a list of at least one version, or leave it "
                "out for every version."
            )
        return [self._arn_of_version(version) for version in versions]

    def _arn_of_version(self, version: object) -> str:
        if isinstance(version, str) and version.startswith("arn:"):
            if not is_token(version) and not self._is_of_this_project(version):
                raise ValueError(
                    f'{self._user.node.path}: version "{version}" is no version of this project. Give '
                    "arn:PARTITION:rekognition:REGION:ACCOUNT:project/NAME/version/VERSION/NUMBER, as "
                    "DescribeProjectVersions shows it."
                )
            return version
        if not is_token(version) and not arns.is_version_name(version):
            raise ValueError(
                f'{self._user.node.path}: version "{version}" is not valid. Give a version\'s name, such as "v1", or '
                "its ARN."
            )
        return self._arn(f"{version}/*")

    def _is_of_this_project(self, arn: str) -> bool:
        if not _VERSION_ARN.fullmatch(arn):
            return False
        if not is_token(self._project_arn):
            return arn.startswith(self._arn(""))
        return self._project_name is None or f":project/{self._project_name}/" in arn

    def _arn(self, which: str) -> str:
        """Return the ARN of versions; always the same text, so that statements about them can be merged."""
        if which not in self._arns:
            arn = self._project_arn
            if is_token(arn):
                parts = Fn.split("/", arn)
                self._arns[which] = Fn.join("/", [Fn.select(0, parts), Fn.select(1, parts), "version", which])
            else:
                self._arns[which] = f"{arn.rsplit('/', 1)[0]}/version/{which}"
        return self._arns[which]
