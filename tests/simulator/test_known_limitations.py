"""Known limitations: what no state of the service tells from something legitimate. Each case says what happens."""

from __future__ import annotations

import pytest

from localcloud.rekognition import Switches
from tests.documents import FOREIGN, MINE, OTHER
from tests.simulator import stack_operations
from tests.simulator.cloud import Cloud, meets
from tests.simulator.function import Delivery
from tests.simulator.stack_operations import Behavior
from tests.simulator.template import Other, Template

FAILS_AT_ONCE = Other(version=2, fails=True, after=0.2)
FAILS = Other(version=2, fails=True, needs="Sharing")


def test_a_create_tried_late_after_cloudformation_gave_up_leaves_its_policy() -> None:
    """A second delivery a minute after the rollback can't be told from a first one."""
    cloud = Cloud()
    cloud.deliver_first("Create", Delivery(repeats=(60,)))
    stack = cloud.stack()
    cloud.create(stack, {"Sharing": cloud.policy(), "Other": FAILS})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert cloud.live_is(MINE)
    assert cloud.function.log[0].orphaned


def test_a_create_overtaken_by_its_own_delete_for_long_leaves_its_policy() -> None:
    """The Delete of a canceled Create waits ten seconds for it."""
    cloud = Cloud()
    cloud.deliver_first("Create", Delivery(delay=15))
    stack = cloud.stack()
    cloud.create(stack, {"Sharing": cloud.policy(), "Other": FAILS_AT_ONCE})
    assert cloud.live_is(MINE)
    assert cloud.function.log[0].orphaned


def test_a_create_delivered_again_leaves_its_policy_only_after_its_deletes_last_reads() -> None:
    """At whatever moment the second delivery puts: the Delete removes that, or is about to end or has ended."""
    ends = set()
    for moment in range(300):
        cloud = Cloud()
        cloud.deliver_first("Create", Delivery(delay=4, repeats=(moment * 0.05,)))
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy(), "Other": FAILS_AT_ONCE})
        assert stack.status == "ROLLBACK_COMPLETE"
        orphaned = cloud.function.log[0].orphaned
        assert cloud.live_is(None) or orphaned
        ends.add((orphaned, cloud.live_is(None)))
    assert (True, False) in ends
    assert (False, True) in ends


def test_a_replacement_whose_every_delivery_died_leaves_the_new_policy() -> None:
    """CloudFormation never learned the new ID, so nobody asks for it to be deleted; the old policy is right."""
    cloud = Cloud()
    stack = cloud.made({"Sharing": cloud.policy()})
    dead = [meets(dies_after=1), meets(dies_before=0), meets(dies_before=0)]
    cloud.deliver_first("Update", Delivery(attempts=dead))
    cloud.update(stack, {"Sharing": cloud.policy("renamed", OTHER)})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    cloud.check_stack(stack)
    assert cloud.live_is(OTHER, "renamed")


def test_a_create_that_died_is_left_after_an_hour_without_service_timeout() -> None:
    """Without ServiceTimeout a policy of an hour ago is not taken for this Create's."""
    cloud = Cloud()
    cloud.deliver_first("Create", Delivery(attempts=[meets(dies_after=1), meets(dies_before=0), meets(dies_before=0)]))
    stack = cloud.stack()
    cloud.create(stack, {"Sharing": cloud.policy(service_timeout=None)})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert cloud.live_is(MINE)


def test_a_young_twin_is_taken_for_a_canceled_creates_policy() -> None:
    """Another stack's policy of the same words, made in the same minutes, goes with the canceled Create."""
    cloud = Cloud()
    twin = cloud.stack("twin")
    cloud.create(twin, {"Sharing": cloud.policy()})
    stack = cloud.stack()
    cloud.create(stack, {"Sharing": cloud.policy(), "Other": FAILS_AT_ONCE})
    assert stack.status == "ROLLBACK_COMPLETE"
    (deleted,) = [sent for sent in cloud.function.log if sent.event["RequestType"] == "Delete"]
    assert deleted.calls[0].made[:2] == ["ListProjectPolicies", "DeleteProjectPolicy"]


def test_a_list_that_lags_for_long_fails_a_rollback_that_can_be_continued() -> None:
    """Where the list hides for a minute what was put, the reverse Update keeps missing; continued, it restores."""
    cloud = Cloud(Switches(list_lag=60))
    stack = cloud.made({"Sharing": cloud.policy()})
    cloud.update(stack, {"Sharing": cloud.policy(document=OTHER), "Other": FAILS})
    assert stack.status == "UPDATE_ROLLBACK_FAILED"
    cloud.world.now += 60
    cloud.continue_update_rollback(stack)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    cloud.check_stack(stack)


def test_a_create_cloudformation_gave_an_id_to_leaves_its_policy_when_it_is_deleted_hours_later() -> None:
    """Its age no longer tells the policy from another's; an ID in doubt has the time in it, a made-up one hasn't."""
    cloud = Cloud()
    dead = [meets(dies_after=1), meets(dies_before=0), meets(dies_before=0)]
    rejected = meets("InvalidParameterException")
    cloud.deliver(lambda event: Delivery(attempts=[rejected] if event["RequestType"] == "Delete" else dead))
    stack = cloud.stack()
    cloud.create(stack, {"Sharing": cloud.policy()})
    assert stack.status == "ROLLBACK_FAILED"
    cloud.world.now += 4 * 3600
    cloud.deliver(lambda event: None)
    cloud.delete(stack)
    assert stack.status == "DELETE_COMPLETE"
    assert cloud.live_is(MINE)


def test_an_adopted_policy_that_its_owner_edits_fails_an_update_and_its_rollback() -> None:
    """Nothing of another owner is overwritten, not even to roll back: an operator decides."""
    cloud = Cloud()
    cloud.service.edit(cloud.project, "sharing", MINE)
    cloud.world.now += 3600
    stack = cloud.made({"Sharing": cloud.policy(adopt_existing=True)})
    cloud.service.edit(cloud.project, "sharing", FOREIGN)
    cloud.world.now += 3600
    cloud.update(stack, {"Sharing": cloud.policy(document=OTHER, adopt_existing=True)})
    assert stack.status == "UPDATE_ROLLBACK_FAILED"
    assert "its owner has changed it since" in stack.events[-1]
    assert cloud.live_is(FOREIGN)
    cloud.service.edit(cloud.project, "sharing", MINE)
    cloud.world.now += 60
    cloud.continue_update_rollback(stack)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"


def test_a_service_clock_that_is_ahead_rejects_an_update_right_after_a_put() -> None:
    """A put of seconds ago looks like an edit by somebody else after the request; deploying again works."""
    cloud = Cloud()
    cloud.service.clock_ahead = 20
    stack = cloud.stack()
    cloud.create(stack, {"Sharing": cloud.policy()})
    cloud.update(stack, {"Sharing": cloud.policy(document=OTHER)})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    cloud.check_stack(stack)
    cloud.world.now += 60
    cloud.update(stack, {"Sharing": cloud.policy(document=OTHER)})
    assert stack.status == "UPDATE_COMPLETE"


def test_two_policies_of_one_name_made_at_once_both_succeed() -> None:
    """Two Creates of one moment and the same words each take the policy for their own work."""
    cloud = Cloud()
    stack = cloud.stack()
    cloud.create(stack, {"One": cloud.policy(), "Two": cloud.policy()})
    assert stack.status == "CREATE_COMPLETE"
    assert len(cloud.service.live()) == 1


def test_a_name_taken_over_after_its_policy_was_removed_by_hand_is_deleted_with_its_old_owner() -> None:
    """The old owner's clean-up names the same policy, and the new one looks like its own."""
    cloud = Cloud()
    stack = cloud.made({"Old": cloud.policy("a"), "New": cloud.policy("b")})
    cloud.service.remove(cloud.project, "a")
    cloud.update(stack, {"New": cloud.policy("a")})
    assert stack.status == "UPDATE_COMPLETE"
    assert cloud.live_is(None, "a")


def test_a_policy_that_was_just_made_goes_when_its_logical_id_is_renamed_and_that_is_canceled() -> None:
    """The twin may be the stack's own: in the same minutes the new name's canceled Create is taken for its maker."""
    cloud = Cloud()
    stack = cloud.stack()
    cloud.create(stack, {"Old": cloud.policy()})
    cloud.update(stack, {"Renamed": cloud.policy(), "Other": FAILS_AT_ONCE})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert cloud.live_is(None)


def test_an_older_policy_stays_when_its_logical_id_is_renamed_and_that_is_canceled() -> None:
    """After a quarter of an hour nothing is mistaken any more."""
    cloud = Cloud()
    stack = cloud.made({"Old": cloud.policy()})
    cloud.update(stack, {"Renamed": cloud.policy(), "Other": FAILS_AT_ONCE})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    cloud.check_stack(stack)


def test_a_clean_up_that_fails_three_times_is_dropped_and_leaves_its_policy() -> None:
    """CloudFormation tries a clean-up three times and completes all the same; the log says what was rejected."""
    cloud = Cloud()
    stack = cloud.made({"Sharing": cloud.policy()})
    cloud.deliver_first("Delete", *[Delivery(attempts=[meets("InvalidParameterException")]) for _ in range(3)])
    cloud.update(stack, {})
    assert stack.status == "UPDATE_COMPLETE"
    assert [kind for kind, _ in cloud.sent()].count("Delete") == 3
    assert cloud.live_is(MINE)


def test_an_update_that_comes_twice_after_a_rollback_of_seconds_puts_its_document(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A rollback that was over within two seconds of the update's request isn't told from a put before that."""
    monkeypatch.setattr(stack_operations, "ROLL_BACK_DELAY", 0.5)
    cloud = Cloud()
    stack = cloud.made({"Sharing": cloud.policy()})
    cloud.deliver_first("Update", Delivery(repeats=(60,)))
    cloud.update(stack, {"Sharing": cloud.policy(document=OTHER), "Other": FAILS_AT_ONCE})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert cloud.live_is(OTHER)


def test_a_replacement_that_is_canceled_or_comes_twice_leaves_the_new_policy() -> None:
    """CloudFormation never learned the new ID, or has deleted what it names; the old policy is right."""
    for behavior, delivery, other in (
        (Behavior(reverse_update_overlaps=True), Delivery(delay=1), FAILS_AT_ONCE),
        (Behavior(), Delivery(repeats=(60,)), FAILS),
    ):
        cloud = Cloud(behavior=behavior)
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.deliver_first("Update", delivery)
        cloud.update(stack, {"Sharing": cloud.policy("renamed"), "Other": other})
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert cloud.live_is(MINE, "renamed")
        cloud.check_stack(stack)


def test_without_rollback_the_delete_of_a_failed_create_may_take_the_next_creates_policy() -> None:
    """If CloudFormation deletes it last: the Create was canceled before its put, or gave up in doubt a moment ago."""
    for other in (FAILS_AT_ONCE, Other()):
        cloud = Cloud(behavior=Behavior(failed_creates_are_deleted_last=True))
        cloud.deliver_first("Create", Delivery(attempts=[meets(*["AccessDeniedException"] * 60)]))
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy(), "Other": other}, disable_rollback=True)
        assert stack.status == "CREATE_FAILED"
        cloud.update(stack, {"Sharing": cloud.policy()}, disable_rollback=True)
        assert stack.status == "UPDATE_COMPLETE"
        assert cloud.live_is(None)


def test_a_service_clock_that_is_ahead_lets_a_repeated_delete_take_the_next_owners_policy() -> None:
    """What was put after the Delete looks as if it came from a clock that is ahead, as its own policy would."""
    cloud = Cloud()
    cloud.service.clock_ahead = 20
    stack, again = cloud.made({"Sharing": cloud.policy()}), cloud.stack("two")
    cloud.deliver_first("Delete", Delivery(repeats=(15,)))
    cloud.hand_over(stack.delete, 5, lambda: again.create({"Sharing": cloud.policy()}))
    assert again.status == "CREATE_COMPLETE"
    assert cloud.live_is(None)


def test_without_a_time_in_the_url_a_late_repeat_of_an_update_undoes_its_rollback() -> None:
    """Nothing tells it from a first delivery; with a time it's rejected. Deploying again corrects it."""
    for tells_time, live in ((True, MINE), (False, OTHER)):
        cloud = Cloud(behavior=Behavior(url_tells_time=tells_time))
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.deliver_first("Update", Delivery(repeats=(40,)))
        cloud.update(stack, {"Sharing": cloud.policy(document=OTHER), "Other": FAILS})
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert cloud.live_is(live)


def test_an_update_that_comes_again_after_its_stacks_deletion_puts_the_policy_again() -> None:
    """Nothing is live that tells a deleted stack from a policy that was deleted by hand, which an update restores."""
    cloud = Cloud()
    cloud.deliver_first("Update", Delivery(repeats=(120,)))
    stack = cloud.made({"Sharing": cloud.policy()})
    cloud.hand_over(lambda: stack.update({"Sharing": cloud.policy(document=OTHER)}), 0, stack.delete)
    assert stack.status == "DELETE_COMPLETE"
    assert cloud.live_is(OTHER)


def test_a_delete_that_comes_again_may_take_what_the_next_owner_has_put() -> None:
    """If a list that lags hides it, or if CloudFormation made the ID up and the next deployment puts a young twin."""
    cloud = Cloud(Switches(list_lag=1.5))
    cloud.deliver_first("Delete", Delivery(repeats=(60,)))
    stack, again = cloud.made({"Sharing": cloud.policy()}), cloud.stack("two")
    cloud.hand_over(stack.delete, 59.5, lambda: again.create({"Sharing": cloud.policy()}))
    assert again.status == "CREATE_COMPLETE"
    assert cloud.live_is(None)

    cloud = Cloud()
    cloud.deliver_first("Delete", Delivery(repeats=(65,)))
    canceled, again = cloud.stack(), cloud.stack("two")
    failing: Template = {"Sharing": cloud.policy(), "Other": FAILS_AT_ONCE}
    cloud.hand_over(lambda: canceled.create(failing), 35, lambda: again.create({"Sharing": cloud.policy()}))
    assert [canceled.status, again.status] == ["ROLLBACK_COMPLETE", "CREATE_COMPLETE"]
    assert cloud.live_is(None)
