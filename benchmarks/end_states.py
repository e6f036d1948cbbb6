"""The end states: what happens to a stack with one policy, and what is live in the end with each function."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.endpoints import CloudFormation, Response
from benchmarks.functions import TRIES, Function, FunctionEnded, Process
from benchmarks.samples import ACCOUNT, REGION, document, trusted_account
from localcloud.rekognition import AwsError, LocalRekognition

OLD, NEW, ANOTHERS = 1, 2, 9
_WHOSE = {trusted_account(OLD): "old", trusted_account(NEW): "new", trusted_account(ANOTHERS): "another's"}


class Case(NamedTuple):
    """What happens to a stack, which are methods of Stack by name, and how it has to end."""

    title: str
    steps: str
    status: str
    live: str


CASES = (
    Case("another resource fails during create", "another_fails create", "ROLLBACK_COMPLETE", ""),
    Case("document updated in place", "create update", "UPDATE_COMPLETE", "new"),
    Case("another resource fails during update", "create another_fails update", "UPDATE_ROLLBACK_COMPLETE", "old"),
    Case("policy edited by hand, then updated", "create put_another update", "UPDATE_COMPLETE", "new"),
    Case("policy edited by hand, then stack deleted", "create put_another delete", "DELETE_COMPLETE", ""),
    Case("policy removed by hand, then stack deleted", "create remove delete", "DELETE_COMPLETE", ""),
    Case("another's policy has the name", "put_another create", "ROLLBACK_COMPLETE", "another's"),
    Case("the same, Create canceled before it ran", "put_another cancel_create", "ROLLBACK_COMPLETE", "another's"),
    Case("the same, if the service overwrote it", "put_another overwriting create", "ROLLBACK_COMPLETE", "another's"),
    Case("process killed, Create delivered again", "killed_once create", "CREATE_COMPLETE", "old"),
    Case("connection of the response dropped once", "dropped_once create", "CREATE_COMPLETE", "old"),
    Case("first five calls throttled", "throttled create", "CREATE_COMPLETE", "old"),
    Case("PolicyName changed", "create rename", "UPDATE_COMPLETE", "new, renamed"),
)


class EndState(NamedTuple):
    """Whether a stack ended right, and what is to be said about it."""

    right: bool
    found: str


class Resource(NamedTuple):
    """The policy as CloudFormation records it."""

    physical_id: str
    properties: Mapping[str, Any]


def judge_end_states(
    functions: Sequence[Function], rekognition: LocalRekognition, cloudformation: CloudFormation
) -> dict[str, dict[str, EndState]]:
    """Return how each case ended with each function, by their titles."""
    return {
        case.title: {
            function.title: _play(case, Stack(function, rekognition, cloudformation)) for function in functions
        }
        for case in CASES
    }


def end_state(case: Case, status: str, live: str, *, cleanup_failed: bool = False) -> EndState:
    """Compare how a stack ended with how it has to end."""
    found = [] if status == case.status else [status]
    if "another's" in case.live:
        if "another's" not in live:
            found.append("another's policy was overwritten" if live else "another's policy is gone")
    elif status.startswith(("ROLLBACK", "DELETE")):
        found += ["the policy is left behind"] if live else []
    elif not live:
        found.append("the policy is gone")
    elif "another's" in live:
        found.append("the edit stays live")
    elif status == case.status and live != case.live:
        found.append(f"live: {live}")
    found += ["the cleanup's Delete failed"] if cleanup_failed else []
    return EndState((status, live) == (case.status, case.live), "; ".join(found))


def _play(case: Case, stack: Stack) -> EndState:
    try:
        for step in case.steps.split():
            getattr(stack, step)()
    finally:
        stack.close()
    return end_state(case, stack.status, stack.live, cleanup_failed=stack.cleanup_failed)


class Stack:
    """A stack with one policy and a real process behind it; ``status`` is how the last operation ended."""

    def __init__(self, function: Function, rekognition: LocalRekognition, cloudformation: CloudFormation) -> None:
        self.status = ""
        self.cleanup_failed = False
        self._another_fails = False
        self._function = function
        self._rekognition = rekognition
        self._cloudformation = cloudformation
        self._running: Process | None = None
        self._client = rekognition.client(ACCOUNT, REGION)
        self._project = self._client.create_project(ProjectName=f"stack-{time.monotonic_ns()}")["ProjectArn"]
        self._resource = Resource("", {})

    def close(self) -> None:
        """End the process, and let nothing fail anymore."""
        self._end_process()
        self._rekognition.faults.before = self._rekognition.faults.after = _pass
        self._rekognition.switches.put_existing_without_revision = "reject"
        self._cloudformation.drops = 0

    @property
    def live(self) -> str:
        """Return whether each live policy is the old one, the new one or another's, and its name if that changed."""
        policies = [
            whose if policy["PolicyName"] == "sharing" else f"{whose}, {policy['PolicyName']}"
            for policy in self._policies()
            for account, whose in _WHOSE.items()
            if account in policy["PolicyDocument"]
        ]
        return "; ".join(sorted(policies))

    # -- what people do ------------------------------------------------------------------------------------------------

    def put_another(self) -> None:
        """Put another's policy under the name, also over the stack's."""
        live = [policy["PolicyRevisionId"] for policy in self._policies()]
        revision = {"PolicyRevisionId": live[0]} if live else {}
        said = json.dumps(document(ANOTHERS))
        self._client.put_project_policy(ProjectArn=self._project, PolicyName="sharing", PolicyDocument=said, **revision)

    def remove(self) -> None:
        """Delete the policy by hand."""
        self._client.delete_project_policy(ProjectArn=self._project, PolicyName="sharing")

    def _policies(self) -> list[Any]:
        return [*self._client.list_project_policies(ProjectArn=self._project)["ProjectPolicies"]]

    # -- what fails ----------------------------------------------------------------------------------------------------

    def another_fails(self) -> None:
        """Let another resource of the stack fail, so that CloudFormation rolls the next operation back."""
        self._another_fails = True

    def overwriting(self) -> None:
        """Let the service overwrite a policy where it is documented to reject the request."""
        self._rekognition.switches.put_existing_without_revision = "overwrite"

    def throttled(self) -> None:
        """Throttle the next five calls."""
        calls = iter(range(5))

        def throttle(_operation: str, _parameters: Mapping[str, Any]) -> AwsError | None:
            return None if next(calls, None) is None else AwsError("ThrottlingException", "Rate exceeded")

        self._rekognition.faults.before = throttle

    def killed_once(self) -> None:
        """Kill the process as soon as it has put a policy."""
        process = self._process

        def kill(operation: str, _parameters: Mapping[str, Any]) -> None:
            if operation == "PutProjectPolicy":
                self._rekognition.faults.after = _pass
                process.kill()

        self._rekognition.faults.after = kill

    def dropped_once(self) -> None:
        """Lose the next response with its connection."""
        self._cloudformation.drops = 1

    # -- what CloudFormation does --------------------------------------------------------------------------------------

    def create(self) -> None:
        """Create the stack, and roll back if that fails."""
        properties = self._properties("sharing", OLD)
        response = self._send("Create", properties)
        self._resource = Resource(response.physical_id, properties)
        self.status = "CREATE_COMPLETE"
        if self._another_fails or not response.ok:
            self.status = "ROLLBACK_COMPLETE" if self._deleted(self._resource) else "ROLLBACK_FAILED"

    def cancel_create(self) -> None:
        """Cancel a Create before it reached the function: delete an id that CloudFormation made up."""
        deleted = self._deleted(Resource("sharing-Sharing-1K2J3H4G5F6D7", self._properties("sharing", OLD)))
        self.status = "ROLLBACK_COMPLETE" if deleted else "ROLLBACK_FAILED"

    def update(self, name: str = "sharing") -> None:
        """Update the stack, and roll back if that fails."""
        before, properties = self._resource, self._properties(name, NEW)
        response = self._send("Update", properties, before.physical_id, before.properties)
        after = Resource(response.physical_id, properties)
        replaced = after.physical_id != before.physical_id
        if response.ok and not self._another_fails:
            self.status = "UPDATE_COMPLETE"
            self._resource = after
            if replaced:
                self._clean_up(before)
            return
        self.status = "UPDATE_ROLLBACK_COMPLETE"
        if replaced:  # to CloudFormation, another id is another resource, even if it comes with a failure
            self._clean_up(after)
        elif not self._send("Update", before.properties, before.physical_id, properties).ok:
            self.status = "UPDATE_ROLLBACK_FAILED"

    def rename(self) -> None:
        """Update the stack with another PolicyName."""
        self.update("renamed")

    def delete(self) -> None:
        """Delete the stack."""
        self.status = "DELETE_COMPLETE" if self._deleted(self._resource) else "DELETE_FAILED"

    def _properties(self, name: str, number: int) -> dict[str, Any]:
        return self._function.properties(self._project, name, number)

    def _clean_up(self, resource: Resource) -> None:
        self.cleanup_failed = not any(self._deleted(resource) for _ in range(TRIES))

    def _deleted(self, resource: Resource) -> bool:
        return self._send("Delete", resource.properties, resource.physical_id).ok

    # -- what Lambda does ----------------------------------------------------------------------------------------------

    @property
    def _process(self) -> Process:
        if self._running is None:
            self._running = self._function.start()
            self._running.wait_until_ready()
        return self._running

    def _end_process(self) -> None:
        if self._running is not None:
            self._running.end()
            self._running = None

    def _send(self, kind: str, properties: Mapping[str, Any], *before: Any) -> Response:  # noqa: ANN401
        """Deliver a request, again if the function raises or ends, and return the response."""
        event = self._cloudformation.request(kind, properties, *before)
        for _ in range(TRIES):
            try:
                if "error" not in self._process.handle(event):
                    break
            except FunctionEnded:
                self._end_process()
        response = self._cloudformation.response_to(event, seconds=1)
        # Without a response, CloudFormation lets the request fail after an hour, and makes up an id if there is none.
        return response or Response(time.monotonic(), ok=False, physical_id=event.get("PhysicalResourceId", "made-up"))


def _pass(_operation: str, _parameters: Mapping[str, Any]) -> None:
    """Let a call pass."""
