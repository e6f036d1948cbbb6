"""CloudFormation's own API, as a client without the CDK uses it."""

from __future__ import annotations

from dataclasses import dataclass

from botocore.exceptions import WaiterError

from localcloud.cloud import LocalCloud


@dataclass(frozen=True)
class CloudFormation:
    """CloudFormation's own API: no CDK, no change sets."""

    cloud: LocalCloud
    account: str

    def deploy(self, stack: str, template: str, **parameters: str) -> str:
        """Create or update a stack, and return its status in the end."""
        client = self.cloud.client("cloudformation", self.account)
        exists = stack in {each["StackName"] for each in client.describe_stacks()["Stacks"]}
        change, waiter = (
            (client.update_stack, client.get_waiter("stack_update_complete"))
            if exists
            else (client.create_stack, client.get_waiter("stack_create_complete"))
        )
        change(
            StackName=stack,
            TemplateBody=template,
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )
        try:
            waiter.wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 90})
        except WaiterError as failed:
            assert "terminal failure state" in str(failed)  # noqa: PT017 - the status is returned, and asserted there
        return str(client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])

    def outputs(self, stack: str) -> dict[str, str]:
        """Return a stack's outputs."""
        (found,) = self.cloud.client("cloudformation", self.account).describe_stacks(StackName=stack)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}

    def delete(self, stack: str) -> None:
        """Delete a stack, and wait until it is gone."""
        client = self.cloud.client("cloudformation", self.account)
        client.delete_stack(StackName=stack)
        client.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 90})
