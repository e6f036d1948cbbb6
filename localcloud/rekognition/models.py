"""What the service keeps: projects, their model versions and their policies, apart for each account and Region."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from localcloud.rekognition.errors import AwsError, access_denied, in_use, not_found, wrong_revision
from localcloud.rekognition.switches import Switches

if TYPE_CHECKING:
    from typing_extensions import Self

CUSTOM_LABELS_REGIONS = frozenset(
    (
        *("us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-west-2", "eu-central-1"),
        *("ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "ap-northeast-2"),
    )
)

PARTITION = "aws"
"""The partition of these Regions."""

_PROJECT = r"arn:([a-z\d-]+):rekognition:([a-z\d-]+):(\d{12}):project/([a-zA-Z0-9_.\-]{1,255})"

_IDLE = ("TRAINING_COMPLETED", "COPYING_COMPLETED", "STOPPED", "FAILED")
_ASKED = {"start": ("STARTING", "RUNNING"), "start in vain": ("STARTING", "FAILED"), "stop": ("STOPPING", "STOPPED")}
"""The status while a model version does what it was asked for, and the status afterward."""
_TAGS_PER_RESOURCE = 50


@dataclass(frozen=True)
class _Arn:
    PATTERN: ClassVar[re.Pattern[str]]

    partition: str
    region: str
    account: str

    @classmethod
    def parse(cls, arn: str) -> Self:
        """Return an ARN's parts; the service model has accepted the ARN before."""
        match = cls.PATTERN.fullmatch(arn)
        if match is None:
            raise ValueError(f"{arn} doesn't match {cls.PATTERN.pattern}")
        return cls(*match.groups())


@dataclass(frozen=True)
class ProjectArn(_Arn):
    """The ARN of a project, in its parts."""

    PATTERN = re.compile(_PROJECT + r"/([0-9]+)")

    name: str
    created: str
    """When the project was created, in milliseconds since the epoch; `*` in a pattern."""

    def __str__(self) -> str:
        return f"arn:{self.partition}:rekognition:{self.region}:{self.account}:project/{self.name}/{self.created}"

    @property
    def version_prefix(self) -> str:
        """What the ARNs of the project's model versions begin with; without a time stamp, unlike the ARN."""
        return f"{str(self).rpartition('/')[0]}/version/"


@dataclass(frozen=True)
class VersionArn(_Arn):
    """The ARN of a model version, in its parts."""

    PATTERN = re.compile(_PROJECT + r"/version/([a-zA-Z0-9_.\-]{1,255})/([0-9]+)")

    project: str
    name: str
    created: str
    """When the model version was created, in milliseconds since the epoch."""

    def __str__(self) -> str:
        project = ProjectArn(self.partition, self.region, self.account, self.project, "0")
        return f"{project.version_prefix}{self.name}/{self.created}"

    def is_of(self, project: ProjectArn) -> bool:
        """Return whether a project of this ARN's account, Region and name could have the model version."""
        return str(self).startswith(project.version_prefix)


@dataclass(frozen=True)
class Policy:
    """A project policy at one of its revisions."""

    name: str
    document: str
    revision: str
    created: float
    updated: float


@dataclass
class Version:
    """A model version: trained, or copied from another one."""

    arn: VersionArn
    created: float
    output: Mapping[str, str]
    kms_key: str | None
    tags: dict[str, str]
    source: VersionArn | None = None
    """The model version it is a copy of."""
    fails: bool = False
    """Whether the copy fails, once its time is over."""
    asked: list[tuple[float, str]] = field(default_factory=list)
    """When it was asked for what `_ASKED` has, and to `delete`."""
    gone: float | None = None
    """When its deletion was complete."""


@dataclass
class Project:
    """A project, its model versions, its policies by name, and what its list of policies looked like before."""

    arn: ProjectArn
    created: float
    tags: dict[str, str]
    versions: list[Version] = field(default_factory=list)
    """In the order of their creation; deleted ones stay, so that a lagging list can show them."""
    policies: dict[str, Policy] = field(default_factory=dict)
    history: list[tuple[float, list[Policy]]] = field(default_factory=list)
    """Each list of policies there was, with the time from which it was true."""

    def remember(self, now: float) -> None:
        """Add to the history what its list of policies looks like from now on."""
        self.history.append((now, list(self.policies.values())))

    def policies_at(self, when: float) -> list[Policy]:
        """Return the policies there were at a time."""
        return next((policies for since, policies in reversed(self.history) if since <= when), [])


class Store:
    """Projects, model versions and policies, with the service's rules for changing them. Every method is atomic."""

    def __init__(self, switches: Switches, clock: Callable[[], float]) -> None:
        self._switches = switches
        self._clock = clock
        self._lock = threading.RLock()
        self._projects: dict[str, Project] = {}
        self._last_stamp = 0

    # -- projects ------------------------------------------------------------------------------------------------------

    def create_project(self, account: str, region: str, name: str, tags: Mapping[str, str] | None = None) -> Project:
        """Create a project; its name is unique in its account and Region."""
        with self._lock:
            others = [project.arn.name for project in self.projects(account, region)]
            if name in others:
                raise in_use(f"A project with the name {name} already exists.")
            if len(others) >= self._switches.projects_per_account:
                raise AwsError("LimitExceededException", "The limit of projects per account has been reached.")
            now = self._clock()
            project = Project(ProjectArn(PARTITION, region, account, name, self._stamp(now)), now, dict(tags or {}))
            self._projects[str(project.arn)] = project
            return project

    def projects(self, account: str, region: str) -> list[Project]:
        """Return the projects of an account in a Region, in the order of their creation."""
        with self._lock:
            return [
                each for each in self._projects.values() if (each.arn.account, each.arn.region) == (account, region)
            ]

    def project(self, account: str, region: str, arn: str) -> Project:
        """Return the project with this ARN, as this account sees it from this Region."""
        wanted = ProjectArn.parse(arn)
        _check_owner(account, wanted)
        with self._lock:
            if arn not in self._projects or wanted.region != region:
                raise not_found(f"The project {arn} does not exist.")
            return self._projects[arn]

    def delete_project(self, account: str, region: str, arn: str) -> str:
        """Delete a project with all its policies, and return its status; its model versions must have gone before."""
        with self._lock:
            project = self.project(account, region, arn)
            if self._present(project):
                raise in_use(f"The project {arn} has model versions; delete them first.")
            del self._projects[arn]
            return "DELETING"  # though it is gone at once

    # -- model versions ------------------------------------------------------------------------------------------------

    def create_version(
        self,
        account: str,
        region: str,
        project_arn: str,
        name: str,
        output: Mapping[str, str],
        kms_key: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Version:
        """Make a model version, which is trained at once; its name is unique in its project."""
        with self._lock:
            project = self.project(account, region, project_arn)
            if any(version.arn.name == name for version in self._present(project)):
                raise in_use(f"The project {project.arn} already has a model version with the name {name}.")
            of, now = project.arn, self._clock()
            arn = VersionArn(of.partition, of.region, of.account, of.name, name, self._stamp(now))
            version = Version(arn, now, output, kms_key, _checked_tags(tags or {}))
            project.versions.append(version)
            return version

    def copy_version(
        self,
        account: str,
        region: str,
        source_project: ProjectArn,
        source: VersionArn,
        destination_arn: str,
        name: str,
        output: Mapping[str, str],
        kms_key: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Version:
        """Begin to copy a model version of any account's project into a project of this account."""
        with self._lock:
            self.project(account, region, destination_arn)
            original = self._version_anywhere(source)
            if str(source_project) not in self._projects or original is None:
                raise not_found(f"The model version {source} of the project {source_project} does not exist.")
            status = self.status(original)
            if status in ("COPYING_IN_PROGRESS", "COPYING_FAILED", "DELETING"):
                raise in_use(f"The model version {source} is {status}.")
            version = self.create_version(account, region, destination_arn, name, output, kms_key, tags)
            version.source = source
            version.fails = self._switches.copying_ends == "COPYING_FAILED"
            return version

    def version(self, account: str, region: str, arn: str) -> Version:
        """Return the model version with this ARN, as this account sees it from this Region."""
        wanted = VersionArn.parse(arn)
        _check_owner(account, wanted)
        with self._lock:
            found = self._version_anywhere(wanted) if wanted.region == region else None
            if found is None:
                raise not_found(f"The model version {arn} does not exist.")
            return found

    def versions(self, project: Project) -> list[tuple[Version, str]]:
        """Return a project's model versions, the latest first, with their statuses: late, where the switch says so."""
        with self._lock:
            self._present(project)
            seen = self._clock() - self._switches.versions_lag
            return [
                (version, self.status(version, seen))
                for version in reversed(project.versions)
                if version.created <= seen and (version.gone is None or seen < version.gone)
            ]

    def status(self, version: Version, when: float | None = None) -> str:
        """Return the status of a model version at a time, by the switches as they are now."""
        when = self._clock() if when is None else when
        for since, asked in reversed(version.asked):
            if asked == "delete" and since <= when:
                return "DELETING"
            if since <= when:
                doing, done = _ASKED[asked]
                return done if when >= since + self._switches.starting_time else doing
        if version.source is None:
            return "TRAINING_COMPLETED"
        if when < version.created + self._switches.copying_time:
            return "COPYING_IN_PROGRESS"
        return "COPYING_FAILED" if version.fails else "COPYING_COMPLETED"

    def start_version(self, account: str, region: str, arn: str) -> str:
        """Begin to start a model version that isn't running, and return its status."""
        with self._lock:
            version = self.version(account, region, arn)
            self._check_status(version, *_IDLE)
            present = [other for project in self.projects(account, region) for other in self._present(project)]
            running = [other for other in present if self.status(other) in ("STARTING", "RUNNING")]
            if len(running) >= self._switches.running_versions:
                raise AwsError("LimitExceededException", "The limit of running models has been reached.")
            fails = self._switches.starting_ends == "FAILED"
            version.asked.append((self._clock(), "start in vain" if fails else "start"))
            return self.status(version)

    def stop_version(self, account: str, region: str, arn: str) -> str:
        """Begin to stop a model version that is running, and return its status."""
        with self._lock:
            version = self.version(account, region, arn)
            self._check_status(version, "RUNNING")
            version.asked.append((self._clock(), "stop"))
            return self.status(version)

    def detect_labels(self, account: str, region: str, arn: str) -> list[Any]:
        """Return what a model version that runs finds in an image: nothing, because nothing was trained."""
        with self._lock:
            status = self.status(self.version(account, region, arn))
            if status != "RUNNING":
                raise AwsError("ResourceNotReadyException", f"The model version {arn} is {status}.")
            return []

    def delete_version(self, account: str, region: str, arn: str) -> str:
        """Begin to delete a model version that is neither running nor being made, and return its status."""
        with self._lock:
            version = self.version(account, region, arn)
            copying = ["COPYING_IN_PROGRESS"] if self._switches.delete_while_copying == "delete" else []
            self._check_status(version, *_IDLE, "COPYING_FAILED", "DELETING", *copying)
            if self.status(version) != "DELETING":
                version.asked.append((self._clock(), "delete"))
            return "DELETING"

    # -- tags ----------------------------------------------------------------------------------------------------------

    def tags(self, account: str, region: str, arn: str) -> dict[str, str]:
        """Return the tags of a project or model version; those of a new one late, where the switch says so."""
        with self._lock:
            resource = self._tagged(account, region, arn)
            return dict(resource.tags) if self._clock() >= resource.created + self._switches.tags_lag else {}

    def tag(self, account: str, region: str, arn: str, tags: Mapping[str, str]) -> None:
        """Add tags to a project or model version, or change their values."""
        with self._lock:
            resource = self._tagged(account, region, arn)
            resource.tags = _checked_tags({**resource.tags, **tags})

    def untag(self, account: str, region: str, arn: str, keys: Iterable[str]) -> None:
        """Remove tags from a project or model version; one that isn't there is no error."""
        with self._lock:
            tags = self._tagged(account, region, arn).tags
            for key in keys:
                tags.pop(key, None)

    # -- policies ------------------------------------------------------------------------------------------------------

    def documents(self, arn: ProjectArn) -> list[str]:
        """Return the documents attached to a project of any account, without any lag; none where it doesn't exist."""
        with self._lock:
            project = self._projects.get(str(arn))
            return [policy.document for policy in project.policies.values()] if project else []

    def put_policy(
        self, account: str, region: str, arn: str, name: str, document: str, revision: str | None = None
    ) -> Policy:
        """Attach a policy, or replace the one whose current revision is named."""
        with self._lock:
            project = self.project(account, region, arn)
            live = project.policies.get(name)
            if live is None:
                if revision is not None:
                    missing = f"The policy {name} does not exist on {arn}, so it has no revision {revision}."
                    raise AwsError(self._switches.put_revision_absent, missing)
                if len(project.policies) >= self._switches.policies_per_project:
                    raise AwsError(self._switches.quota_error, f"The limit of policies for {arn} has been reached.")
            elif revision is None:
                if self._switches.put_existing_without_revision != "overwrite":
                    raise AwsError("ResourceAlreadyExistsException", f"The policy {name} already exists on {arn}.")
            elif revision.lower() != live.revision:
                raise wrong_revision(f"The revision {revision} is not the current one of the policy {name}.")
            now = self._clock()
            policy = Policy(name, document, secrets.token_hex(16), live.created if live else now, now)
            project.policies[name] = policy
            project.remember(now)
            return policy

    def delete_policy(self, account: str, region: str, arn: str, name: str, revision: str | None = None) -> None:
        """Delete a policy; only at this revision where one is named."""
        with self._lock:
            project = self.project(account, region, arn)
            live = project.policies.get(name)
            if live is None:
                raise not_found(f"The policy {name} does not exist on {arn}.")
            if revision is not None and revision.lower() != live.revision:
                raise wrong_revision(f"The revision {revision} is not the current one of the policy {name}.")
            del project.policies[name]
            project.remember(self._clock())

    def policies(self, account: str, region: str, arn: str) -> list[Policy]:
        """Return the policies of a project as a list call shows them: late, where the switch says so."""
        with self._lock:
            project = self.project(account, region, arn)
            lag = self._switches.list_lag
            return project.policies_at(self._clock() - lag) if lag else list(project.policies.values())

    # -- what several of them need -------------------------------------------------------------------------------------

    def _version_anywhere(self, arn: VersionArn) -> Version | None:
        projects = [project for project in self._projects.values() if arn.is_of(project.arn)]
        found = [version for project in projects for version in self._present(project) if version.arn == arn]
        return found[0] if found else None

    def _present(self, project: Project) -> list[Version]:
        """Return the model versions that there are, after noting which deletions are complete."""
        now = self._clock()
        for version in project.versions:
            since, asked = version.asked[-1] if version.asked else (now, "")
            if asked == "delete" and version.gone is None and now >= since + self._switches.deleting_time:
                version.gone = since + self._switches.deleting_time
        return [version for version in project.versions if version.gone is None]

    def _check_status(self, version: Version, *fitting: str) -> None:
        status = self.status(version)
        if status not in fitting:
            raise in_use(f"The model version {version.arn} is {status}.")

    def _tagged(self, account: str, region: str, arn: str) -> Project | Version:
        if VersionArn.PATTERN.fullmatch(arn):
            return self.version(account, region, arn)
        return self.project(account, region, arn)

    def _stamp(self, now: float) -> str:
        # What is made anew in the same millisecond is another one all the same, with another ARN.
        self._last_stamp = max(round(now * 1000), self._last_stamp + 1)
        return str(self._last_stamp)


def _check_owner(account: str, arn: ProjectArn | VersionArn) -> None:
    if arn.account != account:
        raise access_denied(f"The account {account} may not use {arn}, which belongs to another account.")


def _checked_tags(tags: Mapping[str, str]) -> dict[str, str]:
    if len(tags) > _TAGS_PER_RESOURCE:
        raise AwsError("ServiceQuotaExceededException", f"A resource has at most {_TAGS_PER_RESOURCE} tags.")
    return dict(tags)
