"""Who may copy, in the annotation that the CDK CLI prints: every grantee, model version and condition."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Fn, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rekognition as rekognition
from aws_cdk.assertions import Annotations, Match

from cdk_rekognition_project_policy._summary import summary
from tests.unit.conftest import define, document


def told(stack: Stack) -> list[str]:
    """Return each line of the information annotation of the stack's one policy."""
    (found,) = Annotations.from_stack(stack).find_info("/Sharing/Policy", Match.any_value())
    return [line.strip() for line in str(found.entry.data).split("\n")]


def minified(value: object) -> str:
    """Return JSON without white space."""
    return json.dumps(value, separators=(",", ":"))


def test_every_statement_is_told(stack: Stack) -> None:
    """Grants and denials are told, including those made after the policy, with their model versions and conditions."""
    policy = define(stack)
    policy.grant_copy(iam.AccountPrincipal("111122223333"))
    policy.grant_copy(iam.ArnPrincipal("arn:aws:iam::444455556666:role/copier"))
    policy.grant_copy(iam.OrganizationPrincipal("o-a1b2c3d4e5"), versions=["v1"])
    policy.deny_copy(iam.AccountPrincipal("777788889999"))
    assert told(stack) == [
        "Project logos: arn:aws:iam::444455556666:role/copier, account 111122223333 may copy every model version.",
        'Project logos: everyone (*) may copy model version v1 if StringEquals aws:PrincipalOrgID "o-a1b2c3d4e5".',
        "Project logos: account 777788889999 may not copy any model version.",
    ]


ARN = "arn:aws:rekognition:us-east-1:123456789012:project/logos"


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({}, "account 111122223333 may copy every model version"),
        ({"Effect": "Deny"}, "account 111122223333 may not copy any model version"),
        ({"Principal": "*", "Effect": "Deny"}, "everyone (*) may not copy any model version"),
        ({"Principal": {"AWS": "444455556666"}}, "account 444455556666 may copy every model version"),
        ({"Principal": {"AWS": ["444455556666", "AIDAQABCDEFGHIJKLMNOP"]}}, "account 444455556666, AIDAQABC"),
        ({"Resource": "*"}, "may copy every model version"),
        ({"Resource": f"{ARN}/version/v1/*"}, "may copy model version v1"),
        ({"Resource": f"{ARN}/version/v1/1690474772816"}, "may copy model version v1/1690474772816"),
        ({"Resource": f"{ARN}/version/v*/*"}, "may copy model versions that match v*"),
        ({"Resource": [f"{ARN}/version/v1/*", f"{ARN}/version/v?/*"]}, "v1, model versions that match v?"),
        ({"Resource": f"{ARN}/*"}, f"may copy model versions that match {ARN}/*"),
        ({"Condition": {"Null": {"aws:a and Bool b": "true"}}}, 'if Null "aws:a and Bool b" "true"'),
        (
            {
                "Condition": {
                    "StringEquals": {"aws:PrincipalOrgID": ["o-1", "o-2"]},
                    "Bool": {"aws:SecureTransport": True},
                }
            },
            'if StringEquals aws:PrincipalOrgID "o-1" or "o-2" and Bool aws:SecureTransport "true"',
        ),
    ],
)
def test_each_form_of_a_statement(changed: dict[str, Any], line: str) -> None:
    """A statement is told as what it allows or denies, a pattern as the pattern that it is."""
    for project in ("logos", f"{ARN}/1690474772815"):
        found = summary(project, document(**changed))
        assert found.startswith("Project logos: ")
        assert line in found


def test_no_account_is_cut_off(stack: Stack) -> None:
    """The largest document that fits is told whole."""
    accounts = [f"{account:012}" for account in range(50)]
    define(stack, document=document(Principal={"AWS": accounts}))
    (line,) = told(stack)
    assert all(f"account {account}" in line for account in accounts)


@pytest.mark.parametrize("name", ["logos", None])
def test_what_the_deployment_tells_is_named(stack: Stack, name: str | None) -> None:
    """A reference is shown by its logical ID, not as a token; what is known, such as the project's name, is told."""
    project = rekognition.CfnProject(stack, "Project", project_name=name or Fn.ref("Name"))
    account = CfnParameter(stack, "Account").value_as_string
    version = CfnParameter(stack, "Version").value_as_string
    role = iam.Role(stack, "Role", assumed_by=iam.AccountRootPrincipal())
    policy = define(stack, project=project)
    policy.grant_copy(iam.AccountPrincipal(account), versions=[version])
    policy.grant_copy(role)
    shown = name or "<Project.Arn>"
    role_id = stack.resolve(role.role_arn)["Fn::GetAtt"][0]
    assert told(stack) == [
        f"Project {shown}: account <Account> may copy model version <Version>.",
        f"Project {shown}: <{role_id}.Arn> may copy every model version.",
    ]


KEYS_IF = {"Fn::If": ["Wide", {"aws:PrincipalOrgID": "o-1"}, {"Ref": "AWS::NoValue"}]}
IF = {"Fn::If": ["Wide", {"AWS": "444455556666"}, {"AWS": "111122223333"}]}
OUTPUT = {"Fn::GetStackOutput": {"StackName": "Roles", "OutputName": "Copier"}}
SUBSTITUTED = Fn.sub("${Account}${Owner}", {"Account": "444455556666"})
STATEMENT_IF = {"Fn::If": ["Wide", document()["Statement"][0], {"Ref": "AWS::NoValue"}]}


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (Fn.ref("Document"), "the deployment decides who may copy: <Document>."),
        (document(Principal=IF), f"{minified(IF)} may copy every model version."),
        (document(Principal={"AWS": Fn.import_value("444455556666")}), "<444455556666> may copy every model version."),
        (document(Principal={"AWS": OUTPUT}), "<Roles.Copier> may copy every model version."),
        (document(Principal={"AWS": SUBSTITUTED}), "444455556666<Owner> may copy every model version."),
        (document() | {"Statement": [STATEMENT_IF]}, f"the deployment decides who may copy: {minified(STATEMENT_IF)}."),
        (document(Condition=KEYS_IF), f"account 111122223333 may copy every model version if {minified(KEYS_IF)}."),
        (
            document(Condition={"StringEquals": KEYS_IF}),
            f"account 111122223333 may copy every model version if StringEquals {minified(KEYS_IF)}.",
        ),
    ],
    # A token's number isn't the same in each of pytest's workers, which need the same names.
    ids=lambda each: "token" if "Token[" in each else None,
)
def test_what_is_decided_at_deployment_is_shown_as_it_is(stack: Stack, given: Any, line: str) -> None:
    """Where an intrinsic function stands for a part of the document, whatever it has is told."""
    define(stack, document=given)
    assert told(stack) == [f"Project logos: {line}"]


def test_a_condition_forges_nothing(stack: Stack) -> None:
    """A value can neither begin a line of its own, nor end its quotes, nor be the tag that the CLI cuts out."""
    value = 'a" and\n[ack: x'
    condition = {"StringEquals": {"aws:PrincipalTag/team": [value, "]"]}}
    define(stack, document=document(Condition=condition))
    (line,) = told(stack)
    assert line.endswith(r' if StringEquals aws:PrincipalTag/team "a\" and\n\u005back: x" or "]".')


@pytest.mark.parametrize(
    ("principal", "told"),
    [
        ("arn:aws-us-gov:iam::444455556666:root", "account 444455556666 may"),
        ({"Fn::Sub": "arn:${AWS::Partition}:iam::${Account}:root"}, "account <Account> may"),
        ({"Fn::Sub": "${A}${!B}${C"}, "<A>${B}${C may"),
        ("arn:" + ":iam::" * 150_000, ":iam:: may"),
        ({"Fn::Sub": "${a" * 300_000}, "${a may"),
    ],
    ids=["root", "substituted root", "parts", "megabyte of partitions", "megabyte of references"],
)
def test_a_principal_is_told_at_once(principal: object, told: str) -> None:
    """A root's ARN is told as its account, whatever its partition is; a megabyte takes no hour."""
    assert told in summary("logos", document(Principal={"AWS": principal}))


def test_a_second_synthesis_tells_nothing_twice(app: App, stack: Stack) -> None:
    """Whoever synthesizes again reads each statement once."""
    define(stack, document=document())
    app.synth()
    app.synth(force=True)
    assert told(stack) == ["Project logos: account 111122223333 may copy every model version."]
