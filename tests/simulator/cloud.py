"""CloudFormation, the function and Rekognition in one world, and what must hold in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from unittest import mock

from crhelper import CfnResource

from custom_resource import response
from localcloud.rekognition import Switches
from tests.documents import MINE, is_document
from tests.simulator.function import Delivery, Function, PolicyFunction
from tests.simulator.service import Calls, Service
from tests.simulator.stack_operations import Behavior, CloudFormation, Stack
from tests.simulator.template import Policy, Template
from tests.simulator.world import World

STARTED = 1_700_000_000.0


class BaseCloud:
    """CloudFormation and a function, and what tests of every resource ask of them."""

    def __init__(self, function: Function, behavior: Behavior | None = None) -> None:
        self.world = function.world
        self.function = function
        self.cloudformation = CloudFormation(function, behavior)

    def stack(self, name: str = "one") -> Stack:
        """Return a new stack."""
        return self.cloudformation.stack(name)

    def create(self, stack: Stack, template: Template, **options: Any) -> None:
        """Run CreateStack."""
        self.operate(lambda: stack.create(template, **options))

    def update(self, stack: Stack, template: Template, **options: Any) -> None:
        """Run UpdateStack."""
        self.operate(lambda: stack.update(template, **options))

    def delete(self, stack: Stack) -> None:
        """Run DeleteStack."""
        self.operate(stack.delete)

    def continue_update_rollback(self, stack: Stack) -> None:
        """Run ContinueUpdateRollback."""
        self.operate(stack.continue_update_rollback)

    def operate(self, operation: Callable[[], None]) -> None:
        """Run an operation on a stack to its end, and everything that is still on its way then."""
        self.play(operation)
        self.world.now += 5

    def play(self, act: Callable[[], object]) -> None:
        """Do something, and let happen what comes of it."""
        with (
            mock.patch.object(response, "send", self.function.take_response),
            mock.patch.object(CfnResource, "_set_timeout"),  # its timer runs by the real clock
        ):
            self.world.spawn(act)
            self.world.run()
        self.function.check_responses()

    def hand_over(self, first: Callable[[], None], pause: float, then: Callable[[], None]) -> None:
        """Run an operation on one stack, and after a pause one on another, while events are still on their way."""

        def both() -> None:
            first()
            self.world.sleep(pause)
            then()

        self.operate(both)

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

    def deliver_first(self, kind: str, *deliveries: Delivery) -> None:
        """Let the next events of a type arrive like this, one each, and all others without trouble."""
        left = list(deliveries)
        self.deliver(lambda event: left.pop(0) if left and event["RequestType"] == kind else None)

    def sent(self) -> list[tuple[str, str]]:
        """Return every request so far: its type and its physical ID."""
        return [(each.event["RequestType"], each.event.get("PhysicalResourceId", "")) for each in self.function.log]

    def check_responses(self) -> None:
        """Hold every request to having its response, in time."""
        for sent in self.function.log:
            assert sent.responded.is_set(), sent.event["RequestType"]


class Cloud(BaseCloud):
    """Everything a test needs to run an operation on policies and check how it ended."""

    def __init__(self, switches: Switches | None = None, behavior: Behavior | None = None) -> None:
        self.service = Service(World(STARTED), switches)
        super().__init__(PolicyFunction(self.service), behavior)
        self.project = self.service.project("logos")
        self.world.now += 3600

    def policy(self, name: str = "sharing", document: Mapping[str, Any] = MINE, **more: Any) -> Policy:
        """Return a policy of the project for a template."""
        return Policy(self.project, name, document, **more)

    def live_is(self, document: Mapping[str, Any] | None, name: str = "sharing", project: str = "") -> bool:
        """Return whether the live policy has this document; None stands for no policy."""
        live = self.service.live().get((project or self.project, name))
        return is_document(live.document if live else None, document)

    def live(self) -> dict[str, Any]:
        """Return the live document of each policy of the project, by its name."""
        return {
            name: json.loads(policy.document)
            for (project, name), policy in self.service.live().items()
            if project == self.project
        }

    def check_stack(self, stack: Stack) -> None:
        """Hold a stack to what COMPLETE promises: live is what the template says, at the recorded revision."""
        for resource in stack.resources.values():
            live = self.service.live().get(resource.policy.key)
            assert live is not None, f"{resource.physical_id} is not live"
            assert is_document(live.document, resource.policy.document)
            assert resource.data["PolicyRevisionId"] == live.revision


def meets(*faults: str, **more: Any) -> Calls:
    """Return an attempt whose first calls meet these faults, in order; an empty one meets nothing."""
    return Calls(faults={number: fault for number, fault in enumerate(faults) if fault}, **more)
