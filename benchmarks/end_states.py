"""How stacks end with each function: the cases of tests/lifecycle, this project's on virtual time, the peers' for real.

The simulated CloudFormation and Rekognition are the same for all. A peer's events go to its container; its SDK's calls
and its responses come back over HTTPS, and meet the faults of the case.
"""

from __future__ import annotations

import logging
import os
import re
import signal
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple, cast

from benchmarks.functions import AWS_CUSTOM_RESOURCE, NAIVE, OURS, TIMEOUT, Function, Lambda
from localcloud.rekognition import DROP, AwsError
from localcloud.rekognition.service import Fault
from tests.container.container import Container
from tests.documents import FOREIGN, document
from tests.lifecycle import policy_cases
from tests.lifecycle.cases import (
    DIES,
    HANGS,
    LOST_AFTER,
    LOST_BEFORE,
    Attempt,
    Both,
    Case,
    ContinueRollback,
    Delete,
    Deploy,
    Policy,
    Put,
    Remove,
    Row,
)
from tests.lifecycle.cloud import Cloud
from tests.lifecycle.cloudformation import Behavior, Managed
from tests.lifecycle.function import LATENCY, POLICIES, Invocation, Sent
from tests.lifecycle.function import Function as SimulatedFunction
from tests.lifecycle.simulated import VirtualTime

SAME_NAME = "name changed to one that is taken; two resources swap names"
"""The row that says nothing of AwsCustomResource with a name for each document: its names don't meet."""


class EndStates(NamedTuple):
    """How the cases of a row ended with one function."""

    right: int
    of: int
    wrong: tuple[str, ...] = ()
    """What was found instead, each once."""


Judged = dict[tuple[str, bool], EndStates]
"""By a row of docs/maintainers/lifecycle.md, and whether its cases are about calls and deliveries that fail."""


def judge_end_states(functions: Mapping[str, Function]) -> dict[str, Judged]:
    """Return how the cases ended, by function; each has a process of its own, because most of the time is waiting."""
    with ProcessPoolExecutor(len(functions)) as pool:
        return dict(zip(functions, pool.map(_judge, functions.values()), strict=True))


def _judge(function: Function) -> Judged:
    logging.disable(logging.CRITICAL)
    wrong: dict[tuple[str, bool], list[str]] = defaultdict(list)
    with Lambda() as lambda_:
        peer = Peer(function, lambda_)
        for row, case in comparable_cases():
            fails = any(getattr(step, "arrive", None) for step in case.steps)
            if (function.title, row.case) == (AWS_CUSTOM_RESOURCE, SAME_NAME) or (fails and NAIVE in function.title):
                continue
            judge = VirtualTime(case, promises=False) if function.title == OURS else peer.judge(case)
            wrong[row.case, fails].append(found(case, judge))
        peer.close()
    return {
        key: EndStates(each.count(""), len(each), tuple(dict.fromkeys(filter(None, each))))
        for key, each in wrong.items()
    }


def comparable_cases() -> Iterator[tuple[Row, Case]]:
    """Return the cases of docs/maintainers/lifecycle.md that any function could end right."""
    return ((row, case) for row in policy_cases.ROWS for case in row.cases if is_comparable(case))


def is_comparable(case: Case) -> bool:
    """Return whether a case needs only what every function has: a project, a name and a document that is valid."""
    policies = [each for step in case.steps for each in getattr(step, "template", {}).values()]
    return (
        all(_is_plain(each) for each in policies if isinstance(each, Policy))
        and not any(isinstance(step, Both) for step in case.steps)
        and HANGS not in str(case.steps)  # for which a real SDK waits a minute
    )


def _is_plain(policy: Policy) -> bool:
    of_the_stack = {name: getattr(policy, name) for name in ("retain", "service_timeout", "needs")}
    return bool(account_of(policy)) and policy == Policy(policy.document, policy.name, policy.project, **of_the_stack)


def account_of(policy: Policy) -> str:
    """Return the one account that a document allows to copy, if that is all it says; else nothing."""
    account = re.search(r"\d{12}", str(policy.document))
    return account[0] if account and policy.document == document(account[0]) else ""


def found(case: Case, judge: VirtualTime) -> str:
    """Return how a case ended wrong; nothing if it ended right.

    To complete an operation that this project fails isn't wrong, as long as the right policies are live in the end.
    """
    for step in case.steps:
        if not isinstance(step, Deploy | Delete | ContinueRollback):
            judge.act(step)  # type: ignore[arg-type]
        elif (status := judge.operate(step)) not in (step.ends, step.ends.replace("_FAILED", "_COMPLETE")):
            return status + _difference(judge, case)
    return _difference(judge, case).removeprefix(", ")


def _difference(judge: VirtualTime, case: Case) -> str:
    """Say what is live and shouldn't be, or the reverse."""
    live = {re.sub(r"-[0-9a-f]{8}$", "", name): said for name, said in judge.cloud.documents().items()}
    wanted, foreign = cast("Mapping[str, Any]", case.live), FOREIGN
    if live == wanted:
        return ""
    if foreign in wanted.values() and foreign not in live.values():
        return ", another's policy is gone or overwritten"
    if foreign in live.values() and foreign not in wanted.values():
        return ", the edit stays live"
    if len(live) > len(wanted):
        return ", a policy is left behind"
    return ", a policy is gone" if len(live) < len(wanted) else ", the wrong document is live"


class Peer:
    """A peer's function, whose container stays warm from case to case."""

    def __init__(self, function: Function, lambda_: Lambda) -> None:
        self.function = function
        self.lambda_ = lambda_
        self.caller: Container
        """The container that calls Rekognition."""
        self._container: Container | None = None

    @property
    def container(self) -> Container:
        """A container that has been initialized."""
        if self._container is None:
            self._container = self.caller = self.lambda_.start(self.function, self._note)
            self._container.initialize()
        return self._container

    def _note(self, behind: Container) -> None:
        self.caller = behind

    def close(self) -> None:
        """End the container."""
        if self._container:
            self._container.kill()
        self._container = None

    def judge(self, case: Case) -> VirtualTime:
        """Return the simulated cloud with this function in it."""
        judge = VirtualTime(case, promises=False)
        judge.cloud = PeerCloud(self, case)
        return judge


class PeerCloud(Cloud):
    """The simulated cloud with a peer's function in it."""

    def __init__(self, peer: Peer, case: Case) -> None:
        super().__init__(behavior=Behavior(**case.behavior), **case.service)
        self.function = peer.function
        self.names = {
            each.name: self._name_of(each)
            for step in reversed(case.steps)
            if isinstance(step, Deploy)
            for each in step.template.values()
            if isinstance(each, Policy)
        }
        """What somebody else calls a policy that gets its name by its document."""
        self.policies = PeerFunction(self, peer)
        peer.lambda_.rekognition = self.rekognition

    def render(self, wanted: Managed) -> tuple[SimulatedFunction, str, Mapping[str, Any]]:
        """Return the function, the type and the properties of a resource of a template."""
        return self.policies, "Custom::Policy", self._properties(cast("Policy", wanted))

    def check_request(self, sent: Sent) -> None:
        """Hold a peer's responses to nothing."""

    def do(self, step: Put | Remove) -> None:
        """Let somebody do something by hand, to the live policy of that name if there is one."""
        live = [name for name in self.documents() if re.fullmatch(rf"{step.name}(-[0-9a-f]{{8}})?", name)]
        name = live[0] if live else self.names.get(step.name, step.name)
        super().do(replace(step, name=name))

    def _properties(self, wanted: Policy) -> dict[str, Any]:
        return self.function.properties(self.project(wanted.project), wanted.name, account_of(wanted))

    def _name_of(self, policy: Policy) -> str:
        digest = re.search(rf"{policy.name}-[0-9a-f]{{8}}", str(self._properties(policy)))
        return digest[0] if digest else policy.name


class PeerFunction(SimulatedFunction):
    """A peer's function in the simulated world: an invocation takes no time there but that of its calls."""

    def __init__(self, cloud: PeerCloud, peer: Peer) -> None:
        super().__init__(cloud.world, POLICIES, cloud.rekognition)
        self.somebody = cloud.do
        self._peer = peer

    def _invoke(self, sent: Sent, event: Mapping[str, Any], attempts: list[Attempt], again: Callable[[], None]) -> None:
        invocation = Invocation(self, event, attempts.pop(0) if attempts else Attempt(), sent)
        sent.invocations.append(invocation)

        def run() -> None:
            cloudformation, container = self._peer.lambda_.cloudformation, self._peer.container
            self._meet(invocation)
            delivered = cloudformation.receive(event)
            outcome = container.invoke("event", delivered, TIMEOUT)
            self.world.sleep(2 * LATENCY * len(invocation.calls))
            if outcome.kind not in ("success", "error"):
                self._peer.close()
            for response in cloudformation.responses_to(delivered)[:1]:
                sent.respond({"Data": {}, "Reason": "", **response})
            if outcome.kind != "success":
                again()

        self.world.spawn(run)

    def _meet(self, invocation: Invocation) -> None:
        """Let the calls and responses of an invocation meet what its case says.

        A case counts calls from the read, 0, to the change, 1. A function that doesn't read first begins at 1.
        """
        meets, tries, number = invocation.meets, iter(invocation.meets.responses), -1

        def dies(at: int | None) -> bool:
            if at == number:
                os.kill(self._peer.caller.pid, signal.SIGKILL)
            return at == number

        def before(operation: str, _: Mapping[str, object]) -> Fault | None:
            nonlocal number
            number += 1 if number >= 0 or operation == "ListProjectPolicies" else 2
            invocation.calls.append(operation)
            for step in meets.others.get(number, ()):
                self.somebody(step)
            fault = meets.faults.get(number, "")
            if dies(meets.dies_before) or fault == LOST_BEFORE:
                return DROP
            return AwsError(fault, "a fault") if fault not in ("", LOST_AFTER) else None

        def after(*_: object) -> Fault | None:
            return DROP if dies(meets.dies_after) or meets.faults.get(number) == LOST_AFTER else None

        def respond(_: Mapping[str, object]) -> int | None:
            status = next(tries, 200)
            return None if status == DIES and dies(number) else int(status)

        self.rekognition.faults.before, self.rekognition.faults.after = before, after
        self._peer.lambda_.cloudformation.meet = respond
