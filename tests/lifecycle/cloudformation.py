"""CloudFormation, as far as a custom resource sees it: which requests it sends, when, with which IDs and properties.

The sequences are those of AWS's documentation and of field reports. What is known from one report only, or inferred, is
a switch.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from tests.lifecycle.cases import Copy, Delivery, Other, Policy, Template
from tests.lifecycle.function import HIDDEN, Function, Sent
from tests.lifecycle.world import Signal, World

CLEANUP_TRIES = 3
FOREVER = 10.0**6
DEFAULT_SERVICE_TIMEOUT = 3600.0
ROLLBACK_DELAY = 3.0
"""Seconds from a failure to the first reverse Update."""

IDENTITY = ("ProjectArn", "PolicyName", "SourceProjectVersionArn", "VersionName", "OutputConfig", "KmsKeyId")
"""The properties that say which policy or copy a request makes."""

Managed = Policy | Copy
"""A custom resource of this project."""


@dataclass
class Behavior:
    """The rows that are not certain."""

    url_tells_time: bool = True
    reverse_update_overlaps: bool = False
    """Whether an Update in flight is reversed at once, or only when it has responded."""
    failed_creates_are_deleted_last: bool = False
    """Whether what a disabled rollback left is deleted before the next operation creates anything, or afterward."""
    cleanup_has_new_properties: bool = False
    """Whether a cleanup's Delete carries the properties from before or from after."""


@dataclass(frozen=True)
class Resource:
    """A resource of a stack: its physical ID, what it was made from, and its attributes."""

    physical_id: str
    made_from: Any
    """A policy or a copy of a template."""
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
    after: Resource

    @property
    def stays(self) -> bool:
        """Whether a rollback keeps a new resource by its DeletionPolicy, which saves none that failed to be made."""
        return self.kind == "created" and bool(self.after.made_from.retain)


class CloudFormation:
    """Sends requests to the functions behind resource types, and waits for their responses."""

    def __init__(
        self, world: World, render: Callable[[Managed], tuple[Function, str, Mapping[str, Any]]], behavior: Behavior
    ) -> None:
        self.world = world
        self.render = render
        """Returns the function, the type and the properties of a resource of a template."""
        self.behavior = behavior
        self.deliver: Callable[[Mapping[str, Any]], Delivery] = lambda _event: Delivery()
        """Says how an event is delivered."""
        self.log: list[Sent] = []
        """Every request so far."""
        self.request_ids: Iterator[int] = itertools.count(1)
        self.stack_ids: Iterator[int] = itertools.count(0x4C5A3C60)
        self._number = itertools.count(1)

    def properties(self, resource: Managed) -> Mapping[str, Any]:
        """Return a resource's properties as an event has them."""
        return self.render(resource)[2]

    def request(
        self,
        stack: str,
        kind: str,
        logical_id: str,
        wanted: Managed,
        physical_id: str = "",
        old: Managed | None = None,
        phase: str = "",
    ) -> Sent:
        """Send a request."""
        function, resource_type, properties = self.render(wanted)
        event: dict[str, Any] = {
            "RequestType": kind,
            "ResponseURL": self._url(),
            "StackId": f"arn:aws:cloudformation:us-east-1:{function.kind.account}:stack/{stack}",
            "RequestId": f"request-{next(self.request_ids)}",
            "ResourceType": resource_type,
            "LogicalResourceId": logical_id,
            "ResourceProperties": properties,
        }
        if physical_id:
            event["PhysicalResourceId"] = physical_id
        if old is not None:
            event["OldResourceProperties"] = self.properties(old)
        sent = function.send(event, self.deliver(event), phase)
        self.log.append(sent)
        return sent

    def wait(self, sent: Sent, wanted: Managed) -> Response | None:
        """Wait for a response as long as CloudFormation does; None where none came."""
        timeout = float(wanted.service_timeout or DEFAULT_SERVICE_TIMEOUT)
        if not sent.responded.wait(timeout - (self.world.now - sent.at)):
            return None
        got = sent.response
        return Response(got["Status"] == "SUCCESS", got["PhysicalResourceId"], got["Data"], got["Reason"])

    def made_up_id(self, stack: str, logical_id: str) -> str:
        """Return an ID as CloudFormation makes one up where it got none."""
        return f"{stack}-{logical_id}-{next(self._number):013X}"

    def _url(self) -> str:
        base = "https://responses.example/response"
        if not self.behavior.url_tells_time:
            return base
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(int(self.world.now)))
        return f"{base}?X-Amz-Date={stamp}&X-Amz-Expires=7200&X-Amz-Signature=5ec2e7"


class Stack:
    """One stack; each operation is to be run by ``Cloud.operate``."""

    def __init__(self, cloudformation: CloudFormation, name: str) -> None:
        self.cloudformation = cloudformation
        self.world = cloudformation.world
        self.name = name
        self.id = ""
        """Its name, and what tells it from a stack of that name that was created before."""
        self.status = ""
        self.resources: dict[str, Resource] = {}
        self.events: list[str] = []
        self.kept: list[Resource] = []
        """What stayed by its DeletionPolicy or UpdateReplacePolicy."""
        self.dropped: list[Resource] = []
        """What a cleanup gave up after three tries."""
        self._failed: dict[str, Resource] = {}
        """Failed creates that a disabled rollback left for the next operation."""
        self._unreversed: list[Change] = []

    @property
    def is_new(self) -> bool:
        """Whether CreateStack makes it."""
        return self.status in ("", "DELETE_COMPLETE", "ROLLBACK_COMPLETE")

    def deploy(self, template: Template, *, disable_rollback: bool = False) -> None:
        """CreateStack or UpdateStack."""
        is_new = self.is_new
        if is_new:
            self.id = f"{self.name}/{next(self.cloudformation.stack_ids):08x}-95a3-11ef"
        failed, self._failed = self._failed, {}
        last = self.cloudformation.behavior.failed_creates_are_deleted_last
        if not last:
            self._delete_all(failed)
        before = dict(self.resources)
        changes, ok = self._apply(template)
        operation = "CREATE" if is_new else "UPDATE"
        if ok:
            self.status = f"{operation}_COMPLETE"
            self._clean_up_after_success(template, before)
            if last:
                self._delete_all(failed)
        elif disable_rollback:
            created = {each.logical_id: each.after for each in changes if each.before is None}
            self._failed = {name: made for name, made in created.items() if name not in self.resources}
            self.status = f"{operation}_FAILED"
        else:
            self.kept += [each.after for each in changes if each.stays]
            (self._rollback_create if is_new else self._rollback_update)(changes)

    def continue_update_rollback(self) -> None:
        """ContinueUpdateRollback: sends the reverse Updates that failed once more."""
        changes, self._unreversed = self._unreversed, []
        self._rollback_update(changes)

    def delete(self) -> None:
        """DeleteStack."""
        failed, self._failed = self._failed, {}
        self._delete_all(failed)
        for logical_id, resource in list(self.resources.items()):
            if resource.made_from.retain:
                self.kept.append(self.resources.pop(logical_id))
            elif self._deleted(logical_id, resource):
                del self.resources[logical_id]
        self.status = "DELETE_FAILED" if self.resources else "DELETE_COMPLETE"

    # -- forwards ------------------------------------------------------------------------------------------------------

    def _apply(self, template: Template) -> tuple[list[Change], bool]:
        """Create and update what the template asks for, all that may at once; stop at the first failure."""
        changes: list[Change] = []
        done = {logical_id: Signal(self.world) for logical_id in template}
        over = Signal(self.world)

        def is_ready(logical_id: str) -> bool:
            needs = template[logical_id].needs
            needed = [name for name in template if name == needs or (needs == "*" and name != logical_id)]
            return all(done[name].wait(FOREVER) and done[name].value for name in needed)

        def run(logical_id: str) -> None:
            wanted = template[logical_id]
            ok = is_ready(logical_id)
            if ok and not over.is_set():
                if isinstance(wanted, Other):
                    self.world.sleep(wanted.after)
                    ok = not wanted.fails
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

    def _one(self, logical_id: str, wanted: Managed, changes: list[Change], over: Signal) -> bool:
        """Create or update one resource; return whether it went well."""
        before = self.resources.get(logical_id)
        if before is None:
            return self._create_one(logical_id, wanted, changes, over)
        properties = self.cloudformation.properties
        if properties(before.made_from) == properties(wanted):
            self.resources[logical_id] = replace(before, made_from=wanted)
            return True
        return self._update_one(logical_id, before, wanted, changes, over)

    def _create_one(self, logical_id: str, wanted: Managed, changes: list[Change], over: Signal) -> bool:
        sent = self.cloudformation.request(self.id, "Create", logical_id, wanted)
        response = self._race(sent, wanted, over)
        made_up = self.cloudformation.made_up_id(self.name, logical_id)
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
        self, logical_id: str, before: Resource, wanted: Managed, changes: list[Change], over: Signal
    ) -> bool:
        sent = self.cloudformation.request(self.id, "Update", logical_id, wanted, before.physical_id, before.made_from)
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

    def _race(self, sent: Sent, wanted: Managed, over: Signal) -> Response | None:
        """Wait for a response, but no longer than until another resource fails."""
        either = Signal(self.world)
        for signal in (sent.responded, over):
            signal.then(either.set)
        either.wait(float(wanted.service_timeout or DEFAULT_SERVICE_TIMEOUT))
        return self.cloudformation.wait(sent, wanted) if sent.responded.is_set() else None

    def _note(self, logical_id: str, operation: str, response: Response) -> None:
        self.events.append(f"{logical_id} {operation}_{'COMPLETE' if response.ok else 'FAILED ' + response.reason}")

    # -- backwards -----------------------------------------------------------------------------------------------------

    def _rollback_create(self, changes: list[Change]) -> None:
        self.resources = self._left_after_deleting({each.logical_id: each.after for each in changes if not each.stays})
        self.status = "ROLLBACK_FAILED" if self.resources else "ROLLBACK_COMPLETE"

    def _rollback_update(self, changes: list[Change]) -> None:
        cleanup: list[tuple[str, Resource]] = []
        self.world.sleep(ROLLBACK_DELAY)
        self._left_after_deleting({each.logical_id: each.after for each in changes if each.kind == "canceled"})
        for change in reversed(changes):
            if change.kind == "canceled":
                continue
            if change.before is None:
                self.resources.pop(change.logical_id, None)
                if not change.stays:
                    cleanup.append((change.logical_id, change.after))
            elif change.kind == "replaced":
                self.resources[change.logical_id] = change.before
                cleanup.append((change.logical_id, change.after))
            elif not self._reversed(change.logical_id, change.before, change.after):
                self._unreversed.append(change)
        if self._unreversed:
            self.status = "UPDATE_ROLLBACK_FAILED"
            return
        self._clean_up(cleanup)
        self.status = "UPDATE_ROLLBACK_COMPLETE"

    def _left_after_deleting(self, resources: Mapping[str, Resource]) -> dict[str, Resource]:
        """Delete resources, all at once, and return those that couldn't be."""
        done = {logical_id: Signal(self.world) for logical_id in resources}

        def delete(logical_id: str, resource: Resource) -> None:
            done[logical_id].set(self._deleted(logical_id, resource))

        for logical_id, resource in resources.items():
            self.world.spawn(partial(delete, logical_id, resource))
        return {name: resources[name] for name, signal in done.items() if signal.wait(FOREVER) and not signal.value}

    def _reversed(self, logical_id: str, before: Resource, after: Resource) -> bool:
        sent = self.cloudformation.request(
            self.id, "Update", logical_id, before.made_from, before.physical_id, after.made_from, "back"
        )
        response = self.cloudformation.wait(sent, before.made_from)
        if response is not None:
            self._note(logical_id, "UPDATE_ROLLBACK", response)
        if response is None or not response.ok:
            return False
        # A response with another ID makes CloudFormation delete the one that it had.
        self.resources[logical_id] = Resource(response.physical_id, before.made_from, response.data)
        return True

    # -- cleanup -------------------------------------------------------------------------------------------------------

    def _clean_up_after_success(self, template: Template, before: Mapping[str, Resource]) -> None:
        cleanup = []
        for logical_id, old in before.items():
            now = self.resources.get(logical_id)
            if logical_id not in template:
                del self.resources[logical_id]
                cleanup.append((logical_id, old))
            elif now is not None and now.physical_id != old.physical_id:
                new = now if self.cloudformation.behavior.cleanup_has_new_properties else old
                cleanup.append((logical_id, replace(old, made_from=new.made_from)))
        self.kept += [resource for _, resource in cleanup if resource.made_from.retain]
        self._clean_up([each for each in cleanup if not each[1].made_from.retain])

    def _clean_up(self, resources: list[tuple[str, Resource]]) -> None:
        """Delete, each with three tries; what still fails is dropped, and the stack completes."""
        for logical_id, resource in resources:
            if not any(self._deleted(logical_id, resource, "cleanup") for _ in range(CLEANUP_TRIES)):
                self.dropped.append(resource)

    def _delete_all(self, failed: Mapping[str, Resource]) -> None:
        for logical_id, resource in failed.items():
            self._deleted(logical_id, resource)

    def _deleted(self, logical_id: str, resource: Resource, phase: str = "") -> bool:
        makers = [sent for sent in self.cloudformation.log if self._makes(sent, logical_id, resource.made_from)]
        canceled = resource.physical_id.startswith(f"{self.name}-")
        if not canceled:
            for sent in makers:
                sent.abandon()
        delete = self.cloudformation.request(
            self.id, "Delete", logical_id, resource.made_from, resource.physical_id, phase=phase
        )
        response = self.cloudformation.wait(delete, resource.made_from)
        if canceled:  # this Delete has read what its Create put, but for the last seconds, which the list may hide
            for sent in makers:
                sent.overtaken_by = delete
                sent.abandon(ago=HIDDEN)
        if response is not None and not response.ok:
            self._note(logical_id, "DELETE", response)
        return response is not None and response.ok

    def _makes(self, sent: Sent, logical_id: str, wanted: Managed) -> bool:
        """Return whether a request of this stack, delivered again, would make a resource."""
        event, properties = sent.event, self.cloudformation.properties(wanted)
        return (
            event["RequestType"] != "Delete"
            and event["StackId"].endswith(f"/{self.id}")
            and event["LogicalResourceId"] == logical_id
            and all(event["ResourceProperties"].get(name) == properties.get(name) for name in IDENTITY)
        )
