"""Documents: the forms they are given in, and the handler's rules at synthesis, as far as values are known."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from aws_cdk import Aws, CfnParameter, Fn, Stack, Token
from aws_cdk import aws_iam as iam

from tests.unit.conftest import (
    PROJECT_ARN,
    TYPE,
    VERSIONS,
    define,
    document,
    properties,
    resources,
    statements,
)

(STATEMENT,) = document()["Statement"]
NO_VALUE = {"Ref": "AWS::NoValue"}


def for_everybody(condition: Any) -> dict[str, Any]:
    """Return a document that allows everybody under a condition."""
    return document(Principal="*", Resource="*", Condition=condition)


class TestForms:
    """A document is accepted in every form that CDK users have one in."""

    @pytest.mark.parametrize(
        "given",
        [
            document(),
            document() | {"Statement": STATEMENT},
            json.dumps(document(), indent=4),
            lambda: iam.PolicyDocument.from_json(document()),
            lambda: MappingProxyType(document() | {"Statement": (iam.PolicyStatement.from_json(STATEMENT),)}),
        ],
        ids=["mapping", "one statement", "string", "PolicyDocument", "tuple of PolicyStatement"],
    )
    def test_every_form_gives_the_same_template(self, stack: Stack, given: Any) -> None:
        """Mappings and sequences of any kind, a string in any layout and the CDK's objects become the same object."""
        define(stack, document=given() if callable(given) else given)
        assert properties(stack)["PolicyDocument"] == document()

    def test_a_file(self, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A path is that of a JSON file in UTF-8; a relative one begins where the app runs."""
        text = json.dumps(document(Sid="für alle"), ensure_ascii=False)
        (tmp_path / "sharing.json").write_text(text, encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        define(stack, document=Path("sharing.json"))
        assert properties(stack)["PolicyDocument"] == document(Sid="für alle")

    def test_a_string_with_tokens(self, stack: Stack) -> None:
        """A JSON string with a token in it is an object in the template, its token resolved."""
        account = CfnParameter(stack, "Account").value_as_string
        define(stack, document=json.dumps(document(Principal={"AWS": account})))
        assert statements(stack) == [STATEMENT | {"Principal": {"AWS": {"Ref": "Account"}}}]

    def test_a_string_that_is_a_token(self, stack: Stack) -> None:
        """A document that only the deployment knows is in the template as it is."""
        define(stack, document=CfnParameter(stack, "Document").value_as_string)
        assert properties(stack)["PolicyDocument"] == {"Ref": "Document"}

    def test_a_document_with_intrinsic_functions_stays_as_it_is(self, stack: Stack) -> None:
        """The CDK would sort the branches of an Fn::If, and grant access to the wrong account."""
        changes: list[dict[str, Any]] = [
            {"Principal": {"Fn::If": ["IsProd", {"AWS": "444455556666"}, {"AWS": "111122223333"}]}},
            {"Principal": Token.as_any({"Fn::If": ["IsProd", {"AWS": "444455556666"}, {"AWS": "111122223333"}]})},
            {"Principal": {"AWS": {"Ref": "Account"}}},
            {"Resource": {"Fn::Sub": "${Project}/version/*"}},
            # CloudFormation says what is wrong with these.
            {"Resource": {"Ref": ["Project"]}},
            {"Resource": {"Fn::Join": "/version/*"}},
            {"Resource": {"Fn::Join": [1, ["arn", "aws"]]}},
            {"Resource": {"Fn::Sub": []}},
            {"Condition": {"Fn::If": ["IsProd", {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, NO_VALUE]}},
        ]
        resolved = [document(**stack.resolve(each)) for each in changes]
        for number, each in enumerate(changes):
            define(stack, f"AsMapping{number}", document=document(**each))
        for number, whole in enumerate(resolved):
            define(stack, f"AsString{number}", document=json.dumps(whole))
        assert [each["Properties"]["PolicyDocument"] for each in resources(stack, TYPE)] == resolved * 2

    def test_a_statement_that_is_an_intrinsic_function_stays_as_it_is(self, stack: Stack) -> None:
        """Its branches are checked by the function, the statements beside it at synthesis."""
        branch = {"Fn::If": ["IsProd", STATEMENT, NO_VALUE]}
        given = document() | {"Statement": [STATEMENT, branch]}
        define(stack, document=given)
        assert properties(stack)["PolicyDocument"] == given
        with pytest.raises(ValueError, match=r"statement 2: .*the only one is"):
            define(stack, "Wrong", document=document() | {"Statement": [branch, STATEMENT | {"Action": "*"}]})


class TestRules:
    """A whole document is held to the handler's rules at synthesis, with its grants."""

    @pytest.mark.parametrize(
        ("wrong", "rule"),
        [
            (document(Sid="s" * 2000), "characters without white space"),
            (document(Sid={"Fn::Sub": ["s" * 2000 + "${A}", {"A": "a"}]}), "characters without white space"),
            ({"Version": "2012-10-17", "Statement": []}, "no Statement"),
            (None, "no Statement"),
            pytest.param(
                Token.as_string(document(Principal={"Fn::Sub": "*"})),
                "shares the model with every AWS account",
                id="a token",
            ),
        ],
    )
    def test_at_synthesis(self, placed_stack: Stack, wrong: dict[str, Any] | str | None, rule: str) -> None:
        """A document is checked when all its statements are known; the error names the construct."""
        define(placed_stack, document=wrong)
        with pytest.raises(RuntimeError, match=rf"\[Sharing\] Sharing/Policy: .*{re.escape(rule)}"):
            resources(placed_stack, TYPE)

    @pytest.mark.parametrize("changed", [{"Action": "rekognition:*"}, {"Principal": "*"}, {"Resource": PROJECT_ARN}])
    def test_a_document_of_the_cdk(self, stack: Stack, changed: dict[str, Any]) -> None:
        """What it holds already is checked where it is given; more can be added to it before synthesis."""
        given = iam.PolicyDocument.from_json(document(**changed))
        with pytest.raises(ValueError, match=r"^Sharing/Policy: statement 1: "):
            define(stack, document=given)
        added_to = iam.PolicyDocument()
        define(stack, "Other", document=added_to)
        added_to.add_statements(*(iam.PolicyStatement.from_json(each) for each in document(**changed)["Statement"]))
        with pytest.raises(RuntimeError, match=r"\[Sharing\] Sharing/Other: statement 1: "):
            resources(stack, TYPE)

    @pytest.mark.parametrize(
        ("said", "rule"),
        [
            ("hello", "PolicyDocument is JSON but not an object"),
            ({"hello": 1}, 'unknown element "hello"'),
            (document(Principal="*"), "shares the model with every AWS account"),
        ],
    )
    def test_a_string_of_the_cdk(self, stack: Stack, said: Any, rule: str) -> None:
        """Stack.to_json_string returns a token, which is checked as far as it is known."""
        define(stack, document=stack.to_json_string(said))
        with pytest.raises(RuntimeError, match=rf"Sharing/Policy: .*{re.escape(rule)}"):
            resources(stack, TYPE)

    def test_a_valid_string_of_the_cdk(self, stack: Stack) -> None:
        """What only the deployment will tell is accepted."""
        condition = {"StringEquals": {"aws:PrincipalAccount": Aws.ACCOUNT_ID}}
        define(stack, document=stack.to_json_string(document(Condition=condition)))
        define(stack, "Other", document=stack.to_json_string(document()))
        assert len(resources(stack, TYPE)) == 2

    @pytest.mark.parametrize("length", [1, 60])
    def test_the_size_is_the_least_that_the_document_can_have(self, stack: Stack, length: int) -> None:
        """The strings around tokens count; the length that tokens have in the template doesn't."""
        account = CfnParameter(stack, "Account").value_as_string
        policy = define(stack, project=Fn.import_value("ProjectArn"))
        roles = [iam.ArnPrincipal(f"arn:aws:iam::{account}:role/{'r' * length}{number}") for number in range(30)]
        policy.grant_copy(iam.CompositePrincipal(*roles))
        if length == 1:
            assert len(json.dumps(properties(stack)["PolicyDocument"], separators=(",", ":"))) > 2000
        else:
            with pytest.raises(RuntimeError, match="characters without white space"):
                resources(stack, TYPE)

    def test_the_partition_is_the_projects(self, stack: Stack) -> None:
        """``AWS::Partition`` stands for the partition of the project's ARN."""
        china = PROJECT_ARN.replace("arn:aws:", "arn:aws-cn:")
        own = VERSIONS.replace("arn:aws:", f"arn:{Aws.PARTITION}:")
        account = {"AWS": "111122223333"}
        define(stack, project=china, document=document(Principal=account, Resource=own))
        with pytest.raises(ValueError, match="isn't a model version of this project"):
            define(stack, "Wrong", project=china, document=document(Principal=account, Resource=VERSIONS))
        with pytest.raises(ValueError, match='the project is in the partition "aws-cn"'):
            define(stack, "Elsewhere", project=china, document=document(Resource=own))
        assert len(resources(stack, TYPE)) == 1


class TestBlockPublicPolicy:
    """What the handler would reject, synthesis rejects, and names the construct's own parameter."""

    def test_what_only_the_deployment_tells(self, stack: Stack) -> None:
        """A value that may limit is left for the function to judge."""
        conditions: list[Any] = [
            {"StringEquals": {"aws:PrincipalAccount": Aws.ACCOUNT_ID}},
            {"StringEquals": {"aws:PrincipalAccount": {"Fn::If": ["Everybody", "*", "111122223333"]}}},
            {"StringEquals": {"Fn::If": ["Everybody", {"aws:SecureTransport": "true"}, NO_VALUE]}},
            {"Fn::If": ["Everybody", {"Bool": {"aws:SecureTransport": "true"}}, NO_VALUE]},
            {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": Fn.join("/", [Fn.import_value("Organization"), "*"])}},
            {"ArnLike": {"aws:PrincipalArn": f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/*"}},
            {"ArnLike": {"aws:PrincipalArn": {"Fn::Sub": "arn:aws:iam::${Account}:role/*"}}},
        ]
        for number, condition in enumerate(conditions):
            define(stack, f"Policy{number}", document=for_everybody(condition))
        assert len(resources(stack, TYPE)) == 7

    @pytest.mark.parametrize(
        "condition",
        [
            {"ArnLike": {"aws:PrincipalArn": f"arn:{Aws.PARTITION}:iam::*:role/x"}},
            {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::*:role/{Aws.STACK_NAME}"}},
            {"ArnLike": {"aws:PrincipalArn": {"Fn::Sub": "arn:aws:iam::*:role/${Role}"}}},
            {"ArnLike": {"aws:PrincipalArn": {"Fn::Sub": ["arn:aws:iam::*:role/${Role}", {"Role": "x"}]}}},
            {"StringLike": {"aws:PrincipalOrgID": ["*", Aws.STACK_NAME]}},
            {"StringEquals": {"aws:PrincipalOrgID": {"Fn::Sub": "${!aws:PrincipalOrgID}${Nothing}"}}},
            {"StringNotEquals": {"aws:PrincipalAccount": Aws.ACCOUNT_ID}},
            {"StringEquals": {"aws:RequestedRegion": Aws.REGION}},
            {"Bool": {"Fn::If": ["A", {"aws:SecureTransport": "true"}, {"aws:SecureTransport": "false"}]}},
        ],
    )
    def test_what_is_known_of_tokens_already(self, stack: Stack, condition: Any) -> None:
        """Where nothing unknown could make a test limit, synthesis says so."""
        with pytest.raises(ValueError, match="shares the model with every AWS account"):
            define(stack, document=for_everybody(condition))
