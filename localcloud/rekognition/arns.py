"""ARNs of projects and their versions, and the Regions where there can be one."""

from __future__ import annotations

import re
from dataclasses import dataclass

PROJECT_ARN = re.compile(r"arn:([a-z\d-]+):rekognition:([a-z\d-]+):(\d{12}):project/([a-zA-Z0-9_.\-]{1,255})/([0-9]+)")
VERSION_ARN = re.compile(
    r"arn:([a-z\d-]+):rekognition:([a-z\d-]+):(\d{12})"
    r":project/([a-zA-Z0-9_.\-]{1,255})/version/([a-zA-Z0-9_.\-]{1,255})/([0-9]+)"
)

CUSTOM_LABELS_REGIONS = frozenset(
    {
        "us-east-1",
        "us-east-2",
        "us-west-2",
        "eu-west-1",
        "eu-west-2",
        "eu-central-1",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-northeast-1",
        "ap-northeast-2",
    }
)


def partition_of(region: str) -> str:
    """Return the partition a Region belongs to."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


@dataclass(frozen=True)
class ProjectArn:
    """The ARN of a project, in its parts."""

    partition: str
    region: str
    account: str
    name: str
    created: str
    """The project's creation in milliseconds since the epoch; `*` in a pattern."""

    @classmethod
    def parse(cls, arn: str) -> ProjectArn:
        """Take an ARN apart that the service model has already accepted."""
        match = PROJECT_ARN.fullmatch(arn)
        if match is None:
            raise ValueError(f"not a project's ARN: {arn}")
        return cls(*match.groups())

    def __str__(self) -> str:
        return f"arn:{self.partition}:rekognition:{self.region}:{self.account}:project/{self.name}/{self.created}"

    @property
    def version_prefix(self) -> str:
        """What the ARNs of the project's model versions begin with; without a time stamp, unlike the ARN."""
        return f"arn:{self.partition}:rekognition:{self.region}:{self.account}:project/{self.name}/version/"


@dataclass(frozen=True)
class VersionArn:
    """The ARN of a version of a project's model, in its parts."""

    partition: str
    region: str
    account: str
    project: str
    name: str
    created: str
    """The version's creation in milliseconds since the epoch."""

    @classmethod
    def parse(cls, arn: str) -> VersionArn:
        """Take an ARN apart that the service model has already accepted."""
        match = VERSION_ARN.fullmatch(arn)
        if match is None:
            raise ValueError(f"not a project version's ARN: {arn}")
        return cls(*match.groups())

    def __str__(self) -> str:
        return (
            f"arn:{self.partition}:rekognition:{self.region}:{self.account}"
            f":project/{self.project}/version/{self.name}/{self.created}"
        )

    def is_of(self, project: ProjectArn) -> bool:
        """Tell whether a project of this ARN's account, Region and name could have the version."""
        return str(self).startswith(project.version_prefix)
