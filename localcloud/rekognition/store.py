"""The service's state: everything in memory, apart for each account and Region."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping

from localcloud.rekognition.arns import ProjectArn, VersionArn, partition_of
from localcloud.rekognition.errors import AwsError, access_denied, in_use, invalid_parameter, not_found, wrong_revision
from localcloud.rekognition.model import Policy, Project, Version
from localcloud.rekognition.switches import Switches


class Store:
    """Projects, versions and policies, with the service's rules for changing them. Every method is atomic."""

    def __init__(self, switches: Switches, clock: Callable[[], float]) -> None:
        self._switches = switches
        self._clock = clock
        self._lock = threading.RLock()
        self._projects: dict[tuple[str, str], dict[str, Project]] = {}
        self._last_stamp = 0

    def create_project(
        self, account: str, region: str, name: str, feature: str | None = None, auto_update: str | None = None
    ) -> Project:
        """Make a project; its name is unique in its account and Region."""
        with self._lock:
            projects = self._projects.setdefault((account, region), {})
            if name in projects:
                raise in_use(f"A project with the name {name} already exists.")
            if len(projects) >= self._switches.projects_per_account:
                raise AwsError("LimitExceededException", "The limit of projects per account has been reached.")
            now = self._clock()
            arn = ProjectArn(partition_of(region), region, account, name, str(self._stamp(now)))
            projects[name] = Project(arn, now, feature, auto_update)
            return projects[name]

    def projects(self, account: str, region: str) -> list[Project]:
        """Return the projects of an account in a Region, in the order of their making."""
        with self._lock:
            return list(self._projects.get((account, region), {}).values())

    def project(self, account: str, region: str, arn: str) -> Project:
        """Return the project with this ARN, as this account sees it from this Region."""
        wanted = ProjectArn.parse(arn)
        _check_owner(account, wanted)
        with self._lock:
            found = self._projects.get((account, region), {}).get(wanted.name)
            if found is None or found.arn != wanted:
                raise not_found(f"The project {arn} does not exist.")
            return found

    def delete_project(self, account: str, region: str, arn: str) -> None:
        """Delete a project with all its policies; its versions must have been deleted before."""
        with self._lock:
            project = self.project(account, region, arn)
            if project.versions:
                raise in_use(f"The project {arn} has versions; delete them first.")
            del self._projects[account, region][project.arn.name]

    def create_version(
        self,
        account: str,
        region: str,
        project_arn: str,
        name: str,
        output: Mapping[str, str],
        kms_key: str | None = None,
        description: str | None = None,
    ) -> Version:
        """Begin to train a version; its name is unique in its project."""
        with self._lock:
            project = self.project(account, region, project_arn)
            now = self._clock()
            return self._add(project, Version(self._version_arn(project, name, now), now, output, kms_key, description))

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
    ) -> Version:
        """Begin to copy a version of any account's project into a project of this account."""
        with self._lock:
            destination = self.project(account, region, destination_arn)
            original = self._project_anywhere(source_project)
            found = original.versions.get(source.name) if original else None
            if original is None or found is None or found.arn != source:
                raise not_found(f"The version {source} of the project {source_project} does not exist.")
            for project in (original, destination):
                if project.feature == "CONTENT_MODERATION":
                    raise invalid_parameter(f"{project.arn} is not a project of Custom Labels.")
            self._check_idle(found)
            now = self._clock()
            arn = self._version_arn(destination, name, now)
            return self._add(destination, Version(arn, now, output, kms_key, source=source))

    def versions(self, project: Project) -> list[Version]:
        """Return the versions of a project, the latest first."""
        with self._lock:
            return list(project.versions.values())[::-1]

    def status(self, version: Version) -> str:
        """Return how far a version is, by the switches as they are now."""
        copied = version.source is not None
        time = self._switches.copying_time if copied else self._switches.training_time
        done = self._clock() >= version.created + time
        return f"{'COPYING' if copied else 'TRAINING'}_{'COMPLETED' if done else 'IN_PROGRESS'}"

    def delete_version(self, account: str, region: str, arn: str) -> None:
        """Delete a version that is neither in training nor being copied."""
        wanted = VersionArn.parse(arn)
        _check_owner(account, wanted)
        with self._lock:
            project = self._projects.get((account, region), {}).get(wanted.project)
            found = project.versions.get(wanted.name) if project else None
            if project is None or found is None or found.arn != wanted:
                raise not_found(f"The version {arn} does not exist.")
            self._check_idle(found)
            del project.versions[wanted.name]

    def documents(self, arn: ProjectArn) -> list[str]:
        """Return the documents attached to a project of any account, without any lag; none where it doesn't exist."""
        with self._lock:
            project = self._project_anywhere(arn)
            return [policy.document for policy in project.policies.values()] if project else []

    def put_policy(
        self, account: str, region: str, arn: str, name: str, document: str, revision: str | None = None
    ) -> Policy:
        """Attach a policy, or replace the one whose current revision is named."""
        with self._lock:
            project = self.project(account, region, arn)
            live = project.policies.get(name)
            if live is None:
                self._check_new(project, name, revision)
            elif revision is None:
                if self._switches.put_existing_without_revision == "refuse":
                    raise AwsError("ResourceAlreadyExistsException", f"The policy {name} already exists on {arn}.")
            elif revision.lower() != live.revision:
                raise wrong_revision(f"The revision {revision} is not the current one of the policy {name}.")
            now = self._clock()
            policy = Policy(name, document, secrets.token_hex(16), live.created if live else now, now)
            project.policies[name] = policy
            project.remember(now)
            return policy

    def delete_policy(self, account: str, region: str, arn: str, name: str, revision: str | None = None) -> None:
        """Take a policy off its project; only at this revision where one is named."""
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
            return list(project.policies_at(self._clock() - lag) if lag else project.policies.values())

    def _project_anywhere(self, arn: ProjectArn) -> Project | None:
        found = self._projects.get((arn.account, arn.region), {}).get(arn.name)
        return found if found is not None and found.arn == arn else None

    def _version_arn(self, project: Project, name: str, now: float) -> VersionArn:
        of = project.arn
        return VersionArn(of.partition, of.region, of.account, of.name, name, str(self._stamp(now)))

    def _add(self, project: Project, version: Version) -> Version:
        if version.arn.name in project.versions:
            raise in_use(f"The project {project.arn} already has a version with the name {version.arn.name}.")
        project.versions[version.arn.name] = version
        return version

    def _check_idle(self, version: Version) -> None:
        status = self.status(version)
        if status.endswith("_IN_PROGRESS"):
            raise in_use(f"The version {version.arn} is {status}.")

    def _check_new(self, project: Project, name: str, revision: str | None) -> None:
        if revision is not None:
            raise AwsError(
                self._switches.put_revision_absent,
                f"The policy {name} does not exist on {project.arn}, so it has no revision {revision}.",
            )
        if len(project.policies) >= self._switches.policies_per_project:
            raise AwsError(self._switches.quota_error, f"The limit of policies for {project.arn} has been reached.")

    def _stamp(self, now: float) -> int:
        # What is made anew in the same millisecond is another one all the same, with another ARN.
        self._last_stamp = max(round(now * 1000), self._last_stamp + 1)
        return self._last_stamp


def _check_owner(account: str, arn: ProjectArn | VersionArn) -> None:
    if arn.account != account:
        raise access_denied(f"The account {account} may not use {arn}, which belongs to another account.")
