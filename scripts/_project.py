"""A project that a run of ./scripts/verify creates, and the calls that concern its policies and model versions."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from _account import Calls, Journal, NotKnownError

sys.path.append(str(Path(__file__).resolve().parents[1] / "lambda"))
from rekognition.errors import ServiceError

MOST_POLICIES = 20
GONE = "gone"
QUOTA_ERRORS = ("LimitExceededException", "ServiceQuotaExceededException")


class Project:
    """An empty project, until it is created an empty ARN."""

    def __init__(self, calls: Calls, journal: Journal, account: str, name: str) -> None:
        self.calls, self.account, self.name, self.arn = calls, account, name, ""
        self.now, self.sleep = calls.clock.now, calls.clock.sleep
        self.source, self.key, self.output = "", "", {"S3KeyPrefix": name}
        """The model version to copy, and a copy's key and output."""
        self.changed_at = 0.0
        """When the last change was made."""
        self.put_policies: set[str] = set()
        """The names of the policies that may be there."""
        self._journal = journal

    def create(self) -> None:
        """Create it."""
        self.arn = self._create("CreateProject", "ProjectArn", self.name, ProjectName=self.name)

    def _create(self, operation: str, element: str, name: str, **parameters: Any) -> str:  # noqa: ANN401 - any JSON
        arn = self._journal.create(self.calls, operation, element, name, **parameters)
        self.changed_at = self.now()
        return arn

    def document(self, effect: str = "Allow", version: str = "", **more: Any) -> str:  # noqa: ANN401 - any JSON
        """Return a document about this account only, unless `more` changes its statement."""
        statement = {
            "Effect": effect,
            "Principal": {"AWS": [self.account]},
            "Action": ["rekognition:CopyProjectVersion"],
            "Resource": f"{self.arn.rpartition('/')[0]}/version/{version}/*" if version else "*",
        }
        return json.dumps({"Version": "2012-10-17", "Statement": [statement | more]})

    def put(self, name: str, document: str = "", **more: str) -> str:
        """Put a policy, and return its revision; what was deleted may count against the quota for a while."""
        self.put_policies.add(name)
        given = {"ProjectArn": self.arn, "PolicyName": name, "PolicyDocument": document or self.document(), **more}
        while (response := self._put(given)) is None:
            self.sleep(2)
        self.changed_at = self.now()
        return str(response["PolicyRevisionId"])

    def _put(self, given: dict[str, str]) -> Any:  # noqa: ANN401 - any JSON
        try:
            return self.calls("PutProjectPolicy", **given)
        except ServiceError as error:
            if error.code not in QUOTA_ERRORS or self.now() > self.changed_at + 30:
                raise
        return None

    def delete(self, name: str) -> None:
        """Delete a policy."""
        self.calls("DeleteProjectPolicy", ProjectArn=self.arn, PolicyName=name)
        self.changed_at = self.now()

    def pages(self, **which: Any) -> list[Any]:  # noqa: ANN401 - any JSON
        """Return the pages of ListProjectPolicies."""
        pages: list[Any] = []
        while not pages or pages[-1].get("NextToken"):
            if len(pages) > MOST_POLICIES:
                raise NotKnownError("ListProjectPolicies has no last page.")
            token = {"NextToken": pages[-1]["NextToken"]} if pages else {}
            pages.append(self.calls("ListProjectPolicies", ProjectArn=self.arn, **which, **token))
        return pages

    def policies(self) -> dict[str, Any]:
        """Return the listed policies by their names."""
        return {each["PolicyName"]: each for page in self.pages() for each in page["ProjectPolicies"]}

    def shown(self, name: str) -> str:
        """Return the document that the list shows for a policy, an empty one if it doesn't list the policy."""
        return str(self.policies().get(name, {"PolicyDocument": ""})["PolicyDocument"])

    def copy(self, name: str) -> str:
        """Begin to copy the model version, and return the copy's ARN."""
        project = self.described(self.source.split("/")[1], self.source.partition("version/")[0])["ProjectArn"]
        given = {"SourceProjectArn": project, "SourceProjectVersionArn": self.source, "VersionName": name}
        given |= {"DestinationProjectArn": self.arn, "OutputConfig": self.output, "Tags": {"verify": "1"}}
        given |= {"KmsKeyId": self.key} if self.key else {}
        return self._create("CopyProjectVersion", "ProjectVersionArn", name, **given)

    def delete_version(self, arn: str) -> None:
        """Delete a model version."""
        self.calls("DeleteProjectVersion", ProjectVersionArn=arn)
        self.changed_at = self.now()

    def described(self, name: str, beginning: str) -> dict[str, Any]:
        """Return the description of the project with this name whose ARN begins so, an empty one if none is listed."""
        listed = self.calls("DescribeProjects", ProjectNames=[name])["ProjectDescriptions"]
        return next((each for each in listed if each["ProjectArn"].startswith(beginning)), {})

    def versions(self, **which: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        """Return the descriptions of the project's model versions by their ARNs."""
        listed = self.calls("DescribeProjectVersions", ProjectArn=self.arn, **which)["ProjectVersionDescriptions"]
        return {each["ProjectVersionArn"]: each for each in listed}

    def status(self, version: str) -> str:
        """Return the status of a model version, `gone` if it isn't listed."""
        return str(self.versions().get(version, {"Status": GONE})["Status"])
