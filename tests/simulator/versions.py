"""Rekognition's model versions in this process: copying that takes its time, on virtual time, with faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.simulator.service import HANGS, LATENCY, LOST_AFTER, LOST_BEFORE, Calls

ACCOUNT, SOURCE_ACCOUNT, REGION = "111122223333", "123456789012", "us-east-1"
CREATED = 1_690_474_772_815


class AwsError(Exception):
    """An error of the service."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass
class VersionSwitches:
    """How long things take, and what isn't known of the real service."""

    copying_time: float = 1500.0
    deleting_time: float = 30.0
    starting_time: float = 20.0
    """How long a model version takes to start, and to stop."""
    copying_ends: Literal["COPYING_COMPLETED", "COPYING_FAILED"] = "COPYING_COMPLETED"
    delete_while_copying: Literal["refuse", "delete"] = "refuse"
    delete_again: Literal["accept", "refuse"] = "accept"
    """DeleteProjectVersion of what is DELETING."""
    lag: float = 0.0
    """Seconds after which DescribeProjectVersions shows what was made and that something is gone."""
    tags_lag: float = 0.0
    """Seconds after which ListTagsForResource shows a change."""
    shows_key: Literal["as given", "as a key's ARN"] = "as given"
    quota: int = 100


@dataclass
class Version:
    """A model version of the destination project."""

    arn: str
    name: str
    created: float
    parameters: Mapping[str, Any]
    ends: str
    tags: list[tuple[float, dict[str, str]]] = field(default_factory=list)
    """Since when it has which tags."""
    deleted: float | None = None
    """When its deletion began."""
    asked: tuple[Literal["start", "stop"], float] | None = None
    """What was asked of it last, and when."""

    @property
    def current_tags(self) -> dict[str, str]:
        """Its tags, without any lag."""
        return self.tags[-1][1]


class Versions:
    """The service as the trusted account sees it."""

    def __init__(self, now: Callable[[], float], switches: VersionSwitches | None = None) -> None:
        self.now = now
        self.switches = switches or VersionSwitches()
        self.source_project = f"arn:aws:rekognition:{REGION}:{SOURCE_ACCOUNT}:project/logos/{CREATED}"
        self.sources = {
            name: f"arn:aws:rekognition:{REGION}:{SOURCE_ACCOUNT}:project/logos/version/{name}/{CREATED + number}"
            for number, name in enumerate(("v1", "v2"))
        }
        self.projects: set[str] = set()
        self.allowed = True
        """Whether the source's project policy allows this account to copy."""
        self.log: list[tuple[str, Mapping[str, Any]]] = []
        """The calls that arrived, in order."""
        self.before_call: Callable[[str, Mapping[str, Any]], None] = lambda *_: None
        """Runs just before a call takes effect; may raise."""
        self._versions: list[Version] = []
        self._number = 0
        self.destination = self.project("copies")

    def project(self, name: str) -> str:
        """Make a destination project and return its ARN."""
        arn = f"arn:aws:rekognition:{REGION}:{ACCOUNT}:project/{name}/{CREATED + 100 + len(self.projects)}"
        self.projects.add(arn)
        return arn

    def live(self, *, lagging: bool = False) -> dict[str, Version]:
        """Return the live model versions, by their names."""
        return {each.name: each for each in self._versions if self._is_there(each, lagging=lagging)}

    def statuses(self) -> dict[str, str]:
        """Return the status of each live model version, by its name."""
        return {name: self.status(version) for name, version in self.live().items()}

    def calls(self, *operations: str) -> list[str]:
        """Return the operations that were called, all of them or these."""
        return [operation for operation, _ in self.log if not operations or operation in operations]

    def somebody_copies(self, name: str, source: str = "v1", **more: Any) -> Version:
        """Make a copy behind everybody's back."""
        parameters = {
            "SourceProjectArn": self.source_project,
            "SourceProjectVersionArn": self.sources[source],
            "DestinationProjectArn": self.destination,
            "VersionName": name,
            "OutputConfig": {"S3Bucket": "results"},
            **more,
        }
        self.copy_project_version(parameters)
        return self.live()[name]

    def status(self, version: Version) -> str:
        """Return what a model version does now."""
        now, switches = self.now(), self.switches
        if version.deleted is not None:
            return "DELETING"
        if version.asked is not None:
            asked, since = version.asked
            during, then = {"start": ("STARTING", "RUNNING"), "stop": ("STOPPING", "STOPPED")}[asked]
            return then if now >= since + switches.starting_time else during
        return version.ends if now >= version.created + switches.copying_time else "COPYING_IN_PROGRESS"

    # -- the API -------------------------------------------------------------------------------------------------------

    def call(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Do what one call asks for."""
        self.log.append((operation, parameters))
        self.before_call(operation, parameters)
        operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "CopyProjectVersion": self.copy_project_version,
            "DescribeProjectVersions": self._describe,
            "ListTagsForResource": self._list_tags,
            "TagResource": self._tag,
            "UntagResource": self._tag,
            "DeleteProjectVersion": self._delete,
            "StopProjectVersion": partial(self._run, "stop"),
            "StartProjectVersion": partial(self._run, "start"),
        }
        return operations[operation](parameters)

    def copy_project_version(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Begin to copy."""
        project, name = parameters["DestinationProjectArn"], parameters["VersionName"]
        if not self.allowed:
            raise AwsError("AccessDeniedException", "User is not authorized to perform rekognition:CopyProjectVersion")
        if project not in self.projects or parameters["SourceProjectVersionArn"] not in self.sources.values():
            raise AwsError("ResourceNotFoundException", "not found")
        live = [each for each in self._versions if self._is_there(each) and self._project_of(each) == project]
        if name in [each.name for each in live]:
            raise AwsError("ResourceInUseException", f"A model version named {name} exists")
        if len(live) >= self.switches.quota:
            raise AwsError("LimitExceededException", "too many model versions")
        self._number += 1
        number = int(self.now() * 1000) + self._number
        arn = f"{project.rpartition('/')[0]}/version/{name}/{number}"
        version = Version(arn, name, self.now(), parameters, self.switches.copying_ends)
        version.tags.append((self.now(), dict(parameters.get("Tags", {}))))
        self._versions.append(version)
        return {"ProjectVersionArn": arn}

    def _describe(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if parameters["ProjectArn"] not in self.projects:
            raise AwsError("ResourceNotFoundException", "The project does not exist")
        return {
            "ProjectVersionDescriptions": [
                self._described(each)
                for each in self._versions
                if self._is_there(each, lagging=True)
                and self._project_of(each) == parameters["ProjectArn"]
                and each.name in parameters["VersionNames"]
            ]
        }

    def _described(self, version: Version) -> dict[str, Any]:
        asked = version.parameters
        described = {
            "ProjectVersionArn": version.arn,
            "CreationTimestamp": version.created,
            "Status": self.status(version),
            "OutputConfig": dict(asked["OutputConfig"]),
            "SourceProjectVersionArn": asked["SourceProjectVersionArn"],
        }
        if "KmsKeyId" in asked:
            as_arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0b2e6f4c"
            described["KmsKeyId"] = asked["KmsKeyId"] if self.switches.shows_key == "as given" else as_arn
        if self.status(version) == "COPYING_FAILED":
            described["StatusMessage"] = "The bucket vanished"
        return described

    def _list_tags(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        version = self._by_arn(parameters["ResourceArn"])
        shown = [tags for since, tags in version.tags if self.now() >= since + self.switches.tags_lag]
        return {"Tags": dict(shown[-1]) if shown else {}}

    def _tag(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        version = self._by_arn(parameters["ResourceArn"])
        tags = {**version.current_tags, **parameters.get("Tags", {})}
        gone = parameters.get("TagKeys", [])
        version.tags.append((self.now(), {key: value for key, value in tags.items() if key not in gone}))
        return {}

    def _delete(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        version = self._by_arn(parameters["ProjectVersionArn"])
        status = self.status(version)
        if (
            status in ("STARTING", "RUNNING", "STOPPING")
            or (status == "COPYING_IN_PROGRESS" and self.switches.delete_while_copying == "refuse")
            or (status == "DELETING" and self.switches.delete_again == "refuse")
        ):
            raise AwsError("ResourceInUseException", f"The model version is {status}")
        if version.deleted is None:
            version.deleted = self.now()
        return {"Status": "DELETING"}

    def _run(self, asked: Literal["start", "stop"], parameters: Mapping[str, Any]) -> dict[str, Any]:
        version = self._by_arn(parameters["ProjectVersionArn"])
        if self.status(version) not in {"start": ("COPYING_COMPLETED", "STOPPED"), "stop": ("RUNNING",)}[asked]:
            raise AwsError("ResourceInUseException", f"The model version is {self.status(version)}")
        version.asked = (asked, self.now())
        return {"Status": self.status(version)}

    def _by_arn(self, arn: str) -> Version:
        for version in self._versions:
            if version.arn == arn and self._is_there(version):
                return version
        raise AwsError("ResourceNotFoundException", f"{arn} does not exist")

    def _is_there(self, version: Version, *, lagging: bool = False) -> bool:
        now = self.now() - self.switches.lag * lagging
        return version.created <= now and (
            version.deleted is None or now < version.deleted + self.switches.deleting_time
        )

    def _project_of(self, version: Version) -> str:
        return str(version.parameters["DestinationProjectArn"])


class VersionsClient:
    """boto3's client, as far as the handler uses it, for one invocation."""

    def __init__(
        self,
        versions: Versions,
        sleep: Callable[[float], None],
        calls: Calls | None = None,
        die: Callable[[], None] = lambda: None,
        latency: float = LATENCY,
    ) -> None:
        self._versions = versions
        self._sleep = sleep
        self._calls = calls or Calls()
        self._die = die
        self._latency = latency

    def __getattr__(self, name: str) -> Callable[..., Mapping[str, Any]]:
        operation = "".join(part.capitalize() for part in name.split("_"))
        return lambda **parameters: self._call(operation, parameters)

    def _call(self, operation: str, parameters: dict[str, Any]) -> Mapping[str, Any]:
        number = len(self._calls.made)
        self._calls.made.append(operation)
        fault = self._calls.faults.get(number)
        self._sleep(self._latency)
        if self._calls.dies_before == number:
            self._die()
        if fault == HANGS:
            self._sleep(15)
            raise ReadTimeoutError(endpoint_url="local")
        if fault == LOST_BEFORE:
            raise ConnectionClosedError(endpoint_url="local")
        if fault is not None and fault != LOST_AFTER:
            raise _client_error(operation, AwsError(fault, "said the fault"))
        try:
            response = self._versions.call(operation, parameters)
        except AwsError as error:
            raise _client_error(operation, error) from None
        if self._calls.dies_after == number:
            self._die()
        self._sleep(self._latency)
        if fault == LOST_AFTER:
            raise ConnectionClosedError(endpoint_url="local")
        return response


def _client_error(operation: str, error: AwsError) -> ClientError:
    status = 500 if error.code == "InternalServerError" else 400
    return ClientError(
        {"Error": {"Code": error.code, "Message": error.message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        operation,
    )
