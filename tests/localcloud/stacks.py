"""Stacks: templates, deploying and waiting."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

FUNCTIONS = Path(__file__).with_name("functions")
_SECONDS = 60


def project(name: str, **more: Any) -> dict[str, Any]:
    """Return a project resource."""
    return {"Type": "AWS::Rekognition::Project", "Properties": {"ProjectName": name, **more}}


def role(*statements: dict[str, Any]) -> dict[str, Any]:
    """Return a role for functions, which may do what the statements say."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    properties: dict[str, Any] = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}}
    if statements:
        allowed = {"Version": "2012-10-17", "Statement": list(statements)}
        properties["Policies"] = [{"PolicyName": "inline", "PolicyDocument": allowed}]
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def function(code: str) -> dict[str, Any]:
    """Return a function with the code of a file in `functions/`, in the role with the logical id Role."""
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Code": {"ZipFile": (FUNCTIONS / f"{code}.py").read_text()},
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Timeout": 30,
        },
    }


def custom(**properties: Any) -> dict[str, Any]:
    """Return a custom resource of the function with the logical id Function."""
    return {"Type": "Custom::Thing", "Properties": {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}, **properties}}


def broken() -> dict[str, Any]:
    """Return a resource whose creation fails."""
    return project("not a name")


class Stack:
    """A stack of the local cloud."""

    def __init__(self, client: CloudFormationClient, name: str) -> None:
        self._client = client
        self._name = name

    def create(self, outputs: dict[str, Any] | None = None, **resources: Any) -> str:
        """Create the stack and return how it ended."""
        body = _template(outputs, resources)
        self._client.create_stack(StackName=self._name, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
        return self._settled()

    def update(self, outputs: dict[str, Any] | None = None, **resources: Any) -> str:
        """Update the stack and return how it ended."""
        body = _template(outputs, resources)
        self._client.update_stack(StackName=self._name, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
        return self._settled()

    def delete(self) -> str:
        """Delete the stack and return how it ended."""
        stack_id = self._described()["StackId"]
        self._client.delete_stack(StackName=self._name)
        self._name = stack_id
        return self._settled()

    @property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        return {output["OutputKey"]: output["OutputValue"] for output in self._described().get("Outputs", [])}

    @property
    def reasons(self) -> str:
        """Why things happened, in one text."""
        events = self._client.describe_stack_events(StackName=self._name)["StackEvents"]
        return "\n".join(event.get("ResourceStatusReason", "") for event in events)

    def _described(self) -> Any:
        return self._client.describe_stacks(StackName=self._name)["Stacks"][0]

    def _settled(self) -> str:
        # CloudFormation doesn't say when it is done: it has to be polled.
        deadline = time.monotonic() + _SECONDS
        while (status := str(self._described()["StackStatus"])).endswith("_IN_PROGRESS"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"The stack {self._name} is still {status}.")
            time.sleep(0.05)
        return status


def _template(outputs: dict[str, Any] | None, resources: dict[str, Any]) -> str:
    shown = {name: {"Value": value} for name, value in (outputs or {}).items()}
    return json.dumps({"Resources": resources, "Outputs": shown})
