"""What several of these tests need: documents, rejections, a model version to copy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient


def statement(**changes: Any) -> dict[str, Any]:
    """Return a valid statement with some changes; None removes an element."""
    whole = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": "rekognition:CopyProjectVersion",
        "Resource": "*",
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def document(*statements: dict[str, Any]) -> str:
    """Return a document with these statements, or with a valid one."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements) or [statement()]})


OUTPUT: Any = {"S3Bucket": "results", "S3KeyPrefix": "copies/"}
TRUSTING, TRUSTED = "121212121212", "343434343434"


class Setting:
    """A version in a project, another project to copy it to, and what changes between them."""

    def __init__(self, source: RekognitionClient, destination: RekognitionClient, name: str) -> None:
        self.source, self.destination = source, destination
        self.project = source.create_project(ProjectName=f"{name}-source")["ProjectArn"]
        self.target = destination.create_project(ProjectName=f"{name}-target")["ProjectArn"]
        self.version = self.train("v1")

    def train(self, name: str) -> str:
        """Make another version, and return its ARN."""
        response = self.source.create_project_version(
            ProjectArn=self.project, VersionName=name, OutputConfig={"S3Bucket": "results"}
        )
        return response["ProjectVersionArn"]

    def share(self, name: str = "share", **changes: Any) -> None:
        """Attach a policy that trusts the account, but for the changes."""
        changed = {"Principal": {"AWS": TRUSTED}, **changes}
        self.source.put_project_policy(
            ProjectArn=self.project, PolicyName=name, PolicyDocument=document(statement(**changed))
        )

    def withdraw(self, name: str = "share") -> None:
        """Detach a policy."""
        self.source.delete_project_policy(ProjectArn=self.project, PolicyName=name)

    def copy(self, client: RekognitionClient, **changes: Any) -> str:
        """Copy the version, and return the copy's ARN."""
        parameters: Any = {
            "SourceProjectArn": self.project,
            "SourceProjectVersionArn": self.version,
            "DestinationProjectArn": self.target,
            "VersionName": "copy",
            "OutputConfig": OUTPUT,
            **changes,
        }
        return client.copy_project_version(**parameters)["ProjectVersionArn"]

    def denied(self, client: RekognitionClient, **changes: Any) -> str:
        """Expect that the client is denied to copy the version, and return the message."""
        with rejected("AccessDeniedException") as told:
            self.copy(client, **changes)
        return str(told.value)

    def copies(self) -> list[Any]:
        """Return the descriptions of the versions of the target."""
        return list(self.destination.describe_project_versions(ProjectArn=self.target)["ProjectVersionDescriptions"])


def rejected(code: str) -> pytest.RaisesExc[ClientError]:
    """Expect a call to be rejected with this code."""
    return pytest.raises(ClientError, match=rf"\({code}\)(?!.*: None$)")
