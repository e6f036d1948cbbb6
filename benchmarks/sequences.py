"""What goes wrong in the life of a stack, and how each way of having a policy comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.functions import FUNCTIONS, World
from benchmarks.stack import FOREIGN, Stack
from localcloud.rekognition import AwsError, LocalRekognition
from localcloud.rekognition.faults import no_fault


@dataclass(frozen=True)
class Case:
    """What happens to a stack, and what has to be true in the end."""

    title: str
    play: Callable[[Stack], None]
    live: Mapping[str, str]
    """Whose policies have to be live, by name."""
    status: str
    switches: Mapping[str, Any] = field(default_factory=dict)
    """What the service does where AWS does not say what it does."""


@dataclass(frozen=True)
class Verdict:
    """How one function came out of a case."""

    right: bool
    found: str


def _rolled_back_create(stack: Stack) -> None:
    stack.create(another_fails=True)


def _update(stack: Stack) -> None:
    stack.create()
    stack.update()


def _rolled_back_update(stack: Stack) -> None:
    stack.create()
    stack.update(another_fails=True)


def _edited_then_updated(stack: Stack) -> None:
    stack.create()
    stack.put_by_hand(FOREIGN)
    stack.update()


def _edited_then_deleted(stack: Stack) -> None:
    stack.create()
    stack.put_by_hand(FOREIGN)
    stack.delete()


def _taken(stack: Stack) -> None:
    stack.put_by_hand(FOREIGN)
    stack.create()


def _removed_then_deleted(stack: Stack) -> None:
    stack.create()
    stack.remove_by_hand()
    stack.delete()


def _killed_after_its_put(stack: Stack) -> None:
    process = stack.process

    def kill(operation: str, _parameters: Mapping[str, Any]) -> None:
        if operation == "PutProjectPolicy":
            stack.rekognition.faults.after = no_fault
            process.kill()

    stack.rekognition.faults.after = kill
    stack.create()


def _answer_lost(stack: Stack) -> None:
    stack.lose_the_next_answer()
    stack.create()


def _throttled(stack: Stack) -> None:
    left = 5

    def throttle(_operation: str, _parameters: Mapping[str, Any]) -> AwsError | None:
        nonlocal left
        left -= 1
        return AwsError("ThrottlingException", "Rate exceeded") if left >= 0 else None

    stack.rekognition.faults.before = throttle
    stack.create()


def _renamed(stack: Stack) -> None:
    stack.create()
    stack.update(name="renamed")


def _never_made(stack: Stack) -> None:
    stack.put_by_hand(FOREIGN)
    stack.cancel_create()


OWN = {"sharing": "its own"}
EDITED = {"sharing": "its own, edited"}
ANOTHERS = {"sharing": "another's"}
NOTHING: Mapping[str, str] = {}

CASES = (
    Case(
        "created, then rolled back because another resource failed", _rolled_back_create, NOTHING, "ROLLBACK_COMPLETE"
    ),
    Case("document updated in place", _update, EDITED, "UPDATE_COMPLETE"),
    Case("update rolled back because another resource failed", _rolled_back_update, OWN, "UPDATE_ROLLBACK_COMPLETE"),
    Case("updated after somebody edited the policy", _edited_then_updated, EDITED, "UPDATE_COMPLETE"),
    Case("stack deleted after somebody edited the policy", _edited_then_deleted, NOTHING, "DELETE_COMPLETE"),
    Case("stack deleted after somebody removed the policy", _removed_then_deleted, NOTHING, "DELETE_COMPLETE"),
    Case("created where another's policy of that name is", _taken, ANOTHERS, "ROLLBACK_COMPLETE"),
    Case(
        "the same, should the service overwrite where it is documented to refuse",
        _taken,
        ANOTHERS,
        "ROLLBACK_COMPLETE",
        {"put_existing_without_revision": "overwrite"},
    ),
    Case("Create delivered again after its process was killed", _killed_after_its_put, OWN, "CREATE_COMPLETE"),
    Case("the answer's connection dropped once", _answer_lost, OWN, "CREATE_COMPLETE"),
    Case("the first five calls throttled", _throttled, OWN, "CREATE_COMPLETE"),
    Case("PolicyName changed", _renamed, {"renamed": "its own, edited"}, "UPDATE_COMPLETE"),
    Case("Create cancelled before it ran, another's policy there", _never_made, ANOTHERS, "ROLLBACK_COMPLETE"),
)


def judge_sequences(world: World, rekognition: LocalRekognition) -> dict[str, dict[str, Verdict]]:
    """Play each case with each function; return how it came out, by title and function."""
    return {
        case.title: {
            function.key: _verdict(case, Stack(world, rekognition, function, number)) for function in FUNCTIONS
        }
        for number, case in enumerate(CASES)
    }


def _verdict(case: Case, stack: Stack) -> Verdict:
    switches = stack.rekognition.switches
    before = {name: getattr(switches, name) for name in case.switches}
    switches.change(dict(case.switches))
    try:
        case.play(stack)
    finally:
        stack.rekognition.faults.before = stack.rekognition.faults.after = no_fault
        switches.change(before)
        stack.close()
    right = stack.live == case.live and stack.status == case.status
    return Verdict(right, found(case, stack))


def found(case: Case, stack: Stack) -> str:
    """Say in a few words what is not as it should be."""
    told = [] if stack.status == case.status else [stack.status]
    live = set(stack.live.values())
    if case.live == ANOTHERS:
        if "another's" not in live:
            told.append("another's policy was overwritten" if live else "another's policy is gone")
    elif stack.status.startswith(("ROLLBACK", "DELETE")):
        if live:
            told.append("the policy is left behind")
    elif not live:
        told.append("the policy is gone")
    elif "another's" in live:
        told.append("the edit stays live")
    if stack.failed_clean_up:
        told.append("the clean-up's Delete failed")
    return "; ".join(told)
