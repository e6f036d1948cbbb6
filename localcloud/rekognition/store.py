"""The service's state: everything in memory, apart for each account and Region."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable

from localcloud.rekognition.arns import ProjectArn, partition_of
from localcloud.rekognition.errors import AwsError, access_denied, not_found, wrong_revision
from localcloud.rekognition.model import Policy, Project
from localcloud.rekognition.switches import Switches


class Store:
    """Projects and policies, with the service's rules for changing them. Every method is atomic."""

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
                raise AwsError("ResourceInUseException", f"A project with the name {name} already exists.")
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
        if wanted.account != account:
            raise access_denied(f"The account {account} may not use {arn}, which belongs to another account.")
        with self._lock:
            found = self._projects.get((account, region), {}).get(wanted.name)
            if found is None or found.arn != wanted:
                raise not_found(f"The project {arn} does not exist.")
            return found

    def delete_project(self, account: str, region: str, arn: str) -> None:
        """Delete a project with all its policies."""
        with self._lock:
            project = self.project(account, region, arn)
            del self._projects[account, region][project.arn.name]

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

    def _check_new(self, project: Project, name: str, revision: str | None) -> None:
        if revision is not None:
            raise AwsError(
                self._switches.put_revision_absent,
                f"The policy {name} does not exist on {project.arn}, so it has no revision {revision}.",
            )
        if len(project.policies) >= self._switches.policies_per_project:
            raise AwsError(self._switches.quota_error, f"The limit of policies for {project.arn} has been reached.")

    def _stamp(self, now: float) -> int:
        # A project made anew in the same millisecond is another project all the same, with another ARN.
        self._last_stamp = max(round(now * 1000), self._last_stamp + 1)
        return self._last_stamp
