"""Every sequence CloudFormation can send, row by row of its behavior, ends in the right state."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from localcloud.rekognition import Switches
from tests.documents import FOREIGN, MINE, OTHER, THIRD, document
from tests.simulator.cloud import Cloud, meets
from tests.simulator.function import Delivery
from tests.simulator.service import HANGS, LOST_AFTER, LOST_BEFORE, Calls
from tests.simulator.stack_operations import Behavior, Stack
from tests.simulator.template import Other, Template

FAILS = Other(version=2, fails=True, needs="Sharing")
"""Another resource, which fails after the policy is done."""

FAILS_AT_ONCE = Other(version=2, fails=True, after=0.2)
"""Another resource, which fails while the policy's request is in flight."""

URLS = {
    "with a time": Behavior(),
    "older form": Behavior(old_form_of_url=True),
    "without a time": Behavior(url_tells_time=False),
}


@pytest.fixture(params=list(URLS.values()), ids=list(URLS))
def cloud(request: pytest.FixtureRequest) -> Cloud:
    """A cloud for each form that a ResponseURL may have."""
    behavior: Behavior = request.param
    return Cloud(behavior=replace(behavior))


class TestCreate:
    """A stack is made."""

    def test_succeeds(self, cloud: Cloud) -> None:
        """Create(none; P): the policy is live, with two calls."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.check_stack(stack)
        assert cloud.function.log[0].calls[0].made == ["ListProjectPolicies", "PutProjectPolicy"]

    def test_fails_and_is_rolled_back(self, cloud: Cloud) -> None:
        """Delete(the ID in the FAILED response; P): another owner's policy isn't changed."""
        cloud.service.edit(cloud.project, "sharing", FOREIGN)
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy()})
        assert stack.status == "ROLLBACK_COMPLETE"
        (create, _), (delete, physical_id) = cloud.sent()
        assert (create, delete) == ("Create", "Delete")
        assert physical_id.startswith("not-created:")
        assert cloud.live_is(FOREIGN)

    def test_another_resource_fails_afterwards(self, cloud: Cloud) -> None:
        """Delete(the ID; P): the policy goes with the stack."""
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy(), "Other": FAILS})
        assert stack.status == "ROLLBACK_COMPLETE"
        assert cloud.sent()[1] == ("Delete", f"{cloud.project}|sharing")
        assert cloud.live_is(None)

    @pytest.mark.parametrize("moment", [0.05, 0.12, 0.18, 0.22, 0.28, 0.35])
    def test_another_resource_fails_while_it_is_in_flight(self, cloud: Cloud, moment: float) -> None:
        """At once Delete(an ID CloudFormation made up; P), at any moment of the Create: nothing is left."""
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy(), "Other": replace(FAILS_AT_ONCE, after=moment)})
        assert stack.status == "ROLLBACK_COMPLETE"
        assert cloud.live_is(None)

    def test_a_canceled_create_that_lands_seconds_late_is_removed(self, cloud: Cloud) -> None:
        """A Create that lands after its own Delete began to read doesn't stay."""
        cloud.deliver(lambda event: Delivery(delay=5) if event["RequestType"] == "Create" else None)
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy(), "Other": FAILS_AT_ONCE})
        assert cloud.live_is(None)

    @pytest.mark.parametrize("later", [0.0, 1.0, 3.0, 6.0])
    def test_a_canceled_create_that_comes_twice_is_removed_twice(self, cloud: Cloud, later: float) -> None:
        """A second delivery that lands after the first one's policy was removed does not stay either."""
        cloud.deliver(lambda event: Delivery(repeats=(later,)) if event["RequestType"] == "Create" else None)
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy(), "Other": FAILS_AT_ONCE})
        assert cloud.live_is(None)

    def test_a_canceled_create_leaves_anothers_policy(self, cloud: Cloud) -> None:
        """Delete(made-up ID; P) where somebody else's policy of that name is touches nothing."""
        cloud.service.edit(cloud.project, "sharing", FOREIGN)
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy(), "Other": FAILS_AT_ONCE})
        assert cloud.live_is(FOREIGN)

    def test_a_canceled_create_leaves_anothers_older_policy_of_the_same_words(self, cloud: Cloud) -> None:
        """An equivalent policy of an hour before isn't this Create's."""
        cloud.service.edit(cloud.project, "sharing", MINE)
        cloud.world.now += 3600
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy(), "Other": FAILS_AT_ONCE})
        assert cloud.live_is(MINE)

    def test_fails_blindly_after_an_attempt_that_put_and_died(self, cloud: Cloud) -> None:
        """A second attempt that sees nothing can't say that nothing was made: the rollback reads, and removes it."""
        blind = meets(*["ThrottlingException"] * 999)
        cloud.deliver(
            lambda event: Delivery(attempts=[meets(dies_after=1), blind]) if event["RequestType"] == "Create" else None
        )
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy()})
        assert stack.status == "ROLLBACK_COMPLETE"
        assert cloud.sent()[1][1].startswith("in-doubt:")
        assert cloud.live_is(None)

    def test_fails_blindly_where_anothers_policy_is(self, cloud: Cloud) -> None:
        """The Delete of a Create in doubt leaves what it did not make."""
        cloud.service.edit(cloud.project, "sharing", FOREIGN)
        blind = meets(*["ThrottlingException"] * 999)
        cloud.deliver(lambda event: Delivery(attempts=[blind]) if event["RequestType"] == "Create" else None)
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy()})
        assert stack.status == "ROLLBACK_COMPLETE"
        assert cloud.live_is(FOREIGN)

    def test_is_responded_to_with_an_empty_id(self, cloud: Cloud) -> None:
        """Were a FAILED response's ID lost, CloudFormation would delete by one it makes up: the policy still goes."""
        cloud.deliver(
            lambda event: (
                Delivery(attempts=[meets("", LOST_AFTER, *[LOST_BEFORE] * 400)], empties_id=True)
                if event["RequestType"] == "Create"
                else None
            )
        )
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy()})
        assert stack.status == "ROLLBACK_COMPLETE"
        assert cloud.sent()[1][1].startswith("one-Sharing-")
        assert cloud.live_is(None)

    @pytest.mark.parametrize("timeout", [900, 60])
    def test_never_gets_a_response(self, cloud: Cloud, timeout: int) -> None:
        """Where every attempt dies after its put, ServiceTimeout ends the wait and the Delete finds the policy."""
        dead = [meets(dies_after=1), meets(dies_before=0), meets(dies_before=0)]
        cloud.deliver(lambda event: Delivery(attempts=dead) if event["RequestType"] == "Create" else None)
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy(service_timeout=timeout)})
        assert stack.status == "ROLLBACK_COMPLETE"
        assert cloud.live_is(None)

    @pytest.mark.parametrize("seconds", [60, 700])
    def test_that_is_canceled_late_is_removed_without_a_service_timeout(self, cloud: Cloud, seconds: int) -> None:
        """Fifteen minutes are what a Create is given where the template doesn't say."""
        dead = [meets(dies_after=1), meets(dies_before=0), meets(dies_before=0)]
        cloud.deliver(lambda event: Delivery(attempts=dead) if event["RequestType"] == "Create" else None)
        stack = cloud.stack()
        other = replace(FAILS_AT_ONCE, after=seconds)
        cloud.create(stack, {"Sharing": cloud.policy(service_timeout=None), "Other": other})
        assert stack.status == "ROLLBACK_COMPLETE"
        assert cloud.live_is(None)

    def test_with_disabled_rollback_is_deleted_at_the_next_operation(self, cloud: Cloud) -> None:
        """A failed create waits for the next operation, which deletes it and makes it anew."""
        cloud.service.edit(cloud.project, "sharing", FOREIGN)
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy()}, disable_rollback=True)
        assert stack.status == "CREATE_FAILED"
        cloud.service.remove(cloud.project, "sharing")
        cloud.update(stack, {"Sharing": cloud.policy()})
        assert stack.status == "UPDATE_COMPLETE"
        cloud.check_stack(stack)

    def test_of_two_policies_one_fails(self, cloud: Cloud) -> None:
        """The one that was made goes, the one that was rejected touches nothing."""
        cloud.service.edit(cloud.project, "taken", FOREIGN)
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy(), "Taken": cloud.policy("taken", needs="Sharing")})
        assert stack.status == "ROLLBACK_COMPLETE"
        assert cloud.live_is(None)
        assert cloud.live_is(FOREIGN, "taken")


class TestUpdate:
    """A document is edited in place."""

    def test_keeps_the_id(self, cloud: Cloud) -> None:
        """Update(id; new | old): the policy is edited, its ID is the same, and nothing is cleaned up."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.update(stack, {"Sharing": cloud.policy(document=OTHER)})
        assert stack.status == "UPDATE_COMPLETE"
        assert [kind for kind, _ in cloud.sent()] == ["Create", "Update"]
        cloud.check_stack(stack)

    def test_of_unchanged_properties_sends_nothing(self, cloud: Cloud) -> None:
        """Nothing is asked where nothing changed."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.update(stack, {"Sharing": cloud.policy()})
        assert len(cloud.sent()) == 1

    @pytest.mark.parametrize("other", [FAILS, FAILS_AT_ONCE, Other(version=2, fails=True, after=0.0)])
    def test_is_rolled_back_when_another_resource_fails(self, cloud: Cloud, other: Other) -> None:
        """Update(id; OLD | NEW): the old document is live again, at the recorded revision."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.update(stack, {"Sharing": cloud.policy(document=OTHER), "Other": other})
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert cloud.live_is(MINE)
        cloud.check_stack(stack)

    def test_its_own_failure_is_rolled_back(self, cloud: Cloud) -> None:
        """A FAILED response with the same ID is followed by Update(id; OLD | NEW), and the old document stays."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.deliver(
            lambda event: (
                Delivery(attempts=[meets("", "MalformedPolicyDocumentException")])
                if event["RequestType"] == "Update" and len(cloud.sent()) == 1
                else None
            )
        )
        cloud.update(stack, {"Sharing": cloud.policy(document=OTHER)})
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert [kind for kind, _ in cloud.sent()] == ["Create", "Update", "Update"]
        cloud.check_stack(stack)

    @pytest.mark.parametrize("bad", ["{", 7, {"Version": "2012-10-17", "Statement": []}, document("1234")], ids=repr)
    def test_to_a_document_that_is_rejected_is_rolled_back(self, cloud: Cloud, bad: Any) -> None:
        """The reverse Update, whose old document is the bad one, succeeds, and nothing was called but the list."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.update(stack, {"Sharing": cloud.policy(document=bad)})
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert "PutProjectPolicy" not in cloud.function.log[1].calls[0].made
        cloud.check_stack(stack)

    def test_the_reverse_update_fails_and_is_continued(self, cloud: Cloud) -> None:
        """UPDATE_ROLLBACK_FAILED; ContinueUpdateRollback sends it again and the old document is live."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.deliver(
            lambda event: (
                Delivery(attempts=[meets("", "LimitExceededException")])
                if event["RequestType"] == "Update" and len(cloud.sent()) == 2
                else None
            )
        )
        cloud.update(stack, {"Sharing": cloud.policy(document=OTHER), "Other": FAILS})
        assert stack.status == "UPDATE_ROLLBACK_FAILED"
        cloud.continue_update_rollback(stack)
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert cloud.live_is(MINE)
        cloud.check_stack(stack)

    def test_of_its_service_token_is_rejected(self, cloud: Cloud) -> None:
        """CloudFormation says 'Modifying service token is not allowed.', and the policy stays as it is."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.update(stack, {"Sharing": cloud.policy(document=OTHER, provider="another")})
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert len(cloud.sent()) == 1
        cloud.check_stack(stack)

    def test_after_somebody_changed_the_policy(self, cloud: Cloud) -> None:
        """What was edited by hand before is put right, and a rollback puts the template's document."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.service.edit(cloud.project, "sharing", FOREIGN)
        cloud.world.now += 60
        cloud.update(stack, {"Sharing": cloud.policy(document=OTHER)})
        assert stack.status == "UPDATE_COMPLETE"
        cloud.check_stack(stack)

    @pytest.mark.parametrize("edited", [FOREIGN, None], ids=["edited", "deleted"])
    def test_another_trigger_corrects_drift(self, cloud: Cloud, edited: Mapping[str, Any] | None) -> None:
        """An Update whose only difference is Trigger restores the document, and the revision attribute follows."""
        stack = cloud.made({"Sharing": cloud.policy(trigger="41")})
        if edited is None:
            cloud.service.remove(cloud.project, "sharing")
        else:
            cloud.service.edit(cloud.project, "sharing", edited)
        cloud.world.now += 60
        cloud.update(stack, {"Sharing": cloud.policy(trigger="42")})
        assert stack.status == "UPDATE_COMPLETE"
        assert cloud.live_is(MINE)
        cloud.check_stack(stack)

    def test_another_trigger_costs_one_call_where_nothing_differs(self, cloud: Cloud) -> None:
        """Without drift the Update lists once, doesn't read a second time, and keeps the revision."""
        stack = cloud.made({"Sharing": cloud.policy(trigger="41")})
        cloud.update(stack, {"Sharing": cloud.policy(trigger="42")})
        assert cloud.function.log[-1].calls[0].made == ["ListProjectPolicies"]
        cloud.check_stack(stack)

    def test_after_somebody_removed_the_policy(self, cloud: Cloud) -> None:
        """What was deleted by hand is put again."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.service.remove(cloud.project, "sharing")
        cloud.update(stack, {"Sharing": cloud.policy(document=OTHER)})
        cloud.check_stack(stack)


class TestReplacement:
    """Another name or project makes another policy."""

    def test_succeeds(self, cloud: Cloud) -> None:
        """The new policy is put, then clean-up: Delete(OLD ID)."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.update(stack, {"Sharing": cloud.policy("renamed")})
        assert stack.status == "UPDATE_COMPLETE"
        assert cloud.live_is(None)
        assert cloud.sent()[-1] == ("Delete", f"{cloud.project}|sharing")
        cloud.check_stack(stack)

    @pytest.mark.parametrize("new_properties", [False, True])
    def test_its_clean_up_may_carry_either_properties(self, new_properties: bool) -> None:
        """The Delete goes by its ID alone, whichever properties come along."""
        cloud = Cloud(behavior=Behavior(clean_up_has_new_properties=new_properties))
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.update(stack, {"Sharing": cloud.policy("renamed", OTHER)})
        assert cloud.live_is(None)
        cloud.check_stack(stack)

    def test_is_rolled_back_when_another_resource_fails(self, cloud: Cloud) -> None:
        """No Update, but clean-up: Delete(NEW ID; NEW properties); the old policy was never touched."""
        stack = cloud.made({"Sharing": cloud.policy()})
        revision = stack.resources["Sharing"].data["PolicyRevisionId"]
        cloud.update(stack, {"Sharing": cloud.policy("renamed", OTHER), "Other": FAILS})
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert cloud.live_is(None, "renamed")
        cloud.check_stack(stack)
        assert stack.resources["Sharing"].data["PolicyRevisionId"] == revision

    def test_its_own_failure_keeps_the_old_policy(self, cloud: Cloud) -> None:
        """Where the new name is taken, the old policy stays and the other's is not touched."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.service.edit(cloud.project, "renamed", FOREIGN)
        cloud.update(stack, {"Sharing": cloud.policy("renamed", OTHER)})
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert cloud.live_is(FOREIGN, "renamed")
        cloud.check_stack(stack)

    def test_in_doubt_is_removed_by_its_rollback(self, cloud: Cloud) -> None:
        """A FAILED response with another ID is taken for a replacement, so that the policy in doubt is deleted."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.deliver(
            lambda event: (
                Delivery(attempts=[meets("", LOST_AFTER, "LimitExceededException")])
                if event["RequestType"] == "Update"
                else None
            )
        )
        cloud.update(stack, {"Sharing": cloud.policy("renamed", OTHER)})
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert cloud.live_is(None, "renamed")
        cloud.check_stack(stack)

    def test_with_disabled_rollback_is_rejected(self, cloud: Cloud) -> None:
        """CloudFormation rejects it, and nothing is asked of the function."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.update(stack, {"Sharing": cloud.policy("renamed")}, disable_rollback=True)
        assert len(cloud.sent()) == 1
        cloud.check_stack(stack)

    def test_to_another_project(self, cloud: Cloud) -> None:
        """The policy moves with its project."""
        other = cloud.service.project("other")
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.update(stack, {"Sharing": replace(cloud.policy(), project_arn=other)})
        assert cloud.live_is(None)
        assert cloud.live_is(MINE, project=other)

    def test_whose_old_project_is_gone(self, cloud: Cloud) -> None:
        """A project that was replaced took its policies along: the clean-up finds nothing, and that is fine."""
        other = cloud.service.project("other")
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.service.store.delete_project("123456789012", "us-east-1", cloud.project)
        cloud.update(stack, {"Sharing": replace(cloud.policy(), project_arn=other)})
        assert stack.status == "UPDATE_COMPLETE"
        assert not stack.dropped
        cloud.check_stack(stack)


class TestSecondOwner:
    """Two owners of one policy: CloudFormation would delete 'the old one' by the same ID."""

    def test_a_renamed_logical_id_is_rejected(self, cloud: Cloud) -> None:
        """Create(new), then Delete(old) for the same policy would delete it, so the Create is rejected."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.update(stack, {"Renamed": cloud.policy()})
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert list(stack.resources) == ["Sharing"]
        cloud.check_stack(stack)

    def test_a_policy_moved_to_another_stack_is_rejected(self, cloud: Cloud) -> None:
        """The second stack fails, and the first still owns the policy."""
        first = cloud.made({"Sharing": cloud.policy()})
        second = cloud.stack("two")
        cloud.create(second, {"Sharing": cloud.policy()})
        assert second.status == "ROLLBACK_COMPLETE"
        cloud.check_stack(first)

    def test_a_policy_is_moved_by_retaining_and_adopting_it(self, cloud: Cloud) -> None:
        """Retained where it was and adopted where it goes, it never was gone; it stays when the second stack goes."""
        first = cloud.made({"Sharing": cloud.policy()})
        cloud.update(first, {"Sharing": cloud.policy(retain=True)})
        cloud.update(first, {})
        assert cloud.live_is(MINE)
        second = cloud.made({"Sharing": cloud.policy(adopt_existing=True)}, "two")
        cloud.check_stack(second)
        cloud.update(second, {"Sharing": cloud.policy(document=OTHER, adopt_existing=True)})
        cloud.check_stack(second)
        cloud.delete(second)
        assert cloud.live_is(OTHER)

    def test_an_adoption_that_is_rolled_back_leaves_the_policy(self, cloud: Cloud) -> None:
        """What a stack did not make, no rollback of it deletes."""
        cloud.service.edit(cloud.project, "sharing", MINE)
        cloud.world.now += 3600
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy(adopt_existing=True), "Other": FAILS})
        assert stack.status == "ROLLBACK_COMPLETE"
        assert cloud.live_is(MINE)

    def test_two_resources_that_swap_names_are_rejected(self, cloud: Cloud) -> None:
        """Each finds the other's policy; both stay as they are."""
        stack = cloud.made({"A": cloud.policy("a"), "B": cloud.policy("b", OTHER)})
        cloud.update(stack, {"A": cloud.policy("b", MINE), "B": cloud.policy("a", OTHER)})
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        cloud.check_stack(stack)
        assert cloud.live_is(MINE, "a")
        assert cloud.live_is(OTHER, "b")

    def test_a_name_handed_on_while_its_owner_leaves_is_rejected(self, cloud: Cloud) -> None:
        """The name is free only after the clean-up, so the deployment fails and nothing is lost."""
        stack = cloud.made({"A": cloud.policy("a"), "B": cloud.policy("b", OTHER)})
        cloud.update(stack, {"B": cloud.policy("a", OTHER)})
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        cloud.check_stack(stack)

    def test_another_stacks_policy_is_never_touched(self, cloud: Cloud) -> None:
        """Whatever a second stack tries with the name, the first keeps its policy."""
        first = cloud.made({"Sharing": cloud.policy()})
        second = cloud.made({"Sharing": cloud.policy("mine", OTHER)}, "two")
        cloud.update(second, {"Sharing": cloud.policy("sharing", OTHER)})
        cloud.update(second, {"Sharing": cloud.policy("mine", OTHER), "More": cloud.policy("sharing", THIRD)})
        cloud.delete(second)
        cloud.check_stack(first)


class TestDelete:
    """A policy goes."""

    def test_removed_from_the_template(self, cloud: Cloud) -> None:
        """Clean-up: Delete(id; last properties)."""
        stack = cloud.made({"Sharing": cloud.policy(), "Other": cloud.policy("other")})
        cloud.update(stack, {"Other": cloud.policy("other")})
        assert cloud.live_is(None)
        cloud.check_stack(stack)

    def test_the_stack_is_deleted(self, cloud: Cloud) -> None:
        """Everything of the stack goes, with two calls."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.delete(stack)
        assert stack.status == "DELETE_COMPLETE"
        assert cloud.live_is(None)
        assert cloud.function.log[-1].calls[0].made == ["ListProjectPolicies", "DeleteProjectPolicy"]

    @pytest.mark.parametrize("retain", ["in the template", "at the deletion"])
    def test_retained(self, cloud: Cloud, retain: str) -> None:
        """DELETE_SKIPPED: nothing is sent, and the policy stays."""
        stack = cloud.made({"Sharing": cloud.policy(retain=retain == "in the template")})
        cloud.delete(stack, retain=("Sharing",) if retain == "at the deletion" else ())
        assert len(cloud.sent()) == 1
        assert cloud.live_is(MINE)

    def test_of_a_policy_removed_by_hand(self, cloud: Cloud) -> None:
        """Somebody was faster: that is success."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.service.remove(cloud.project, "sharing")
        cloud.delete(stack)
        assert stack.status == "DELETE_COMPLETE"

    def test_fails_and_is_sent_again(self, cloud: Cloud) -> None:
        """DELETE_FAILED; the next DeleteStack sends it again and nothing is left."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.deliver(
            lambda event: (
                Delivery(attempts=[meets("", "InvalidParameterException")])
                if event["RequestType"] == "Delete" and len(cloud.sent()) == 1
                else None
            )
        )
        cloud.delete(stack)
        assert stack.status == "DELETE_FAILED"
        cloud.delete(stack)
        assert stack.status == "DELETE_COMPLETE"
        assert cloud.live_is(None)

    def test_in_clean_up_is_tried_three_times(self, cloud: Cloud) -> None:
        """Two failures of a clean-up Delete are outlasted by CloudFormation's three tries."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.deliver(
            lambda event: (
                Delivery(attempts=[meets("InvalidParameterException")])
                if event["RequestType"] == "Delete" and len(cloud.sent()) <= 2
                else None
            )
        )
        cloud.update(stack, {"Sharing": cloud.policy("renamed")})
        assert not stack.dropped
        assert cloud.live_is(None)
        cloud.check_stack(stack)


def about_to(cloud: Cloud, kind: str) -> tuple[Stack, Template]:
    """Return a stack, and the template whose deployment makes CloudFormation send a request of that kind."""
    templates: dict[str, Template] = {
        "Create": {"Sharing": cloud.policy()},
        "Update": {"Sharing": cloud.policy(document=OTHER)},
        "Replacement": {"Sharing": cloud.policy("renamed", OTHER)},
        "Delete": {},
    }
    stack = cloud.stack() if kind == "Create" else cloud.made({"Sharing": cloud.policy()})
    return stack, templates[kind]


class TestDelivery:
    """Events arrive at least once, and attempts die."""

    @pytest.mark.parametrize("later", [0.0, 0.03, 0.08, 0.13, 30.0, 100.0])
    @pytest.mark.parametrize("kind", ["Create", "Update", "Replacement", "Delete"])
    def test_an_event_that_comes_twice(self, cloud: Cloud, kind: str, later: float) -> None:
        """Repeated while the first runs, or long after it, an event changes nothing that is not wanted."""
        stack, template = about_to(cloud, kind)
        cloud.deliver(lambda event: Delivery(repeats=(later,)))
        (cloud.create if kind == "Create" else cloud.update)(stack, template)
        assert stack.status.endswith("E_COMPLETE")
        cloud.check_stack(stack)
        assert set(cloud.service.live()) == {resource.policy.key for resource in stack.resources.values()}

    @pytest.mark.parametrize("dead", [meets(dies_before=0), meets(dies_before=1), meets(dies_after=1)])
    @pytest.mark.parametrize("kind", ["Create", "Update", "Replacement", "Delete"])
    def test_an_attempt_that_dies(self, cloud: Cloud, kind: str, dead: Calls) -> None:
        """Lambda retries a minute later, and finds what the dead attempt left."""
        stack, template = about_to(cloud, kind)
        cloud.deliver(lambda event: Delivery(attempts=[replace(dead, made=[])]))
        (cloud.create if kind == "Create" else cloud.update)(stack, template)
        assert stack.status.endswith("E_COMPLETE")
        cloud.check_stack(stack)
        assert set(cloud.service.live()) == {resource.policy.key for resource in stack.resources.values()}

    def test_a_request_id_that_is_used_again(self, cloud: Cloud) -> None:
        """A retried deployment may reuse its RequestId: what is live decides, never a remembered response."""
        cloud.cloudformation.request_ids = itertools.repeat(1)
        stack = cloud.made({"Sharing": cloud.policy()})
        for each in (OTHER, THIRD, MINE):
            cloud.update(stack, {"Sharing": cloud.policy(document=each)})
            assert stack.status == "UPDATE_COMPLETE"
            cloud.check_stack(stack)

    def test_a_response_that_is_lost_twice(self, cloud: Cloud) -> None:
        """The third attempt responds with what the first has done."""
        cloud.deliver(lambda event: Delivery(responses_lost=2))
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy()})
        assert stack.status == "CREATE_COMPLETE"
        cloud.check_stack(stack)

    def test_a_late_update_does_not_undo_a_rollback(self) -> None:
        """An Update delivered again after the rollback finds what changed since, and leaves it."""
        cloud = Cloud()
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.deliver(lambda event: Delivery(repeats=(40,)) if len(cloud.sent()) == 1 else None)
        cloud.update(stack, {"Sharing": cloud.policy(document=OTHER), "Other": FAILS})
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert cloud.live_is(MINE)

    def test_a_late_delete_does_not_take_what_was_made_again(self) -> None:
        """A Delete delivered again after the policy was made again leaves it."""
        cloud = Cloud()
        stack = cloud.made({"Sharing": cloud.policy()})

        def anew() -> None:
            cloud.world.sleep(30)
            cloud.service.edit(cloud.project, "sharing", FOREIGN)

        cloud.world.spawn(anew)
        cloud.deliver(lambda event: Delivery(repeats=(60,)))
        cloud.delete(stack)
        assert cloud.live_is(FOREIGN)

    def test_a_function_that_runs_out_of_time_fails_with_the_real_id(self, cloud: Cloud) -> None:
        """Where nothing responds after the put for longer than the function may run, the rollback removes it."""
        unreachable = meets("", LOST_AFTER, *[LOST_BEFORE] * 400)
        cloud.deliver(lambda event: Delivery(attempts=[unreachable]) if event["RequestType"] == "Create" else None)
        stack = cloud.stack()
        cloud.create(stack, {"Sharing": cloud.policy()})
        assert stack.status == "ROLLBACK_COMPLETE"
        assert cloud.sent()[1][1] == f"{cloud.project}|sharing"
        assert cloud.live_is(None)


class TestBehindItsBack:
    """Somebody changes, removes or recreates the policy between any two calls of a request."""

    @pytest.mark.parametrize("call", [0, 1])
    @pytest.mark.parametrize("does", ["edits", "removes", "recreates"])
    @pytest.mark.parametrize("kind", ["Update", "Delete"])
    def test_interferes_with_a_stacks_policy(self, cloud: Cloud, kind: str, does: str, call: int) -> None:
        """The request notices, reads again, and ends as the template says."""
        stack = cloud.made({"Sharing": cloud.policy()})
        interfere_once(cloud, call, does)
        cloud.update(stack, {"Sharing": cloud.policy(document=OTHER)} if kind == "Update" else {})
        assert stack.status == "UPDATE_COMPLETE"
        assert not stack.dropped
        cloud.check_stack(stack)
        assert cloud.live_is(OTHER if kind == "Update" else None)

    @pytest.mark.parametrize("call", [0, 1])
    def test_takes_the_name_of_a_create(self, cloud: Cloud, call: int) -> None:
        """A policy that appears between read and put is not overwritten, and stays through the rollback."""
        stack = cloud.stack()
        interfere_once(cloud, call, "recreates")
        cloud.create(stack, {"Sharing": cloud.policy()})
        assert stack.status == "ROLLBACK_COMPLETE"
        assert cloud.live_is(FOREIGN)


def interfere_once(cloud: Cloud, call: int, does: str) -> None:
    """Let somebody act just before the call of that number takes effect."""
    calls = itertools.count()

    def act(_operation: str, _parameters: object) -> None:
        if next(calls) != call:
            return
        there = not cloud.live_is(None)
        if there and does in ("removes", "recreates"):
            cloud.service.remove(cloud.project, "sharing")
        if does == "recreates" or (does == "edits" and there):
            cloud.service.edit(cloud.project, "sharing", FOREIGN)

    cloud.service.before_call = act


class TestTrouble:
    """What the service returns on a bad day."""

    @pytest.mark.parametrize(
        "trouble",
        [
            ["ThrottlingException"] * 5,
            ["ProvisionedThroughputExceededException"] * 5,
            ["InternalServerError"] * 3,
            ["AccessDeniedException"] * 4,
            [LOST_BEFORE, LOST_AFTER, LOST_BEFORE],
            [HANGS, "", HANGS],
        ],
        ids=["throttled", "throughput", "inside", "denied", "lost", "hangs"],
    )
    @pytest.mark.parametrize("first", [0, 1])
    def test_that_passes_is_outlasted(self, cloud: Cloud, trouble: list[str], first: int) -> None:
        """Made, edited and deleted, each request in trouble: all succeed, and the end is right."""
        cloud.deliver(lambda event: Delivery(attempts=[meets(*[""] * first, *trouble)]))
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.update(stack, {"Sharing": cloud.policy(document=OTHER)})
        assert stack.status == "UPDATE_COMPLETE"
        cloud.check_stack(stack)
        cloud.delete(stack)
        assert stack.status == "DELETE_COMPLETE"
        assert cloud.live_is(None)
        cloud.check_responses()

    def test_a_permission_that_never_comes_is_told_within_a_minute(self, cloud: Cloud) -> None:
        """What stays denied fails in time, and the rollback succeeds."""
        cloud.deliver(
            lambda event: (
                Delivery(attempts=[meets("", *["AccessDeniedException"] * 99)])
                if event["RequestType"] == "Create"
                else None
            )
        )
        stack = cloud.stack()
        started = cloud.world.now
        cloud.create(stack, {"Sharing": cloud.policy()})
        assert "role rekognition:" in stack.events[0]
        assert stack.status == "ROLLBACK_COMPLETE"
        assert cloud.world.now - started < 70


class TestService:
    """Each unknown of the service, on both sides."""

    @pytest.mark.parametrize(
        "switches",
        [
            Switches(put_existing_without_revision="overwrite"),
            Switches(put_revision_absent="ResourceNotFoundException"),
            Switches(quota_error="ServiceQuotaExceededException"),
            Switches(list_lag=1.9),
            Switches(returned_form="normalized"),
            Switches(end_of_list="empty_token"),
        ],
        ids=["overwrite", "absent", "quota", "lag", "form", "token"],
    )
    def test_a_whole_life(self, switches: Switches) -> None:
        """Made, edited, rolled back, renamed and deleted: right at each step, whatever the service is like."""
        cloud = Cloud(switches)
        stack = cloud.made({"Sharing": cloud.policy(), "Other": cloud.policy("other", THIRD)})
        templates: list[Template] = [
            {"Sharing": cloud.policy(document=OTHER), "Other": cloud.policy("other", THIRD)},
            {"Sharing": cloud.policy(document=MINE), "Other": cloud.policy("other", THIRD), "Fails": FAILS},
            {"Sharing": cloud.policy("renamed"), "Other": cloud.policy("other", THIRD), "Fails": FAILS},
            {"Sharing": cloud.policy("renamed"), "Other": cloud.policy("other", OTHER)},
        ]
        for template in templates:
            cloud.update(stack, template)
            assert stack.status.endswith("_COMPLETE")
            cloud.check_stack(stack)
            assert len(cloud.service.live()) == 2
        cloud.delete(stack)
        assert stack.status == "DELETE_COMPLETE"
        assert cloud.service.live() == {}
        cloud.check_responses()
