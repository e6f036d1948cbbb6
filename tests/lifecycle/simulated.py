"""Plays cases on virtual time, and says what CloudFormation sent in the words of the pages."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from tests.documents import REGION
from tests.lifecycle.cases import Both, Case, ContinueRollback, Delete, Deploy, Operation, Put, Remove, Somebody, Wait
from tests.lifecycle.cloud import TAG_PREFIX, TRUSTED, Cloud
from tests.lifecycle.cloudformation import Behavior, Stack
from tests.lifecycle.function import Sent


class VirtualTime:
    """The simulated cloud, asked to play a case."""

    def __init__(self, case: Case, *, promises: bool = True, **more: Any) -> None:
        """Prepare a cloud as the case says; ``promises``: hold each COMPLETE to what it promises."""
        self.case = case
        self.promises = promises
        self.cloud = Cloud(behavior=Behavior(**{**case.behavior, **more}), **case.service)
        self.stacks: dict[str, Stack] = {}
        self.is_of_copies = not isinstance(case.live, Mapping)
        self._before: set[str] = set()
        self._log = 0

    def play(self) -> None:
        """Play the case, and hold each operation's end and what is live in the end to it."""
        for step in self.case.steps:
            if isinstance(step, Wait | Put | Remove | Somebody):
                self.act(step)
                continue
            self.operate(step)
            for each in (step.first, step.then) if isinstance(step, Both) else (step,):
                assert self.stack(each.stack).status == each.ends, self.reason(each.stack)
                assert each.reason in self.reason(each.stack)
        assert self.live() == self.case.live

    def stack(self, name: str) -> Stack:
        """Return a stack."""
        return self.stacks.setdefault(name, self.cloud.stack(name))

    def operate(self, operation: Operation | Both) -> str:
        """Run an operation, or two, to its end, hold what COMPLETE promises, and return the stack's status."""
        first, last = (operation.first, operation.then) if isinstance(operation, Both) else (operation, operation)
        self._before = {each.physical_id for each in self.stack(first.stack).resources.values()}
        self._log = len(self.cloud.sent)
        self.cloud.deliver_first(first.arrive)
        self.cloud.operate(lambda: self._run(operation))
        stack = self.stack(last.stack)
        if self.promises and stack.status.endswith("_COMPLETE"):
            self.cloud.check_stack(stack)
        return stack.status

    def act(self, step: Wait | Put | Remove | Somebody) -> None:
        """Let time pass, or somebody do something by hand."""
        match step:
            case Wait(seconds):
                self.cloud.world.now += seconds
            case Put() | Remove():
                self.cloud.do(step)
            case Somebody(after=0.0):
                self._do(step)
            case Somebody():
                self.cloud.world.spawn(lambda: self._do(step), step.after)

    def _do(self, step: Somebody) -> None:
        cloud, live = self.cloud, self.cloud.live_versions()
        (arn,) = [arn for arn, each in live.items() if step.name in ("", each.arn.name)] or [""]
        match step.does:
            case "copies":
                cloud.somebody_copies(step.name)
            case "starts":
                cloud.store.start_version(TRUSTED, REGION, arn)
            case "deletes":
                cloud.store.delete_version(TRUSTED, REGION, arn)
            case _:
                cloud.sharing.allowed = step.does == "allows"

    def reason(self, stack: str) -> str:
        """Return the last failure's reason of a stack."""
        failures = [event for event in self.stack(stack).events if "FAILED" in event]
        return failures[-1] if failures else ""

    def live(self) -> Mapping[str, Any] | tuple[str, ...]:
        """Return what is live, in the form of a case's ``live``."""
        if not self.is_of_copies:
            return self.cloud.documents()
        sources = {arn: name for name, arn in self.cloud.versions.items()}
        return tuple(
            sorted(
                sources[str(each.source)]
                if f"{TAG_PREFIX}stack" in each.tags
                else f"another's {sources[str(each.source)]}"
                for each in self.cloud.live_versions().values()
            )
        )

    def sent(self) -> str:
        """Return what the last operation sent, in the words of the pages; equal requests in a row count once."""
        words = [self._words(sent) for sent in self.cloud.sent[self._log :]]
        return ", ".join(word for word, _ in groupby(words)) or "nothing"

    def _run(self, operation: Operation | Both) -> None:
        match operation:
            case Deploy():
                self.stack(operation.stack).deploy(operation.template, disable_rollback=operation.disable_rollback)
            case Delete():
                self.stack(operation.stack).delete()
            case ContinueRollback():
                self.stack(operation.stack).continue_update_rollback()
            case Both(first, then, after):
                self._run(first)
                self.cloud.world.sleep(after)
                self._run(then)

    def _words(self, sent: Sent) -> str:
        kind, physical_id = sent.event["RequestType"], sent.event.get("PhysicalResourceId", "")
        if not physical_id:
            return str(kind)
        beginnings = {
            "not-created:": "marker",
            "in-doubt:": "in doubt",
            **{f"{name}-": "an ID that CloudFormation made up" for name in self.stacks},
        }
        words = next((words for begin, words in beginnings.items() if physical_id.startswith(begin)), "")
        if physical_id.endswith("|adopted"):
            words = "adopted ID"
        elif not words and sent.phase == "cleanup":
            words = "old ID" if physical_id in self._before else "new ID"
        before = "cleanup " if sent.phase == "cleanup" else ""
        return f"{before}{kind} ({words or 'ID'}){' back' if sent.phase == 'back' else ''}"
