"""The example who-has-access: it lists every policy with its stack, and marks what a person has to look at."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.cloud import LocalCloud
from tests.cloudformation import CloudFormation
from tests.end_to_end.conftest import bare_environment, deploy_provider
from tests.localcloud.support import statement
from tests.packaging import ROOT
from tests.public_conditions import LIMITING, PUBLIC

SCRIPT = ROOT / "examples" / "who-has-access" / "who_has_access.py"
TEMPLATE = ROOT / "examples" / "cloudformation" / "existing-project.yaml"
ACCOUNT, PARTNER, REVIEWER = "252525252525", "111122223333", "444455556666"
DELETED_ROLE = "AROA1234567890EXAMPLE"


def run(environment: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    """Run the script as a pipeline does."""
    return subprocess.run([sys.executable, SCRIPT, *options], env=environment, capture_output=True, text=True)


class Account:
    """An account with a project that a stack shares, and one without a policy."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.environment = cloud.full_environment(ACCOUNT)
        self.cloudformation = CloudFormation(cloud.client("cloudformation", ACCOUNT))
        self._rekognition = cloud.client("rekognition", ACCOUNT)
        self.logos, self.signs = (
            self._rekognition.create_project(ProjectName=name)["ProjectArn"] for name in ("logos", "signs")
        )

    def attach(self, name: str, **elements: Any) -> None:
        """Attach a policy to the first project by hand, with a statement that has these elements."""
        document = {"Version": "2012-10-17", "Statement": [statement(**elements)]}
        self._rekognition.put_project_policy(
            ProjectArn=self.logos, PolicyName=name, PolicyDocument=json.dumps(document)
        )

    def list(self) -> tuple[int, dict[str, Any]]:
        """Run the script for machines, and return its exit code and each policy by its name."""
        done = run(self.environment, "--json")
        listed = {project["ProjectArn"]: project["Policies"] for project in json.loads(done.stdout)["Projects"]}
        assert listed.keys() == {self.logos, self.signs}, done.stderr
        assert listed[self.signs] == []
        return done.returncode, {policy["PolicyName"]: policy for policy in listed[self.logos]}


@pytest.fixture
def account(local_cloud: LocalCloud, dist: Path) -> Iterator[Account]:
    """An account whose stack Sharing owns the policy review and has adopted the policy partner."""
    account = Account(local_cloud)
    account.attach("partner", Principal={"AWS": PARTNER}, Resource="*")
    attached = time.monotonic()
    deploy_provider(local_cloud, ACCOUNT, dist)
    # A policy that is only a second or two older than a Create is taken for that Create's own work, not adopted.
    time.sleep(max(0.0, attached + 3 - time.monotonic()))
    name = "PolicyName: partner\n"
    template = TEMPLATE.read_text().replace(name, f"{name}      AdoptExisting: true\n")
    parameters = {"ProjectArn": account.logos, "TrustedAccount": PARTNER, "ReviewingAccount": REVIEWER}
    assert account.cloudformation.deploy("Sharing", template, **parameters) == "CREATE_COMPLETE"
    yield account
    account.cloudformation.delete("Provider")


def test_tells_who_may_copy_and_marks_what_no_stack_accounts_for(account: Account) -> None:
    """A stack's policies have no mark; one that is public, orphaned or names a deleted principal has, and exits 1."""
    code, policies = account.list()
    assert code == 0
    assert policies.keys() == {"partner", "review"}
    assert [policy["Marks"] for policy in policies.values()] == [[], []]
    assert {name: (each["Stack"]["Name"], each["Stack"]["Adopted"]) for name, each in policies.items()} == {
        "partner": ("Sharing", True),
        "review": ("Sharing", False),
    }
    (review,) = policies["review"]["Statements"]
    resource = f"{account.logos.rpartition('/')[0]}/version/v1/*"
    assert review == {"Effect": "Allow", "Principals": [REVIEWER], "Resources": [resource], "Condition": {}}

    account.attach("by-hand", Principal="*", Condition={"Bool": {"aws:SecureTransport": ["true"]}}, Resource="*")
    account.attach("old", Principal={"AWS": [PARTNER, DELETED_ROLE]}, Resource="*")
    done = run(account.environment)
    assert (done.returncode, done.stderr) == (1, "")
    heading, *lines, totals = [line.split("  ") for line in done.stdout.splitlines()]
    rows = {tuple(cell.strip() for cell in line if cell.strip()) for line in [heading, *lines]}
    assert rows == {
        ("PROJECT", "POLICY", "STACK", "MARKED", "WHO MAY COPY WHAT"),
        ("logos", "partner", "Sharing (adopted)", "-", f"account {PARTNER} may copy every model version"),
        ("logos", "review", "Sharing", "-", f"account {REVIEWER} may copy model version v1/*"),
        (
            *("logos", "by-hand", "-", "orphaned, public"),
            'everyone (*) may copy every model version if Bool aws:SecureTransport "true"',
        ),
        (
            *("logos", "old", "-", f"orphaned, deleted principal {DELETED_ROLE}"),
            f"account {PARTNER} or {DELETED_ROLE} may copy every model version",
        ),
        ("signs", "-", "-", "-", "no other account"),
    }
    assert totals == ["Projects: 2, policies: 4, marked: 2"]

    account.cloudformation.delete("Sharing")
    code, policies = account.list()
    assert code == 1
    assert policies.keys() == {"partner", "by-hand", "old"}
    assert (policies["partner"]["Stack"], policies["partner"]["Marks"]) == (None, ["orphaned"])


@pytest.mark.parametrize(
    ("condition", "public"),
    [(condition, True) for condition in PUBLIC.values()] + [(condition, False) for condition in LIMITING.values()],
    ids=[*PUBLIC, *LIMITING],
)
def test_public_is_what_the_resource_rejects(condition: dict[str, Any], public: bool) -> None:
    """The example's rule agrees with the function's about every condition of a statement for everybody."""
    script = runpy.run_path(str(SCRIPT))
    for principal in ("*", {"AWS": "*"}, {"AWS": [PARTNER, "*"]}):
        allow = script["read"](statement(Principal=principal, Condition=condition))
        assert script["is_public"](allow) is public
        assert not script["is_public"]({**allow, "Effect": "Deny"})
    assert not script["is_public"](script["read"](statement(Principal={"AWS": PARTNER}, Condition=condition)))


def test_a_document_that_it_cannot_read_is_marked() -> None:
    """An unexpected document never passes for one without a mark; a percent-encoded one is read."""
    described = runpy.run_path(str(SCRIPT))["described"]
    policy = {"PolicyName": "odd", "PolicyRevisionId": "0" * 32}
    stack = {"Name": "Sharing", "Arn": "arn", "Adopted": False}
    for text in ("", "[]", "{}", '{"Statement": [{"Effect": "Allow"}]}', '{"Statement": "all"}'):
        assert described({**policy, "PolicyDocument": text}, stack)["Marks"] == ["unreadable"]
    encoded = json.dumps({"Statement": statement(Principal="*")}).replace("{", "%7B")
    assert described({**policy, "PolicyDocument": encoded}, stack)["Marks"] == ["public"]


def test_no_value_forges_a_line() -> None:
    """A line feed or an escape sequence in a document is shown as its code."""
    script = runpy.run_path(str(SCRIPT))
    read = script["read"](statement(Resource="a\nb\x9b", Condition={"StringLike": {"aws:UserAgent": "x\ny"}}))
    assert script["sentence_of"](read).isprintable()


@pytest.mark.parametrize(
    ("region", "told"),
    [
        ("eu-west-3", "DescribeProjects was rejected (AccessDeniedException): "),
        ("", "You must specify a region."),
    ],
    ids=["a Region without Custom Labels", "no Region"],
)
def test_a_list_that_cannot_be_read_exits_2(region: str, told: str, local_cloud: LocalCloud, tmp_path: Path) -> None:
    """A pipeline never takes a failure for an account with nothing to look at, nor for one with marks."""
    base = bare_environment(tmp_path)
    environment = local_cloud.full_environment(ACCOUNT, base=base) | {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
    }
    done = run({name: value for name, value in environment.items() if value})
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
