"""Copies through every sequence CloudFormation can send, with several runs and cancels in flight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from custom_resource.waiting import MOST_RUNS
from localcloud.rekognition import Switches
from tests.simulator.cloud import meets
from tests.simulator.copies import CopyCloud
from tests.simulator.function import Delivery
from tests.simulator.service import HANGS, LOST_AFTER, LOST_BEFORE, Calls
from tests.simulator.stack_operations import Behavior
from tests.simulator.template import Other

FAILS_LAST = Other(version=2, fails=True, needs="Copy")
"""Another resource, which fails after the copy is finished."""


def switches(**changed: Any) -> Switches:
    """Return a service where copying takes three runs, with these switches changed."""
    return Switches(**{"copying_time": 1500, "deleting_time": 30, **changed})


URLS = {
    "with a time": Behavior(),
    "without a time": Behavior(url_tells_time=False),
}


@pytest.fixture(params=list(URLS.values()), ids=list(URLS))
def cloud(request: pytest.FixtureRequest) -> CopyCloud:
    """A cloud for each form that a ResponseURL may have."""
    return CopyCloud(behavior=request.param)


def test_a_stack_is_made_updated_and_deleted(cloud: CopyCloud) -> None:
    """Over several runs; a replacement leaves one copy, and a deleted stack none."""
    stack = cloud.made({"Copy": cloud.copy()})
    assert len(cloud.function.log[0].invocations) == 3
    for wanted in (cloud.copy(tags=(("team", "a"),)), cloud.copy("v2")):
        cloud.update(stack, {"Copy": wanted})
        assert stack.status == "UPDATE_COMPLETE"
        cloud.check_stack(stack)
        assert set(cloud.versions.live()) == cloud.arns(stack)
    cloud.delete(stack)
    assert stack.status == "DELETE_COMPLETE"
    assert cloud.versions.live() == {}


@pytest.mark.parametrize(("minutes", "invocations", "calls"), [(1, 1, 10), (10, 2, 64), (30, 4, 184), (55, 6, 334)])
def test_waiting_costs_what_the_performance_page_says(minutes: int, invocations: int, calls: int) -> None:
    """One look every ten seconds, and one more invocation every ten minutes."""
    cloud = CopyCloud(switches(copying_time=minutes * 60))
    cloud.made({"Copy": cloud.copy()})
    (sent,) = cloud.function.log
    assert len(sent.invocations) == invocations
    assert sum(len(each.made) for each in sent.calls) == calls


def test_another_resource_fails_afterward(cloud: CopyCloud) -> None:
    """The copy goes with the stack, and a replacement goes alone."""
    stack = cloud.stack()
    cloud.create(stack, {"Copy": cloud.copy(), "Other": FAILS_LAST})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert cloud.versions.live() == {}
    stack = cloud.made({"Copy": cloud.copy()}, "two")
    cloud.update(stack, {"Copy": cloud.copy("v2"), "Other": FAILS_LAST})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert set(cloud.versions.live()) == cloud.arns(stack)
    cloud.check_stack(stack)


@pytest.mark.parametrize("while_copying", ["reject", "delete"])
@pytest.mark.parametrize("name", [None, "mine"])
@pytest.mark.parametrize("moment", [0.05, 0.15, 0.2, 0.3, 0.5, 30.0, 599.0, 601.0, 1499.0, 1503.0])
def test_a_create_canceled_in_flight_leaves_nothing(moment: float, name: str | None, while_copying: Any) -> None:
    """At any moment of the Create, whether or not a copy in progress can be deleted, and though its tags show late."""
    cloud = CopyCloud(switches(delete_while_copying=while_copying, tags_lag=1.5))
    stack = cloud.stack()
    cloud.create(stack, {"Copy": cloud.copy(version_name=name), "Other": Other(fails=True, after=moment)})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert cloud.versions.live() == {}
    cloud.check_responses()


def test_a_create_canceled_while_it_is_denied_leaves_nothing() -> None:
    """The source's policy comes after the Delete has looked: the Delete still waits for the copy."""
    cloud = CopyCloud(switches(copying_time=60))
    cloud.versions.policy.allowed = False
    stack = cloud.stack()
    cloud.world.spawn(lambda: setattr(cloud.versions.policy, "allowed", True), 90)
    cloud.create(stack, {"Copy": cloud.copy(), "Other": Other(fails=True, after=5)})
    assert cloud.versions.calls("DeleteProjectVersion")
    assert cloud.versions.live() == {}


@pytest.mark.parametrize("again", [(0.0,), (0.05, 0.1), (1.0, 60.0), (100.0, 700.0)])
@pytest.mark.parametrize(("versions_lag", "tags_lag"), [(0.0, 0.0), (0.0, 1.5), (1.5, 1.5)])
def test_an_event_that_comes_more_than_once_copies_once(
    again: tuple[float, ...], versions_lag: float, tags_lag: float
) -> None:
    """The name is the same each time, and the tags tell whose the copy is, even where they show late."""
    cloud = CopyCloud(switches(versions_lag=versions_lag, tags_lag=tags_lag))
    cloud.deliver_first("Create", Delivery(repeats=again))
    stack = cloud.made({"Copy": cloud.copy()})
    assert set(cloud.versions.live()) == cloud.arns(stack)
    cloud.check_responses()
    assert {given["Status"] for sent in cloud.function.log for run in sent.invocations for given in run} == {"SUCCESS"}


def test_a_canceled_create_that_comes_twice_leaves_nothing() -> None:
    """The Delete has removed the first one's copy when the second one starts: it waits for that one too."""
    cloud = CopyCloud(switches(copying_time=5))
    cloud.deliver_first("Create", Delivery(repeats=(10.0,)))
    stack = cloud.stack()
    cloud.create(stack, {"Copy": cloud.copy(), "Other": Other(fails=True, after=3)})
    assert cloud.versions.live() == {}


@pytest.mark.parametrize("found", [True, False])
def test_a_canceled_create_holds_its_rollback_no_longer_than_it_may_run(found: bool) -> None:
    """For one call after its copy was found and deleted; otherwise as long as it may start to copy."""
    cloud = CopyCloud(switches(copying_time=1500, deleting_time=1, delete_while_copying="delete"))
    cloud.versions.policy.allowed = found
    stack, began = cloud.stack(), cloud.world.now
    cloud.create(stack, {"Copy": cloud.copy(), "Other": Other(fails=True, after=5)})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert 20 < cloud.world.now - began < (40 if found else 200)


OVERLAPS = Behavior(reverse_update_overlaps=True)


@pytest.mark.parametrize("while_copying", ["reject", "delete"])
@pytest.mark.parametrize("name", [None, "mine"])
@pytest.mark.parametrize("moment", [0.05, 0.3, 30.0, 1499.0, 1503.0])
def test_a_canceled_replacement_leaves_nothing(moment: float, name: str | None, while_copying: Any) -> None:
    """The Update back names it, and removes what CloudFormation never received; then the same template just works."""
    cloud = CopyCloud(switches(delete_while_copying=while_copying, tags_lag=1.5), OVERLAPS)
    stack = cloud.made({"Copy": cloud.copy()})
    wanted = cloud.copy("v2", version_name=name)
    cloud.update(stack, {"Copy": wanted, "Other": Other(fails=True, after=moment)})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert set(cloud.versions.live()) == cloud.arns(stack)
    cloud.check_stack(stack)
    cloud.update(stack, {"Copy": wanted})
    assert stack.status == "UPDATE_COMPLETE"
    assert set(cloud.versions.live()) == cloud.arns(stack)
    cloud.check_stack(stack)


def test_a_copy_whose_response_was_lost_after_it_was_tagged_is_told_to_the_next_deployment() -> None:
    """CloudFormation gave up on it, and nothing tells it from a retained one; the reason says the one thing to do."""
    cloud = CopyCloud(switches(copying_time=1), OVERLAPS)
    stack = cloud.made({"Copy": cloud.copy()})
    cloud.deliver_first("Update", Delivery(responses_lost=3))
    cloud.update(stack, {"Copy": cloud.copy("v2")})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    cloud.update(stack, {"Copy": cloud.copy("v2")})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert any("Delete it (DeleteProjectVersion), then deploy again" in each for each in stack.events)
    (left,) = {*cloud.versions.live()} - cloud.arns(stack)
    cloud.versions.call("DeleteProjectVersion", ProjectVersionArn=left)
    cloud.world.now += 60
    cloud.update(stack, {"Copy": cloud.copy("v2")})
    assert stack.status == "UPDATE_COMPLETE"


@pytest.mark.parametrize("later", [30, 3600, 86_400])
def test_a_retained_copy_stays_when_its_logical_id_is_created_and_canceled(later: float) -> None:
    """It was responded as made, so only its ARN deletes it, whatever its age."""
    cloud = CopyCloud(switches(copying_time=0))
    stack = cloud.stack()
    cloud.create(stack, {"Copy": cloud.copy(retain=True)})
    (retained,) = cloud.arns(stack)
    cloud.update(stack, {})
    cloud.world.now += later
    cloud.update(stack, {"Copy": cloud.copy(), "Other": Other(fails=True, after=0.05)})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert set(cloud.versions.live()) == {retained}


def test_a_copy_whose_tags_show_late_is_not_orphaned() -> None:
    """A second delivery can't tell whose the copy is, so its Delete looks again."""
    cloud = CopyCloud(switches(tags_lag=15.0, copying_time=5))
    cloud.deliver_first("Create", Delivery(repeats=(1.0,)))
    stack = cloud.stack()
    cloud.create(stack, {"Copy": cloud.copy()})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert cloud.versions.live() == {}


@pytest.mark.parametrize(
    "attempts",
    [
        [meets(dies_before=1)],
        [meets(dies_after=1)],
        [meets(dies_after=1), meets(dies_after=0)],
        [meets(dies_before=20), meets(dies_before=5)],
        [meets(dies_after=60), Calls(), meets(dies_after=30)],
        [meets("", LOST_AFTER)],
        [meets(LOST_BEFORE, LOST_BEFORE, HANGS, "ThrottlingException", "InternalServerError", "AccessDeniedException")],
    ],
)
def test_runs_that_die_are_gone_on_with(attempts: list[Calls]) -> None:
    """Lambda delivers the run's event again, and that run reads anew."""
    cloud = CopyCloud()
    cloud.deliver_first("Create", Delivery(attempts=attempts))
    stack = cloud.made({"Copy": cloud.copy()})
    cloud.check_stack(stack)
    assert set(cloud.versions.live()) == cloud.arns(stack)
    assert cloud.versions.calls("CopyProjectVersion").count("CopyProjectVersion") <= 2


def test_a_create_that_never_responds_is_removed() -> None:
    """Every attempt dies, CloudFormation gives up after an hour, and its Delete finds the copy by its tags."""
    cloud = CopyCloud()
    cloud.deliver_first("Create", Delivery(attempts=[meets(dies_after=1), meets(dies_after=0), meets(dies_after=0)]))
    stack = cloud.stack()
    cloud.create(stack, {"Copy": cloud.copy()})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert cloud.sent()[1][1].startswith("one-Copy-")
    assert cloud.versions.live() == {}


def test_a_lost_response_is_sent_by_the_next_delivery() -> None:
    """The run fails, Lambda delivers its event again, and that run responds the same."""
    cloud = CopyCloud()
    cloud.deliver_first("Create", Delivery(responses_lost=2))
    cloud.check_stack(cloud.made({"Copy": cloud.copy()}))


def test_a_copy_that_never_ends_is_taken_back() -> None:
    """FAILED with its ARN before CloudFormation gives up; the Delete waits it out."""
    cloud = CopyCloud(switches(copying_time=5000))
    stack = cloud.stack()
    cloud.create(stack, {"Copy": cloud.copy()})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert len(cloud.function.log[0].invocations) < MOST_RUNS
    assert cloud.versions.live() == {}


def test_revoked_while_it_copies_it_stays() -> None:
    """The source's account has no say over a copy; the next one is denied, with a reason that says why."""
    cloud = CopyCloud()
    stack = cloud.stack()
    cloud.world.spawn(lambda: setattr(cloud.versions.policy, "allowed", False), 300)
    cloud.create(stack, {"Copy": cloud.copy()})
    assert stack.status == "CREATE_COMPLETE"
    cloud.update(stack, {"Copy": cloud.copy("v2")})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert any("AccessDeniedException" in each for each in stack.events)
    cloud.check_stack(stack)


def test_two_stacks_want_the_same_name() -> None:
    """One gets it, the other fails and takes nothing back that isn't its own."""
    cloud = CopyCloud()
    one, two = cloud.stack("one"), cloud.stack("two")
    cloud.world.spawn(lambda: two.create({"Copy": cloud.copy(version_name="mine")}), 0.07)
    cloud.create(one, {"Copy": cloud.copy(version_name="mine")})
    assert sorted((one.status, two.status)) == ["CREATE_COMPLETE", "ROLLBACK_COMPLETE"]
    winner = one if one.status == "CREATE_COMPLETE" else two
    assert set(cloud.versions.live()) == cloud.arns(winner)


def test_a_clean_up_with_the_new_properties_deletes_the_old_copy() -> None:
    """Which properties a clean-up Delete carries isn't certain: the ARN in the ID is enough."""
    cloud = CopyCloud(behavior=Behavior(clean_up_has_new_properties=True))
    stack = cloud.made({"Copy": cloud.copy(version_name="a")})
    cloud.update(stack, {"Copy": cloud.copy("v2", version_name="b")})
    assert set(cloud.versions.live()) == cloud.arns(stack)


@pytest.mark.parametrize("copies", [2, 20])
def test_many_copies_of_one_template_are_made_at_once(copies: int) -> None:
    """Each has its name, also where all copy the same."""
    cloud = CopyCloud(switches(copying_time=700))
    template: Mapping[str, Any] = {f"Copy{number}": cloud.copy() for number in range(copies)}
    stack = cloud.made(template)
    cloud.check_stack(stack)
    assert len(cloud.versions.live()) == copies


class TestKnownLimitations:
    """What copy-lifecycle.md lists: nothing in the service's state tells these from legitimate sequences."""

    def test_a_create_is_delivered_again_after_its_copy_was_deleted(self) -> None:
        """Its stack is gone by then."""
        cloud = CopyCloud(switches(copying_time=1, deleting_time=1))
        cloud.deliver_first("Create", Delivery(repeats=(100.0,)))
        stack = cloud.stack()
        cloud.create(stack, {"Copy": cloud.copy(), "Other": FAILS_LAST})
        assert stack.status == "ROLLBACK_COMPLETE"
        assert len(cloud.versions.live()) == 1

    def test_an_update_is_delivered_again_after_its_rollback(self) -> None:
        """It sets its tags again."""
        cloud = CopyCloud()
        stack = cloud.made({"Copy": cloud.copy()})
        cloud.deliver_first("Update", Delivery(repeats=(60.0,)))
        cloud.update(stack, {"Copy": cloud.copy(tags=(("team", "a"),)), "Other": FAILS_LAST})
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        (version,) = cloud.versions.live().values()
        assert version.tags["team"] == "a"
