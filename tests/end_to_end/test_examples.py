"""README's app and the examples: with the wheel each is deployed as it says, edited, and taken down again."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore import xform_name

from localcloud.cloud import LocalCloud
from tests.account import Account, grants
from tests.end_to_end.conftest import Cdk
from tests.localcloud.roles import signed_with, trust
from tests.localcloud.support import Setting, rejected
from tests.packaging import ROOT

EXAMPLES = ROOT / "examples"
PARTNER = "111122223333"
OF_ORGANIZATION = '{"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}'
README = re.findall(r"```python\n([^`]*App\(\).*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[0]


def test_readmes_app_shares_with_an_account_and_a_role(cdk: Cdk, installed: Path, dist: Path) -> None:
    """Deployed with the wheel, README's app allows exactly those two to copy, and is destroyed again."""
    arn = cdk.account.rekognition.create_project(ProjectName="logos")["ProjectArn"]
    of_readme = "arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815"
    (cdk.folder / "app.py").write_text(README.replace(of_readme, arn))
    cdk.deploy("--app", f"{installed} app.py")
    (policy,) = cdk.account.policies().values()
    assert grants(policy) == {
        ("Allow", "111122223333", "*", "{}"),
        ("Allow", "444455556666:role/copier", "v1/*", "{}"),
    }
    assert set(re.findall('"([^"]+)/version/', policy["PolicyDocument"])) == {arn.rpartition("/")[0]}
    # The function's code is the checkout's, byte for byte.
    (asset,) = cdk.folder.glob("cdk.out/asset.*")
    with zipfile.ZipFile(dist / "provider.zip") as archive:
        packaged = {name: archive.read(name) for name in archive.namelist()}
    files = [path for path in asset.rglob("*") if path.is_file()]
    assert {path.relative_to(asset).as_posix(): path.read_bytes() for path in files} == packaged
    cdk.run("destroy", "--app", "cdk.out", "--force")
    assert cdk.account.policies() == {}
    cdk.account.rekognition.delete_project(ProjectArn=arn)


def test_an_example_needs_the_package_beside_it_and_the_pinned_cli() -> None:
    """The path leads to the package, and the pages' CLI is the one that is tested."""
    for app in EXAMPLES.glob("*/app.py"):
        assert "../.." in app.with_name("requirements.txt").read_text().splitlines()
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *EXAMPLES.rglob("*.md")]
    pinned = json.loads((ROOT / "package.json").read_text())["devDependencies"]["aws-cdk"]
    assert {cli for page in pages for cli in re.findall(r"npx aws-cdk@([\w.-]+)", page.read_text())} == {pinned}


Example = Callable[[str, str], Cdk]


@pytest.fixture
def example(local_cloud: LocalCloud, installed: Path, tmp_path: Path) -> Example:
    """Return what copies an example, and bootstraps the account that it is deployed to."""

    def make(name: str, account: str) -> Cdk:
        shutil.copytree(EXAMPLES / name, tmp_path / name)
        cdk = Cdk(Account(local_cloud, account), tmp_path / name, installed)
        cdk.bootstrap()
        return cdk

    return make


@pytest.mark.full
def test_the_trusting_account_allows_whom_it_names(example: Example) -> None:
    """The account, the role and the organization may copy what they should, and nobody else."""
    cdk = example("trusting-account", "131313131313")
    cdk.deploy()
    (policy,) = cdk.account.policies().values()
    assert grants(policy) == {
        ("Allow", PARTNER, "*", "{}"),
        ("Deny", f"{PARTNER}:role/Guest", "*", "{}"),
        ("Allow", "444455556666:role/ModelReviewer", "v1/*", "{}"),
        ("Allow", "444455556666:role/ModelReviewer", "v2/*", "{}"),
        ("Allow", "*", "*", OF_ORGANIZATION),
    }
    shown = {name: policy[name] for name in ("ProjectArn", "PolicyName", "PolicyRevisionId")}
    assert cdk.account.outputs("BadgeSharing") == shown
    cdk.run("destroy", "--app", "cdk.out", "--force")
    assert cdk.account.projects() == {}


@pytest.mark.full
def test_a_shared_provider_adopts_what_was_attached_by_hand(example: Example) -> None:
    """One function puts three stacks' policies; the adopted one stays when its stack goes."""
    cdk = example("shared-provider", "242424242424")
    account, rekognition = cdk.account, cdk.account.rekognition
    signs = rekognition.create_project(ProjectName="signs")["ProjectArn"]
    document = (cdk.folder / "partners.json").read_text()
    by_hand = rekognition.put_project_policy(ProjectArn=signs, PolicyName="partners", PolicyDocument=document)
    given = ("-c", f"signs={signs}")

    cdk.deploy("--all", *given)
    policies = {project: policy for (project, _), policy in account.policies().items()}
    assert {project: grants(policy) for project, policy in policies.items()} == {
        project: {("Allow", PARTNER, "*", "{}")} for project in ("labels", "parts", "signs")
    }
    for stack, project in {"LabelSharing": "labels", "PartSharing": "parts", "SignSharing": "signs"}.items():
        assert account.outputs(stack)["PolicyRevisionId"] == policies[project]["PolicyRevisionId"]
    assert policies["signs"]["PolicyRevisionId"] == by_hand["PolicyRevisionId"]
    assert account.physical_id("SignSharing") == f"{signs}|partners|adopted"
    (function,) = account.client("lambda").list_functions()["Functions"]
    provider = {"ServiceToken": function["FunctionArn"], "RoleName": function["Role"].split("/")[-1]}
    assert account.outputs("SharingProvider").items() >= provider.items()

    cdk.run("destroy", "--app", "cdk.out", "--force", "--all")
    assert account.policies() == {("signs", "partners"): policies["signs"]}
    assert account.client("lambda").list_functions()["Functions"] == []
    (kept,) = account.client("logs").describe_log_groups()["logGroups"]
    assert kept["retentionInDays"] == 731


@pytest.mark.full
def test_schedules_start_and_stop_the_copy_and_no_other_model(example: Example) -> None:
    """What a schedule sends is what Rekognition takes, and its role may send that for the copy alone."""
    cdk = example("scheduled-copy", "353535353535")
    account, cloud = cdk.account, cdk.account.cloud
    shared = Setting(Account(cloud, "464646464646").rekognition, account.rekognition, "hours")
    shared.share(Principal={"AWS": account.id})
    other = Setting(account.rekognition, account.rekognition, "other").version
    cdk.deploy("-c", f"source_project_arn={shared.project}", "-c", f"source_version_arn={shared.version}")
    copy = account.outputs("OfficeHours")["VersionArn"]

    scheduler, iam = account.client("scheduler"), account.client("iam")
    resources = account.client("cloudformation").describe_stack_resources(StackName="OfficeHours")["StackResources"]
    ids = {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for each in resources
        if "Schedule" in each["ResourceType"]
    }
    schedules = [scheduler.get_schedule(Name=ids[name]) for name in sorted(ids)]
    assert [each["ScheduleExpression"] for each in schedules] == ["cron(0 8 ? * MON-FRI *)", "cron(0 18 * * ? *)"]
    for schedule, status in zip(schedules, ("RUNNING", "STOPPED"), strict=True):
        target = schedule["Target"]
        # Only EventBridge Scheduler may assume the role. The local cloud calls nothing at eight o'clock.
        iam.update_assume_role_policy(RoleName=target["RoleArn"].split("/")[-1], PolicyDocument=trust(account.id))
        session = account.client("sts").assume_role(RoleArn=target["RoleArn"], RoleSessionName="test")["Credentials"]
        send = getattr(signed_with(cloud, **session), xform_name(target["Arn"].rpartition(":")[2]))
        with rejected("AccessDeniedException"):
            send(**json.loads(target["Input"]) | {"ProjectVersionArn": other})
        send(**json.loads(target["Input"]))
        assert account.versions()[copy]["Status"] == status

    cdk.run("destroy", "--app", "cdk.out", "--force")
    assert copy not in account.versions()
