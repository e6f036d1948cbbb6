"""CloudFormation, as far as a custom resource sees it: which requests it sends, when, with which IDs and properties.

The sequences are those of AWS's documentation and of field reports. What is known from one report only, or inferred, is
a switch.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.simulator.function import Delivery, Function, Sent
from tests.simulator.service import LATENCY
from tests.simulator.template import Managed, Other, Template
from tests.simulator.world import Signal

CLEAN_UP_TRIES = 3
LIST_LAG = 2.0
"""Seconds that a list is given to show a change."""
FOREVER = 10.0**6
ROLL_BACK_DELAY = 3.0
"""Seconds from a failure to the first reverse Update."""
DEFAULT_SERVICE_TIMEOUT = 3600.0


@dataclass
class Behavior:
    """The rows that are not certain."""

    url_tells_time: bool = True
    reverse_update_overlaps: bool = False
    """Whether an Update in flight is reversed at once, or only when it has responded."""
    failed_creates_are_deleted_last: bool = False
    """Whether what a disabled rollback left is deleted before the next operation creates anything, or afterward."""
    clean_up_has_new_properties: bool = False
    """Whether a clean-up Delete carries the properties from before or from after."""


@dataclass(frozen=True)
class Resource:
    """A resource of a stack: its physical ID, what it was made from, and its attributes."""

    physical_id: str
    policy: Any
    """What it was made from: a policy, or another custom resource."""
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Response:
    """How a request ended for CloudFormation."""

    ok: bool
    physical_id: str
    data: Mapping[str, str]
    reason: str = ""


@dataclass(frozen=True)
class Change:
    """What an operation has done to one resource, for a rollback to undo."""

    logical_id: str
    kind: str
    """created, not created, canceled, updated or replaced."""
    before: Resource | None
    after: Resource | None


class CloudFormation:
    """Sends requests to a function and waits for its responses."""

    def __init__(self, function: Function, behavior: Behavior | None = None) -> None:
        self.function = function
        self.world = function.world
        self.behavior = behavior or Behavior()
        self.deliver: Callable[[Mapping[str, Any]], Delivery] = lambda _event: Delivery()
        """Says how an event is delivered."""
        self.request_ids: Iterator[int] = itertools.count(1)
        self._number = itertools.count(1)

    def stack(self, name: str) -> Stack:
        """Return a new stack."""
        return Stack(self, name)

    def request(
        self,
        stack: Stack,
        kind: str,
        logical_id: str,
        policy: Managed,
        physical_id: str = "",
        old: Managed | None = None,
    ) -> Sent:
        """Send a request."""
        event: dict[str, Any] = {
            "RequestType": kind,
            "ResponseURL": self._url(),
            "StackId": f"arn:aws:cloudformation:us-east-1:123456789012:stack/{stack.name}/4c5a3c60-95a3-11ef",
            "RequestId": f"request-{next(self.request_ids)}",
            "ResourceType": policy.resource_type,
            "LogicalResourceId": logical_id,
            "ResourceProperties": policy.properties,
        }
        if physical_id:
            event["PhysicalResourceId"] = physical_id
        if old is not None:
            event["OldResourceProperties"] = old.properties
        return self.function.send(event, self.deliver(event))

    def wait(self, sent: Sent, policy: Managed) -> Response | None:
        """Wait for a response as long as CloudFormation does; None where none came."""
        timeout = float(policy.service_timeout or DEFAULT_SERVICE_TIMEOUT)
        if not sent.responded.wait(timeout - (self.world.now - sent.at)):
            return None
        got = sent.responded.value
        return Response(got["Status"] == "SUCCESS", got["PhysicalResourceId"], got["Data"], got["Reason"])

    def made_up_id(self, stack: Stack, logical_id: str) -> str:
        """Return an ID as CloudFormation makes one up where it got none."""
        return f"{stack.name}-{logical_id}-{next(self._number):013X}"

    def _url(self) -> str:
        base, now = "https://responses.example/response", int(self.world.now)
        if not self.behavior.url_tells_time:
            return base
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        return f"{base}?X-Amz-Date={stamp}&X-Amz-Expires=7200&X-Amz-Signature=5ec2e7"


class Stack:
    """One stack; each operation is to be run by ``BaseCloud.operate``."""

    def __init__(self, cloudformation: CloudFormation, name: str) -> None:
        self.cloudformation = cloudformation
        self.world = cloudformation.world
        self.name = name
        self.status = ""
        self.resources: dict[str, Resource] = {}
        self.others: dict[str, Other] = {}
        self.events: list[str] = []
        self.kept: list[Resource] = []
        """What stayed by its DeletionPolicy or UpdateReplacePolicy."""
        self.dropped: list[Resource] = []
        """What a clean-up gave up after three tries."""
        self._failed: dict[str, Resource] = {}
        """Failed creates that a disabled rollback left for the next operation."""
        self._unreversed: list[Change] = []

    def create(self, template: Template, *, disable_rollback: bool = False) -> None:
        """CreateStack."""
        changes, ok = self._apply(template)
        if ok:
            self.status = "CREATE_COMPLETE"
        elif disable_rollback:
            self._keep_failed(changes)
            self.status = "CREATE_FAILED"
        else:
            self._rollback_create(changes)

    def update(self, template: Template, *, disable_rollback: bool = False) -> None:
        """UpdateStack."""
        last = self.cloudformation.behavior.failed_creates_are_deleted_last
        failed, self._failed = self._failed, {}
        if not last:
            self._delete_all(failed)
        before = dict(self.resources)
        others_before = dict(self.others)
        changes, ok = self._apply(template)
        if ok:
            self.status = "UPDATE_COMPLETE"
            self._clean_up_after_success(template, before)
            if last:
                self._delete_all(failed)
            return
        if disable_rollback:
            self._keep_failed(changes)
            self.status = "UPDATE_FAILED"
            return
        self.others = others_before
        self._rollback_update(changes)

    def continue_update_rollback(self) -> None:
        """ContinueUpdateRollback: sends the reverse Updates that failed once more."""
        changes, self._unreversed = self._unreversed, []
        self._rollback_update(changes)

    def delete(self) -> None:
        """DeleteStack."""
        failed, self._failed = self._failed, {}
        self._delete_all(failed)
        ok = True
        for logical_id, resource in list(self.resources.items()):
            if resource.policy.retain:
                self.kept.append(self.resources.pop(logical_id))
            elif self._deleted(logical_id, resource):
                del self.resources[logical_id]
            else:
                ok = False
        self.status = "DELETE_COMPLETE" if ok else "DELETE_FAILED"

    # -- forwards ------------------------------------------------------------------------------------------------------

    def _apply(self, template: Template) -> tuple[list[Change], bool]:
        """Create and update what the template asks for, all that may at once; stop at the first failure."""
        changes: list[Change] = []
        done = {logical_id: Signal(self.world) for logical_id in template}
        over = Signal(self.world)

        def run(logical_id: str) -> None:
            wanted = template[logical_id]
            ok = not wanted.needs or (done[wanted.needs].wait(FOREVER) and bool(done[wanted.needs].value))
            if ok and not over.is_set():
                if isinstance(wanted, Other):
                    ok = self._other(logical_id, wanted)
                else:
                    ok = self._one(logical_id, wanted, changes, over)
                if not ok:
                    over.set()
            done[logical_id].set(ok)

        for logical_id in template:
            self.world.spawn(partial(run, logical_id))
        # A failure ends the waiting of all that is in flight, so each comes to its end.
        results = [signal.wait(FOREVER) and bool(signal.value) for signal in done.values()]
        return changes, all(results) and not over.is_set()

    def _other(self, logical_id: str, wanted: Other) -> bool:
        if self.others.get(logical_id) == wanted:
            return True
        self.world.sleep(wanted.after)
        if not wanted.fails:
            self.others[logical_id] = wanted
        return not wanted.fails

    def _one(self, logical_id: str, wanted: Managed, changes: list[Change], over: Signal) -> bool:
        """Create or update one policy; return whether it went well."""
        before = self.resources.get(logical_id)
        if before is None:
            return self._create_one(logical_id, wanted, changes, over)
        if before.policy.properties == wanted.properties:
            self.resources[logical_id] = Resource(before.physical_id, wanted, before.data)
            return True
        return self._update_one(logical_id, before, wanted, changes, over)

    def _create_one(self, logical_id: str, wanted: Managed, changes: list[Change], over: Signal) -> bool:
        sent = self.cloudformation.request(self, "Create", logical_id, wanted)
        response = self._race(sent, wanted, over)
        made_up = self.cloudformation.made_up_id(self, logical_id)
        if response is None:  # canceled, or it never responded: CloudFormation has no ID to delete by but its own
            changes.append(Change(logical_id, "canceled", None, Resource(made_up, wanted)))
            return False
        resource = Resource(response.physical_id or made_up, wanted, response.data)
        changes.append(Change(logical_id, "created" if response.ok else "not created", None, resource))
        self._note(logical_id, "CREATE", response)
        if response.ok:
            self.resources[logical_id] = resource
        else:
            sent.abandon()
        return response.ok

    def _update_one(
        self,
        logical_id: str,
        before: Resource,
        wanted: Managed,
        changes: list[Change],
        over: Signal,
    ) -> bool:
        sent = self.cloudformation.request(self, "Update", logical_id, wanted, before.physical_id, before.policy)
        response = self._race(sent, wanted, over)
        if response is None and not self.cloudformation.behavior.reverse_update_overlaps:
            response = self.cloudformation.wait(sent, wanted)
        if response is None:
            sent.abandon()
            changes.append(Change(logical_id, "updated", before, Resource(before.physical_id, wanted)))
            return False
        after = Resource(response.physical_id, wanted, response.data)
        kind = "updated" if response.physical_id == before.physical_id else "replaced"
        changes.append(Change(logical_id, kind, before, after))
        self._note(logical_id, "UPDATE", response)
        if response.ok:
            self.resources[logical_id] = after
        else:
            sent.abandon()
        return response.ok and not over.is_set()

    def _race(self, sent: Sent, policy: Managed, over: Signal) -> Response | None:
        """Wait for a response, but no longer than until another resource fails."""
        either = Signal(self.world)
        for signal in (sent.responded, over):
            signal.then(either.set)
        either.wait(float(policy.service_timeout or DEFAULT_SERVICE_TIMEOUT))
        return self.cloudformation.wait(sent, policy) if sent.responded.is_set() else None

    def _note(self, logical_id: str, operation: str, response: Response) -> None:
        self.events.append(f"{logical_id} {operation}_{'COMPLETE' if response.ok else 'FAILED ' + response.reason}")

    # -- backwards -----------------------------------------------------------------------------------------------------

    def _rollback_create(self, changes: list[Change]) -> None:
        for change in changes:
            if change.after is not None:
                self.resources[change.logical_id] = change.after
                if change.after.policy.retain and change.kind == "created":
                    # A retained resource that failed to be made is deleted all the same; one that was made stays.
                    self.kept.append(self.resources.pop(change.logical_id))
        deleted = self._deleted_at_once(list(self.resources.items()))
        self.resources = {name: each for name, each in self.resources.items() if name not in deleted}
        self.status = "ROLLBACK_FAILED" if self.resources else "ROLLBACK_COMPLETE"

    def _rollback_update(self, changes: list[Change]) -> None:
        clean_up: list[tuple[str, Resource]] = []
        self.world.sleep(ROLL_BACK_DELAY)
        self._deleted_at_once(
            [(each.logical_id, each.after) for each in changes if each.kind == "canceled" and each.after is not None]
        )
        for change in reversed(changes):
            if change.kind == "canceled":
                continue
            if change.before is None and change.after is not None:
                self.resources.pop(change.logical_id, None)
                clean_up.append((change.logical_id, change.after))
            elif change.kind == "replaced" and change.before is not None and change.after is not None:
                self.resources[change.logical_id] = change.before
                clean_up.append((change.logical_id, change.after))
            elif change.before is not None and change.after is not None and not self._reversed(change):
                self._unreversed.append(change)
        if self._unreversed:
            self.status = "UPDATE_ROLLBACK_FAILED"
            return
        self._clean_up(clean_up)
        self.status = "UPDATE_ROLLBACK_COMPLETE"

    def _reversed(self, change: Change) -> bool:
        before, after = change.before, change.after
        if before is None or after is None:
            raise AssertionError("only an update can be reversed")
        sent = self.cloudformation.request(
            self, "Update", change.logical_id, before.policy, before.physical_id, after.policy
        )
        response = self.cloudformation.wait(sent, before.policy)
        if response is not None:
            self._note(change.logical_id, "UPDATE_ROLLBACK", response)
        if response is None or not response.ok:
            return False
        # A response with another ID makes CloudFormation delete the one that it had.
        self.resources[change.logical_id] = Resource(response.physical_id, before.policy, response.data)
        return True

    # -- clean-up ------------------------------------------------------------------------------------------------------

    def _clean_up_after_success(self, template: Template, before: Mapping[str, Resource]) -> None:
        clean_up = []
        for logical_id, old in before.items():
            now = self.resources.get(logical_id)
            if logical_id not in template:
                del self.resources[logical_id]
                clean_up.append((logical_id, old))
            elif now is not None and now.physical_id != old.physical_id:
                new = now.policy if self.cloudformation.behavior.clean_up_has_new_properties else old.policy
                clean_up.append((logical_id, Resource(old.physical_id, new)))
        self.others = {name: other for name, other in template.items() if isinstance(other, Other)}
        self.kept += [resource for _, resource in clean_up if resource.policy.retain]
        self._clean_up([each for each in clean_up if not each[1].policy.retain])

    def _clean_up(self, resources: list[tuple[str, Resource]]) -> None:
        """Delete, each with three tries; what still fails is dropped, and the stack completes."""
        for logical_id, resource in resources:
            if not any(self._deleted(logical_id, resource) for _ in range(CLEAN_UP_TRIES)):
                self.dropped.append(resource)

    def _deleted_at_once(self, resources: list[tuple[str, Resource]]) -> set[str]:
        """Delete resources that don't need each other, and return the logical IDs of those that are deleted."""
        done = {logical_id: Signal(self.world) for logical_id, _ in resources}

        def delete(logical_id: str, resource: Resource) -> None:
            done[logical_id].set(self._deleted(logical_id, resource))

        for logical_id, resource in resources:
            self.world.spawn(partial(delete, logical_id, resource))
        return {logical_id for logical_id, signal in done.items() if signal.wait(FOREVER) and signal.value}

    def _deleted(self, logical_id: str, resource: Resource) -> bool:
        makers = [sent for sent in self.cloudformation.function.log if self._makes(sent, logical_id, resource.policy)]
        canceled = resource.physical_id.startswith(f"{self.name}-")
        if not canceled:
            for sent in makers:
                sent.abandon()
        delete = self.cloudformation.request(self, "Delete", logical_id, resource.policy, resource.physical_id)
        response = self.cloudformation.wait(delete, resource.policy)
        if canceled:  # this Delete has read what its Create put, but for the last seconds, which the list may hide
            noticed_until = self.world.now - LIST_LAG - 4 * LATENCY
            for sent in makers:
                sent.abandon(ago=self.world.now - noticed_until)
        return response is not None and response.ok

    def _makes(self, sent: Sent, logical_id: str, policy: Managed) -> bool:
        """Return whether a request of this stack, delivered again, would make a resource."""
        event = sent.event
        return (
            event["RequestType"] != "Delete"
            and event["StackId"].split("/")[1] == self.name
            and event["LogicalResourceId"] == logical_id
            and policy.is_what(event["ResourceProperties"])
        )

    def _keep_failed(self, changes: list[Change]) -> None:
        for change in changes:
            if change.before is None and change.after is not None and change.logical_id not in self.resources:
                self._failed[change.logical_id] = change.after

    def _delete_all(self, failed: Mapping[str, Resource]) -> None:
        for logical_id, resource in failed.items():
            self._deleted(logical_id, resource)
