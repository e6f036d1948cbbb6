"""Every sequence CloudFormation can send, row by row of its behavior, ends in the right state."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from localcloud.rekognition import Switches
from tests.documents import FOREIGN, MINE, OTHER, THIRD, document
from tests.simulator.cloud import Cloud, meets
from tests.simulator.function import Delivery
from tests.simulator.service import HANGS, LOST_AFTER, LOST_BEFORE, Calls
from tests.simulator.stack_operations import Behavior, Stack
from tests.simulator.template import Other, Policy, Template

PROJECT = Cloud().project
OWN, MADE_UP = f"{PROJECT}|sharing", "one-Sharing-"

FAILS = Other(version=2, fails=True, needs="Sharing")
"""Another resource, which fails after the policy is done."""

FAILS_AT_ONCE = Other(version=2, fails=True, after=0.2)
"""Another resource, which fails while the policy's request is in flight."""

URLS = {
    "with a time": Behavior(),
    "without a time": Behavior(url_tells_time=False),
}


def policy(name: str = "sharing", document: Mapping[str, Any] = MINE, **more: Any) -> Policy:
    """Return a policy of the project for a template."""
    return Policy(PROJECT, name, document, **more)


def policies(template: Template) -> dict[str, Any]:
    """Return a template's policies."""
    return {name: each for name, each in template.items() if isinstance(each, Policy)}


@pytest.fixture(params=list(URLS.values()), ids=list(URLS))
def cloud(request: pytest.FixtureRequest) -> Cloud:
    """A cloud for each form that a ResponseURL may have."""
    behavior: Behavior = request.param
    return Cloud(behavior=replace(behavior))


ONE: Template = {"Sharing": policy()}
CANCELED: Template = {**ONE, "Other": FAILS_AT_ONCE}
DEAD = [meets(dies_after=1), meets(dies_before=0), meets(dies_before=0)]
"""Every attempt dies, the first one after it has put the policy."""
BLIND = meets(*["ThrottlingException"] * 999)
UNREACHABLE = meets("", LOST_AFTER, *[LOST_BEFORE] * 400)


def create(
    deleted: str, template: Template = ONE, *, there: Mapping[str, Any] | None = None, **delivery: Any
) -> tuple[str, Template, Mapping[str, Any] | None, Delivery]:
    """Return the ID that the Delete has, a template, another's policy of an hour ago, and how the Create arrives."""
    return deleted, template, there, Delivery(**delivery)


def canceled_after(seconds: float, timeout: int | None = 900) -> Template:
    """Return a template in which another resource fails after so many seconds."""
    return {"Sharing": policy(service_timeout=timeout), "Other": replace(FAILS_AT_ONCE, after=seconds)}


FAILING_CREATES = {
    "another's policy is there": create("not-created:", there=FOREIGN),
    "another resource fails afterward": create(OWN, {**ONE, "Other": FAILS}),
    "of two policies one fails": create("", {"Mine": policy("mine"), "Sharing": policy(needs="Mine")}, there=FOREIGN),
    "an adoption is rolled back": create(
        f"{OWN}|adopted", {"Sharing": policy(adopt_existing=True), "Other": FAILS}, there=MINE
    ),
    **{f"canceled at {at}": create(MADE_UP, canceled_after(at)) for at in (0.05, 0.12, 0.18, 0.22, 0.28)},
    "canceled when it is done": create(OWN, canceled_after(0.35)),
    "canceled, and lands late": create(MADE_UP, CANCELED, delay=5),
    **{
        f"canceled, and comes again {later} later": create(MADE_UP, CANCELED, repeats=(later,))
        for later in (0.0, 1.0, 3.0, 6.0)
    },
    "canceled where another's policy is": create(MADE_UP, CANCELED, there=FOREIGN),
    "canceled where an older policy is equivalent": create(MADE_UP, CANCELED, there=MINE),
    "blind after an attempt that put and died": create("in-doubt:", attempts=[meets(dies_after=1), BLIND]),
    "blind where another's policy is": create("in-doubt:", there=FOREIGN, attempts=[BLIND]),
    "it runs out of time": create(OWN, attempts=[UNREACHABLE]),
    "its ID is lost": create(MADE_UP, attempts=[UNREACHABLE], empties_id=True),
    "no response": create(MADE_UP, attempts=DEAD),
    "no response within a minute": create(MADE_UP, {"Sharing": policy(service_timeout=60)}, attempts=DEAD),
    **{
        f"no response, without a ServiceTimeout, canceled at {at}": create(
            MADE_UP, canceled_after(at, timeout=None), attempts=DEAD
        )
        for at in (60.0, 700.0)
    },
}


@pytest.mark.parametrize(
    ("deleted", "template", "there", "delivery"), list(FAILING_CREATES.values()), ids=list(FAILING_CREATES)
)
def test_a_create_that_fails_leaves_nothing(
    cloud: Cloud, deleted: str, template: Template, there: Mapping[str, Any] | None, delivery: Delivery
) -> None:
    """Delete(the ID in the FAILED response, or one that CloudFormation made up; P): only another's policy stays."""
    if there is not None:
        cloud.service.edit(PROJECT, "sharing", there)
        cloud.world.now += 3600
    cloud.deliver_first("Create", copy.deepcopy(delivery))
    stack = cloud.stack()
    cloud.create(stack, template)
    assert stack.status == "ROLLBACK_COMPLETE"
    assert [kind for kind, _ in cloud.sent() if kind != "Create"] == ["Delete"] * len(policies(template))
    assert any(physical_id.startswith(deleted) for kind, physical_id in cloud.sent() if kind == "Delete")
    assert cloud.live() == ({} if there is None else {"sharing": there})


class TestCreate:
    """A stack is made."""

    def test_succeeds(self, cloud: Cloud) -> None:
        """Create(none; P): the policy is live, with two calls."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.check_stack(stack)
        assert cloud.function.log[0].calls[0].made == ["ListProjectPolicies", "PutProjectPolicy"]

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


def edited(name: str, document: Mapping[str, Any] | None = FOREIGN) -> Callable[[Cloud], None]:
    """Return what lets somebody put a policy, or remove it, a minute before what comes next."""

    def act(cloud: Cloud) -> None:
        if document is None:
            cloud.service.remove(PROJECT, name)
        else:
            cloud.service.edit(PROJECT, name, document)
        cloud.world.now += 60

    return act


DONE, BACK = "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"
TWO: Template = {"A": policy("a"), "B": policy("b", OTHER)}
NEW: Template = {"Sharing": policy(document=OTHER)}
RENAMED: Template = {"Sharing": policy("renamed", OTHER)}


def update(
    after: Template,
    status: str,
    requests: str,
    live: Mapping[str, Any],
    before: Template = ONE,
    happens: Callable[[Cloud], None] = lambda _: None,
) -> tuple[object, ...]:
    """Return a template, how its deployment ends, its requests, what is live then, and what came before."""
    return after, status, requests, live, before, happens


UPDATES = {
    "to another document": update(NEW, DONE, "Update", {"sharing": OTHER}),
    **{
        f"and another resource fails {after}": update({**NEW, "Other": other}, BACK, "Update Update", {"sharing": MINE})
        for after, other in {
            "afterward": FAILS,
            "while it is in flight": FAILS_AT_ONCE,
            "at once": replace(FAILS_AT_ONCE, after=0.0),
        }.items()
    },
    **{
        f"after somebody {did} it": update(NEW, DONE, "Update", {"sharing": OTHER}, happens=edited("sharing", document))
        for did, document in {"edited": FOREIGN, "removed": None}.items()
    },
    **{
        f"to another trigger, after somebody {did} it": update(
            {"Sharing": policy(trigger="42")},
            DONE,
            "Update",
            {"sharing": MINE},
            before={"Sharing": policy(trigger="41")},
            happens=edited("sharing", document),
        )
        for did, document in {"edited": FOREIGN, "removed": None}.items()
    },
    "to another name": update(RENAMED, DONE, "Update Delete", {"renamed": OTHER}),
    # No Update back: the old policy was never touched.
    "to another name, and another resource fails": update(
        {**RENAMED, "Other": FAILS}, BACK, "Update Delete", {"sharing": MINE}
    ),
    "to a name that is taken": update(
        RENAMED, BACK, "Update Update", {"sharing": MINE, "renamed": FOREIGN}, happens=edited("renamed")
    ),
    # Two owners of one policy: CloudFormation would delete "the old one" by the same ID.
    "of the logical ID": update({"Renamed": policy()}, BACK, "Create Delete", {"sharing": MINE}),
    "that swaps two names": update(
        {"A": policy("b"), "B": policy("a", OTHER)}, BACK, "Update " * 4, {"a": MINE, "b": OTHER}, before=TWO
    ),
    "that hands a name on while its owner leaves": update(
        {"B": policy("a", OTHER)}, BACK, "Update Update", {"a": MINE, "b": OTHER}, before=TWO
    ),
    "that takes one out of the template": update({"B": policy("b", OTHER)}, DONE, "Delete", {"b": OTHER}, before=TWO),
}


@pytest.mark.parametrize(
    ("after", "status", "requests", "live", "before", "happens"), list(UPDATES.values()), ids=list(UPDATES)
)
def test_an_update(
    cloud: Cloud,
    after: Template,
    status: str,
    requests: str,
    live: Mapping[str, Any],
    before: Template,
    happens: Callable[[Cloud], None],
) -> None:
    """The stack has what its template says, at the recorded revisions; nothing else is made, changed or left."""
    stack = cloud.made(before)
    happens(cloud)
    made = len(cloud.sent())
    cloud.update(stack, after)
    assert stack.status == status
    assert [kind for kind, _ in cloud.sent()[made:]] == requests.split()
    in_force = policies(after if status == DONE else before)
    assert {name: resource.policy for name, resource in stack.resources.items()} == in_force
    cloud.check_stack(stack)
    assert cloud.live() == live


class TestUpdate:
    """A document is edited in place."""

    def test_its_own_failure_is_rolled_back(self, cloud: Cloud) -> None:
        """A FAILED response with the same ID is followed by Update(id; OLD | NEW), and the old document stays."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.deliver_first("Update", Delivery(attempts=[meets("", "MalformedPolicyDocumentException")]))
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
        cloud.deliver_first("Update", Delivery(), Delivery(attempts=[meets("", "LimitExceededException")]))
        cloud.update(stack, {"Sharing": cloud.policy(document=OTHER), "Other": FAILS})
        assert stack.status == "UPDATE_ROLLBACK_FAILED"
        cloud.continue_update_rollback(stack)
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert cloud.live_is(MINE)
        cloud.check_stack(stack)

    def test_another_trigger_costs_one_call_where_nothing_differs(self, cloud: Cloud) -> None:
        """Without drift the Update lists once, doesn't read a second time, and keeps the revision."""
        stack = cloud.made({"Sharing": cloud.policy(trigger="41")})
        cloud.update(stack, {"Sharing": cloud.policy(trigger="42")})
        assert cloud.function.log[-1].calls[0].made == ["ListProjectPolicies"]
        cloud.check_stack(stack)


class TestReplacement:
    """Another name or project makes another policy."""

    def test_in_doubt_is_removed_by_its_rollback(self, cloud: Cloud) -> None:
        """A FAILED response with another ID is taken for a replacement, so that the policy in doubt is deleted."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.deliver_first("Update", Delivery(attempts=[meets("", LOST_AFTER, "LimitExceededException")]))
        cloud.update(stack, {"Sharing": cloud.policy("renamed", OTHER)})
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert cloud.live_is(None, "renamed")
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

    def test_the_stack_is_deleted(self, cloud: Cloud) -> None:
        """Everything of the stack goes, with two calls."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.delete(stack)
        assert stack.status == "DELETE_COMPLETE"
        assert cloud.live_is(None)
        assert cloud.function.log[-1].calls[0].made == ["ListProjectPolicies", "DeleteProjectPolicy"]

    def test_of_a_policy_removed_by_hand(self, cloud: Cloud) -> None:
        """Somebody was faster: that is success."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.service.remove(cloud.project, "sharing")
        cloud.delete(stack)
        assert stack.status == "DELETE_COMPLETE"

    def test_fails_and_is_sent_again(self, cloud: Cloud) -> None:
        """DELETE_FAILED; the next DeleteStack sends it again and nothing is left."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.deliver_first("Delete", Delivery(attempts=[meets("", "InvalidParameterException")]))
        cloud.delete(stack)
        assert stack.status == "DELETE_FAILED"
        cloud.delete(stack)
        assert stack.status == "DELETE_COMPLETE"
        assert cloud.live_is(None)

    def test_in_clean_up_is_tried_three_times(self, cloud: Cloud) -> None:
        """Two failures of a clean-up Delete are outlasted by CloudFormation's three tries."""
        stack = cloud.made({"Sharing": cloud.policy()})
        cloud.deliver_first(
            "Delete",
            Delivery(attempts=[meets("InvalidParameterException")]),
            Delivery(attempts=[meets("InvalidParameterException")]),
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
        cloud.deliver_first("Update", Delivery(repeats=(40,)))
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
        cloud.deliver_first("Create", Delivery(attempts=[meets("", *["AccessDeniedException"] * 99)]))
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
