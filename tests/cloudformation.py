"""CloudFormation's own API, as a client without the CDK uses it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

_SECONDS = 90


@dataclass(frozen=True)
class CloudFormation:
    """The stacks of an account: no CDK, no change sets."""

    client: CloudFormationClient

    def deploy(self, stack: str, template: str, **parameters: str) -> str:
        """Create or update a stack, and return its status in the end."""
        exists = stack in {each["StackName"] for each in self.client.describe_stacks()["Stacks"]}
        change = self.client.update_stack if exists else self.client.create_stack
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
        self.client.delete_stack(StackName=stack)
        assert self._settled(stack_id, "DELETE_") == ends, self.reasons(stack_id)

    def outputs(self, stack: str) -> dict[str, str]:
        """Return a stack's outputs."""
        return {output["OutputKey"]: output["OutputValue"] for output in self._described(stack)["Outputs"]}

    def reasons(self, stack: str) -> str:
        """Return why things happened to a stack, in one string."""
        events = self.client.describe_stack_events(StackName=stack)["StackEvents"]
        return "\n".join(event.get("ResourceStatusReason", "") for event in events)

    def _described(self, stack: str) -> Any:
        return self.client.describe_stacks(StackName=stack)["Stacks"][0]

    def _settled(self, stack_id: str, beginning: str = "") -> str:
        """Return the status in the end, which begins so: right after DeleteStack the status may be the one before."""
        # CloudFormation doesn't say when it is done: it has to be polled.
        ends = time.monotonic() + _SECONDS
        while (status := self._status(stack_id)).endswith("_IN_PROGRESS") or not status.startswith(beginning):
            assert time.monotonic() < ends, f"{stack_id} is still {status}"
            time.sleep(0.1)
        return status

    def _status(self, stack_id: str) -> str:
        return str(self._described(stack_id)["StackStatus"])
