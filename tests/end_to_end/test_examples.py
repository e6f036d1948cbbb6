"""The examples: with the wheel each is deployed as its README says, edited, and taken down, and is live as it says."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from localcloud.cloud import REGION, LocalCloud
from tests.end_to_end.conftest import Cdk, Live, bare_environment
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
        """Let the CDK deploy to the account."""
        done = self._cdk.run("bootstrap", f"aws://{account}/{REGION}")
        assert done.returncode == 0, done.stdout

    def deploy(self, *stacks: str) -> str:
        """Deploy, and return what the CLI told."""
        done = self._cdk.run("deploy", "--require-approval", "never", *stacks, *self._context)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def fail_to_update(self, stack: str) -> None:
        """Deploy what is rolled back."""
        failed = self._cdk.run("deploy", "--require-approval", "never", stack, *self._context)
        assert failed.returncode != 0, failed.stdout
        found = self.live.stack(stack)
        assert found is not None
        assert found["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"

    def destroy(self, *stacks: str) -> None:
        """Take down."""
        done = self._cdk.run("destroy", "--force", *stacks, *self._context)
        assert done.returncode == 0, done.stdout

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text in a file."""
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


def test_the_trusting_account_lets_in_whom_it_names(example: Callable[..., Example]) -> None:
    """The account, the role and the organisation may copy what they should, and an edit changes the policy in place."""
    trusting = example("trusting-account", "131313131313")
    trusting.deploy()
    (first,) = trusting.live.policies().values()
    of_organisation = '{"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}'
    others = {
        ("Allow", "arn:aws:iam::444455556666:role/ModelReviewer", "v1/*", "{}"),
        ("Allow", "arn:aws:iam::444455556666:role/ModelReviewer", "v2/*", "{}"),
        ("Allow", "*", "*", of_organisation),
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
    assert trusting.live.outputs("LogoSharing") == outputs
    assert "(no changes)" in trusting.deploy()

    trusting.edit("app.py", 'PARTNER = "111122223333"', f'PARTNER = "{SOMEBODY_ELSE}"')
    trusting.deploy()
    (edited,) = trusting.live.policies().values()
    assert said(edited) == others | {
        ("Allow", f"arn:aws:iam::{SOMEBODY_ELSE}:root", "*", "{}"),
        ("Deny", f"arn:aws:iam::{SOMEBODY_ELSE}:role/Guest", "*", "{}"),
    }
    assert edited["CreationTimestamp"] == first["CreationTimestamp"]
    assert edited["PolicyRevisionId"] != first["PolicyRevisionId"]
    assert trusting.live.outputs("LogoSharing") == outputs | {"PolicyRevisionId": edited["PolicyRevisionId"]}

    trusting.destroy()
    assert trusting.client("rekognition").describe_projects()["ProjectDescriptions"] == []


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
    assert policies.keys() == {"logos", "parts", "signs"}
    for policy in policies.values():
        assert said(policy) == {("Allow", "arn:aws:iam::111122223333:root", "*", "{}")}
    for stack, project in {"LogoSharing": "logos", "PartSharing": "parts", "SignSharing": "signs"}.items():
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


class Copying:
    """The script copy_model.py, in a session of the role that the example makes in the trusted account."""

    def __init__(self, cloud: LocalCloud, trusted: Example, source_project: str, source_version: str) -> None:
        self._script = trusted.folder / "copy_model.py"
        self._rekognition = trusted.client("rekognition")
        outputs = trusted.live.outputs("Trusted")
        self.project = outputs["ProjectArn"]
        self._options = {
            "--source-project-arn": source_project,
            "--source-version-arn": source_version,
            "--destination-project-arn": self.project,
            "--bucket": outputs["BucketName"],
            "--interval": "0.2",
        }
        session = trusted.client("sts").assume_role(RoleArn=outputs["RoleArn"], RoleSessionName="test")["Credentials"]
        self._environment = cloud.full_environment() | {
            "AWS_ACCESS_KEY_ID": session["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
            "AWS_SESSION_TOKEN": session["SessionToken"],
        }

    def run(self, **more: str) -> subprocess.CompletedProcess[str]:
        """Run the script with this checkout's Python, for the one that has the wheel lacks boto3."""
        options = self._options | {f"--{name.replace('_', '-')}": value for name, value in more.items()}
        return subprocess.run(
            [sys.executable, self._script, *(part for option in options.items() for part in option)],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def copies(self) -> list[Mapping[str, Any]]:
        """Return the copies that are in the trusted account's project."""
        found: list[Mapping[str, Any]] = self._rekognition.describe_project_versions(ProjectArn=self.project)[
            "ProjectVersionDescriptions"
        ]
        return found

    def is_allowed(self) -> bool:
        """Copy, take the copy away again, and tell whether that was allowed; a refusal leaves nothing."""
        done, copies = self.run(), self.copies()
        if done.returncode == 1 and "This may not be copied" in done.stderr:
            assert copies == []
            return False
        assert done.returncode == 0, done.stderr
        (copy,) = copies
        assert copy["Status"] == "COPYING_COMPLETED"
        assert copy["SourceProjectVersionArn"] == self._options["--source-version-arn"]
        assert "/version/v1/" in copy["ProjectVersionArn"]
        assert f"Copied: {copy['ProjectVersionArn']}\n" in done.stderr
        self.remove_copies()
        return True

    def remove_copies(self) -> None:
        """Take every copy away."""
        for copy in self.copies():
            self._rekognition.delete_project_version(ProjectVersionArn=copy["ProjectVersionArn"])


GRANT = "policy.grant_copy(iam.AccountPrincipal(trusted))"
TO_ANOTHER = GRANT.replace("trusted", f'"{SOMEBODY_ELSE}"')
FAILURE = """
from aws_cdk import CfnResource
stack = app.node.find_child("Trusting")
broken = CfnResource(stack, "Broken", type="AWS::Rekognition::Project", properties={"ProjectName": "not a name"})
broken.node.add_dependency(stack.node.find_child("Sharing"))
"""


def test_both_accounts_copy_exactly_while_the_policy_allows_it(
    local_cloud: LocalCloud, example: Callable[..., Example]
) -> None:
    """Before, after, edited, rolled back either way and destroyed: the script copies when the policy lets it."""
    accounts = {"trusting": "353535353535", "trusted": "464646464646"}
    trusting, trusted = (example("both-accounts", accounts[which], **accounts) for which in ("trusting", "trusted"))
    app = (trusting.folder / "app.py").read_text()

    def write(*replaced: tuple[str, str], more: str = "") -> None:
        (trusting.folder / "app.py").write_text(app)
        for old, new in (*replaced, ("app.synth()", f"{more}app.synth()")):
            trusting.edit("app.py", old, new)

    (sharing,) = re.findall(r"        policy = .*?\n\n", app, re.DOTALL)
    write((sharing, '        CfnOutput(self, "ProjectArn", value=project.attr_arn)\n\n'))
    trusting.deploy("Trusting")
    trusted.deploy("Trusted")
    source = trusting.client("rekognition")
    project = trusting.live.outputs("Trusting")["ProjectArn"]
    version = source.create_project_version(
        ProjectArn=project, VersionName="v1", OutputConfig={"S3Bucket": "training", "S3KeyPrefix": "logos"}
    )["ProjectVersionArn"]
    copying = Copying(local_cloud, trusted, project, version)
    assert not copying.is_allowed()

    write()
    trusting.deploy("Trusting")
    assert copying.is_allowed()
    check_waiting(local_cloud, copying)

    write((GRANT, TO_ANOTHER))
    trusting.deploy("Trusting")
    assert not copying.is_allowed()
    write(more=FAILURE)
    trusting.fail_to_update("Trusting")
    assert not copying.is_allowed()

    write()
    trusting.deploy("Trusting")
    assert copying.is_allowed()
    write((GRANT, TO_ANOTHER), more=FAILURE)
    trusting.fail_to_update("Trusting")
    assert copying.is_allowed()

    write()
    trusting.destroy("Trusting")
    assert not copying.is_allowed()
    source.delete_project_version(ProjectVersionArn=version)
    source.delete_project(ProjectArn=project)

    bucket = trusted.live.outputs("Trusted")["BucketName"]
    trusted.destroy("Trusted")
    trusted.client("s3").delete_bucket(Bucket=bucket)
    trusted.client("rekognition").delete_project(ProjectArn=copying.project)


def check_waiting(cloud: LocalCloud, copying: Copying) -> None:
    """A copy that takes a while is waited for, up to the deadline, and a name that is taken is refused in words."""
    with cloud.switched(copying_time=3):
        done = copying.run(name="slow")
    assert done.returncode == 0, done.stderr
    assert done.stderr.index("COPYING_IN_PROGRESS") < done.stderr.index("COPYING_COMPLETED")
    taken = copying.run(name="slow")
    assert taken.returncode == 1
    assert taken.stderr.splitlines()[-1].startswith("CopyProjectVersion was refused (ResourceInUseException)")
    with cloud.switched(copying_time=3600):
        late = copying.run(name="late", timeout="0.5")
    assert late.returncode == 1
    assert late.stderr.endswith("The copy is not complete after 0.5 seconds, and goes on.\n")
    copying.remove_copies()


def test_a_copy_that_fails_is_told_with_its_reason() -> None:
    """What the service says of a copy that failed reaches the person."""
    script = runpy.run_path(str(EXAMPLES / "both-accounts" / "copy_model.py"))
    client = boto3.client("rekognition", REGION, aws_access_key_id="none", aws_secret_access_key="none")
    failed = {"Status": "COPYING_FAILED", "StatusMessage": "The bucket is in another Region."}
    with Stubber(client) as service:
        service.add_response("describe_project_versions", {"ProjectVersionDescriptions": [failed]})
        with pytest.raises(script["NotCopiedError"], match=r"COPYING_FAILED: The bucket is in another Region\."):
            script["wait"](client, "arn:aws:rekognition:us-east-1:111122223333:project/copies/1", "v1", 60, 1)


@pytest.mark.parametrize(
    ("version", "code", "told"),
    [
        ("project/logos/1690474772815", 2, 'project/logos/1690474772815" is not the ARN of a version'),
        ("project/logos/version/v1/1690474772999", 1, "Unable to locate credentials"),
    ],
    ids=["a project for the version", "no credentials"],
)
def test_what_cannot_work_is_told_in_words(version: str, code: int, told: str, tmp_path: Path) -> None:
    """Neither a wrong ARN nor missing credentials end in a traceback."""
    arn = "arn:aws:rekognition:us-east-1:123456789012:"
    options = {
        "--source-project-arn": f"{arn}project/logos/1690474772815",
        "--source-version-arn": arn + version,
        "--destination-project-arn": "arn:aws:rekognition:us-east-1:111122223333:project/logos-copies/1690474772999",
        "--bucket": "results",
    }
    done = subprocess.run(
        [
            sys.executable,
            EXAMPLES / "both-accounts" / "copy_model.py",
            *(part for each in options.items() for part in each),
        ],
        env=bare_environment(tmp_path) | {"AWS_EC2_METADATA_DISABLED": "true"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == code
    assert told in done.stderr
    assert "Traceback" not in done.stderr
