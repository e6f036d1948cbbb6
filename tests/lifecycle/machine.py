"""What both state machines have in common: what they draw, and what they do with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.lifecycle.cases import DIES, HANGS, LOST_AFTER, LOST_BEFORE, Attempt, Delivery, Other, Template
from tests.lifecycle.cloud import Cloud
from tests.lifecycle.cloudformation import Stack

STACKS = ("one", "two")
LOGICAL_IDS = ("First", "Second")
ENDS = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")

# Faults that end by themselves, so that the request as a whole must go well.
TRANSIENT = (
    *("ThrottlingException", "ProvisionedThroughputExceededException", "InternalServerError", "AccessDeniedException"),
    *(LOST_BEFORE, LOST_AFTER, HANGS),
)

SETTINGS = settings(stateful_step_count=12, report_multiple_bugs=False, suppress_health_check=[HealthCheck.too_slow])

seldom = st.sampled_from([False, False, False, True])


def deliveries(
    *, attempts: int, calls: int, deadly_calls: int, delays: Sequence[tuple[float, int]], repeats: Sequence[float]
) -> st.SearchStrategy[Delivery]:
    """An event that comes late or twice, and whose last attempt does the work.

    The first calls of each attempt may meet something, and it may die at one of the first deadly calls, or when it
    responds. ``delays`` says how late the event may be, and how many of its attempts may die so that Lambda still tries
    the next one.
    """
    # Made once: to make them for each draw would take as long as all that the machines do.
    some_delay = st.sampled_from(delays)
    some_attempts = st.integers(0, attempts)
    faults = st.dictionaries(st.integers(0, calls - 1), st.sampled_from(TRANSIENT), max_size=4)
    dies = st.one_of(st.none(), st.integers(0, deadly_calls - 1))
    responses: st.SearchStrategy[tuple[int | str, ...]] = st.sampled_from(
        [(), (), (503,), (503, 503), (DIES,), (503, DIES)]
    )
    some_repeats = st.lists(st.sampled_from(repeats), max_size=2)

    @st.composite
    def delivery(draw: st.DrawFn) -> Delivery:
        delay, most_deaths = draw(some_delay)
        drawn: list[Attempt] = []
        for number in range(draw(some_attempts)):
            met = Attempt(draw(faults))
            if number < most_deaths:
                met = replace(met, dies_before=draw(dies), dies_after=draw(dies), responses=draw(responses))
            drawn.append(met)
        return Delivery(delay, tuple(draw(some_repeats)), tuple(drawn))

    return delivery()


def others(*after: float) -> st.SearchStrategy[dict[str, Other]]:
    """What a template has besides: nothing, or another resource, which is made, or fails, after so many seconds."""
    needs = st.sampled_from(["", *LOGICAL_IDS])
    other = st.builds(Other, fails=st.booleans(), after=st.sampled_from(after), needs=needs)
    return st.fixed_dictionaries({}, optional={"Other": other})


class Machine(RuleBasedStateMachine):
    """Two stacks, and time."""

    cloud: Cloud

    def begin(self, cloud: Cloud) -> None:
        """Begin with two empty stacks."""
        self.cloud = cloud
        self.stacks = {name: cloud.stack(name) for name in STACKS}
        self.foreign: dict[str, Any] = {}
        """What no stack may change, and what it is like: somebody made it, or a stack retained or adopted it."""
        self.drifted: set[str] = set()
        """What somebody changed or deleted of a stack."""

    def deploy_stack(self, stack: Stack, wanted: Template, drawn: list[Delivery]) -> None:
        """Create or update a stack, its first events delivered as drawn.

        A reverse Update may fail only with a reason that names what ends the rollback, and that must end it.
        """
        self.deliver(drawn)
        self.cloud.deploy(stack, wanted)
        event(stack.status)
        if stack.status == "UPDATE_ROLLBACK_FAILED":
            assert "ContinueUpdateRollback" in stack.events[-1]
            self.deliver([])
            self.cloud.operate(stack.continue_update_rollback)

    def deliver(self, drawn: list[Delivery]) -> None:
        """Let the next events arrive as drawn, and the others without trouble.

        Only a Create comes so late that CloudFormation hardly waits for it anymore: a rollback or a Delete would fail.
        """
        left = list(drawn)

        def choose(event: Mapping[str, Any]) -> Delivery | None:
            if not left:
                return None
            latest = 900.0 if event["RequestType"] == "Create" else 300.0
            return replace(left[0], delay=min(left.pop(0).delay, latest))

        self.cloud.deliver(choose)

    @rule(seconds=st.sampled_from([10.0, 120.0, 1200.0, 86_400.0]))
    def time_passes(self, seconds: float) -> None:
        """Nothing happens for a while."""
        self.cloud.world.now += seconds

    def resources(self) -> list[Any]:
        """Return every resource of the stacks."""
        return [each for stack in self.stacks.values() for each in stack.resources.values()]
