"""Any sequence of operations, with any trouble in it, ends in the right state: a state machine looks for others.

Known limitations are noticed where they happen, and only that policy is let off: a request puts its policy after its
own Delete is through, or what another owner puts meanwhile can't be told from what a request has put.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from tests.documents import FOREIGN, MINE, OTHER, THIRD, document, is_document
from tests.lifecycle import machine
from tests.lifecycle.cases import HANGS, LOST_AFTER, LOST_BEFORE, Delivery, Policy, Template
from tests.lifecycle.cloud import Cloud
from tests.lifecycle.cloudformation import Behavior, Resource, Stack
from tests.lifecycle.function import Sent
from tests.lifecycle.machine import ENDS, LOGICAL_IDS, STACKS, Machine, seldom

NAMES = ("a", "b", "c")
SETTLED = 3.0
"""Seconds after which every list shows what somebody did; what a list hides for longer is a known limitation."""
BAD: list[Any] = ["{", {"Version": "2012-10-17", "Statement": []}, document("1234")]
"""Documents that the function rejects."""

switches = st.fixed_dictionaries(
    {
        "put_existing_without_revision": st.sampled_from(["reject", "overwrite"]),
        "put_revision_absent": st.sampled_from(["InvalidPolicyRevisionIdException", "ResourceNotFoundException"]),
        "returned_form": st.sampled_from(["as_given", "normalized"]),
        "list_lag": st.sampled_from([0.0, 0.0, 1.5]),
        "end_of_list": st.sampled_from(["no_token", "empty_token"]),
    }
)
# Without its request's time, an Update takes a young equivalent document for its own work, and doesn't outdate the
# revision of an Update that is still in flight.
behaviors = st.one_of(
    st.builds(Behavior, cleanup_has_new_properties=st.booleans(), reverse_update_overlaps=st.booleans()),
    st.builds(Behavior, cleanup_has_new_properties=st.booleans(), url_tells_time=st.just(False)),
)
deliveries = machine.deliveries(
    attempts=3,
    calls=6,
    deadly_calls=3,
    delays=[
        *[(seconds, 2) for seconds in (0.0, 0.0, 0.0, 0.0, 1.0, 4.0, 50.0)],
        (120.0, 1),
        *[(seconds, 0) for seconds in (300.0, 600.0, 900.0)],
    ],
    repeats=[0.0, 0.02, 0.07, 0.12, 3.0, 50.0, 200.0],
)
others = machine.others(0.0, 0.1, 0.2, 0.3, 5.0)
documents = st.sampled_from([*[MINE, OTHER, THIRD] * 3, *BAD])
policies = st.fixed_dictionaries(
    {
        "name": st.sampled_from(NAMES),
        "document": documents,
        "in_order": st.booleans(),
        "retain": seldom,
        "adopt_existing": seldom,
        "service_timeout": st.sampled_from([900, 900, 900, None]),
    }
)
templates = st.tuples(st.dictionaries(st.sampled_from(LOGICAL_IDS), policies, max_size=2), others)


IN_DOUBT = {LOST_BEFORE, LOST_AFTER, HANGS, "InternalServerError"}
"""What leaves in doubt whether a call has had its effect."""


TWIN = "the same"


@dataclass(frozen=True)
class Act:
    """What another owner does while an operation runs: puts a policy where none is, edits or removes its own."""

    after: float
    name: str
    document: Any
    """TWIN for the document that the operation's own policy of that name has; None to remove it."""


acts = st.lists(
    st.builds(
        Act,
        after=st.sampled_from([0.0, 0.13, 0.18, 0.4, 2.0, 8.0, 30.0, 55.0, 70.0, 130.0, 320.0, 590.0]),
        name=st.sampled_from(NAMES),
        document=st.sampled_from([TWIN, TWIN, TWIN, FOREIGN, None]),
    ),
    max_size=4,
)


class Lifecycle(Machine):
    """Two stacks on one project, and somebody who interferes."""

    cloud: Cloud

    @initialize(switches=switches, behavior=behaviors)
    def start(self, switches: dict[str, Any], behavior: Behavior) -> None:
        """Begin with an empty project in a service of one kind."""
        self.begin(Cloud(behavior=behavior, **switches))
        self.overwrites = switches["put_existing_without_revision"] == "overwrite"
        self.list_lags = switches["list_lag"] > 0
        self.meanwhile: dict[str, float] = {}
        """When each policy was created that another owner put or edited during this operation."""
        self.touched: set[str] = set()
        """The names of the policies that another owner put, edited or removed during this operation."""

    # -- what can happen -----------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(STACKS), template=templates, drawn=st.lists(deliveries, max_size=4), acts=acts)
    def deploy(self, name: str, template: Any, drawn: list[Delivery], acts: list[Act]) -> None:
        """Create or update a stack, its events delivered in any way."""
        self._deploy(self.stacks[name], self._template(template), drawn, acts)

    @rule(
        name=st.sampled_from(STACKS),
        documents=st.lists(documents, min_size=2, max_size=2),
        names=st.one_of(st.none(), st.permutations(NAMES)),
        other=others,
        drawn=st.lists(deliveries, max_size=4),
        acts=acts,
    )
    def change(
        self,
        name: str,
        documents: list[Any],
        names: list[str] | None,
        other: Template,
        drawn: list[Delivery],
        acts: list[Act],
    ) -> None:
        """Update a stack that is there: other documents, perhaps other names, for the same resources."""
        stack = self.stacks[name]
        if not stack.resources:
            return
        template = {
            logical_id: replace(resource.made_from, document=content, name=new or resource.made_from.name, needs="")
            for (logical_id, resource), content, new in zip(
                stack.resources.items(), documents, names or (None, None), strict=False
            )
        }
        self._deploy(stack, {**template, **other}, drawn, acts)

    def _deploy(self, stack: Stack, wanted: Template, drawn: list[Delivery], acts: list[Act]) -> None:
        if self._takes_over_what_cannot_be_told_apart(stack, wanted):
            return
        before = self._says()
        owned_before = dict(stack.resources)
        log = len(self.cloud.sent)
        self._interfere(acts, wanted)
        self.deploy_stack(stack, wanted, drawn)
        self._let_off(log)
        assert stack.status in ENDS
        assert not stack.dropped
        stays = self._let_stay(stack, owned_before)
        if stack.status == "ROLLBACK_COMPLETE":
            self._check_same_as(before, but_for=stays | self.touched)
        elif stack.status == "UPDATE_ROLLBACK_COMPLETE":
            assert self._recorded(stack.resources) == self._recorded(owned_before)
            # Where a reverse Update was sent it has put the template's document, which drift is not.
            owned = {each.made_from.name for each in owned_before.values()}
            self._check_same_as(before, but_for=stays | owned | self.touched)
            self._check_rolled_back(before, owned_before.values())
        else:
            self._check_complete(stack, {sent.event["LogicalResourceId"] for sent in self.cloud.sent[log:]})

    @rule(name=st.sampled_from(STACKS), drawn=st.lists(deliveries, max_size=3), acts=acts)
    def delete(self, name: str, drawn: list[Delivery], acts: list[Act]) -> None:
        """Delete a stack."""
        stack = self.stacks[name]
        owned = dict(stack.resources)
        before, log = self._says(), len(self.cloud.sent)
        self._interfere(acts, {logical_id: resource.made_from for logical_id, resource in owned.items()})
        self.deliver(drawn)
        self.cloud.operate(stack.delete)
        self._let_off(log)
        assert stack.status == "DELETE_COMPLETE"
        stays = self._let_stay(stack, owned)
        gone = {resource.made_from.name for resource in owned.values()} - stays
        self._check_same_as(
            {name: content for name, content in before.items() if name not in gone}, but_for=self.touched
        )

    @rule(name=st.sampled_from(NAMES))
    def somebody_makes(self, name: str) -> None:
        """Somebody else puts a policy where none is."""
        if name not in self._says() and name not in self._owned():
            self.cloud.put(FOREIGN, name)
            self.foreign[name] = FOREIGN
            self.cloud.world.now += SETTLED

    @rule(name=st.sampled_from(NAMES))
    def somebody_edits(self, name: str) -> None:
        """Somebody edits a stack's policy by hand."""
        if name in self._says() and name in self._owned():
            self.cloud.put(FOREIGN, name)
            self._drift(name)

    @rule(name=st.sampled_from(NAMES))
    def somebody_removes(self, name: str) -> None:
        """Somebody deletes a policy by hand."""
        if name in self._says():
            self.cloud.remove(name)
            self.foreign.pop(name, None)
            self._drift(name)

    # -- what must hold ------------------------------------------------------------------------------------------------

    @precondition(lambda self: hasattr(self, "cloud"))
    @invariant()
    def others_policies_are_as_they_were(self) -> None:
        """A policy that no stack made is never changed or deleted."""
        says = self._says()
        for name, content in self.foreign.items():
            assert name in says, f"{name} is gone"
            assert is_document(says[name], content)

    def _check_complete(self, stack: Stack, asked: set[str]) -> None:
        for logical_id, resource in stack.resources.items():
            if logical_id not in asked and resource.made_from.name in self.drifted:
                continue  # CloudFormation asks nothing about what did not change in the template
            if resource.made_from.name in self.touched:
                continue  # taken for own work, which is known, and perhaps edited by its owner since
            live = self.cloud.live_policies().get((self.cloud.logos, resource.made_from.name))
            assert live is not None
            assert is_document(live.document, resource.made_from.document)
            self.drifted.discard(resource.made_from.name)
            # Were a put without a revision to overwrite silently, two deliveries at once would each make a revision.
            if not self.overwrites:
                assert resource.data["PolicyRevisionId"] == live.revision

    def _check_rolled_back(self, before: Mapping[str, str], resources: Any) -> None:
        says = self._says()
        for resource in resources:
            name = resource.made_from.name
            if name in self.touched:
                continue
            put_back = name in says and is_document(says[name], resource.made_from.document)
            assert put_back or says.get(name) == before.get(name)

    def _check_same_as(self, before: Mapping[str, str], but_for: set[str]) -> None:
        says = self._says()
        for name in {*says, *before} - but_for:
            assert (name in says) == (name in before), f"{name}: {before.get(name)} -> {says.get(name)}"
            assert says.get(name) == before.get(name)

    # -- helpers -------------------------------------------------------------------------------------------------------

    def _interfere(self, acts: list[Act], wanted: Template) -> None:
        """Let another owner act while the next operation runs."""
        documents = {each.name: each.document for each in wanted.values() if isinstance(each, Policy)}
        self.meanwhile, self.touched = {}, set()
        for act in acts if not self.overwrites else ():
            twin = documents.get(act.name, MINE)
            content = (MINE if twin in BAD else twin) if act.document == TWIN else act.document
            self.cloud.world.spawn(partial(self._act, act.name, content), act.after)

    def _act(self, name: str, content: Any) -> None:
        is_theirs = name in self.foreign and name in self._says() and name not in self._owned()
        is_free = name not in {*self._says(), *self._owned(), *self.drifted}
        if not (is_theirs or (is_free and content is not None)):
            return
        self.touched.add(name)
        if content is None:
            self.cloud.remove(name)
            self.foreign.pop(name)
            return
        self.cloud.put(content, name)
        self.foreign[name] = content
        self.meanwhile[name] = self.cloud.live_policies()[self.cloud.logos, name].created

    def _could_be_taken(self, sent: Sent, name: str) -> bool:
        """Return whether a request can't tell what another owner has put meanwhile from what it, or its kin, has."""
        event, after = sent.event, self.meanwhile[name] - sent.at
        wanted, old = event["ResourceProperties"], event.get("OldResourceProperties", {})
        of_id = event.get("PhysicalResourceId", "").split("|")[1:2] == [name]
        if event["RequestType"] == "Delete" and of_id:
            return after <= 3 or self.list_lags
        told = self.cloud.cloudformation.behavior.url_tells_time
        was_throttled = any(each.was_throttled for each in sent.invocations)
        looks_for_canceled = event["RequestType"] == "Delete" or old.get("PolicyName") == name
        if wanted["PolicyName"] != name and old.get("PolicyName") != name:
            return False
        if looks_for_canceled:
            return not told or -906 <= after <= (446 if was_throttled else 46)
        in_doubt = any(IN_DOUBT & {*each.meets.faults.values()} for each in sent.invocations)
        return not told or in_doubt or -2 <= after <= 61

    def _template(self, drawn: tuple[Mapping[str, Any], Template]) -> Template:
        chosen, other = drawn
        template: dict[str, Policy] = {}
        for logical_id, given in chosen.items():
            wanted = dict(given)
            # Two policies of one name in one template are rejected at synthesis.
            if any(each.name == wanted["name"] for each in template.values()):
                continue
            needs = next(iter(template), "") if wanted.pop("in_order") else ""
            template[logical_id] = Policy(needs=needs, **wanted)
        return {**template, **other}

    def _takes_over_what_cannot_be_told_apart(self, stack: Stack, template: Template) -> bool:
        """Return whether a template takes another owner's name in one of the two ways that are known limitations.

        Where that policy was removed by hand, its owner's Delete takes the new one; where it is a young twin, the
        Delete of a canceled Create does.
        """
        live = {name: policy for (_, name), policy in self.cloud.live_policies().items()}
        young = self.cloud.world.now - 900 - 60 - 100
        owners = {
            resource.made_from.name: (owner, logical_id)
            for owner in self.stacks.values()
            for logical_id, resource in owner.resources.items()
        }
        for logical_id, wanted in template.items():
            if not isinstance(wanted, Policy) or owners.get(wanted.name) == (stack, logical_id):
                continue
            policy = live.get(wanted.name)
            if policy is None and wanted.name in owners:
                return True
            if policy is not None and policy.created > young and is_document(policy.document, wanted.document):
                return True
            if wanted.adopt_existing and wanted.name in owners:
                return True  # what belongs to another is not to be adopted; synthesis and people see to that
        return False

    def deliver(self, drawn: list[Delivery]) -> None:
        """Let the next events arrive as drawn; without a time a late repeat can't be told from a first delivery."""
        if not self.cloud.cloudformation.behavior.url_tells_time:
            drawn = [replace(each, repeats=()) for each in drawn]
        super().deliver(drawn)

    def _drift(self, name: str) -> None:
        self.drifted.add(name)
        self.cloud.world.now += SETTLED

    def _let_stay(self, stack: Stack, before: Mapping[str, Resource]) -> set[str]:
        """Return the names of policies that stay although their resource went: they are orphaned from now on."""
        went = [resource for name, resource in before.items() if stack.resources.get(name) != resource]
        left = stack.kept + [resource for resource in went if resource.physical_id.endswith("|adopted")]
        stack.kept = []
        says, names = self._says(), {resource.made_from.name for resource in left} - self._owned()
        for name in names:
            assert name in says or name in self.drifted, f"{name} did not stay"
            if name in says:
                self.foreign[name] = json.loads(says[name])
        for name in self._owned():
            self.foreign.pop(name, None)  # adopted
        return names

    def _let_off(self, since: int) -> None:
        """Let off what is a known limitation: an orphan, and what another owner put but a request took or removed."""
        requests = self.cloud.sent[since:]
        for name in self.meanwhile:
            content = self.foreign.get(name)
            is_as_left = name in self._says() and is_document(self._says()[name], content)
            if content is not None and not (is_as_left and name not in self._owned(but_adopted=True)):
                assert any(self._could_be_taken(sent, name) for sent in requests), f"{name} was taken"
                event("what another put was taken, as is known")
                self.foreign.pop(name)
        for sent in requests:
            wanted = sent.event["ResourceProperties"]
            name = wanted["PolicyName"]
            is_orphan = sent.orphaned or self._was_rejected_as_anothers(sent)
            if is_orphan and name not in self._owned() and name not in self.foreign and name in self._says():
                event("a known limitation")
                self.cloud.remove(name)
                self.cloud.world.now += SETTLED

    def _was_rejected_as_anothers(self, sent: Sent) -> bool:
        """Return whether a delivery took the policy that another delivery of the same request had put for another's.

        It was put more than a minute after the request, or at the same time, and CloudFormation heard of the rejection
        first.
        """
        if not sent.responded.is_set() or not sent.made_at or len(sent.invocations) < 2:
            return False
        return sent.response["Status"] == "FAILED" and "already exists" in sent.response["Reason"]

    def _recorded(self, resources: Mapping[str, Resource]) -> dict[str, Any]:
        properties = self.cloud.cloudformation.properties
        return {name: (each.physical_id, properties(each.made_from)) for name, each in resources.items()}

    def _says(self) -> dict[str, str]:
        return {name: policy.document for (_, name), policy in self.cloud.live_policies().items()}

    def _owned(self, *, but_adopted: bool = False) -> set[str]:
        owners = [each for each in self.resources() if not (but_adopted and each.physical_id.endswith("|adopted"))]
        return {each.made_from.name for each in owners}


TestLifecycle = pytest.mark.timeout(3600)(pytest.mark.full(Lifecycle.TestCase))
TestLifecycle.settings = machine.SETTINGS
