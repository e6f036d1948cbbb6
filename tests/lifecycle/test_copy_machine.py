"""Any sequence of operations on stacks with copies, with any trouble in it, ends in the right state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from rekognition.arns import ModelVersion
from tests.documents import REGION
from tests.lifecycle import machine
from tests.lifecycle.cases import Copy, Delivery, Template
from tests.lifecycle.cloud import TRUSTED, Cloud, arn_of
from tests.lifecycle.cloudformation import Behavior, Stack
from tests.lifecycle.function import Sent
from tests.lifecycle.machine import ENDS, LOGICAL_IDS, STACKS, Machine, seldom

NAMES = ("a", "b")

switches = st.fixed_dictionaries(
    {
        "run_seconds": st.sampled_from([150.0, 300.0]),
        "copying_time": st.sampled_from([0.0, 5.0, 90.0, 400.0]),
        "deleting_time": st.sampled_from([0.0, 3.0, 60.0]),
        "delete_while_copying": st.sampled_from(["reject", "delete"]),
    }
)
behaviors = st.builds(Behavior, cleanup_has_new_properties=st.booleans(), reverse_update_overlaps=st.booleans())
deliveries = machine.deliveries(
    attempts=4,
    calls=9,
    deadly_calls=7,
    delays=[*[(seconds, 2) for seconds in (0.0, 0.0, 0.0, 1.0, 13.0)], (100.0, 1), (300.0, 0), (900.0, 0)],
    repeats=[0.0, 0.02, 0.12, 3.0, 50.0, 140.0, 350.0],
)
others = machine.others(0.0, 0.2, 0.35, 5.0, 95.0)
copies = st.fixed_dictionaries(
    {
        "source": st.sampled_from(["v1", "v2"]),
        "name": st.sampled_from([None, *NAMES]),
        "bucket": st.sampled_from(["results", "results", "others"]),
        "tags": st.sampled_from([{}, {"team": "a"}, {"team": "b", "x": "y"}]),
        "adopt_existing": seldom,
        "stop_running": st.booleans(),
        "retain": seldom,
    }
)
acts = st.lists(
    st.tuples(st.sampled_from([0.0, 0.13, 0.3, 2.0, 8.0, 30.0, 120.0, 290.0]), st.sampled_from(NAMES), st.booleans()),
    max_size=3,
)
"""What another owner does while an operation runs: when, under which name, and whether it copies or deletes its own."""
templates = st.tuples(st.dictionaries(st.sampled_from(LOGICAL_IDS), copies, max_size=2), others)


class Lifecycle(Machine):
    """Two stacks that copy to one project, and somebody who interferes."""

    cloud: Cloud

    @initialize(switches=switches, lag=st.sampled_from([0.0, 0.0, 1.5]), behavior=behaviors)
    def start(self, switches: dict[str, Any], lag: float, behavior: Behavior) -> None:
        """Begin with an empty project in a service of one kind."""
        self.begin(
            Cloud(behavior=behavior, starting_time=5, running_versions=100, versions_lag=lag, tags_lag=lag, **switches)
        )
        self.retagged: set[str] = set()
        """What may have the tags of an earlier Update again, because that one was delivered again."""

    # -- what can happen -----------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(STACKS), template=templates, drawn=st.lists(deliveries, max_size=4), acts=acts)
    def deploy(self, name: str, template: Any, drawn: list[Delivery], acts: list[Any]) -> None:
        """Create or update a stack, its events delivered in any way."""
        chosen, other = template
        copies = {logical_id: Copy(**options) for logical_id, options in chosen.items()}
        self._deploy(self.stacks[name], {**copies, **other}, drawn, acts)

    @rule(
        name=st.sampled_from(STACKS),
        changes=st.lists(copies, min_size=2, max_size=2),
        in_place=st.booleans(),
        other=others,
        drawn=st.lists(deliveries, max_size=4),
        acts=acts,
    )
    def change(
        self,
        name: str,
        changes: list[dict[str, Any]],
        in_place: bool,
        other: Template,
        drawn: list[Delivery],
        acts: list[Any],
    ) -> None:
        """Update a stack that exists: other tags, perhaps other facts, for the same resources."""
        stack = self.stacks[name]
        if not stack.resources:
            return
        template: dict[str, Any] = {
            logical_id: replace(resource.made_from, needs="", **({"tags": change["tags"]} if in_place else change))
            for (logical_id, resource), change in zip(stack.resources.items(), changes, strict=False)
        }
        self._deploy(stack, {**template, **other}, drawn, acts)

    def _deploy(self, stack: Stack, wanted: Template, drawn: list[Delivery], acts: list[Any]) -> None:
        # A cleanup may carry the new properties: without StopRunning a copy that runs stays then, which is known.
        wanted = {
            name: replace(each, stop_running=stack.resources[name].made_from.stop_running)
            if isinstance(each, Copy) and name in stack.resources
            else each
            for name, each in wanted.items()
        }
        names = [each.name for each in wanted.values() if isinstance(each, Copy) and each.name]
        if len(names) > len({*names}):  # one of them may copy when the other's rollback is over, which is known
            return
        if self._adopts_what_has_an_owner(stack, wanted) or self._cannot_be_rolled_back(stack, wanted):
            return
        before = dict(stack.resources)
        log = len(self.cloud.sent)
        for after, name, makes in acts:
            self.cloud.world.spawn(partial(self._act, name, makes), after)
        self.deploy_stack(stack, wanted, drawn)
        if acts:
            self.cloud.world.now += 1000  # what its owner copied is finished, and what it deleted is gone
        self._settle(stack, before, log)
        assert stack.status in ENDS
        self.cloud.world.now += 5  # the next operation may come at once
        if stack.status == "UPDATE_ROLLBACK_COMPLETE":
            properties = self.cloud.cloudformation.properties
            assert {name: properties(each.made_from) for name, each in stack.resources.items()} == {
                name: properties(each.made_from) for name, each in before.items()
            }
        if stack.status == "ROLLBACK_COMPLETE":
            assert stack.resources == {}
        again = {sent.event["LogicalResourceId"] for sent in self.cloud.sent[log:] if sent.comes_again}
        self.retagged |= {arn_of(stack.resources[name]) for name in again & {*stack.resources}}
        self._check_resources(stack)

    @rule(name=st.sampled_from(STACKS), drawn=st.lists(deliveries, max_size=3))
    def delete(self, name: str, drawn: list[Delivery]) -> None:
        """Delete a stack."""
        stack = self.stacks[name]
        before, log = dict(stack.resources), len(self.cloud.sent)
        self.deliver(drawn)
        self.cloud.operate(stack.delete)
        self._settle(stack, before, log)
        assert stack.status == "DELETE_COMPLETE"

    @rule(name=st.sampled_from(NAMES), source=st.sampled_from(["v1", "v2"]))
    def somebody_copies(self, name: str, source: str) -> None:
        """Somebody else copies under a name that nothing has."""
        taken = {version.arn.name for version in self.cloud.live_versions().values()}
        if name not in taken | {ModelVersion.parse(arn_of(each)).name for each in self.resources()}:
            version = self.cloud.somebody_copies(name, source, Tags={"theirs": "yes"})
            self.foreign[str(version.arn)] = dict(version.tags)
            self.cloud.world.now += 1000

    @rule(number=st.integers(0, 3))
    def somebody_deletes(self, number: int) -> None:
        """Somebody deletes a model version by hand."""
        arns = sorted(self.cloud.live_versions())
        if arns:
            arn = arns[number % len(arns)]
            self._delete(arn)
            self.foreign.pop(arn, None)
            self.drifted.add(arn)

    @rule(number=st.integers(0, 3))
    def somebody_starts(self, number: int) -> None:
        """Somebody starts a copy that its stack may stop, or a model version that is nobody's."""
        live = self.cloud.live_versions()
        fixed = {arn_of(each) for each in self.resources() if not each.made_from.stop_running}
        arns = sorted({*live} - fixed)
        if arns and self.cloud.store.status(live[arns[number % len(arns)]]) == "COPYING_COMPLETED":
            self.cloud.store.start_version(TRUSTED, REGION, arns[number % len(arns)])

    @rule(allowed=st.booleans())
    def the_source_changes_its_policy(self, allowed: bool) -> None:
        """The source's account withdraws its policy, or attaches it again."""
        self.cloud.sharing.allowed = allowed

    # -- what must hold ------------------------------------------------------------------------------------------------

    @precondition(lambda self: hasattr(self, "cloud"))
    @invariant()
    def nothing_is_left_and_nothing_is_lost(self) -> None:
        """What is live is what the stacks have, and what belongs to nobody here."""
        wanted = {*{arn_of(each) for each in self.resources()}, *self.foreign} - self.drifted
        assert set(self.cloud.live_versions()) == wanted

    @precondition(lambda self: hasattr(self, "cloud"))
    @invariant()
    def others_model_versions_are_as_they_were(self) -> None:
        """A model version that no stack has made is never tagged, stopped or deleted."""
        for arn, tags in self.foreign.items():
            version = self.cloud.live_versions()[arn]
            assert version.tags == tags
            assert "stop" not in [asked for _, asked in version.asked]

    def _check_resources(self, stack: Stack) -> None:
        for resource in stack.resources.values():
            arn = arn_of(resource)
            if arn not in self.drifted:
                self.cloud.check_copy(resource, resource.made_from, tags=arn not in self.retagged)

    # -- helpers -------------------------------------------------------------------------------------------------------

    def _act(self, name: str, makes: bool) -> None:
        """Let another owner copy under a name that is free, or delete what it has copied."""
        live = {version.arn.name: arn for arn, version in self.cloud.live_versions().items()}
        taken = {*live, *(ModelVersion.parse(arn_of(each)).name for each in self.resources())}
        if makes and name not in taken:
            version = self.cloud.somebody_copies(name, "v1", Tags={"theirs": "yes"})
            self.foreign[str(version.arn)] = dict(version.tags)
        elif not makes and live.get(name) in self.foreign and "theirs" in self.foreign[live[name]]:
            version = self.cloud.live_versions()[live[name]]
            if self.cloud.store.status(version) == "COPYING_COMPLETED":
                self.cloud.store.delete_version(TRUSTED, REGION, live[name])
                self.foreign.pop(live[name])
                self.drifted.add(live[name])  # a stack may have adopted it

    def _cannot_be_rolled_back(self, stack: Stack, template: Template) -> bool:
        """Return whether a copy that was deleted by hand can't be copied anew: it is denied, or its name is given away.

        An update fails then, and its rollback as well, until the copy's source or name is free.
        """
        lost = [ModelVersion.parse(arn_of(each)).name for each in self.resources() if arn_of(each) in self.drifted]
        names = [each.name for each in template.values() if isinstance(each, Copy)]
        own = [each for each in stack.resources.values() if arn_of(each) in self.drifted]
        return bool(own and not self.cloud.sharing.allowed) or any(name and name in lost for name in names)

    def _adopts_what_has_an_owner(self, stack: Stack, template: Template) -> bool:
        """Return whether a template adopts what another resource of a stack has made: people see to that."""
        wanted = {name: each for name, each in template.items() if isinstance(each, Copy)}
        owned = [
            (owner.name, logical_id, ModelVersion.parse(arn_of(each)).name)
            for owner in self.stacks.values()
            for logical_id, each in owner.resources.items()
        ] + [(stack.name, logical_id, each.name) for logical_id, each in wanted.items()]
        return any(
            each.adopt_existing and each.name == name and (stack.name, logical_id) != (owner, of)
            for logical_id, each in wanted.items()
            for owner, of, name in owned
            if name
        )

    def _settle(self, stack: Stack, before: Mapping[str, Any], log: int) -> None:
        """Note what stays although its resource went, and take away what is known to be left behind."""
        live = self.cloud.live_versions()
        owned = {arn_of(each) for each in self.resources()}
        went = [each for name, each in before.items() if stack.resources.get(name) != each]
        left = stack.kept + [each for each in went if each.physical_id.endswith("|adopted")]
        if stack.kept:
            self.cloud.world.now += 20  # a Create canceled sooner may take what was kept for its own, which is known
        stack.kept = []
        adopted = [each for each in self.resources() if each.physical_id.endswith("|adopted")]
        for arn in {arn_of(each) for each in [*left, *adopted]} & {*live}:
            if arn not in owned or arn in {arn_of(each) for each in adopted}:
                self.foreign.setdefault(arn, dict(live[arn].tags))
        for sent in self.cloud.sent[log:]:
            for arn, version in live.items():
                is_its_own = version.tags.get("rekognition-version-copy:request") == sent.event["RequestId"]
                is_left = is_its_own and arn not in owned | {*self.foreign}
                if is_left and self._is_known_to_be_left(sent):
                    event("a known limitation")
                    self._delete(arn)

    def _is_known_to_be_left(self, sent: Sent) -> bool:
        """Return whether it was made after its Delete, or in place of what was deleted by hand, or may be retained."""
        resource = (sent.event["StackId"], sent.event["LogicalResourceId"])
        undone_at = [
            each.at
            for each in self.cloud.sent
            if each.at > sent.at and (each.event["StackId"], each.event["LogicalResourceId"]) == resource
        ]
        was_lost = sent.event.get("PhysicalResourceId") in self.drifted
        return (
            sent.orphaned
            or was_lost
            or any(
                all(abs(at - time) > 20 and not sent.at <= at <= time for at in undone_at) for time in sent.finished_at
            )
        )

    def _delete(self, arn: str) -> None:
        version = self.cloud.live_versions()[arn]
        if self.cloud.store.status(version) in ("STARTING", "RUNNING"):
            self.cloud.world.now += 10
            self.cloud.store.stop_version(TRUSTED, REGION, arn)
            self.cloud.world.now += 10
        self.cloud.store.delete_version(TRUSTED, REGION, arn)
        self.cloud.world.now += 100


TestLifecycle = pytest.mark.timeout(3600)(pytest.mark.full(Lifecycle.TestCase))
TestLifecycle.settings = settings(machine.SETTINGS, stateful_step_count=16)
