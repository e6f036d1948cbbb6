"""Many deployments at once under the service's quota of five calls a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from random import Random

import pytest

from localcloud.rekognition import AwsError
from tests.documents import MINE, OTHER
from tests.lifecycle import function
from tests.lifecycle.cases import FAILS_LAST, Policy, fails_after, with_other
from tests.lifecycle.cloud import Cloud
from tests.lifecycle.cloudformation import Behavior


def test_a_hundred_rollbacks_under_throttling_restore_every_document(monkeypatch: pytest.MonkeyPatch) -> None:
    """At five calls a second, and ThrottlingException with status 500, each document is restored."""
    cloud, jitter = Cloud(projects_per_account=102, behavior=Behavior(reverse_update_overlaps=True)), Random(17)  # noqa: S311
    allowed: list[float] = []

    def quota(_operation: str, _parameters: object) -> AwsError | None:
        if len(allowed) >= 5 and allowed[-5] > cloud.world.now - 1:
            return AwsError("ThrottlingException", "Rate exceeded")
        allowed.append(cloud.world.now)
        return None

    monkeypatch.setattr(function, "jitter", lambda longest: jitter.uniform(0, longest))
    policies = {cloud.stack(f"stack-{number}"): Policy(project=f"project-{number}") for number in range(100)}

    def all_at_once(operations: Iterator[Callable[[], None]]) -> None:
        def spawn() -> None:
            for operation in operations:
                cloud.world.spawn(operation)

        cloud.operate(spawn)

    all_at_once(partial(stack.deploy, {"Sharing": policy}) for stack, policy in policies.items())
    cloud.world.now += 86_400
    cloud.rekognition.faults.before = quota
    all_at_once(
        partial(stack.deploy, with_other({"Sharing": Policy(OTHER, project=policy.project)}, other))
        for (stack, policy), other in zip(policies.items(), [FAILS_LAST, fails_after(0.2)] * 50, strict=True)
    )
    failed = [stack for stack in policies if stack.status == "UPDATE_ROLLBACK_FAILED"]
    all_at_once(stack.continue_update_rollback for stack in failed)
    assert {stack.status for stack in policies} == {"UPDATE_ROLLBACK_COMPLETE"}
    assert cloud.documents() == {f"{policy.project}/sharing": MINE for policy in policies.values()}


@pytest.mark.parametrize(("policies", "fails_at"), [(20, 0.5), (50, 2.0)])
def test_creates_that_are_canceled_under_throttling_leave_nothing(
    monkeypatch: pytest.MonkeyPatch, policies: int, fails_at: float
) -> None:
    """A Delete that is throttled waits for its Create, which is throttled, too."""
    cloud, jitter = Cloud(calls_per_second=5), Random(1)  # noqa: S311
    monkeypatch.setattr(function, "jitter", lambda longest: jitter.uniform(0, longest))
    stack = cloud.stack()
    template = {f"P{number}": Policy(name=f"p{number % 5}", project=f"p-{number // 5}") for number in range(policies)}
    cloud.deploy(stack, with_other(template, fails_after(fails_at)))
    assert (stack.status, cloud.documents()) == ("ROLLBACK_COMPLETE", {})
