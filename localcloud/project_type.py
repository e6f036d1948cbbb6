"""The CloudFormation type AWS::Rekognition::Project, on the projects of the local Rekognition."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from localcloud.rekognition.errors import AwsError
from localcloud.rekognition.models import Store

RESOURCE_TYPE = "AWS::Rekognition::Project"
PROPERTY_THAT_REPLACES = "ProjectName"

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_\-]{0,254}")


class ProjectType:
    """Creates and deletes projects for CloudFormation: Ref is the project's name, Fn::GetAtt Arn its ARN."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, account: str, region: str, properties: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
        """Create a project; return its physical id and its attributes. A name that is taken fails the resource."""
        name = _checked_name(properties)
        try:
            project = self._store.create_project(account, region, name, tags=_tags(properties))
        except AwsError as rejected:
            raise _failure(rejected) from rejected
        return name, {"Arn": str(project.arn)}

    def update(self, account: str, region: str, name: str, properties: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
        """Change the tags; another name replaces the project."""
        for project in self._store.projects(account, region):
            if project.arn.name == name:
                project.tags = _tags(properties)
                return name, {"Arn": str(project.arn)}
        raise ValueError(f"Resource handler returned message: The project {name} does not exist. (NotFound)")

    def delete(self, account: str, region: str, name: str) -> None:
        """Delete a project with its policies; one that is gone is no error, one with model versions fails."""
        for project in self._store.projects(account, region):
            if project.arn.name == name:
                try:
                    self._store.delete_project(account, region, str(project.arn))
                except AwsError as rejected:
                    raise _failure(rejected) from rejected


def _failure(rejected: AwsError) -> ValueError:
    return ValueError(f"Resource handler returned message: {rejected.message} ({rejected.code})")


def _tags(properties: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}


def _checked_name(properties: Mapping[str, Any]) -> str:
    name = str(properties.get("ProjectName", ""))
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"Properties validation failed: [ProjectName] {name!r} does not match {_NAME.pattern}")
    return name
