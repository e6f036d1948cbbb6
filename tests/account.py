"""An account of the local cloud, used and looked at as a client without the CDK does."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from localcloud.cloud import ACCOUNT, REGION, LocalCloud

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

_SECONDS = 90


@dataclass(frozen=True)
class Account:
    """The stacks of an account and Region, and what is live in its Rekognition."""

    cloud: LocalCloud
    id: str = ACCOUNT
    region: str = REGION

    def client(self, service: str) -> Any:
        """Return a client of the account's root user."""
        return self.cloud.client(service, self.id, self.region)

    # -- its stacks ----------------------------------------------------------------------------------------------------

    def deploy(self, stack: str, template: str, **parameters: str) -> str:
        """Create or update a stack without a change set, and return its status in the end."""
        cloudformation = self.client("cloudformation")
        change = cloudformation.create_stack if self.status(stack) is None else cloudformation.update_stack
        changed = change(
            StackName=stack,
            TemplateBody=template,
            Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )
        return self._settled(changed["StackId"])

    def delete(self, stack: str, ends: str = "DELETE_COMPLETE") -> None:
        """Delete a stack, which ends with a status."""
        stack_id = self._described(stack)["StackId"]
        self.client("cloudformation").delete_stack(StackName=stack)
        assert self._settled(stack_id, "DELETE_") == ends, self.reasons(stack_id)

    def status(self, stack: str) -> str | None:
        """Return a stack's status, None if there is no such stack."""
        try:
            status = str(self._described(stack)["StackStatus"])
        except ClientError:
            return None
        return None if status == "DELETE_COMPLETE" else status

    def outputs(self, stack: str) -> dict[str, str]:
        """Return a stack's outputs."""
        return {output["OutputKey"]: output["OutputValue"] for output in self._described(stack)["Outputs"]}

    def reasons(self, stack: str, status: str = "") -> str:
        """Return why things happened to a stack, the latest first, or why its resources came to a status."""
        events = self.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
        chosen = [event for event in events if status in ("", event["ResourceStatus"])]
        return "\n".join(filter(None, (event.get("ResourceStatusReason") for event in chosen)))

    def physical_id(self, stack: str) -> str:
        """Return the physical ID of a stack's one policy."""
        resources = self.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
        (found,) = (each for each in resources if each["ResourceType"] == "Custom::RekognitionProjectPolicy")
        return str(found["PhysicalResourceId"])

    def _described(self, stack: str) -> Any:
        return self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]

    def _settled(self, stack_id: str, beginning: str = "") -> str:
        """Return the status in the end, which begins so: right after DeleteStack the status may be the one before."""
        # CloudFormation doesn't say when it is done: it has to be polled.
        ends = time.monotonic() + _SECONDS
        while True:
            status = str(self._described(stack_id)["StackStatus"])
            if status.startswith(beginning) and not status.endswith("_IN_PROGRESS"):
                return status
            assert time.monotonic() < ends, f"{stack_id} is still {status}"
            time.sleep(0.1)

    # -- its Rekognition -----------------------------------------------------------------------------------------------

    @property
    def rekognition(self) -> RekognitionClient:
        """A client of the account's Rekognition."""
        client: RekognitionClient = self.client("rekognition")
        return client

    def projects(self) -> dict[str, str]:
        """Return the ARN of every project by its name."""
        described = self.rekognition.describe_projects()["ProjectDescriptions"]
        return {project["ProjectArn"].split("/")[1]: project["ProjectArn"] for project in described}

    def policies(self) -> dict[tuple[str, str], Mapping[str, Any]]:
        """Return every policy, by its project's name and its own."""
        return {
            (project, policy["PolicyName"]): policy
            for project, arn in self.projects().items()
            for policy in self.rekognition.list_project_policies(ProjectArn=arn)["ProjectPolicies"]
        }

    def trusted(self) -> dict[tuple[str, str], set[str]]:
        """Return whom every policy allows to copy, by its project's name and its own."""
        return {
            name: {principal for effect, principal, *_ in grants(policy) if effect == "Allow"}
            for name, policy in self.policies().items()
        }

    def versions(self) -> dict[str, Mapping[str, Any]]:
        """Return every model version by its ARN."""
        return {
            version["ProjectVersionArn"]: version
            for arn in self.projects().values()
            for version in self.rekognition.describe_project_versions(ProjectArn=arn)["ProjectVersionDescriptions"]
        }


def grants(policy: Mapping[str, Any]) -> set[tuple[str, str, str, str]]:
    """Return what a live policy says: the effect, a principal (an account by its ID), a version and the condition."""

    def each(value: Any) -> list[Any]:
        return value if isinstance(value, list) else [value]

    return {
        (
            statement["Effect"],
            principal.removeprefix("arn:aws:iam::").removesuffix(":root"),
            version.split("/version/")[-1],
            json.dumps(statement.get("Condition", {})),
        )
        for statement in each(json.loads(policy["PolicyDocument"])["Statement"])
        for principal in each(statement["Principal"]["AWS"])
        for version in each(statement["Resource"])
    }
