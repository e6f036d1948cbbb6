"""Sequences that are rare: repeated events, clocks that differ, rollbacks that overlap or are disabled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from random import Random

import pytest

from custom_resource.run import Clock
from localcloud.rekognition import AwsError, Switches
from project_policy import document as documents
from tests.documents import FOREIGN, MINE, OTHER
from tests.simulator.cloud import Cloud, meets
from tests.simulator.function import Delivery, PolicyFunction
from tests.simulator.service import HANGS, LOST_AFTER, client_error
from tests.simulator.stack_operations import Behavior
from tests.simulator.template import Other

FAILS_AT_ONCE = Other(version=2, fails=True, after=0.2)
FAILS = Other(version=2, fails=True, needs="Sharing")
DENIED = "AccessDeniedException"


class TestReverseUpdate:
    """CloudFormation may reverse an Update whose function still runs."""

    @pytest.mark.parametrize("throttled", range(7))
    @pytest.mark.parametrize("last", ["", HANGS, LOST_AFTER])
    @pytest.mark.parametrize("tells_time", [True, False])
    def test_wins_over_a_forward_update_that_is_held_up(self, throttled: int, last: str, tells_time: bool) -> None:
        """Whenever the forward Update comes to its put, the old document is live in the end."""
        cloud = Cloud(behavior=Behavior(reverse_update_overlaps=True, url_tells_time=tells_time))
        stack = cloud.made({"Sharing": cloud.policy()})
        held_up = meets("", *["ThrottlingException"] * throttled, last)
        cloud.deliver_first("Update", Delivery(attempts=[held_up]))
        cloud.update(stack, {"Sharing": cloud.policy(document=OTHER), "Other": FAILS_AT_ONCE})
        assert stack.status in ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED")
        if stack.status == "UPDATE_ROLLBACK_FAILED":  # says so, and corrected by the way out that the reason names
            assert "ContinueUpdateRollback" in stack.events[-1]
            cloud.continue_update_rollback(stack)
        assert cloud.live_is(MINE)

    def test_that_comes_late_says_how_to_continue(self) -> None:
        """Where the forward Update puts its document after the reverse one was sent, the reason names the way out."""
        cloud = Cloud(behavior=Behavior(reverse_update_overlaps=True))
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.deliver_first("Update", Delivery(delay=6.5), Delivery(delay=10))
        cloud.update(stack, {"Sharing": cloud.policy(document=OTHER), "Other": FAILS_AT_ONCE})
        assert stack.status == "UPDATE_ROLLBACK_FAILED"
        assert "ContinueUpdateRollback" in stack.events[-1]
        cloud.continue_update_rollback(stack)
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        cloud.check_stack(stack)

    @pytest.mark.parametrize("throttled", range(7))
    def test_is_not_fooled_where_todays_rules_reject_its_document(
        self, throttled: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A rollback to what stricter rules reject never reports success while the new document is live."""
        cloud = Cloud(behavior=Behavior(reverse_update_overlaps=True))
        stack = cloud.made({"Sharing": cloud.policy()})
        monkeypatch.setattr(documents, "violations", lambda said, **_: ["it's public."] if said == MINE else [])
        cloud.deliver_first("Update", Delivery(attempts=[meets("", *["ThrottlingException"] * throttled)]))
        cloud.update(stack, {"Sharing": cloud.policy(document=OTHER), "Other": FAILS_AT_ONCE})
        assert cloud.live_is(MINE) == (stack.status == "UPDATE_ROLLBACK_COMPLETE")

    def test_succeeds_where_the_service_rejects_to_put_what_is_live(self, cloud: Cloud) -> None:
        """A document that is live but no longer valid, such as one with a deleted role, doesn't block a rollback."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.deliver_first(
            "Update", *[Delivery(attempts=[meets("", "MalformedPolicyDocumentException")]) for _ in range(2)]
        )
        cloud.update(stack, {"Sharing": cloud.policy(document=OTHER)})
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        cloud.check_stack(stack)


def test_a_hundred_rollbacks_under_throttling_restore_every_document(monkeypatch: pytest.MonkeyPatch) -> None:
    """At five calls a second, and ThrottlingException with status 500, each document is restored."""
    cloud = Cloud(Switches(projects_per_account=101), Behavior(reverse_update_overlaps=True))
    jitter = Random(17)  # noqa: S311
    allowed: list[float] = []

    def quota(operation: str, _parameters: object) -> None:
        if len(allowed) >= 5 and allowed[-5] > cloud.world.now - 1:
            raise client_error(operation, AwsError("ThrottlingException", "Rate exceeded"))
        allowed.append(cloud.world.now)

    clock = Clock(lambda: cloud.world.now, cloud.world.sleep, lambda longest: jitter.uniform(0, longest))
    monkeypatch.setattr(PolicyFunction, "clock", clock)
    policies = [replace(cloud.policy(), project_arn=cloud.service.project(f"logos-{n}")) for n in range(100)]
    stacks = [cloud.stack(f"stack-{n}") for n in range(100)]

    def all_at_once(operations: Iterator[Callable[[], None]]) -> None:
        def spawn() -> None:
            for each in operations:
                cloud.world.spawn(each)

        cloud.operate(spawn)

    all_at_once(partial(s.create, {"Sharing": p}) for s, p in zip(stacks, policies, strict=True))
    cloud.world.now += 86_400
    cloud.service.before_call = quota
    all_at_once(
        partial(s.update, {"Sharing": replace(p, document=OTHER), "Other": other})
        for s, p, other in zip(stacks, policies, [FAILS, FAILS_AT_ONCE] * 50, strict=True)
    )
    failed = [stack for stack in stacks if stack.status == "UPDATE_ROLLBACK_FAILED"]
    all_at_once(stack.continue_update_rollback for stack in failed)
    for stack, policy in zip(stacks, policies, strict=True):
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert cloud.live_is(MINE, project=policy.project_arn)


class TestDisabledRollback:
    """With `cdk deploy --no-rollback` a failed Create is deleted in the next operation."""

    @pytest.mark.parametrize("last", [False, True])
    def test_an_id_in_doubt_doesnt_take_the_next_creates_policy(self, last: bool) -> None:
        """The permission is given, the stack deployed again: what the new Create puts stays."""
        cloud = Cloud(behavior=Behavior(failed_creates_are_deleted_last=last))
        cloud.deliver_first("Create", Delivery(attempts=[meets(*[DENIED] * 60)]))
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy()}, disable_rollback=True)
        assert stack.status == "CREATE_FAILED"
        cloud.world.now += 60
        cloud.update(stack, {"Sharing": cloud.policy()}, disable_rollback=True)
        assert stack.status == "UPDATE_COMPLETE"
        cloud.check_stack(stack)

    def test_an_id_in_doubt_still_finds_its_own_policy_hours_later(self, cloud: Cloud) -> None:
        """An earlier delivery had put the policy: the Delete finds it by when the Create gave up."""
        blind = [meets(dies_after=1), meets(*[DENIED] * 60), meets(*[DENIED] * 60)]
        cloud.deliver_first("Create", Delivery(attempts=blind))
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy()}, disable_rollback=True)
        assert stack.status == "CREATE_FAILED"
        assert cloud.live_is(MINE)
        cloud.world.now += 5 * 3600
        cloud.delete(stack)
        assert cloud.live_is(None)


class TestMadeUpId:
    """A Delete whose ID CloudFormation made up takes only what its own Create can have put."""

    @pytest.mark.parametrize(("age", "taken"), [(900, True), (1000, False), (3540, False)])
    def test_reaches_back_a_quarter_of_an_hour_at_most(self, cloud: Cloud, age: float, taken: bool) -> None:
        """However long its ServiceTimeout is, a Create that is canceled takes no older policy of another stack."""
        owner = cloud.stack("owner")
        cloud.create(owner, {"Sharing": cloud.policy()})
        cloud.world.now += age
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy(service_timeout=3600), "Other": FAILS_AT_ONCE})
        assert stack.status == "ROLLBACK_COMPLETE"
        assert cloud.live_is(None if taken else MINE)

    def test_in_doubt_takes_no_policy_older_than_its_create(self, cloud: Cloud) -> None:
        """A Create that was denied everything, and is deleted, leaves an equivalent policy of an earlier owner."""
        owner = cloud.made({"Sharing": cloud.policy()}, "owner")
        cloud.deliver_first("Create", Delivery(attempts=[meets(*[DENIED] * 60)]))
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy()})
        assert stack.status == "ROLLBACK_COMPLETE"
        assert cloud.sent()[-1][1].startswith("in-doubt:")
        cloud.check_stack(owner)


class TestClocks:
    """Rekognition's clock may differ from CloudFormation's."""

    @pytest.mark.parametrize("ahead", [-300, -20, -3, 3, 20, 300])
    def test_a_put_whose_response_was_lost_is_own_work(self, cloud: Cloud, ahead: float) -> None:
        """The run that put a policy finds it again, whatever the clocks say."""
        cloud.service.clock_ahead = ahead
        cloud.deliver_first("Create", Delivery(attempts=[meets("", LOST_AFTER)]))
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy()})
        assert stack.status == "CREATE_COMPLETE"
        cloud.check_stack(stack)

    @pytest.mark.parametrize("ahead", [-1, -0.5])
    @pytest.mark.parametrize("later", [0.02, 3, 61])
    def test_an_update_that_comes_twice_puts_once(self, cloud: Cloud, later: float, ahead: float) -> None:
        """A second put would change the revision that the first response gave the stack."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.service.clock_ahead = ahead
        cloud.deliver_first("Update", Delivery(repeats=(later,)))
        cloud.update(stack, {"Sharing": cloud.policy(document=OTHER)})
        assert stack.status == "UPDATE_COMPLETE"
        cloud.check_stack(stack)

    @pytest.mark.parametrize("ahead", [0, 3, 20, 300])
    def test_a_policy_is_deleted_right_after_it_was_put(self, cloud: Cloud, ahead: float) -> None:
        """A time that is still to come proves only that clocks differ: a rollback leaves nothing."""
        cloud.service.clock_ahead = ahead
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy(), "Other": FAILS})
        assert stack.status == "ROLLBACK_COMPLETE"
        assert cloud.live_is(None)

    @pytest.mark.parametrize("ahead", [0, 20])
    def test_a_rename_is_rolled_back_at_once(self, cloud: Cloud, ahead: float) -> None:
        """The new policy goes, the old one stays."""
        cloud.service.clock_ahead = ahead
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.update(stack, {"Sharing": cloud.policy("renamed"), "Other": FAILS})
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert cloud.live_is(None, "renamed")
        cloud.check_stack(stack)


class TestAdopted:
    """An adopted policy is edited only where it is what the stack last put or adopted."""

    def test_is_edited_and_rolled_back_while_nobody_else_edits_it(self, cloud: Cloud) -> None:
        """Edits of the stack follow one another, and are rolled back, as for a policy of its own."""
        cloud.service.edit(cloud.project, "sharing", MINE)
        cloud.world.now += 3600
        stack = cloud.made({"Sharing": cloud.policy(adopt_existing=True)})
        cloud.update(stack, {"Sharing": cloud.policy(document=OTHER, adopt_existing=True)})
        assert stack.status == "UPDATE_COMPLETE"
        cloud.update(stack, {"Sharing": cloud.policy(document=FOREIGN, adopt_existing=True), "Other": FAILS})
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        cloud.check_stack(stack)

    def test_is_not_put_again_after_its_owner_deleted_it(self, cloud: Cloud) -> None:
        """The grant would outlive its owner's decision, and this stack, whose deletion leaves what it adopted."""
        cloud.service.edit(cloud.project, "sharing", MINE)
        cloud.world.now += 3600
        stack = cloud.made({"Sharing": cloud.policy(adopt_existing=True)})
        cloud.service.remove(cloud.project, "sharing")
        cloud.update(stack, {"Sharing": cloud.policy(adopt_existing=True, trigger="2")})
        assert cloud.live_is(None)
        assert stack.status == "UPDATE_ROLLBACK_FAILED"
        assert "ContinueUpdateRollback with ResourcesToSkip" in stack.events[-1]
        del stack.resources["Sharing"]  # skipped, then deployed under another logical ID
        cloud.update(stack, {"Renamed": cloud.policy()})
        assert stack.status == "UPDATE_COMPLETE"
        cloud.check_stack(stack)
        cloud.delete(stack)
        assert cloud.live_is(None)

    def test_what_is_being_deleted_is_not_adopted(self) -> None:
        """A list that still shows a policy that is gone doesn't make a stack adopt nothing: it puts its own."""
        cloud = Cloud(Switches(list_lag=1.5))
        owner = cloud.made({"Sharing": cloud.policy()}, "owner")
        cloud.delete(owner)
        cloud.world.now -= 5
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy(adopt_existing=True)})
        assert stack.status == "CREATE_COMPLETE"
        cloud.check_stack(stack)
        assert not stack.resources["Sharing"].physical_id.endswith("|adopted")


def test_a_project_created_in_the_same_deployment_may_be_seen_late(cloud: Cloud) -> None:
    """A project that the list doesn't know yet is retried while it is young; an older one is missing at once."""
    late = meets(*["ResourceNotFoundException"] * 4, "", "ResourceNotFoundException")
    cloud.deliver_first("Create", Delivery(attempts=[late]))
    young = cloud.service.project("young")
    stack = cloud.stack()
    cloud.create(stack, {"Sharing": replace(cloud.policy(), project_arn=young)})
    assert stack.status == "CREATE_COMPLETE"
    cloud.deliver_first("Create", Delivery(attempts=[meets("ResourceNotFoundException")]))
    other = cloud.stack("two")
    cloud.create(other, {"Sharing": cloud.policy()})
    assert other.status == "ROLLBACK_COMPLETE"
    assert "the project does not exist" in other.events[0]
