"""Copies of model versions in this process, without HTTP: the local emulator as the trusted account sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.rekognition import (
    AwsError,
    Decision,
    Permission,
    Principal,
    RekognitionService,
    RootKeys,
    Store,
    Switches,
)
from localcloud.rekognition.models import Version
from tests.documents import REGION
from tests.simulator.service import Act, Calls, Client, request

ACCOUNT, SOURCE_ACCOUNT = "111122223333", "123456789012"


class SharedWith(RootKeys):
    """Root keys, and a source project whose policy allows everybody to copy, as long as it is attached."""

    def __init__(self) -> None:
        self.allowed = True

    def decide(self, principal: Principal, permission: Permission, region: str) -> Decision:
        """Decide whether the principal has the permission."""
        if permission.policy is not None and self.allowed:
            return Decision(allowed=True)
        return super().decide(principal, permission, region)


class Projects:
    """A project with two trained model versions, and another account's project to copy to."""

    def __init__(self, store: Store, account: str = ACCOUNT, source_account: str = SOURCE_ACCOUNT) -> None:
        self.store = store
        self.account, self.source_account = account, source_account
        self.source_project = str(store.create_project(source_account, REGION, "logos").arn)
        self.sources = {name: self._trained(name) for name in ("v1", "v2")}
        self.destination = self.project("copies")

    def project(self, name: str) -> str:
        """Make a destination project and return its ARN."""
        return str(self.store.create_project(self.account, REGION, name).arn)

    def properties(self, source: str = "v1", **more: object) -> dict[str, Any]:
        """Return the properties of a copy, with these changed (None takes one away)."""
        properties = {
            "ServiceToken": f"arn:aws:lambda:{REGION}:{self.account}:function:copies",
            "ServiceTimeout": "3600",
            "SourceProjectArn": self.source_project,
            "SourceProjectVersionArn": self.sources[source],
            "DestinationProjectArn": self.destination,
            "OutputConfig": {"S3Bucket": "results"},
            **more,
        }
        return {name: value for name, value in properties.items() if value is not None}

    def _trained(self, name: str) -> str:
        output = {"S3Bucket": "training"}
        return str(self.store.create_version(self.source_account, REGION, self.source_project, name, output).arn)


class Versions(Projects):
    """The service in this process, as the trusted account sees it."""

    def __init__(self, now: Callable[[], float], switches: Switches | None = None) -> None:
        self.policy = SharedWith()
        self.switches = switches or Switches(copying_time=1500, deleting_time=30, starting_time=20)
        self.service = RekognitionService(self.switches, now, self.policy)
        super().__init__(self.service.store)

    def client(
        self,
        sleep: Callable[[float], None],
        calls: Calls | None = None,
        die: Act = lambda: None,
        note_made: Act = lambda: None,
    ) -> Client:
        """Return the client of one invocation."""
        return Client(self.service, ACCOUNT, sleep, calls, die=die, note_made=note_made)

    def call(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """Call the service in the trusted account's name."""
        return self.service.respond(request(operation, parameters, ACCOUNT))

    def somebody_copies(self, name: str, source: str = "v1", **more: Any) -> Version:
        """Make a copy behind everybody's back, whatever the policy of the source is now."""
        allowed, self.policy.allowed = self.policy.allowed, True
        arn = self.call(
            "CopyProjectVersion",
            SourceProjectArn=self.source_project,
            SourceProjectVersionArn=self.sources[source],
            DestinationProjectArn=self.destination,
            VersionName=name,
            **{"OutputConfig": {"S3Bucket": "results"}, **more},
        )["ProjectVersionArn"]
        self.policy.allowed = allowed
        self.service.calls.pop()
        return self.live()[arn]

    def live(self) -> dict[str, Version]:
        """Return the live model versions of the destination projects, by their ARNs, without any lag."""
        projects = self.store.projects(ACCOUNT, REGION)
        return {str(each.arn): each for project in projects for each in project.versions if self._is_there(each)}

    def _is_there(self, version: Version) -> bool:
        try:
            self.store.version(ACCOUNT, REGION, str(version.arn))
        except AwsError:
            return False
        return True

    def calls(self, *operations: str) -> list[str]:
        """Return the operations that were called, all of them or these."""
        return [operation for operation, _ in self.service.calls if not operations or operation in operations]
