"""Grants and denials: what they add to the document, and who gets an identity policy."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from aws_cdk import App, Aws, CfnParameter, Environment, Fn, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rekognition as rekognition

from tests.public_conditions import PUBLIC
from tests.unit.conftest import (
    HERE,
    PROJECT_ARN,
    TRUSTED,
    TYPE,
    VERSIONS,
    allowed,
    define,
    document,
    identity_statements,
    properties,
    resources,
    statements,
)

UNPLACED = f"arn:{Aws.PARTITION}:rekognition:{Aws.REGION}:{Aws.ACCOUNT_ID}:project/logos/1690474772815"
THERE = Environment(account="444455556666", region="us-east-1")
SOMEWHERE = Environment(region="us-east-1")
THEIRS = "arn:aws:iam::444455556666:{}/copier"
COPIERS_ARNS = [THEIRS.format("role"), THEIRS.format("user")]
COPIERS = iam.CompositePrincipal(*map(iam.ArnPrincipal, COPIERS_ARNS))
ADDRESS = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
ORGANIZATION = {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}
ORGANIZATION_OF_AN_EXPORT = {"StringEquals": {"aws:PrincipalOrgID": {"Fn::ImportValue": "Ours"}}}
UNIT = {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-abcdefghij/r-ab12/ou-ab12-11111111/*"]}}

Make = Callable[[Stack], iam.IPrincipal]


def new_role(stack: Stack, construct_id: str = "Copier") -> iam.Role:
    """Return a role of a stack."""
    return iam.Role(stack, construct_id, assumed_by=iam.AccountRootPrincipal())


def new_user(stack: Stack, construct_id: str = "Copier") -> iam.User:
    """Return a user of a stack."""
    return iam.User(stack, construct_id)


def allow(resource: object = VERSIONS, **more: Any) -> dict[str, Any]:
    """Return the statement that allows copying, as it is synthesized."""
    return {"Effect": "Allow", "Action": "rekognition:CopyProjectVersion", "Resource": resource, **more}


def documents(stack: Stack) -> list[list[Any]]:
    """Return the statements of each of a stack's policies."""
    return [each["Properties"]["PolicyDocument"]["Statement"] for each in resources(stack, TYPE)]


def copying(stack: Stack) -> list[Any]:
    """Return the statements of a stack's identity policies that allow copying."""
    return [each for each in identity_statements(stack) if "rekognition:CopyProjectVersion" in each["Action"]]


def project_of(stack: Stack) -> rekognition.CfnProject:
    """Define a project, whose ARN is a token."""
    return rekognition.CfnProject(stack, "Project", project_name="logos")


class TestDocument:
    """What a grant or a denial adds to the document."""

    def test_who_is_granted(self, stack: Stack) -> None:
        """A grantee may copy every model version of the project, later ones included."""
        grantees: list[tuple[iam.IPrincipal, object, dict[str, Any]]] = [
            (TRUSTED, {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":iam::111122223333:root"]]}, {}),
            (iam.ArnPrincipal(THEIRS.format("role")), THEIRS.format("role"), {}),
            # An organization is everybody under a condition.
            (iam.OrganizationPrincipal("o-abcdefghij"), "*", {"Condition": ORGANIZATION}),
            (iam.OrganizationPrincipal(Fn.import_value("Ours")), "*", {"Condition": ORGANIZATION_OF_AN_EXPORT}),
            (iam.AnyPrincipal().with_conditions(UNIT), "*", {"Condition": UNIT}),
            # A condition on a composite principal holds for each component.
            (COPIERS.with_conditions(ORGANIZATION), COPIERS_ARNS, {"Condition": ORGANIZATION}),
        ]
        for number, (grantee, *_) in enumerate(grantees):
            assert define(stack, f"Policy{number}").grant_copy(grantee).success
        assert documents(stack) == [[allow(Principal={"AWS": arn}, **condition)] for _, arn, condition in grantees]

    def test_named_versions(self, stack: Stack) -> None:
        """Model versions are given by name or by ARN; a token is a name, unless its string begins an ARN."""
        parameter = CfnParameter(stack, "Version").value_as_string
        rest = ":rekognition:us-east-1:123456789012:project/logos/version/v2/1690474772900"
        define(stack).grant_copy(TRUSTED, versions=["v1", f"arn:aws{rest}", parameter, f"arn:{Aws.PARTITION}{rest}"])
        (statement,) = statements(stack)
        assert sorted(statement["Resource"], key=str) == [
            VERSIONS.replace("*", "v1/*"),
            f"arn:aws{rest}",
            {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, rest]]},
            {"Fn::Join": ["", [VERSIONS.replace("*", ""), {"Ref": "Version"}, "/*"]]},
        ]

    def test_a_project_that_is_a_token(self, stack: Stack) -> None:
        """The model versions' ARN is made from the project's at deployment, without the project's number."""
        define(stack, project=project_of(stack)).grant_copy(TRUSTED)
        (statement,) = statements(stack)
        parts = {"Fn::Split": ["/", {"Fn::GetAtt": ["Project", "Arn"]}]}
        assert statement["Resource"] == {
            "Fn::Join": ["/", [{"Fn::Select": [0, parts]}, {"Fn::Select": [1, parts]}, "version/*"]]
        }

    @pytest.mark.parametrize("deny", [False, True])
    def test_a_composite_principal(self, stack: Stack, deny: bool) -> None:
        """No component's condition reaches another component."""
        tagged = {"StringEquals": {"aws:PrincipalTag/team": "vision"}}
        several = iam.CompositePrincipal(
            iam.ArnPrincipal("arn:aws:iam::111122223333:root"),
            iam.OrganizationPrincipal("o-abcdefghij"),
            iam.CompositePrincipal(iam.ArnPrincipal(THEIRS.format("role")).with_conditions(tagged)),
        )
        policy = define(stack)
        if deny:
            policy.deny_copy(several)
        else:
            assert policy.grant_copy(several).success
        effect = {"Effect": "Deny" if deny else "Allow"}
        assert sorted(statements(stack), key=lambda each: str(each["Principal"])) == [
            allow(Principal={"AWS": "*"}, Condition=ORGANIZATION) | effect,
            allow(Principal={"AWS": "arn:aws:iam::111122223333:root"}) | effect,
            allow(Principal={"AWS": THEIRS.format("role")}, Condition=tagged) | effect,
        ]

    def test_adds_to_the_given_document(self, stack: Stack) -> None:
        """Grants are merged where statements differ in their principals only, so that many fit."""
        policy = define(stack, document=document())
        for account in range(444455556666, 444455556686):
            policy.grant_copy(iam.AccountPrincipal(str(account)))
        policy.grant_copy(TRUSTED, versions=["v1"])
        merged, named = statements(stack)
        assert len(merged["Principal"]["AWS"]) == 21
        assert named["Resource"] == VERSIONS.replace("*", "v1/*")

    def test_denies(self, stack: Stack) -> None:
        """A denial is in the document only; denying everybody isn't sharing with everybody."""
        policy = define(stack)
        policy.deny_copy(iam.ArnPrincipal(THEIRS.format("role")), versions=["v1"])
        policy.deny_copy(iam.AnyPrincipal())
        deny = {"Effect": "Deny"}
        assert sorted(statements(stack), key=str) == [
            allow(Principal={"AWS": "*"}) | deny,
            allow(VERSIONS.replace("*", "v1/*"), Principal={"AWS": THEIRS.format("role")}) | deny,
        ]


class TestIdentityPolicy:
    """A role or user that surely belongs to the project's account gets an identity policy, and nobody else."""

    def test_of_the_stack(self, stack: Stack) -> None:
        """Within an account the identity policy alone allows copying, so it has the document's condition."""
        expected = []
        makes: list[Callable[..., iam.IPrincipal]] = [new_role, new_user]
        for number, (make, condition, composite) in enumerate(
            product(makes, ({}, {"Condition": ADDRESS}), (False, True))
        ):
            grantee = make(stack, f"Copier{number}")
            if condition:
                grantee = iam.PrincipalWithConditions(grantee, ADDRESS).with_session_tags()
            define(stack, f"Policy{number}").grant_copy(iam.CompositePrincipal(grantee) if composite else grantee)
            expected.append(allow(**condition))
        assert copying(stack) == expected
        for number, (statement,) in enumerate(documents(stack)):
            principal = statement.pop("Principal")["AWS"]["Fn::GetAtt"][0]
            assert principal.startswith(f"Copier{number}")
            assert statement == expected[number]

    @pytest.mark.parametrize(
        "row",  # the account; where the role is imported, where the policy is; whether the project is known; gets one
        [
            ("123456789012", HERE, HERE, True, True),
            ("123456789012", HERE, HERE, False, True),
            # The project's account decides where the policy's own stack has none that is known.
            ("123456789012", HERE, None, True, True),
            ("123456789012", HERE, None, False, False),
            # The CDK would attach it where the user was imported, to that account's user of the same name.
            ("123456789012", THERE, HERE, True, False),
            ("123456789012", SOMEWHERE, HERE, True, False),
            # The CDK would attach it to this account's role or user of the same name.
            ("444455556666", HERE, HERE, True, False),
            ("444455556666", HERE, HERE, False, False),
            ("444455556666", None, None, True, False),
            ("444455556666", None, None, False, False),
            (Aws.ACCOUNT_ID + "0", None, None, True, False),
        ],
    )
    def test_imported(self, app: App, row: tuple[str, Environment | None, Environment | None, bool, bool]) -> None:
        """One that is known by its ARN gets an identity policy if it is surely of this account and has no condition."""
        account, imported_into, shared_in, is_project_known, gets_one = row
        sharing = Stack(app, "Sharing", env=shared_in)
        importing = sharing if imported_into is shared_in else Stack(app, "Importing", env=imported_into)
        project = PROJECT_ARN if is_project_known else project_of(sharing)
        imports: dict[str, Callable[..., iam.IPrincipal]]
        imports = {"role": iam.Role.from_role_arn, "user": iam.User.from_user_arn}
        expected = []
        for number, (name, condition) in enumerate(product(imports, ({}, ADDRESS))):
            arn = f"arn:aws:iam::{account}:{name}/copier"
            grantee = imports[name](importing, f"Copier{number}", arn)
            if condition:
                grantee = iam.PrincipalWithConditions(grantee, condition)
            assert define(sharing, f"Policy{number}", project=project).grant_copy(grantee).success
            expected.append(({"AWS": sharing.resolve(arn)}, condition))
        assert [(each["Principal"], each.get("Condition", {})) for (each,) in documents(sharing)] == expected
        identity_policies = [*copying(sharing), *([] if importing is sharing else copying(importing))]
        assert [each["Action"] for each in identity_policies] == ["rekognition:CopyProjectVersion"] * 2 * gets_one

    @pytest.mark.parametrize("make", [new_role, new_user])
    def test_of_another_stack_makes_no_cycle(self, app: App, make: Make) -> None:
        """The identity policy is in the project's stack, because the document names the role already."""
        roles, sharing = Stack(app, "Roles"), Stack(app, "Sharing")
        grantee = make(roles)
        policy = define(sharing, project=project_of(sharing))
        for version in ("v1", "v2"):
            policy.grant_copy(grantee, versions=[version])
        assert copying(roles) == []
        (statement,) = statements(sharing)
        assert "'Roles" in str(statement["Principal"]["AWS"])
        (own,) = copying(sharing)
        assert allowed([own]) == allowed([statement])
        assert ["v1/*" in str(each) for each in statement["Resource"]] == [True, False]

    def test_of_another_stack_with_a_known_project(self, app: App) -> None:
        """Without a cycle the identity policy is in the role's own stack."""
        roles, sharing = Stack(app, "Roles"), Stack(app, "Sharing")
        define(sharing).grant_copy(new_role(roles))
        assert (copying(roles), copying(sharing)) == ([allow()], [])

    def test_of_another_accounts_stack(self, app: App) -> None:
        """A role that the app defines in another account gets the policy there, never its namesake here."""
        where = Stack(app, "Where", env=HERE)
        elsewhere = Stack(app, "Elsewhere", env=THERE)
        role = iam.Role(elsewhere, "Role", role_name="copier", assumed_by=iam.AccountRootPrincipal())
        define(where, project=Fn.import_value("ProjectArn")).grant_copy(role)
        assert copying(where) == []
        assert len(copying(elsewhere)) == 1


class TestRejected:
    """What can't be granted is rejected, with the construct's path."""

    @pytest.mark.parametrize(
        ("grantee", "rule"),
        [
            (iam.AccountPrincipal("1234"), 'Principal "arn:aws:iam::1234:root"'),
            (iam.AnyPrincipal(), "shares the model with every AWS account"),
            (iam.AnyPrincipal().with_conditions(PUBLIC["any organization"]), "shares the model with every AWS account"),
            (iam.ServicePrincipal("ec2.amazonaws.com"), "in Principal; allowed: AWS"),
            # A value that is missing, as of a variable that isn't set, must not remove the condition.
            (TRUSTED.with_conditions({"StringEquals": {"aws:PrincipalArn": None}}), "Condition is not valid"),
        ],
    )
    def test_by_the_rules_of_a_document(self, stack: Stack, grantee: iam.IPrincipal, rule: str) -> None:
        """A grant is held to the same rules as a document where it is made, and adds nothing if it breaks one."""
        policy = define(stack, project=Fn.import_value("ProjectArn"))
        with pytest.raises(ValueError, match=rf"^Sharing/Policy: .*{re.escape(rule)}"):
            policy.grant_copy(iam.CompositePrincipal(TRUSTED, grantee))
        policy.grant_copy(TRUSTED)
        assert len(statements(stack)) == 1

    def test_a_statement(self, stack: Stack) -> None:
        """What is added by hand is checked where it is added."""
        (wrong,) = document(Resource=PROJECT_ARN)["Statement"]
        with pytest.raises(ValueError, match=r"^Sharing/Policy: Resource .* it is the ARN of a project"):
            define(stack).add_to_resource_policy(iam.PolicyStatement.from_json(wrong))

    @pytest.mark.parametrize("versions", [[], 5, {"v1"}, b"v1", "v1", ["v 1"], ["v1/1690474772900"], [None], ["*"]])
    def test_what_is_not_a_list_of_versions(self, stack: Stack, versions: Any) -> None:
        """It is never taken for every model version."""
        with pytest.raises(ValueError, match=r"^Sharing/Policy: version"):
            define(stack).grant_copy(TRUSTED, versions=versions)

    @pytest.mark.parametrize(
        ("version", "known"),
        [
            ("arn:*", "nothing"),
            (PROJECT_ARN, "nothing"),
            (VERSIONS.replace("123456789012", "*"), "nothing"),
            (VERSIONS.replace("logos", "logo?"), "nothing"),
            (VERSIONS.replace("logos", "logos-2"), "name"),
            (VERSIONS.replace("logos", "my-logos"), "name"),
            (VERSIONS.replace("123456789012", "999988887777"), "all"),
        ],
    )
    def test_versions_of_another_project(self, stack: Stack, version: str, known: str) -> None:
        """Such an ARN in a role's identity policy would allow copying from elsewhere; ``known`` of the ARN suffices."""
        arns = {"nothing": project_of(stack), "name": UNPLACED, "all": PROJECT_ARN}
        for construct_id in [*arns][[*arns].index(known) :]:
            policy = define(stack, construct_id, project=arns[construct_id])
            policy.grant_copy(TRUSTED, versions=[VERSIONS])
            with pytest.raises(ValueError, match="isn't a model version of project"):
                policy.grant_copy(TRUSTED, versions=[version])

    def test_a_version_elsewhere_says_what_to_give(self, stack: Stack) -> None:
        """Beside what was given is what the project's own model versions are called."""
        wrong = VERSIONS.replace("*", "v1")
        for construct_id, project, shape in (
            ("Known", PROJECT_ARN, VERSIONS.replace("*", "VERSION/NUMBER")),
            ("Unknown", project_of(stack), "arn:PARTITION:rekognition:REGION:ACCOUNT:project/NAME/version/"),
        ):
            told = f'version "{wrong}" isn\'t a model version of project "logos". Specify {shape}'
            with pytest.raises(ValueError, match=re.escape(told)):
                define(stack, construct_id, project=project).grant_copy(TRUSTED, versions=[wrong])

    @pytest.mark.parametrize("grantee", ["111122223333", None, iam.AccountPrincipal, [TRUSTED]])
    def test_what_is_not_a_grantee(self, stack: Stack, grantee: Any) -> None:
        """The message says what to write for an account's ID."""
        with pytest.raises(ValueError, match=r"iam\.AccountPrincipal"):
            define(stack).grant_copy(grantee)

    def test_what_a_document_cannot_name(self, stack: Stack) -> None:
        """Groups and functions whose role isn't known can be granted things, but aren't principals of a policy."""
        policy = define(stack)
        function = lambda_.Function.from_function_arn(stack, "F", "arn:aws:lambda:us-east-1:123456789012:function:f")
        for grantee in (iam.Group(stack, "Group"), function):
            for change in (policy.grant_copy, policy.deny_copy):
                with pytest.raises(RuntimeError, match=r"Cannot use an IAM Group|imported without a role"):
                    change(grantee)

    @pytest.mark.parametrize("changed", [{"Version": "2008-10-17"}, {"Id": "sharing"}])
    def test_additions_that_would_lose_a_part_of_the_document(self, stack: Stack, changed: dict[str, Any]) -> None:
        """A ``PolicyDocument`` of the CDK has neither an Id nor an older Version."""
        given = document() | changed
        policy = define(stack, document=given)
        for add in (
            lambda: policy.add_to_resource_policy(iam.PolicyStatement.from_json(document()["Statement"][0])),
            lambda: policy.grant_copy(TRUSTED),
            lambda: policy.deny_copy(TRUSTED),
        ):
            with pytest.raises(ValueError, match="nothing can be added to this document"):
                add()
        assert properties(stack)["PolicyDocument"] == given
