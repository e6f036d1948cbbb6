"""CloudFormation, both functions and Rekognition in one world, and what must hold in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from localcloud.rekognition import (
    AwsError,
    Decision,
    Permission,
    Principal,
    RekognitionService,
    Request,
    RootKeys,
    Switches,
)
from localcloud.rekognition.models import Version
from tests.documents import ACCOUNT, REGION, is_document
from tests.lifecycle.cases import Copy, Delivery, Policy, Put, Remove, Template
from tests.lifecycle.cloudformation import Behavior, CloudFormation, Managed, Resource, Stack
from tests.lifecycle.function import COPIES, LOG_STREAM, POLICIES, Function, Sent, as_root, simulated
from tests.lifecycle.world import World

STARTED = 1_700_000_000.0
TRUSTED = "111122223333"
"""The account that copies."""
TAG_PREFIX = "rekognition-version-copy:"
FINISHED = ("COPYING_COMPLETED", "STARTING", "RUNNING", "FAILED")


class SharedWith(RootKeys):
    """Root keys, and a source project whose policy allows everybody to copy, as long as it is attached."""

    def __init__(self) -> None:
        self.allowed = True

    def decide(self, principal: Principal, permission: Permission, region: str) -> Decision:
        """Decide whether the principal has the permission."""
        if permission.policy is not None and self.allowed:
            return Decision(allowed=True)
        return super().decide(principal, permission, region)


class Cloud:
    """Everything that a test needs to run operations on stacks and check how they ended."""

    def __init__(
        self,
        *,
        run_seconds: float | str | None = None,
        poll_seconds: float | None = None,
        clock_ahead: float = 0.0,
        behavior: Behavior | None = None,
        **switches: Any,
    ) -> None:
        self.world = World(STARTED)
        self.sharing = SharedWith()
        self.clock_ahead = clock_ahead
        """Seconds that Rekognition's clock is ahead of CloudFormation's and the functions'."""
        self.rekognition = RekognitionService(
            Switches(**{"copying_time": 60, "deleting_time": 30, "starting_time": 20, **switches}),
            lambda: self.world.now + self.clock_ahead,
            self.sharing,
        )
        self.store = self.rekognition.store
        given = {"COPY_RUN_SECONDS": run_seconds, "COPY_POLL_SECONDS": poll_seconds}
        environment = tuple((name, str(value)) for name, value in given.items() if value is not None)
        self.policies = Function(self.world, POLICIES, self.rekognition)
        self.policies.somebody = self.do
        self.copies = Function(self.world, replace(COPIES, environment=environment), self.rekognition)
        self.cloudformation = CloudFormation(self.world, self.render, behavior or Behavior())
        self.arns: dict[tuple[str, str], str] = {}
        """Each project's ARN, by its account and name."""
        self.logos = self.project("logos")
        self.versions = {
            name: str(self.store.create_version(ACCOUNT, REGION, self.logos, name, {"S3Bucket": "training"}).arn)
            for name in ("v1", "v2")
        }
        self.destination = self.project("copies", TRUSTED)
        self.world.now += 3600

    # -- what templates say --------------------------------------------------------------------------------------------

    def project(self, name: str, account: str = ACCOUNT) -> str:
        """Return a project's ARN; make the project where there is none of that name."""
        if (account, name) not in self.arns:
            self.arns[account, name] = str(self.store.create_project(account, REGION, name).arn)
        return self.arns[account, name]

    def render(self, wanted: Managed) -> tuple[Function, str, Mapping[str, Any]]:
        """Return the function, the type and the properties of a resource of a template."""
        if isinstance(wanted, Policy):
            properties = policy_properties(wanted, self.policies.kind.arn, self.project(wanted.project))
            return self.policies, "Custom::RekognitionProjectPolicy", properties
        own = {
            "SourceProjectArn": self.logos,
            "SourceProjectVersionArn": self.versions[wanted.source],
            "DestinationProjectArn": self.project(wanted.destination, TRUSTED),
            "OutputConfig": {"S3Bucket": wanted.bucket},
            "VersionName": wanted.name,
            "KmsKeyId": wanted.kms_key,
            "Tags": dict(wanted.tags) or None,
            "StopRunning": "true" if wanted.stop_running else None,
        }
        return self.copies, "Custom::RekognitionProjectVersionCopy", _properties(wanted, self.copies.kind.arn, own)

    # -- operations ----------------------------------------------------------------------------------------------------

    def stack(self, name: str = "one") -> Stack:
        """Return a new stack."""
        return Stack(self.cloudformation, name)

    def deploy(self, stack: Stack, template: Template, **options: Any) -> None:
        """Run CreateStack or UpdateStack."""
        self.operate(lambda: stack.deploy(template, **options))

    def operate(self, operation: Callable[[], None]) -> None:
        """Run an operation on a stack to its end, and everything that is still on its way then."""
        self.play(operation)
        self.world.now += 5

    def play(self, act: Callable[[], object]) -> None:
        """Do something, and let happen what comes of it."""
        before = len(self.sent)
        with simulated(self.world):
            self.world.spawn(act)
            self.world.run()
        for sent in self.sent[before:]:
            self.check_request(sent)

    def ask(
        self, kind: str, wanted: Managed, physical_id: str = "", old: Managed | None = None, *, age: float = 0.0
    ) -> Sent:
        """Send a single request, which arrives so many seconds late, and let happen what comes of it."""
        logical_id = "Sharing" if isinstance(wanted, Policy) else "Copy"
        self.deliver(lambda _event: Delivery(delay=age))
        self.play(
            lambda: self.cloudformation.request("one/4c5a3c60-95a3-11ef", kind, logical_id, wanted, physical_id, old)
        )
        return self.cloudformation.log[-1]

    def deliver(self, choose: Callable[[Mapping[str, Any]], Delivery | None]) -> None:
        """Let events arrive as ``choose`` says; on time where it returns None."""
        self.cloudformation.deliver = lambda event: choose(event) or Delivery()

    def fails(
        self,
        code: str,
        *operations: str,
        when: Callable[[float], bool] = lambda elapsed: True,
        message: str = "a fault",
    ) -> None:
        """Let calls of these operations (default: all) fail, at the times (in seconds from now) that ``when`` says."""
        began = self.world.now

        def fault(operation: str, _: object) -> AwsError | None:
            meets_it = (not operations or operation in operations) and when(self.world.now - began)
            return AwsError(code, message) if meets_it else None

        self.rekognition.faults.before = fault

    def shows(self, operation: str, change: Callable[[Any], Any]) -> None:
        """Let the service's responses to an operation be changed."""
        respond = self.rekognition.respond

        def changed(request: Request) -> Any:
            response = respond(request)
            return change(response) if operation in request.headers["x-amz-target"] else response

        self.rekognition.respond = changed  # type: ignore[method-assign]

    def deliver_first(self, arrive: Mapping[str, Iterable[Delivery]]) -> None:
        """Let the next events of each type arrive like this, one each, and all others without trouble."""
        left = {kind: list(deliveries) for kind, deliveries in arrive.items()}

        def choose(event: Mapping[str, Any]) -> Delivery | None:
            deliveries = left.get(event["RequestType"])
            return deliveries.pop(0) if deliveries else None

        self.deliver(choose)

    @property
    def sent(self) -> list[Sent]:
        """Every request so far."""
        return self.cloudformation.log

    def check_request(self, sent: Sent) -> None:
        """Hold a request to a response from one of its invocations, unless all died, and from none more than one."""
        assert sent.responded.is_set() or all(each.has_died for each in sent.invocations), sent.event
        for invocation in sent.invocations:
            assert len(invocation.responses) <= 1
            for received in invocation.responses:
                check_response(sent, received)

    # -- policies ------------------------------------------------------------------------------------------------------

    def live_policies(self) -> dict[tuple[str, str], Any]:
        """Return every live policy by its project's ARN and its name."""
        return {
            (str(project.arn), name): policy
            for project in self.store.projects(ACCOUNT, REGION)
            for name, policy in project.policies.items()
        }

    def documents(self) -> dict[str, Any]:
        """Return the live documents by their policies' names, with the project's before it if that isn't logos."""
        return {
            name if arn == self.logos else f"{arn.split('/')[1]}/{name}": json.loads(policy.document)
            for (arn, name), policy in self.live_policies().items()
        }

    def put(self, document: Mapping[str, Any], name: str = "sharing") -> None:
        """Put a policy behind everybody's back."""
        live = self.live_policies().get((self.logos, name))
        revision = live.revision if live else None
        self.store.put_policy(ACCOUNT, REGION, self.logos, name, json.dumps(document), revision)

    def remove(self, name: str = "sharing") -> None:
        """Delete a policy behind everybody's back."""
        self.store.delete_policy(ACCOUNT, REGION, self.logos, name)

    def do(self, step: Put | Remove) -> None:
        """Put or delete a policy behind everybody's back; what isn't there can't be deleted."""
        if isinstance(step, Put):
            self.put(step.document, step.name)
        elif step.project:
            self.store.delete_project(ACCOUNT, REGION, self.arns.pop((ACCOUNT, step.project)))
        elif (self.logos, step.name) in self.live_policies():
            self.remove(step.name)

    # -- copies --------------------------------------------------------------------------------------------------------

    def call(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """Call the service in the trusted account's name, behind everybody's back."""
        response = self.rekognition.respond(as_root(TRUSTED, operation, json.dumps(parameters)))
        self.rekognition.calls.pop()
        return response

    def somebody_copies(self, name: str, source: str = "v1", **more: Any) -> Version:
        """Make a copy behind everybody's back, whatever the policy of the source is now."""
        allowed, self.sharing.allowed = self.sharing.allowed, True
        arn = self.call(
            "CopyProjectVersion",
            SourceProjectArn=self.logos,
            SourceProjectVersionArn=self.versions[source],
            DestinationProjectArn=self.destination,
            VersionName=name,
            **{"OutputConfig": {"S3Bucket": "results"}, **more},
        )["ProjectVersionArn"]
        self.sharing.allowed = allowed
        return self.live_versions()[arn]

    def live_versions(self) -> dict[str, Version]:
        """Return the live model versions of the destination projects, by their ARNs, without any lag."""
        projects = self.store.projects(TRUSTED, REGION)
        return {str(each.arn): each for project in projects for each in project.versions if self._is_there(each)}

    def _is_there(self, version: Version) -> bool:
        try:
            self.store.version(TRUSTED, REGION, str(version.arn))
        except AwsError:
            return False
        return True

    # -- what must hold ------------------------------------------------------------------------------------------------

    def check_stack(self, stack: Stack) -> None:
        """Hold a stack to what COMPLETE promises: live is what the template says, as its attributes have it."""
        for resource in stack.resources.values():
            if isinstance(resource.made_from, Policy):
                self.check_policy(resource, resource.made_from)
            else:
                self.check_copy(resource, resource.made_from)

    def check_policy(self, resource: Resource, wanted: Policy) -> None:
        """Hold a live policy to its resource: the document, and the recorded revision."""
        live = self.live_policies().get((self.project(wanted.project), wanted.name))
        assert live is not None, f"{resource.physical_id} is not live"
        assert is_document(live.document, wanted.document)
        assert resource.data["PolicyRevisionId"] == live.revision

    def check_copy(self, resource: Resource, wanted: Copy, *, tags: bool = True) -> None:
        """Hold a live model version to its resource: a finished copy of what the template says, with its tags."""
        version = self.live_versions().get(arn_of(resource))
        assert version is not None, f"{resource.physical_id} is not live"
        assert self.store.status(version) in FINISHED
        assert str(version.source) == self.versions[wanted.source]
        assert version.output == {"S3Bucket": wanted.bucket}
        assert wanted.name in (None, version.arn.name)
        assert resource.data["VersionName"] == version.arn.name
        if tags and not resource.physical_id.endswith("|adopted"):
            assert own_tags(version) == dict(wanted.tags)


def policy_properties(policy: Policy, service_token: str, project_arn: str) -> Mapping[str, Any]:
    """Return the properties of a policy as CloudFormation passes them."""
    own = {
        "ProjectArn": project_arn,
        "PolicyName": policy.name,
        "PolicyDocument": policy.document,
        "BlockPublicPolicy": None if policy.block_public_policy else "false",
        "Trigger": policy.trigger,
    }
    return _properties(policy, service_token, own)


def _properties(wanted: Managed, service_token: str, own: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = {
        "ServiceToken": service_token,
        "ServiceTimeout": None if wanted.service_timeout is None else str(wanted.service_timeout),
        "AdoptExisting": "true" if wanted.adopt_existing else None,
        **own,
        **wanted.more,
    }
    return {name: value for name, value in properties.items() if value is not None}


def check_response(sent: Sent, received: Mapping[str, Any]) -> None:
    """Hold a response to what CloudFormation asks of every one, and this project of its own."""
    assert len(json.dumps(received).encode()) <= 4096
    assert 0 < len(received["PhysicalResourceId"].encode()) <= 1024
    assert received["Reason"] or received["Status"] == "SUCCESS"
    assert len(received["Reason"]) <= 1000 + len(f" CloudWatch Log Stream: {LOG_STREAM}")
    assert received["Reason"].endswith(f" CloudWatch Log Stream: {LOG_STREAM}") == (received["Status"] == "FAILED")
    assert "unexpected error" not in received["Reason"]
    for secret in ("X-Amz", "5ec2e7", "https://"):
        assert secret not in received["Reason"]
    attributes = sent.invocations[0].function.kind.attributes
    assert tuple(received["Data"]) == attributes  # nothing had to be cut
    if sent.event["RequestType"] == "Delete":
        assert received["PhysicalResourceId"] == sent.event["PhysicalResourceId"]
    elif received["Status"] == "SUCCESS":
        assert all(received["Data"].values())


def arn_of(resource: Resource) -> str:
    """Return the ARN of a resource's model version."""
    return resource.physical_id.removesuffix("|adopted")


def own_tags(version: Version) -> dict[str, str]:
    """Return a model version's tags but for those of the function."""
    return {key: value for key, value in version.tags.items() if not key.startswith(TAG_PREFIX)}
