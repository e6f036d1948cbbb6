"""The examples: with the wheel each is deployed as its README says, edited, and taken down, and is live as it says."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from localcloud.cloud import REGION, LocalCloud
from tests.end_to_end.conftest import Cdk, Live
from tests.packaging import ROOT

EXAMPLES = ROOT / "examples"
APPS = sorted(path.parent.name for path in EXAMPLES.glob("*/app.py"))
SOMEBODY_ELSE = "999988887777"


class Example:
    """A copy of an example, and one account that its stacks are deployed to."""

    def __init__(self, folder: Path, cloud: LocalCloud, account: str, python: Path, **context: str) -> None:
        self.folder = folder
        self.client: Callable[[str], Any] = lambda service: cloud.client(service, account)
        self.live = Live(cloud, account)
        self._cdk = Cdk(cloud, folder, account, python)
        self._context = [part for key, value in context.items() for part in ("-c", f"{key}={value}")]

    def bootstrap(self, account: str) -> None:
        """Bootstrap the CDK in the account."""
        done = self._cdk.run("bootstrap", f"aws://{account}/{REGION}")
        assert done.returncode == 0, done.stdout

    def deploy(self, *stacks: str) -> None:
        """Deploy."""
        done = self._cdk.run("deploy", "--require-approval", "never", *stacks, *self._context)
        assert done.returncode == 0, done.stdout

    def destroy(self, *stacks: str) -> None:
        """Destroy what was deployed."""
        done = self._cdk.run("destroy", "--app", "cdk.out", "--force", *stacks)
        assert done.returncode == 0, done.stdout

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a string in a file."""
        text = (self.folder / name).read_text()
        assert old in text
        (self.folder / name).write_text(text.replace(old, new))


@pytest.fixture
def example(local_cloud: LocalCloud, installed: Path, tmp_path: Path) -> Callable[..., Example]:
    """Return what copies an example once, and bootstraps the account that it is deployed to."""

    def make(name: str, account: str, **context: str) -> Example:
        shutil.copytree(EXAMPLES / name, tmp_path / name, dirs_exist_ok=True)
        made = Example(tmp_path / name, local_cloud, account, installed, **context)
        made.bootstrap(account)
        return made

    return make


def said(policy: Mapping[str, Any]) -> set[tuple[str, str, str, str]]:
    """Return what a live policy says: effect, principal, version and condition of each statement."""

    def each(value: Any) -> list[str]:
        return value if isinstance(value, list) else [value]

    return {
        (statement["Effect"], principal, version.split("/version/")[-1], json.dumps(statement.get("Condition", {})))
        for statement in json.loads(policy["PolicyDocument"])["Statement"]
        for principal in each(statement["Principal"]["AWS"])
        for version in each(statement["Resource"])
    }


@pytest.mark.parametrize("name", APPS)
def test_needs_what_the_package_needs_and_the_pinned_cli(name: str) -> None:
    """The ranges are the package's own, the path leads to it, and README's CLI is the one that is tested."""
    required = (EXAMPLES / name / "requirements.txt").read_text().splitlines()
    project = (ROOT / "pyproject.toml").read_text()
    for package in ("aws-cdk-lib", "constructs"):
        (line,) = (line for line in required if line.startswith(package))
        assert f'"{line}"' in project
    assert "../.." in required
    clis = set(re.findall(r"npx (\S+)", (EXAMPLES / name / "README.md").read_text()))
    pinned = json.loads((ROOT / "package.json").read_text())["devDependencies"]["aws-cdk"]
    assert clis == {f"aws-cdk@{pinned}"}


@pytest.mark.full
def test_the_trusting_account_allows_whom_it_names(example: Callable[..., Example]) -> None:
    """The account, the role and the organization may copy what they should, and an edit changes the policy in place."""
    trusting = example("trusting-account", "131313131313")
    trusting.deploy()
    (first,) = trusting.live.policies().values()
    of_organization = '{"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}'
    others = {
        ("Allow", "arn:aws:iam::444455556666:role/ModelReviewer", "v1/*", "{}"),
        ("Allow", "arn:aws:iam::444455556666:role/ModelReviewer", "v2/*", "{}"),
        ("Allow", "*", "*", of_organization),
    }
    assert said(first) == others | {
        ("Allow", "arn:aws:iam::111122223333:root", "*", "{}"),
        ("Deny", "arn:aws:iam::111122223333:role/Guest", "*", "{}"),
    }
    outputs = {
        "ProjectArn": first["ProjectArn"],
        "PolicyName": first["PolicyName"],
        "PolicyRevisionId": first["PolicyRevisionId"],
    }
    assert trusting.live.outputs("BadgeSharing") == outputs

    trusting.edit("app.py", 'PARTNER = "111122223333"', f'PARTNER = "{SOMEBODY_ELSE}"')
    trusting.deploy()
    (edited,) = trusting.live.policies().values()
    assert said(edited) == others | {
        ("Allow", f"arn:aws:iam::{SOMEBODY_ELSE}:root", "*", "{}"),
        ("Deny", f"arn:aws:iam::{SOMEBODY_ELSE}:role/Guest", "*", "{}"),
    }
    assert edited["CreationTimestamp"] == first["CreationTimestamp"]
    assert edited["PolicyRevisionId"] != first["PolicyRevisionId"]
    assert trusting.live.outputs("BadgeSharing") == outputs | {"PolicyRevisionId": edited["PolicyRevisionId"]}

    trusting.destroy()
    assert trusting.client("rekognition").describe_projects()["ProjectDescriptions"] == []


@pytest.mark.full
def test_a_shared_provider_adopts_what_was_attached_by_hand(
    local_cloud: LocalCloud, example: Callable[..., Example]
) -> None:
    """One function puts three stacks' policies; the adopted one is edited with its stack, and stays when that goes."""
    account = "242424242424"
    rekognition = local_cloud.client("rekognition", account)
    signs = rekognition.create_project(ProjectName="signs")["ProjectArn"]
    by_hand = rekognition.put_project_policy(
        ProjectArn=signs,
        PolicyName="partners",
        PolicyDocument=(EXAMPLES / "shared-provider" / "partners.json").read_text(),
    )["PolicyRevisionId"]
    sharing = example("shared-provider", account, signs=signs)
    sharing.deploy("--all")
    policies = {project: policy for (project, _), policy in sharing.live.policies().items()}
    assert policies.keys() == {"labels", "parts", "signs"}
    for policy in policies.values():
        assert said(policy) == {("Allow", "arn:aws:iam::111122223333:root", "*", "{}")}
    for stack, project in {"LabelSharing": "labels", "PartSharing": "parts", "SignSharing": "signs"}.items():
        assert sharing.live.outputs(stack)["PolicyRevisionId"] == policies[project]["PolicyRevisionId"]
    assert policies["signs"]["PolicyRevisionId"] == by_hand
    assert sharing.live.physical_id("SignSharing") == f"{signs}|partners|adopted"
    provider = sharing.live.outputs("SharingProvider")
    (function,) = sharing.client("lambda").list_functions()["Functions"]
    assert (function["FunctionArn"], function["Role"].split("/")[-1]) == (
        provider["ServiceToken"],
        provider["RoleName"],
    )

    sharing.edit("partners.json", "111122223333", SOMEBODY_ELSE)
    sharing.deploy("SignSharing")
    edited = sharing.live.policies()["signs", "partners"]
    assert said(edited) == {("Allow", f"arn:aws:iam::{SOMEBODY_ELSE}:root", "*", "{}")}
    assert edited["CreationTimestamp"] == policies["signs"]["CreationTimestamp"]
    assert sharing.live.outputs("SignSharing")["PolicyRevisionId"] == edited["PolicyRevisionId"] != by_hand

    sharing.destroy("--all")
    assert sharing.live.policies() == {("signs", "partners"): edited}
    assert sharing.client("lambda").list_functions()["Functions"] == []
    logs = sharing.client("logs")
    (kept,) = logs.describe_log_groups()["logGroups"]
    assert kept["retentionInDays"] == 731
    logs.delete_log_group(logGroupName=kept["logGroupName"])
    rekognition.delete_project_policy(ProjectArn=signs, PolicyName="partners")
    rekognition.delete_project(ProjectArn=signs)
