"""One stack with one policy: what CloudFormation sends to its function in each case, and what it makes of the answers.

The cases are those that AWS's documentation and its users report; docs/lifecycle.md has them as a table.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.cloudformation import Answer
from benchmarks.functions import Function, Running, World
from benchmarks.places import ACCOUNT, REGION
from benchmarks.policies import account, document
from benchmarks.processes import FunctionEnded
from localcloud.rekognition import LocalRekognition

TRIES = 3
"""How often Lambda delivers an event whose function raises or ends, and how often a clean-up deletes."""

MINE, NEW, FOREIGN = document(1), document(2), document(9)
_WHOSE = {account(1): "its own", account(2): "its own, edited", account(9): "another's"}


@dataclass(frozen=True)
class Resource:
    """The policy as CloudFormation knows it."""

    physical_id: str
    properties: Mapping[str, Any]


class Stack:
    """A stack that uses one way of having a policy, with a real process behind it; ``status`` is how it ended."""

    def __init__(self, world: World, rekognition: LocalRekognition, function: Function, number: int) -> None:
        self._world = world
        self._function = function
        self._process: Running | None = None
        self.rekognition = rekognition
        self.project = str(rekognition.store.create_project(ACCOUNT, REGION, f"{function.key}-{number}").arn)
        self.resource: Resource | None = None
        self.status = ""
        self.failed_clean_up = False

    def close(self) -> None:
        """End its function."""
        self.new_process()

    # -- what people do ------------------------------------------------------------------------------------------------

    def put_by_hand(self, said: Mapping[str, Any], name: str = "sharing") -> None:
        """Put a policy, whoever's is there."""
        store = self.rekognition.store
        live = {policy.name: policy.revision for policy in store.policies(ACCOUNT, REGION, self.project)}
        store.put_policy(ACCOUNT, REGION, self.project, name, json.dumps(said), live.get(name))

    def remove_by_hand(self, name: str = "sharing") -> None:
        """Delete a policy."""
        self.rekognition.store.delete_policy(ACCOUNT, REGION, self.project, name)

    def lose_the_next_answer(self) -> None:
        """Let the next answer be lost with its connection."""
        self._world.cloudformation.drops = 1

    @property
    def live(self) -> dict[str, str]:
        """Whose policies are live, by name."""
        policies = self.rekognition.store.policies(ACCOUNT, REGION, self.project)
        return {
            policy.name: next(whose for of, whose in _WHOSE.items() if of in policy.document) for policy in policies
        }

    # -- what CloudFormation does --------------------------------------------------------------------------------------

    def create(self, said: Mapping[str, Any] = MINE, *, another_fails: bool = False) -> None:
        """CreateStack; where it fails, it is rolled back."""
        properties = self.properties(said)
        answer = self._send("Create", properties)
        self.resource = Resource(answer.physical_id, properties)
        if answer.ok and not another_fails:
            self.status = "CREATE_COMPLETE"
        else:
            self.status = "ROLLBACK_COMPLETE" if self._delete(self.resource) else "ROLLBACK_FAILED"

    def cancel_create(self) -> None:
        """Delete a resource whose Create never reached its function, with an id that CloudFormation makes up."""
        made_up = Resource("sharing-Sharing-1K2J3H4G5F6D7", self.properties(MINE))
        self.status = "ROLLBACK_COMPLETE" if self._delete(made_up) else "ROLLBACK_FAILED"

    def update(self, said: Mapping[str, Any] = NEW, name: str = "sharing", *, another_fails: bool = False) -> None:
        """UpdateStack; where it fails, it is rolled back."""
        if self.resource is None:
            raise AssertionError("nothing to update")
        before, properties = self.resource, self.properties(said, name)
        answer = self._send("Update", properties, before.physical_id, before.properties)
        after = Resource(answer.physical_id, properties)
        replaced = after.physical_id != before.physical_id
        if answer.ok and not another_fails:
            self.resource, self.status = after, "UPDATE_COMPLETE"
            if replaced:
                self._clean_up(before)
            return
        self.status = "UPDATE_ROLLBACK_COMPLETE"
        if replaced:  # whatever has another id counts as another resource, whether it was made or failed
            self._clean_up(after)
        elif not self._send("Update", before.properties, before.physical_id, properties).ok:
            self.status = "UPDATE_ROLLBACK_FAILED"

    def delete(self) -> None:
        """DeleteStack."""
        if self.resource is None:
            raise AssertionError("nothing to delete")
        self.status = "DELETE_COMPLETE" if self._delete(self.resource) else "DELETE_FAILED"

    def properties(self, said: Mapping[str, Any], name: str = "sharing") -> dict[str, Any]:
        """Return the properties of a policy of the stack."""
        return self._function.properties(self._world.assets, self.project, name, said)

    def _clean_up(self, resource: Resource) -> None:
        self.failed_clean_up = not any(self._delete(resource) for _ in range(TRIES))

    def _delete(self, resource: Resource) -> bool:
        return self._send("Delete", resource.properties, resource.physical_id).ok

    # -- what Lambda does ----------------------------------------------------------------------------------------------

    def new_process(self) -> None:
        """Let the next event find no process."""
        if self._process is not None:
            self._process.end()
            self._process = None

    @property
    def process(self) -> Running:
        """The function's process, which is started if need be."""
        if self._process is None:
            self._process = self._function.start(self._world)
            self._process.wait_until_ready()
        return self._process

    def _send(
        self,
        kind: str,
        properties: Mapping[str, Any],
        physical_id: str | None = None,
        old_properties: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Deliver a request, again where its function raises or ends, and return the answer to it."""
        event = self._world.cloudformation.request(kind, properties, physical_id, old_properties)
        for _ in range(TRIES):
            try:
                self.process.send(event)
                done = self.process.wait_until_done()
            except FunctionEnded:
                self.new_process()
                continue
            if "error" not in done:
                break
        answer = self._world.cloudformation.answer_to(event, seconds=1)
        # CloudFormation waits for an hour, then takes the request for failed and makes an id up where it has none.
        return answer or Answer(time.monotonic(), ok=False, physical_id=physical_id or "made-up", reason="", data={})
