"""CloudFormation, the function and Rekognition in one world, and what must hold in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.rekognition import Switches
from tests.documents import MINE, is_document
from tests.simulator.function import Delivery, Function
from tests.simulator.service import Calls, Service
from tests.simulator.stack_operations import Behavior, CloudFormation, Stack
from tests.simulator.template import Policy, Template
from tests.simulator.world import World


class Cloud:
    """Everything a test needs to run an operation and check how it ended."""

    def __init__(self, switches: Switches | None = None, behavior: Behavior | None = None) -> None:
        self.world = World(1_700_000_000.0)
        self.service = Service(self.world, switches)
        self.function = Function(self.service)
        self.cloudformation = CloudFormation(self.function, behavior)
        self.project = self.service.project("logos")
        self.world.now += 3600

    def policy(self, name: str = "sharing", document: Mapping[str, Any] = MINE, **more: Any) -> Policy:
        """Return a policy of the project for a template."""
        return Policy(self.project, name, document, **more)

    def stack(self, name: str = "one") -> Stack:
        """Return a new stack."""
        return self.cloudformation.stack(name)

    def create(self, stack: Stack, template: Template, **options: Any) -> None:
        """Run CreateStack."""
        self.cloudformation.operate(lambda: stack.create(template, **options))

    def update(self, stack: Stack, template: Template, **options: Any) -> None:
        """Run UpdateStack."""
        self.cloudformation.operate(lambda: stack.update(template, **options))

    def delete(self, stack: Stack, **options: Any) -> None:
        """Run DeleteStack."""
        self.cloudformation.operate(lambda: stack.delete(**options))

    def continue_update_rollback(self, stack: Stack) -> None:
        """Run ContinueUpdateRollback."""
        self.cloudformation.operate(stack.continue_update_rollback)

    def made(self, template: Template, name: str = "one") -> Stack:
        """Return a stack that was made without trouble, a day ago."""
        stack = self.stack(name)
        self.create(stack, template)
        assert stack.status == "CREATE_COMPLETE", stack.events
        self.world.now += 86_400
        return stack

    def deliver(self, choose: Callable[[Mapping[str, Any]], Delivery | None]) -> None:
        """Let events arrive as ``choose`` says; on time where it returns None."""
        self.cloudformation.deliver = lambda event: choose(event) or Delivery()

    def live_is(self, document: Mapping[str, Any] | None, name: str = "sharing", project: str = "") -> bool:
        """Return whether the live policy has this document; None stands for no policy."""
        live = self.service.live().get((project or self.project, name))
        return is_document(live.document if live else None, document)

    def sent(self) -> list[tuple[str, str]]:
        """Return every request so far: its type and its physical ID."""
        return [(each.event["RequestType"], each.event.get("PhysicalResourceId", "")) for each in self.function.log]

    def check_stack(self, stack: Stack) -> None:
        """Hold a stack to what COMPLETE promises: live is what the template says, at the recorded revision."""
        for resource in stack.resources.values():
            live = self.service.live().get(resource.policy.key)
            assert live is not None, f"{resource.physical_id} is not live"
            assert is_document(live.document, resource.policy.document)
            assert resource.data["PolicyRevisionId"] == live.revision

    def check_responses(self) -> None:
        """Hold every request to its response: in time, and one that does not differ from another of its invocation."""
        for sent in self.function.log:
            assert sent.responded.is_set(), sent.event["RequestType"]
            for responses in sent.invocations:
                assert len(responses) <= 1


def meets(*faults: str, **more: Any) -> Calls:
    """Return an attempt whose first calls meet these faults, in order; an empty one meets nothing."""
    return Calls(faults={number: fault for number, fault in enumerate(faults) if fault}, **more)
