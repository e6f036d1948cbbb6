"""The ARNs of Custom Labels projects and model versions, as the Rekognition API's own model has them.

Dependency-free, because the construct loads this module as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_PROJECT_ARN_LENGTH = 880
"""Characters of a project's ARN. The API says 2048, but a physical ID, which holds it, is at most 1 KB
(CloudFormation); a real one, with a name of 255 characters, has about 340."""

VERSION_NAME = re.compile(r"[a-zA-Z0-9_.\-]{1,255}")
"""A model version's name (CopyProjectVersion, ``VersionName``)."""
_PROJECT_ARN = re.compile(
    r"arn:(?P<partition>[a-z0-9-]+):rekognition:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12})"
    r":project/(?P<name>[a-zA-Z0-9_.\-]{1,255})/(?P<number>[0-9]+)"
)
_VERSION_ARN = re.compile(
    r"arn:(?P<partition>[a-z0-9-]+):rekognition:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):project"
    r"/(?P<project>[a-zA-Z0-9_.\-]{1,255})/version/(?P<name>[a-zA-Z0-9_.\-]{1,255})/(?P<number>[0-9]+)"
)
VERSIONS = re.compile(r"version/[a-zA-Z0-9_.\-*?]{1,255}(/[0-9*?]+|(?<=\*))")
"""The end of a model version's ARN; its last two parts can have wildcards, one ``*`` for both."""
_ANY_VERSION_ARN = re.compile(r"(arn:[a-z0-9-]+:rekognition:[a-z0-9-]+:[0-9]{12}:project/[^/]+)/version/.*")


@dataclass(frozen=True)
class Environment:
    """An account and a Region: where a stack and its function are, and the only place whose projects they manage."""

    region: str
    account: str
    partition: str = "aws"

    def __str__(self) -> str:
        """Return the environment as a message names it."""
        return f"account {self.account}, Region {self.region}, partition {self.partition}"

    @classmethod
    def of(cls, arn: str) -> Environment:
        """Return the environment that an ARN names, such as the function's."""
        _, partition, _, region, account, *_ = arn.split(":")
        return cls(region, account, partition)


@dataclass(frozen=True)
class Project:
    """A Custom Labels project, as its ARN names it."""

    arn: str
    partition: str
    region: str
    account: str
    name: str

    @classmethod
    def parse(cls, arn: object, given_as: str = "ProjectArn") -> Project:
        """Read a project's ARN, ``arn:P:rekognition:REGION:ACCOUNT:project/NAME/NUMBER``, given as a property.

        Raises ``ValueError`` when ``arn`` is anything else, such as the ARN of one of the project's versions.
        """
        match = _PROJECT_ARN.fullmatch(arn) if isinstance(arn, str) else None
        version = _ANY_VERSION_ARN.fullmatch(arn) if isinstance(arn, str) else None
        if version is not None:
            raise ValueError(
                f"{given_as} is not the ARN of a Custom Labels project, but of a model version. Specify that of its "
                f'project, {version[1]}/NUMBER, as DescribeProjects returns it, in place of "{arn}".'
            )
        if match is None or len(match[0]) > MAX_PROJECT_ARN_LENGTH:
            raise ValueError(
                f"{given_as} is not the ARN of a Custom Labels project. Specify "
                "arn:PARTITION:rekognition:REGION:ACCOUNT:project/NAME/NUMBER, as DescribeProjects returns it, in "
                f'place of "{arn}".'
            )
        return cls(match[0], match["partition"], match["region"], match["account"], match["name"])

    @property
    def every_version(self) -> str:
        """The pattern for the ARNs of its model versions, which don't have the project's number."""
        return f"{self.arn.rpartition('/')[0]}/version/*"

    @property
    def created_at(self) -> float:
        """When the project was created, in seconds since the epoch: its ARN ends in the millisecond."""
        return float(self.arn.rpartition("/")[2]) / 1000

    @property
    def environment(self) -> Environment:
        """Where the project is."""
        return Environment(self.region, self.account, self.partition)

    def check_environment(self, environment: Environment) -> None:
        """Raise ``ValueError`` unless the project is where the stack is."""
        if self.environment != environment:
            raise ValueError(
                f'Project "{self.name}" is in {self.environment}, but this stack is in {environment}. Deploy the stack '
                "where the project is."
            )


@dataclass(frozen=True)
class ModelVersion:
    """A version of a project's model, as its ARN names it."""

    arn: str
    partition: str
    region: str
    account: str
    project: str
    """The project's name; the ARN of a model version doesn't have the project's number."""
    name: str
    number: str
    """Tells model versions of the same name apart: the millisecond in which this one was created."""

    @classmethod
    def parse(cls, arn: object, given_as: str = "ProjectVersionArn") -> ModelVersion:
        """Read a model version's ARN, ``arn:P:rekognition:REGION:ACCOUNT:project/NAME/version/VERSION/NUMBER``.

        Raises ``ValueError`` when ``arn`` is anything else, such as the ARN of its project.
        """
        match = _VERSION_ARN.fullmatch(arn) if isinstance(arn, str) else None
        if match is None:
            raise ValueError(
                f"{given_as} is not the ARN of a model version. Specify "
                "arn:PARTITION:rekognition:REGION:ACCOUNT:project/NAME/version/VERSION/NUMBER, as "
                f'DescribeProjectVersions returns it, in place of "{arn}".'
            )
        return cls(match[0], **match.groupdict())

    @property
    def environment(self) -> Environment:
        """Where the model version is."""
        return Environment(self.region, self.account, self.partition)

    @property
    def created_at(self) -> float:
        """When the model version was created, in seconds since the epoch."""
        return float(self.number) / 1000

    def is_of(self, project: Project) -> bool:
        """Return whether it can be a version of this project: the name is the same, and where it is."""
        return (self.environment, self.project) == (project.environment, project.name)
