"""The example who-has-access: it lists every policy with its stack, and marks what a person has to look at."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from cdk_rekognition_project_policy._summary import summary
from localcloud.cloud import LocalCloud
from tests.account import Account
from tests.end_to_end.conftest import bare_environment, deploy_provider
from tests.localcloud import stacks
from tests.localcloud.support import document, statement
from tests.packaging import ROOT
from tests.public_conditions import LIMITING, PUBLIC

SCRIPT = ROOT / "examples" / "who-has-access" / "who_has_access.py"
TEMPLATE = ROOT / "examples" / "cloudformation" / "existing-project.yaml"
ACCOUNT, PARTNER, REVIEWER = "252525252525", "111122223333", "444455556666"
DELETED_ROLE = "AROA1234567890EXAMPLE"
POLICY = {"PolicyName": "share", "PolicyRevisionId": "0" * 32}


def run(environment: dict[str, str], *options: str) -> tuple[int, str, str]:
    """Run the script with options in an environment; return its exit code, its output and its errors."""
    main = importlib.import_module("who_has_access").main
    with (
        pytest.MonkeyPatch.context() as changed,
        redirect_stdout(StringIO()) as out,
        redirect_stderr(StringIO()) as err,
    ):
        changed.setattr(os, "environ", environment)
        changed.setattr(sys, "argv", [str(SCRIPT), *options])
        return main(), out.getvalue(), err.getvalue()


@pytest.fixture(autouse=True)
def beside_the_script(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find the script's modules."""
    monkeypatch.syspath_prepend(SCRIPT.parent)


@pytest.fixture
def script() -> Any:
    """The script as a module."""
    return importlib.import_module("who_has_access")


class Listed(Account):
    """An account with a project that a stack shares, and one without a policy."""

    def attach(self, name: str, **elements: Any) -> None:
        """Attach a policy to the first project by hand, with a statement that has these elements."""
        self.rekognition.put_project_policy(
            ProjectArn=self.projects()["logos"], PolicyName=name, PolicyDocument=document(statement(**elements))
        )

    def list(self, *options: str) -> tuple[int, dict[str, Any]]:
        """Run the script for machines, and return its exit code and each policy by its name."""
        code, printed, _ = run(self.cloud.full_environment(self.id), "--json", *options)
        projects = json.loads(printed)["Projects"]
        listed = {project["ProjectArn"].split("/")[1]: project["Policies"] for project in projects}
        assert listed.keys() == {"logos", "signs"}
        assert listed["signs"] == []
        return code, {policy["PolicyName"]: policy for policy in listed["logos"]}


@pytest.fixture
def account(local_cloud: LocalCloud, dist: Path) -> Iterator[Listed]:
    """An account whose stack Sharing owns the policy review and has adopted the policy partner."""
    account = Listed(local_cloud, ACCOUNT)
    for name in ("logos", "signs"):
        account.rekognition.create_project(ProjectName=name)
    with local_cloud.switched(clock_behind=60):  # one that is hardly older than a Create is taken for that Create's
        account.attach("partner", Principal={"AWS": PARTNER}, Resource="*")
    deploy_provider(account, dist)
    name = "PolicyName: partner\n"
    template = TEMPLATE.read_text().replace(name, f"{name}      AdoptExisting: true\n")
    given = {"ProjectArn": account.projects()["logos"], "TrustedAccount": PARTNER, "ReviewingAccount": REVIEWER}
    assert account.deploy("Sharing", template, **given) == "CREATE_COMPLETE"
    yield account
    account.delete("Provider")


def test_tells_who_may_copy_and_marks_what_no_stack_accounts_for(account: Listed) -> None:
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
    logos = account.projects()["logos"]
    resource = f"{logos.rpartition('/')[0]}/version/v1/*"
    assert review == {"Effect": "Allow", "Principals": [REVIEWER], "Resources": [resource], "Condition": {}}

    account.attach("by-hand", Principal="*", Condition={"Bool": {"aws:SecureTransport": ["true"]}}, Resource="*")
    account.attach("old", Principal={"AWS": [PARTNER, DELETED_ROLE]}, Resource="*")
    code, table, errors = run(account.cloud.full_environment(account.id))
    assert (code, errors) == (1, "")
    heading, *lines, totals = [line.split("  ") for line in table.splitlines()]
    rows = {tuple(cell.strip() for cell in line if cell.strip()) for line in [heading, *lines]}
    assert rows == {
        ("PROJECT", "POLICY", "STACK", "MARKED", "WHO MAY COPY WHAT"),
        ("logos", "partner", "Sharing (adopted)", "-", f"account {PARTNER} may copy every model version"),
        ("logos", "review", "Sharing", "-", f"account {REVIEWER} may copy model version v1"),
        (
            *("logos", "by-hand", "-", "orphaned, public"),
            'everyone (*) may copy every model version if Bool aws:SecureTransport "true"',
        ),
        (
            *("logos", "old", "-", f"orphaned, deleted principal {DELETED_ROLE}"),
            f"account {PARTNER}, {DELETED_ROLE} may copy every model version",
        ),
        ("signs", "-", "-", "-", "no other account"),
    }
    assert totals == ["Projects: 2, policies: 4, marked: 2"]

    # A stack whose function isn't a provider's claims an orphaned policy.
    claim = {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}, "Id": f"{logos}|by-hand"}
    body = stacks.template(Role=stacks.role(), Function=stacks.function(), Claim=stacks.policy(**claim))
    assert account.deploy("Claiming", body) == "CREATE_COMPLETE", account.reasons("Claiming")
    _, policies = account.list()
    (claimed, *others) = policies["by-hand"]["Marks"]
    assert claimed.startswith("claimed by Claiming with arn:aws:lambda:us-east-1:")
    assert (policies["by-hand"]["Stack"], others) == (None, ["orphaned", "public"])
    token = claimed.rpartition(" ")[2]
    _, policies = account.list("--provider", token)
    assert policies["by-hand"]["Stack"]["ServiceToken"] == token
    assert policies["by-hand"]["Marks"] == ["not compared", "public"]
    assert policies["review"]["Stack"] is None

    account.delete("Sharing")
    code, policies = account.list()
    assert code == 1
    assert policies.keys() == {"partner", "by-hand", "old"}
    assert (policies["partner"]["Stack"], policies["partner"]["Marks"]) == (None, ["orphaned"])
    _, policies = account.list("--expect", PARTNER, REVIEWER)
    assert {name: policy["Marks"] for name, policy in policies.items()} == {
        "partner": [],
        "by-hand": [claimed, "orphaned", "public"],
        "old": ["orphaned", f"deleted principal {DELETED_ROLE}"],
    }


@pytest.mark.parametrize(
    ("condition", "public"),
    [(condition, True) for condition in PUBLIC.values()] + [(condition, False) for condition in LIMITING.values()],
    ids=[*PUBLIC, *LIMITING],
)
def test_public_is_what_the_resource_rejects(condition: dict[str, Any], public: bool, script: Any) -> None:
    """The example's rule agrees with the function's about every condition of a statement for everybody."""
    for principal in ("*", {"AWS": "*"}, {"AWS": [PARTNER, "*"]}):
        allow = script.read(statement(Principal=principal, Condition=condition))
        assert script.is_public(allow) is public
        assert not script.is_public({**allow, "Effect": "Deny"})
    assert not script.is_public(script.read(statement(Principal={"AWS": PARTNER}, Condition=condition)))


ROOT_ARN, OTHER_ROOT = f"arn:aws:iam::{PARTNER}:root", f"arn:aws:iam::{REVIEWER}:root"
MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


@pytest.mark.parametrize(
    ("given", "live", "marks"),
    [
        ([{}], [{}], []),
        ([{"Principal": {"AWS": [ROOT_ARN]}}], [{"Principal": {"AWS": PARTNER}}], []),
        ([{}, {"Effect": "Deny"}], [{"Effect": "Deny"}, {}], []),
        ([{"Condition": {"Bool": {"aws:MultiFactorAuthPresent": True}}}], [{"Condition": MFA}], []),
        ([{}], [{"Principal": {"AWS": [ROOT_ARN, OTHER_ROOT]}}], [f"not in the template: account {REVIEWER}"]),
        ([{"Principal": {"AWS": [ROOT_ARN, OTHER_ROOT]}}], [{}], [f"missing: account {REVIEWER}"]),
        ([{}, {"Effect": "Deny"}], [{}], [f"missing: deny of account {PARTNER}"]),
        (
            [{"Resource": ["a", "b"]}],
            [{"Resource": "*"}],
            [f"not in the template: account {PARTNER}", f"missing: account {PARTNER}"],
        ),
        (
            [{"Condition": MFA}],
            [{}],
            [f"not in the template: account {PARTNER}", f"missing: account {PARTNER}"],
        ),
        ([{}], [{"Principal": "*"}], ["not in the template: everyone (*)", f"missing: account {PARTNER}", "public"]),
    ],
)
def test_marks_what_differs_from_the_template(
    given: list[dict[str, Any]], live: list[dict[str, Any]], marks: list[str], script: Any
) -> None:
    """Equivalent documents have no mark; a wider principal, resource or condition and a removed deny have one."""
    owner = {
        **dict.fromkeys(("Name", "Arn", "Adopted", "ServiceToken"), ""),
        "IsProvider": True,
        "Document": script.grants_of({"Statement": [statement(**each) for each in given]}),
    }
    policy = POLICY | {"PolicyDocument": document(*(statement(**each) for each in live))}
    assert script.described(policy, [owner], set())["Marks"] == marks


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("!Ref Text", "a b"),
        ("!Ref AWS::AccountId", "123456789012"),
        ("{Ref: Thing}", "id"),
        ("!GetAtt Thing.A.B", "Custom::Thing/id/A.B"),
        ("{'Fn::GetAtt': [Thing, A]}", "Custom::Thing/id/A"),
        ("!Sub '${Text} ${!Text} ${Thing.A} ${AWS::Region}'", "a b ${Text} Custom::Thing/id/A us-east-1"),
        ("!Sub ['${Own}', {Own: !Select [1, !Split [' ', !Ref Text]]}]", "b"),
        ("!Sub '${!Text${Text}} ${Text} ${'", "${Text${Text}} a b ${"),
        pytest.param(f"!Sub '{'${' * 500_000}'", "${" * 500_000, id="megabyte of braces"),
        ("{'Fn::Join': [-, [a, {Ref: Text}]]}", "a-a b"),
        ("!ImportValue name", "value"),
        ("!FindInMap [Map, !Ref AWS::Region, account]", "111122223333"),
        ("[!If [Same, 1, 2], !If [Not, 1, !Ref AWS::NoValue], !If [Both, 1, 3], !If [Either, 1, 2]]", [1, 3, 1]),
        ("{A: !Ref AWS::NoValue, B: 2026-01-01}", {"B": "2026-01-01"}),
        ("{Condition: {Bool: {key: true}}}", {"Condition": {"Bool": {"key": True}}}),
        *((value, "unknown") for value in ("!Ref Secret", "!Ref Missing", "!GetAtt Thing.Unknown", "!Cidr [a]")),
        *((value, "unknown") for value in ("!ImportValue missing", "!Select [9, [a]]", "[!If [Missing, 1, 2]]")),
    ],
)
def test_evaluates_what_a_template_gives(value: str, expected: Any) -> None:
    """Parameters and intrinsic functions have their values; what can't be known from outside is never guessed."""
    templates = importlib.import_module("templates")

    def attribute(kind: str, physical_id: str, name: str) -> str:
        if name == "Unknown":
            raise templates.UnknownError(name)
        return f"{kind}/{physical_id}/{name}"

    body = (
        f"Resources: {{Thing: {{Type: Custom::Thing, Properties: {{Given: {value}}}}}}}\n"
        "Conditions: {Same: !Equals [!Ref Text, a b], Not: !Not [!Condition Same], "
        "Both: !And [!Condition Same, !Condition Not], Either: !Or [!Condition Same, !Condition Not]}\n"
        "Mappings: {Map: {us-east-1: {account: '111122223333'}}}\n"
    )
    stack_id = "arn:aws:cloudformation:us-east-1:123456789012:stack/Sharing/1a2b"
    parameters, exports = {"Text": "a b", "Secret": "****"}, {"name": "value"}
    template = templates.Template(body, stack_id, parameters, {"Thing": "id"}, attribute, exports.__getitem__)
    if expected == "unknown":
        with pytest.raises(templates.UnknownError):
            template.property("Thing", "Given")
    else:
        assert template.property("Thing", "Given") == expected


def test_a_document_that_it_cannot_read_is_marked(script: Any) -> None:
    """An unexpected document never passes for one without a mark; a percent-encoded one is read."""
    hidden = [
        document(statement(Principal={"AWS": PARTNER, "Federated": "accounts.example"})),
        document(statement(NotPrincipal={"AWS": PARTNER})),
        document(statement()).replace('{"Version"', '{"Statement": [], "Version"'),
    ]
    for text in ("", "[]", "{}", '{"Statement": [{"Effect": "Allow"}]}', '{"Statement": "all"}', *hidden):
        marks = script.described(POLICY | {"PolicyDocument": text}, [], {PARTNER})["Marks"]
        assert marks == ["unreadable", "orphaned"]
    encoded = document(statement(Principal="*")).replace("{", "%7B")
    assert script.described(POLICY | {"PolicyDocument": encoded}, [], {"*"})["Marks"] == ["public"]


VERSIONS = "arn:aws:rekognition:us-east-1:123456789012:project/logos/version"


@pytest.mark.parametrize(
    "elements",
    [
        {},
        {"Effect": "Deny", "Resource": [f"{VERSIONS}/v1/*", f"{VERSIONS}/*"]},
        {
            "Principal": "*",
            "Resource": f"{VERSIONS}/v?/*",
            "Condition": {"StringLike": {"aws:PrincipalArn": ["a", "b"]}},
        },
        {"Principal": {"AWS": [PARTNER, "arn:aws:iam::444455556666:role/copier", "*"]}},
        {"Effect": "Deny", "Resource": "arn:aws:rekognition:*:123456789012:project/logos/*", "Principal": "*"},
        {"Resource": f"{VERSIONS}/v1/1690474772815", "Condition": {"Bool": {"aws:SecureTransport": "true"}, **MFA}},
        {"Condition": {"Null": {'aws:PrincipalOrgID "o-a1b2c3d4e5" and Bool aws:x': "true"}}},
        {"Resource": "a\nb\x9b", "Condition": {"StringLike": {"aws:UserAgent": "x\ny"}}},
    ],
)
def test_says_what_the_construct_says(elements: dict[str, Any], script: Any) -> None:
    """Who reads this list and who approves a deployment read the same words, and no value forges a line of either."""
    said = script.sentence_of(script.read(statement(**elements)))
    assert summary("logos", {"Statement": [statement(**elements)]}) == f"Project logos: {said}."
    assert said.isprintable()


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
    environment = local_cloud.full_environment(ACCOUNT, region, bare_environment(tmp_path))
    code, printed, errors = run({name: value for name, value in environment.items() if value})
    assert (code, printed) == (2, "")
    assert errors.startswith(told)


def test_a_missing_package_exits_2() -> None:
    """It is a failure as well, and the message says what to run."""
    ran = subprocess.run([sys.executable, "-S", str(SCRIPT)], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "No module named 'boto3'. Run: pip install -r requirements.txt\n"
