"""What both state machines have in common: what they draw, and what they do with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.simulator.cloud import BaseCloud
from tests.simulator.function import Delivery
from tests.simulator.service import HANGS, LOST_AFTER, LOST_BEFORE, Calls
from tests.simulator.stack_operations import Stack
from tests.simulator.template import Other, Template

STACKS = ("one", "two")
LOGICAL_IDS = ("First", "Second")
ENDS = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")

# Faults that end by themselves, so that the request as a whole must go well.
TRANSIENT = (
    *("ThrottlingException", "ProvisionedThroughputExceededException", "InternalServerError", "AccessDeniedException"),
    *(LOST_BEFORE, LOST_AFTER, HANGS),
)

seldom = st.sampled_from([False, False, False, True])


def deliveries(
    *,
    attempts: int,
    calls: int,
    deadly_calls: int,
    delays: Sequence[tuple[float, int]],
    repeats: Sequence[float],
) -> st.SearchStrategy[Delivery]:
    """An event that comes late or twice, and whose last attempt does the work.

    The first calls of each attempt may meet something, and it may die at one of the first deadly calls. ``delays`` says
    how late the event may be, and how many of its attempts may fail so that Lambda still tries the next one.
    """
    # Made once: to make them for each draw would take as long as all that the machines do.
    some_delay = st.sampled_from(delays)
    some_attempts = st.integers(0, attempts)
    faults = st.dictionaries(st.integers(0, calls - 1), st.sampled_from(TRANSIENT), max_size=4)
    dies = st.one_of(st.none(), st.integers(0, deadly_calls - 1))
    some_repeats = st.lists(st.sampled_from(repeats), max_size=2)

    @st.composite
    def delivery(draw: st.DrawFn) -> Delivery:
        delay, most_failures = draw(some_delay)
        drawn: list[Calls] = []
        for _ in range(draw(some_attempts)):
            met = Calls(faults=draw(faults))
            if len(drawn) < most_failures:
                met.dies_before, met.dies_after = draw(dies), draw(dies)
            drawn.append(met)
        deaths = sum(met.dies_before is not None or met.dies_after is not None for met in drawn)
        return Delivery(
            delay=delay,
            repeats=tuple(draw(some_repeats)),
            attempts=drawn,
            responses_lost=draw(st.integers(0, most_failures - deaths)),
        )

    return delivery()


def others(*after: float) -> st.SearchStrategy[Other | None]:
    """A resource of another type or none, which is made, or fails, after one of so many seconds."""
    return st.one_of(
        st.none(),
        st.builds(
            Other,
            version=st.integers(1, 9),
            fails=st.booleans(),
            after=st.sampled_from(after),
            needs=st.sampled_from(["", *LOGICAL_IDS]),
        ),
    )


def with_other(template: dict[str, Any], other: Other | None) -> Template:
    """Return a template with another resource, which needs one of the template's or none."""
    if other is None:
        return template
    return {**template, "Other": replace(other, needs=other.needs if other.needs in template else "")}


class Machine(RuleBasedStateMachine):
    """Two stacks, and time."""

    cloud: BaseCloud

    def begin(self, cloud: BaseCloud) -> None:
        """Begin with two empty stacks."""
        self.cloud = cloud
        self.stacks = {name: cloud.stack(name) for name in STACKS}

    def deploy_stack(self, stack: Stack, wanted: Template, drawn: list[Delivery]) -> None:
        """Create or update a stack, its first events delivered as drawn."""
        self.deliver(drawn)
        is_new = stack.status in ("", "DELETE_COMPLETE", "ROLLBACK_COMPLETE")
        (self.cloud.create if is_new else self.cloud.update)(stack, wanted)
        event(stack.status)

    def deliver(self, drawn: list[Delivery]) -> None:
        """Let the next events arrive as drawn, and the others without trouble."""
        left = list(drawn)
        self.cloud.deliver(lambda _event: left.pop(0) if left else None)

    @rule(seconds=st.sampled_from([10.0, 120.0, 1200.0, 86_400.0]))
    def time_passes(self, seconds: float) -> None:
        """Nothing happens for a while."""
        self.cloud.world.now += seconds

    @precondition(lambda self: hasattr(self, "cloud"))
    @invariant()
    def requests_are_responded_to(self) -> None:
        """Each request has its response."""
        self.cloud.check_responses()
