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

from cdk_rekognition_project_policy import ProjectPolicy
from tests.public_conditions import LIMITING, MALFORMED, ORGANIZATION, PUBLIC
from tests.unit.conftest import PROJECT_ARN, TYPE, VERSIONS, document, properties, resources, statements


def for_everybody(condition: Any) -> dict[str, Any]:
    """Return a document that allows everybody under a condition."""
    statement = {"Effect": "Allow", "Principal": "*", "Action": "rekognition:CopyProjectVersion", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement | {"Condition": condition}]}


class TestForms:
    """A document is accepted in every form that CDK users have one in."""

    @pytest.mark.parametrize(
        "given",
        [
            document(),
            document() | {"Statement": document()["Statement"][0]},
            json.dumps(document(), indent=4),
            lambda: iam.PolicyDocument.from_json(document()),
        ],
        ids=["mapping", "one statement", "string", "PolicyDocument"],
    )
    def test_every_form_gives_the_same_template(self, stack: Stack, given: Any) -> None:
        """A mapping, a string in any layout and a PolicyDocument become the same object."""
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=given() if callable(given) else given)
        (statement,) = statements(stack)
        assert statement == document()["Statement"][0]

    def test_a_file(self, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A path is that of a JSON file in UTF-8; a relative one begins where the app runs."""
        (tmp_path / "sharing.json").write_text(
            json.dumps(document(Sid="für alle"), ensure_ascii=False), encoding="utf-8"
        )
        monkeypatch.chdir(tmp_path)
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=Path("sharing.json"))
        assert properties(stack)["PolicyDocument"] == document(Sid="für alle")

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (None, r'document file "/.*/sharing\.json" can\'t be read \(.*No such file'),
            (b"\xff", "in UTF-8"),
            (b"", "is not JSON"),
        ],
    )
    def test_an_unusable_file(self, stack: Stack, tmp_path: Path, content: bytes | None, told: str) -> None:
        """The message has the whole path, because the mistake may be the folder."""
        if content is not None:
            (tmp_path / "sharing.json").write_bytes(content)
        with pytest.raises(ValueError, match=f"^Sharing/Policy: {told}" if content is None else told):
            ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=tmp_path / "sharing.json")

    @pytest.mark.parametrize("name", ["sharing.json", "../my policies/sharing.json", "C:\\sharing.json"])
    def test_a_files_name(self, stack: Stack, name: str) -> None:
        """A string is the document itself."""
        with pytest.raises(ValueError, match=r"looks like the name of a file\. Give Path\(\.\.\.\) or .*read_text\(\)"):
            ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=name)

    def test_a_string_with_tokens(self, stack: Stack) -> None:
        """A JSON string with a token in it is an object in the template, its token resolved."""
        account = CfnParameter(stack, "Account").value_as_string
        text = json.dumps(document(Principal={"AWS": account}))
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=text)
        (statement,) = statements(stack)
        assert statement["Principal"] == {"AWS": {"Ref": "Account"}}

    def test_a_string_that_is_a_token(self, stack: Stack) -> None:
        """A document that only the deployment knows is in the template as it is."""
        text = CfnParameter(stack, "Document").value_as_string
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=text)
        assert properties(stack)["PolicyDocument"] == {"Ref": "Document"}

    @pytest.mark.parametrize(
        "changes",
        [
            {"Principal": {"Fn::If": ["IsProd", {"AWS": "444455556666"}, {"AWS": "111122223333"}]}},
            {"Resource": {"Fn::Sub": "${Project}/version/*"}},
            {
                "Condition": {
                    "Fn::If": ["IsProd", {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, {"Ref": "AWS::NoValue"}]
                }
            },
            {"Principal": {"AWS": {"Ref": "Account"}}},
            {"Principal": Token.as_any({"Fn::If": ["IsProd", {"AWS": "444455556666"}, {"AWS": "111122223333"}]})},
        ],
    )
    def test_a_document_with_intrinsic_functions_stays_as_it_is(self, stack: Stack, changes: dict[str, Any]) -> None:
        """The CDK would sort the branches of an Fn::If, and grant access to the wrong account."""
        resolved = document(**stack.resolve(changes))
        for construct_id, given in (("AsMapping", document(**changes)), ("AsString", json.dumps(resolved))):
            ProjectPolicy(stack, construct_id, project_arn=PROJECT_ARN, document=given)
        for each in resources(stack, TYPE):
            assert each["Properties"]["PolicyDocument"] == resolved

    def test_a_statement_that_is_an_intrinsic_function_stays_as_it_is(self, stack: Stack) -> None:
        """Its branches are checked by the function, the statements beside it at synthesis."""
        (statement,) = document()["Statement"]
        branch = {"Fn::If": ["IsProd", statement, {"Ref": "AWS::NoValue"}]}
        given = document() | {"Statement": [statement, branch]}
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=given)
        assert properties(stack)["PolicyDocument"] == given
        wrong = document() | {"Statement": [branch, statement | {"Action": "*"}]}
        with pytest.raises(ValueError, match=r"statement 2: .*the only one is"):
            ProjectPolicy(stack, "Wrong", project_arn=PROJECT_ARN, document=wrong)

    def test_takes_statements_and_sequences_of_any_kind(self, stack: Stack) -> None:
        """Tuples are lists, read-only mappings objects, and the CDK's statements statements."""
        (statement,) = document()["Statement"]
        given = MappingProxyType(document() | {"Statement": (iam.PolicyStatement.from_json(statement),)})
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=given)
        assert properties(stack)["PolicyDocument"] == document()


class TestRules:
    """A whole document is held to the handler's rules at synthesis, with its grants."""

    @pytest.mark.parametrize(
        ("wrong", "rule"),
        [
            (document(Sid="s" * 2000), "characters without white space"),
            ({"Version": "2012-10-17", "Statement": []}, "no Statement"),
            (None, "no Statement"),
        ],
    )
    def test_at_synthesis(self, placed_stack: Stack, wrong: dict[str, Any] | None, rule: str) -> None:
        """A document is checked when all its statements are known; the error names the construct."""
        ProjectPolicy(placed_stack, "Policy", project_arn=PROJECT_ARN, document=wrong)
        with pytest.raises(RuntimeError, match=rf"\[Sharing\] Sharing/Policy: .*{re.escape(rule)}"):
            resources(placed_stack, TYPE)

    @pytest.mark.parametrize("changed", [{"Action": "rekognition:*"}, {"Principal": "*"}, {"Resource": PROJECT_ARN}])
    def test_a_document_of_the_cdk(self, stack: Stack, changed: dict[str, Any]) -> None:
        """What it holds already is checked where it is given; more can be added to it before synthesis."""
        given = iam.PolicyDocument.from_json(document(**changed))
        with pytest.raises(ValueError, match=r"^Sharing/Policy: statement 1: "):
            ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=given)
        added_to = iam.PolicyDocument()
        ProjectPolicy(stack, "Other", project_arn=PROJECT_ARN, document=added_to)
        added_to.add_statements(*(iam.PolicyStatement.from_json(each) for each in document(**changed)["Statement"]))
        with pytest.raises(RuntimeError, match=r"\[Sharing\] Sharing/Other: statement 1: "):
            resources(stack, TYPE)

    @pytest.mark.parametrize(
        ("said", "rule"),
        [
            ({"hello": 1}, 'unknown element "hello"'),
            (document(Principal="*"), "shares the model with every AWS account"),
            (document(Sid=f"{Aws.REGION}{'s' * 2000}"), "characters without white space"),
        ],
    )
    def test_a_string_of_the_cdk(self, stack: Stack, said: Any, rule: str) -> None:
        """Stack.to_json_string returns a token, which is checked as far as it is known."""
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=stack.to_json_string(said))
        with pytest.raises(RuntimeError, match=rf"Sharing/Policy: .*{re.escape(rule)}"):
            resources(stack, TYPE)

    def test_a_valid_string_of_the_cdk(self, stack: Stack) -> None:
        """What only the deployment will tell is accepted."""
        said = document(Condition={"StringEquals": {"aws:PrincipalAccount": Aws.ACCOUNT_ID}})
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=stack.to_json_string(said))
        ProjectPolicy(stack, "Other", project_arn=PROJECT_ARN, document=stack.to_json_string(document()))
        assert len(resources(stack, TYPE)) == 2

    def test_a_document_that_is_too_large_without_its_tokens(self, stack: Stack) -> None:
        """The strings around tokens count, with the least size that the document can have."""
        account = CfnParameter(stack, "Account").value_as_string
        policy = ProjectPolicy(stack, "Policy", project_arn=Fn.import_value("ProjectArn"))
        for number in range(30):
            role = f"arn:aws:iam::{account}:role/{'r' * 60}{number}"
            policy.grant_copy(iam.ArnPrincipal(role), versions=[f"v{number}"])
        with pytest.raises(RuntimeError, match="characters without white space"):
            resources(stack, TYPE)

    def test_many_tokens_are_accepted(self, stack: Stack) -> None:
        """The length that tokens have in the template does not count, because their values are shorter."""
        account = CfnParameter(stack, "Account").value_as_string
        policy = ProjectPolicy(stack, "Policy", project_arn=Fn.import_value("ProjectArn"))
        policy.grant_copy(
            iam.CompositePrincipal(*[iam.ArnPrincipal(f"arn:aws:iam::{account}:role/{n}") for n in range(30)])
        )
        rendered = json.dumps(properties(stack)["PolicyDocument"], separators=(",", ":"))
        assert len(rendered) > 2000

    def test_the_partition_is_the_projects(self, stack: Stack) -> None:
        """``AWS::Partition`` stands for the partition of the project's ARN."""
        china = PROJECT_ARN.replace("arn:aws:", "arn:aws-cn:")
        rest = VERSIONS.removeprefix("arn:aws")
        ProjectPolicy(stack, "Policy", project_arn=china, document=document(Resource=f"arn:{Aws.PARTITION}{rest}"))
        with pytest.raises(ValueError, match="isn't a model version of this project"):
            ProjectPolicy(stack, "Wrong", project_arn=china, document=document(Resource=VERSIONS))
        assert len(resources(stack, TYPE)) == 1


class TestBlockPublicPolicy:
    """What the handler would reject, synthesis rejects, and names the construct's own parameter."""

    @pytest.mark.parametrize("name", PUBLIC)
    def test_a_condition_that_leaves_it_public(self, stack: Stack, name: str) -> None:
        """The document is rejected where it is given, and accepted where that is asked for."""
        given = for_everybody(PUBLIC[name])
        with pytest.raises(ValueError, match=r"shares the model with every AWS account; .*block_public_policy=False"):
            ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=given)
        ProjectPolicy(stack, "Public", project_arn=PROJECT_ARN, document=given, block_public_policy=False)

    @pytest.mark.parametrize("name", MALFORMED)
    def test_a_malformed_condition(self, stack: Stack, name: str) -> None:
        """It is rejected even if sharing with everybody is asked for; a null, which the CDK would leave out, too."""
        given = json.dumps(for_everybody(MALFORMED[name]))
        with pytest.raises(ValueError, match=r"^Sharing/Policy: (statement 1: .*ondition|document contains None)"):
            ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=given, block_public_policy=False)

    def test_conditions_of_grants(self, stack: Stack) -> None:
        """Grants are held to the same rules: each that is public is rejected, and no other."""
        principal = iam.AnyPrincipal()
        policy = ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN)
        for condition in PUBLIC.values():
            with pytest.raises(ValueError, match=r"^Sharing/Policy: .*shares the model .* block_public_policy=False"):
                policy.grant_copy(principal.with_conditions(condition))
        for number, condition in enumerate(LIMITING.values()):
            limited = ProjectPolicy(stack, f"Policy{number}", project_arn=PROJECT_ARN)
            limited.grant_copy(principal.with_conditions(condition))
        policy.grant_copy(iam.AccountPrincipal("111122223333"))
        assert len(resources(stack, TYPE)) == 1 + len(LIMITING)

    @pytest.mark.parametrize(
        "condition",
        [
            {"StringEquals": {"aws:PrincipalAccount": Aws.ACCOUNT_ID}},
            {"StringEquals": {"aws:PrincipalAccount": {"Fn::If": ["Everybody", "*", "111122223333"]}}},
            {"StringEquals": {"Fn::If": ["Everybody", {"aws:SecureTransport": "true"}, {"Ref": "AWS::NoValue"}]}},
            {"Fn::If": ["Everybody", {"Bool": {"aws:SecureTransport": "true"}}, {"Ref": "AWS::NoValue"}]},
            {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": Fn.join("/", [Fn.import_value("Organization"), "*"])}},
            {"ArnLike": {"aws:PrincipalArn": f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/*"}},
            {"ArnLike": {"aws:PrincipalArn": {"Fn::Sub": "arn:aws:iam::${Account}:role/*"}}},
        ],
    )
    def test_what_only_the_deployment_tells(self, stack: Stack, condition: Any) -> None:
        """A value that may limit is left for the function to judge."""
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=for_everybody(condition))
        assert len(resources(stack, TYPE)) == 1

    @pytest.mark.parametrize(
        "condition",
        [
            {"ArnLike": {"aws:PrincipalArn": f"arn:{Aws.PARTITION}:iam::*:role/x"}},
            {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::*:role/{Aws.STACK_NAME}"}},
            {"ArnLike": {"aws:PrincipalArn": {"Fn::Sub": "arn:aws:iam::*:role/${Role}"}}},
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
            ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=for_everybody(condition))

    def test_an_organization_that_is_a_parameter(self, stack: Stack) -> None:
        """A grant to an organization that only the deployment knows is accepted, and one beside it that is known."""
        policy = ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN)
        for organization in (ORGANIZATION, CfnParameter(stack, "Organization").value_as_string):
            policy.grant_copy(iam.OrganizationPrincipal(organization))
        assert len(resources(stack, TYPE)) == 1
