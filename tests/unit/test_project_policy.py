"""The construct: what stands in the template, and what is refused before there is one."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

import jsii
import pytest
from aws_cdk import App, Aws, CfnParameter, Environment, Fn, IStableStringProducer, Lazy, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rekognition as rekognition
from aws_cdk.assertions import Annotations, Match

from cdk_rekognition_project_policy import ProjectPolicy, _checks
from localcloud.rekognition.models import CUSTOM_LABELS_REGIONS
from tests.unit.conftest import PROJECT_ARN, Resources

TYPE = "Custom::RekognitionProjectPolicy"
VERSIONS = "arn:aws:rekognition:us-east-1:123456789012:project/logos/version/*"
UNPLACED = f"arn:{Aws.PARTITION}:rekognition:{Aws.REGION}:{Aws.ACCOUNT_ID}"


def lazily(text: str) -> str:
    """Return a token that will be this text at synthesis."""

    @jsii.implements(IStableStringProducer)
    class Producer:
        def produce(self) -> str:
            return text

    return Lazy.string(Producer())


def document(**changed: Any) -> dict[str, Any]:
    """Return a good document with these members of its statement changed; None takes one away."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": "rekognition:CopyProjectVersion",
        "Resource": VERSIONS,
    } | changed
    return {
        "Version": "2012-10-17",
        "Statement": [{name: value for name, value in statement.items() if value is not None}],
    }


THEIRS = "arn:aws:iam::444455556666:{}/copier"


Make = Callable[[Stack], iam.IPrincipal]


def our_role(stack: Stack) -> iam.Role:
    """Make a role."""
    return iam.Role(stack, "Copier", assumed_by=iam.AccountRootPrincipal())


def our_user(stack: Stack) -> iam.User:
    """Make a user."""
    return iam.User(stack, "Copier")


def theirs_role(stack: Stack) -> iam.IPrincipal:
    """Import a role of another account."""
    return iam.Role.from_role_arn(stack, "Theirs", THEIRS.format("role"))


def theirs_user(stack: Stack) -> iam.IPrincipal:
    """Import a user of another account."""
    return iam.User.from_user_arn(stack, "Theirs", THEIRS.format("user"))


def copying(resources: Resources, stack: Stack) -> list[Mapping[str, Any]]:
    """Return the statements of a stack's identity policies that let somebody copy."""
    return [
        statement
        for policy in resources(stack, "AWS::IAM::Policy")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if "rekognition:CopyProjectVersion" in statement["Action"]
    ]


def properties(resources: Resources, stack: Stack) -> Mapping[str, Any]:
    """Return the properties of the one policy of a stack."""
    (resource,) = resources(stack, TYPE)
    found: Mapping[str, Any] = resource["Properties"]
    return found


class TestDocument:
    """A document is taken in every form that CDK users have one in."""

    @pytest.mark.parametrize(
        "given",
        [
            document(),
            document() | {"Statement": document()["Statement"][0]},
            json.dumps(document(), indent=4),
            lambda: iam.PolicyDocument.from_json(document()),
        ],
        ids=["mapping", "one statement", "text", "PolicyDocument"],
    )
    def test_every_form_is_the_same_in_the_template(self, stack: Stack, resources: Resources, given: Any) -> None:
        """Mapping, text in any layout and PolicyDocument all end as the same object, so white space never matters."""
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=given() if callable(given) else given)
        (statement,) = properties(resources, stack)["PolicyDocument"]["Statement"]
        assert statement == document()["Statement"][0]

    def test_a_text_may_hold_tokens(self, stack: Stack, resources: Resources) -> None:
        """JSON text into which a token was written is an object in the template, its token resolved."""
        account = CfnParameter(stack, "Account").value_as_string
        text = json.dumps(document(Principal={"AWS": account}))
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=text)
        (statement,) = properties(resources, stack)["PolicyDocument"]["Statement"]
        assert statement["Principal"] == {"AWS": {"Ref": "Account"}}

    def test_a_text_may_be_a_token(self, stack: Stack, resources: Resources) -> None:
        """A whole document that only the deployment knows goes into the template as it is."""
        text = CfnParameter(stack, "Document").value_as_string
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=text)
        assert properties(resources, stack)["PolicyDocument"] == {"Ref": "Document"}

    @pytest.mark.parametrize("changed", [{"Version": "2008-10-17"}, {"Id": "sharing"}])
    def test_what_a_policy_document_cannot_hold_stays_as_it_is(
        self, stack: Stack, resources: Resources, changed: dict[str, Any]
    ) -> None:
        """An Id or an older Version is kept, and a grant, which would lose it, is refused in words."""
        given = document() | changed
        policy = ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=given)
        for add in (
            lambda: policy.add_to_resource_policy(iam.PolicyStatement.from_json(document()["Statement"][0])),
            lambda: policy.grant_copy(iam.AccountPrincipal("111122223333")),
            lambda: policy.deny_copy(iam.AccountPrincipal("111122223333")),
        ):
            with pytest.raises(ValueError, match="nothing can be added to this document"):
                add()
        assert properties(resources, stack)["PolicyDocument"] == given

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
        ],
    )
    def test_a_document_with_intrinsic_functions_stays_as_it_is(
        self, stack: Stack, resources: Resources, changes: dict[str, Any]
    ) -> None:
        """The CDK would sort the branches of an Fn::If, and let in the wrong account."""
        for construct_id, given in (("AsMapping", document(**changes)), ("AsText", json.dumps(document(**changes)))):
            ProjectPolicy(stack, construct_id, project_arn=PROJECT_ARN, document=given)
        for each in resources(stack, TYPE):
            assert each["Properties"]["PolicyDocument"] == document(**changes)

    def test_takes_statements_and_sequences_of_any_kind(self, stack: Stack, resources: Resources) -> None:
        """Tuples and read-only mappings are JSON's lists and objects, and the CDK's statements are statements."""
        (statement,) = document()["Statement"]
        given = MappingProxyType(document() | {"Statement": (iam.PolicyStatement.from_json(statement),)})
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=given)
        assert properties(resources, stack)["PolicyDocument"] == document()


class TestGrantCopy:
    """A grant writes who may copy into the document."""

    def test_an_account(self, stack: Stack, resources: Resources) -> None:
        """An account stands as principal, with every version of the project as resource."""
        policy = ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN)
        grant = policy.grant_copy(iam.AccountPrincipal("111122223333"))
        (statement,) = properties(resources, stack)["PolicyDocument"]["Statement"]
        assert grant.success
        assert statement["Principal"] == {
            "AWS": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":iam::111122223333:root"]]}
        }
        assert statement["Action"] == "rekognition:CopyProjectVersion"
        assert statement["Resource"] == VERSIONS

    def test_named_versions(self, stack: Stack, resources: Resources) -> None:
        """Versions are given by name or by ARN."""
        arn = VERSIONS.replace("*", "v2/1690474772900")
        policy = ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN)
        policy.grant_copy(iam.AccountPrincipal("111122223333"), versions=["v1", arn])
        (statement,) = properties(resources, stack)["PolicyDocument"]["Statement"]
        assert statement["Resource"] == [VERSIONS.replace("*", "v1/*"), arn]

    def test_a_version_that_is_a_token_is_a_name(self, stack: Stack, resources: Resources) -> None:
        """A parameter holds a name; an ARN that is built of tokens is known by its beginning."""
        name = CfnParameter(stack, "Version").value_as_string
        arn = f"arn:{Aws.PARTITION}:rekognition:us-east-1:123456789012:project/logos/version/v2/1690474772900"
        policy = ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN)
        policy.grant_copy(iam.AccountPrincipal("111122223333"), versions=[name, arn])
        (statement,) = properties(resources, stack)["PolicyDocument"]["Statement"]
        by_name, by_arn = sorted((each["Fn::Join"][1] for each in statement["Resource"]), key=len, reverse=True)
        assert sorted([str(by_name), str(by_arn)]) == sorted(
            [
                str([VERSIONS.replace("*", ""), {"Ref": "Version"}, "/*"]),
                str(["arn:", {"Ref": "AWS::Partition"}, arn.split("}", 1)[1]]),
            ]
        )

    def test_a_project_that_is_a_token(self, stack: Stack, resources: Resources) -> None:
        """The versions' ARN is made from the project's while deploying: a version's ARN lacks the project's number."""
        project = rekognition.CfnProject(stack, "Project", project_name="logos")
        ProjectPolicy(stack, "Policy", project_arn=project.attr_arn).grant_copy(iam.AccountPrincipal("111122223333"))
        (statement,) = properties(resources, stack)["PolicyDocument"]["Statement"]
        parts = {"Fn::Split": ["/", {"Fn::GetAtt": ["Project", "Arn"]}]}
        assert statement["Resource"] == {
            "Fn::Join": ["/", [{"Fn::Select": [0, parts]}, {"Fn::Select": [1, parts]}, "version/*"]]
        }

    def test_a_role_of_the_same_account_gets_both_policies(self, stack: Stack, resources: Resources) -> None:
        """A role of the stack stands in the document and gets an identity policy."""
        role = iam.Role(stack, "Copier", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN).grant_copy(role)
        (statement,) = properties(resources, stack)["PolicyDocument"]["Statement"]
        assert statement["Principal"] == {"AWS": stack.resolve(role.role_arn)}
        actions = [
            each["Action"]
            for policy in resources(stack, "AWS::IAM::Policy")
            for each in policy["Properties"]["PolicyDocument"]["Statement"]
        ]
        assert "rekognition:CopyProjectVersion" in actions

    def test_an_organisation(self, stack: Stack, resources: Resources) -> None:
        """An organisation is everybody with a condition, which is not everybody."""
        policy = ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN)
        policy.grant_copy(iam.OrganizationPrincipal("o-abcdefghij"))
        (statement,) = properties(resources, stack)["PolicyDocument"]["Statement"]
        assert statement["Principal"] == {"AWS": "*"}
        assert statement["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}

    def test_an_organisational_unit(self, stack: Stack, resources: Resources) -> None:
        """A unit is everybody on a path of the organisation, which stands in the condition."""
        path = "o-abcdefghij/r-ab12/ou-ab12-11111111/*"
        condition = {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": [path]}}
        policy = ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN)
        assert policy.grant_copy(iam.AnyPrincipal().with_conditions(condition)).success
        (statement,) = properties(resources, stack)["PolicyDocument"]["Statement"]
        assert (statement["Principal"], statement["Condition"]) == ({"AWS": "*"}, condition)

    @pytest.mark.parametrize("deny", [False, True])
    def test_several_with_conditions_of_their_own(self, stack: Stack, resources: Resources, deny: bool) -> None:
        """A composite principal is taken apart: no component's condition reaches another component."""
        tagged = {"StringEquals": {"aws:PrincipalTag/team": "vision"}}
        role = "arn:aws:iam::444455556666:role/copier"
        several = iam.CompositePrincipal(
            iam.ArnPrincipal("arn:aws:iam::111122223333:root"),
            iam.OrganizationPrincipal("o-abcdefghij"),
            iam.ArnPrincipal(role).with_conditions(tagged),
        )
        policy = ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN)
        if deny:
            policy.deny_copy(several)
        else:
            assert policy.grant_copy(several).success
        said = {
            str(statement["Principal"]["AWS"]): statement.get("Condition")
            for statement in properties(resources, stack)["PolicyDocument"]["Statement"]
            if statement["Effect"] == ("Deny" if deny else "Allow")
        }
        assert said == {
            "arn:aws:iam::111122223333:root": None,
            "*": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}},
            role: tagged,
        }

    def test_several_with_one_condition(self, stack: Stack, resources: Resources) -> None:
        """A condition on a composite principal holds for each component."""
        condition = {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}
        several = iam.CompositePrincipal(
            iam.AccountPrincipal("111122223333"), iam.AccountPrincipal("444455556666")
        ).with_conditions(condition)
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN).grant_copy(several)
        (statement,) = properties(resources, stack)["PolicyDocument"]["Statement"]
        assert len(statement["Principal"]["AWS"]) == 2
        assert statement["Condition"] == condition

    def test_a_role_of_another_account_gets_no_identity_policy_here(self, stack: Stack, resources: Resources) -> None:
        """In a stack whose account is not known the CDK would attach one to this account's role of that name."""
        role = iam.Role.from_role_arn(stack, "Theirs", "arn:aws:iam::444455556666:role/copier")
        assert ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN).grant_copy(role).success
        (statement,) = properties(resources, stack)["PolicyDocument"]["Statement"]
        assert statement["Principal"] == {"AWS": "arn:aws:iam::444455556666:role/copier"}
        assert "CopyProjectVersion" not in json.dumps(resources(stack, "AWS::IAM::Policy"))

    def test_an_imported_role_of_the_same_account_gets_both_policies(
        self, placed_stack: Stack, resources: Resources
    ) -> None:
        """A role that is known by its ARN is granted as one that is made here."""
        role = iam.Role.from_role_arn(placed_stack, "Ours", "arn:aws:iam::123456789012:role/copier")
        ProjectPolicy(placed_stack, "Policy", project_arn=PROJECT_ARN).grant_copy(role)
        assert "CopyProjectVersion" in json.dumps(resources(placed_stack, "AWS::IAM::Policy"))

    @pytest.mark.parametrize("make", [our_role, our_user])
    def test_a_condition_holds_for_the_identity_policy_too(
        self, stack: Stack, resources: Resources, make: Make
    ) -> None:
        """Within an account the identity policy alone lets somebody copy, so it has the condition of the document."""
        made = make(stack)
        condition = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN).grant_copy(
            iam.PrincipalWithConditions(made, condition).with_session_tags()
        )
        (in_document,) = properties(resources, stack)["PolicyDocument"]["Statement"]
        (in_identity_policy,) = copying(resources, stack)
        assert in_document["Condition"] == in_identity_policy["Condition"] == condition

    @pytest.mark.parametrize("import_", [theirs_role, theirs_user])
    @pytest.mark.parametrize("condition", [{}, {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}])
    @pytest.mark.parametrize("placed", [False, True])
    @pytest.mark.parametrize("project_known", [False, True])
    def test_nobody_of_the_same_name_is_let_in(
        self,
        stack: Stack,
        placed_stack: Stack,
        resources: Resources,
        import_: Make,
        condition: dict[str, Any],
        placed: bool,
        project_known: bool,
    ) -> None:
        """An identity policy for another account's role or user would go to this account's one of that name."""
        where = placed_stack if placed else stack
        project = rekognition.CfnProject(where, "Project", project_name="logos")
        arn = PROJECT_ARN if project_known else project.attr_arn
        principal = import_(where)
        if condition:
            principal = iam.PrincipalWithConditions(principal, condition)
        ProjectPolicy(where, "Policy", project_arn=arn).grant_copy(principal)
        (said,) = properties(resources, where)["PolicyDocument"]["Statement"]
        assert said["Principal"]["AWS"] in (THEIRS.format("role"), THEIRS.format("user"))
        assert said.get("Condition", {}) == condition
        assert copying(resources, where) == []

    @pytest.mark.parametrize("condition", [{}, {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}])
    @pytest.mark.parametrize("account", ["444455556666", None])
    def test_a_user_imported_into_a_stack_of_another_account_gets_no_identity_policy_there(
        self, app: App, resources: Resources, account: str | None, condition: dict[str, Any]
    ) -> None:
        """The CDK would attach it where the user was imported, to that account's user of the same name."""
        where = Stack(app, "Where", env=Environment(account="123456789012", region="us-east-1"))
        elsewhere = Stack(app, "Elsewhere", env=Environment(account=account, region="us-east-1"))
        principal: iam.IPrincipal = iam.User.from_user_arn(elsewhere, "User", "arn:aws:iam::123456789012:user/copier")
        if condition:
            principal = iam.PrincipalWithConditions(principal, condition)
        assert ProjectPolicy(where, "Policy", project_arn=PROJECT_ARN).grant_copy(principal).success
        (statement,) = properties(resources, where)["PolicyDocument"]["Statement"]
        assert statement["Principal"] == {"AWS": "arn:aws:iam::123456789012:user/copier"}
        assert copying(resources, where) == copying(resources, elsewhere) == []

    def test_a_user_imported_into_another_stack_of_the_account_gets_both_policies(
        self, app: App, resources: Resources
    ) -> None:
        """The account of the project decides where the policy's own stack has none that is known."""
        where = Stack(app, "Where")
        elsewhere = Stack(app, "Elsewhere", env=Environment(account="123456789012", region="us-east-1"))
        user = iam.User.from_user_arn(elsewhere, "User", "arn:aws:iam::123456789012:user/copier")
        ProjectPolicy(where, "Policy", project_arn=PROJECT_ARN).grant_copy(user)
        assert len(copying(resources, elsewhere)) == 1

    def test_an_account_that_only_the_deployment_tells_may_be_another(self, stack: Stack, resources: Resources) -> None:
        """A role of an account that is a parameter stands in the document only."""
        account = CfnParameter(stack, "Account").value_as_string
        role = iam.Role.from_role_arn(stack, "Theirs", f"arn:aws:iam::{account}:role/copier")
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN).grant_copy(role)
        assert copying(resources, stack) == []

    @pytest.mark.parametrize("make", [our_role, our_user])
    def test_a_role_of_another_stack_makes_no_cycle(self, resources: Resources, make: Make) -> None:
        """The identity policy stands where the project is, for the document names the role already."""
        app = App(analytics_reporting=False)
        roles, sharing = Stack(app, "Roles"), Stack(app, "Sharing")
        made = make(roles)
        project = rekognition.CfnProject(sharing, "Project", project_name="logos")
        policy = ProjectPolicy(sharing, "Policy", project=project)
        policy.grant_copy(made, versions=["v1"])
        policy.grant_copy(made, versions=["v2"])
        assert copying(resources, roles) == []
        assert len(copying(resources, sharing)) == 2
        assert sum("Copy" in json.dumps(each) for each in resources(sharing, "AWS::IAM::Policy")) == 1

    def test_adds_to_a_document(self, stack: Stack, resources: Resources) -> None:
        """What is granted joins what the document says already."""
        policy = ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=document())
        policy.grant_copy(iam.ArnPrincipal("arn:aws:iam::444455556666:role/copier"), versions=["v1"])
        assert len(properties(resources, stack)["PolicyDocument"]["Statement"]) == 2

    def test_denies_somebody(self, stack: Stack, resources: Resources) -> None:
        """A denial stands in the document only, beside what is granted."""
        policy = ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN)
        policy.grant_copy(iam.AccountPrincipal("111122223333"))
        policy.deny_copy(iam.ArnPrincipal("arn:aws:iam::111122223333:role/guest"), versions=["v1"])
        _, denial = properties(resources, stack)["PolicyDocument"]["Statement"]
        assert denial == {
            "Effect": "Deny",
            "Principal": {"AWS": "arn:aws:iam::111122223333:role/guest"},
            "Action": "rekognition:CopyProjectVersion",
            "Resource": VERSIONS.replace("*", "v1/*"),
        }

    def test_denies_everybody_without_being_asked_twice(self, stack: Stack, resources: Resources) -> None:
        """Nobody is let in by a denial, so BlockPublicPolicy does not concern it."""
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN).deny_copy(iam.AnyPrincipal())
        (statement,) = properties(resources, stack)["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Principal"]) == ("Deny", {"AWS": "*"})

    def test_many_grants_are_merged(self, stack: Stack, resources: Resources) -> None:
        """Statements that differ in their principal only are one, so that many fit into 2000 characters."""
        policy = ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=document())
        for account in range(444455556666, 444455556686):
            policy.grant_copy(iam.AccountPrincipal(str(account)))
        (statement,) = properties(resources, stack)["PolicyDocument"]["Statement"]
        assert len(statement["Principal"]["AWS"]) == 21


class TestResource:
    """The custom resource has the contract's properties and nothing it does not need."""

    def test_has_the_properties_of_the_contract(self, stack: Stack, resources: Resources) -> None:
        """What is left at its default is left out."""
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, policy_name="sharing", document=document())
        found = properties(resources, stack)
        assert set(found) == {"ServiceToken", "ServiceTimeout", "ProjectArn", "PolicyName", "PolicyDocument"}
        assert (found["ProjectArn"], found["PolicyName"]) == (PROJECT_ARN, "sharing")
        assert int(found["ServiceTimeout"]) == 900

    def test_takes_a_project_of_the_app(self, stack: Stack, resources: Resources) -> None:
        """A CfnProject stands for its ARN; it and an ARN together are one too many."""
        project = rekognition.CfnProject(stack, "Project", project_name="logos")
        ProjectPolicy(stack, "Policy", project=project, document=document(Resource="*"))
        assert properties(resources, stack)["ProjectArn"] == {"Fn::GetAtt": ["Project", "Arn"]}
        with pytest.raises(ValueError, match="Sharing/Both: both project_arn and project are given"):
            ProjectPolicy(stack, "Both", project=project, project_arn=PROJECT_ARN)

    def test_is_retained_where_asked(self, stack: Stack, resources: Resources) -> None:
        """A retained policy stays when its resource is removed or replaced; by default it is deleted."""
        ProjectPolicy(stack, "Deleted", project_arn=PROJECT_ARN, document=document())
        ProjectPolicy(stack, "Kept", project_arn=PROJECT_ARN, document=document(), removal_policy=RemovalPolicy.RETAIN)
        later = ProjectPolicy(stack, "Later", project_arn=PROJECT_ARN, document=document())
        later.apply_removal_policy(RemovalPolicy.RETAIN)
        policies = Counter((each["DeletionPolicy"], each["UpdateReplacePolicy"]) for each in resources(stack, TYPE))
        assert policies == {("Retain", "Retain"): 2, ("Delete", "Delete"): 1}

    def test_options_are_written(self, stack: Stack, resources: Resources) -> None:
        """Adopting, and sharing with everybody, are asked for by name."""
        ProjectPolicy(
            stack,
            "Policy",
            project_arn=PROJECT_ARN,
            document=document(Principal="*"),
            adopt_existing=True,
            block_public_policy=False,
        )
        found = properties(resources, stack)
        assert (found["AdoptExisting"], found["BlockPublicPolicy"]) == (True, False)

    def test_a_trigger_is_written(self, stack: Stack, resources: Resources) -> None:
        """A trigger is a property of its own, known at synthesis or not; one that isn't a string is rejected."""
        build = CfnParameter(stack, "Build")
        ProjectPolicy(stack, "A", project_arn=PROJECT_ARN, document=document(), trigger="41")
        ProjectPolicy(stack, "B", project_arn=PROJECT_ARN, document=document(), trigger=build.value_as_string)
        with pytest.raises(ValueError, match=r"Sharing/C: trigger is 41\. Give a string\."):
            ProjectPolicy(stack, "C", project_arn=PROJECT_ARN, document=document(), trigger=41)  # type: ignore[arg-type]
        assert [each["Properties"]["Trigger"] for each in resources(stack, TYPE)] == ["41", {"Ref": "Build"}]

    def test_attributes_are_those_of_the_resource(self, stack: Stack) -> None:
        """Revision, name and project come from the resource, so that what uses them waits for it."""
        policy = ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=document())
        for attribute, name in (
            (policy.policy_revision_id, "PolicyRevisionId"),
            (policy.policy_name, "PolicyName"),
            (policy.project_arn, "ProjectArn"),
        ):
            assert stack.resolve(attribute) == {"Fn::GetAtt": ["Policy23B91518", name]}
        assert stack.resolve(policy.project_policy_id) == {"Ref": "Policy23B91518"}
        assert policy.node.default_child is not None

    def test_a_name_is_made_from_the_path(self) -> None:
        """Without a name the policy gets one that is valid, at most 128 long, and its own for each construct."""
        names = set()
        for construct_id in ("a", "b", "n" * 200, "ö ä"):
            stack = Stack(App(), "Sharing")
            policy = ProjectPolicy(stack, construct_id, project_arn=PROJECT_ARN, document=document())
            resource = policy.node.default_child
            assert resource is not None
            (found,) = (
                each["Properties"]["PolicyName"]
                for each in stack.node.root.synth().get_stack_by_name("Sharing").template["Resources"].values()  # type: ignore[attr-defined]
                if each["Type"] == TYPE
            )
            assert re.fullmatch(r"[a-zA-Z0-9_.\-]{1,128}", found)
            names.add(found)
        assert len(names) == 4


class TestBadInput:
    """What can be seen to be wrong is refused before anything is deployed, with the construct's path."""

    @pytest.mark.parametrize(
        ("wrong", "rule"),
        [
            ({"project_arn": f"{UNPLACED}:project/logos"}, "is not the ARN of a Custom Labels project"),
            ({"project_arn": f"{UNPLACED}:project/logos/version/v1/1690474772815"}, "is not the ARN"),
            ({"project_arn": lazily("logos")}, "ProjectArn is not the ARN"),
            ({"policy_name": f"for {Aws.REGION}"}, 'PolicyName "for " is not valid'),
            ({"policy_name": f"{'n' * 129}{Aws.REGION}"}, "1 to 128"),
            ({"policy_name": lazily("a b")}, 'PolicyName "a b" is not valid'),
        ],
    )
    def test_beside_a_token(self, stack: Stack, wrong: dict[str, Any], rule: str) -> None:
        """What is written beside a token, or will stand in its place at synthesis, is held to the rules as well."""
        with pytest.raises(ValueError, match=rf"^Sharing/Policy: .*{re.escape(rule)}"):
            ProjectPolicy(stack, "Policy", **{"project_arn": PROJECT_ARN, "document": document(), **wrong})

    @pytest.mark.parametrize(
        "right",
        [
            {"project_arn": f"{UNPLACED}:project/logos/1690474772815"},
            {"project_arn": f"{UNPLACED}:project/{Fn.import_value('NameAndNumber')}"},
            {"project_arn": Fn.import_value("Project")},
            {"policy_name": f"for-{Aws.REGION}"},
            {"policy_name": Fn.select(0, Fn.split("-", Aws.STACK_NAME))},
        ],
    )
    def test_a_token_is_not_guessed_at(self, stack: Stack, resources: Resources, right: dict[str, Any]) -> None:
        """What only the deployment will tell is not refused."""
        ProjectPolicy(stack, "Policy", **{"project_arn": PROJECT_ARN, "document": document(), **right})
        assert len(resources(stack, TYPE)) == 1

    @pytest.mark.parametrize(
        ("wrong", "rule"),
        [
            ({"policy_name": "a b"}, 'PolicyName "a b" is not valid'),
            ({"policy_name": "n" * 129}, "1 to 128"),
            ({"project_arn": "logos"}, "is not the ARN of a Custom Labels project"),
            ({"project_arn": PROJECT_ARN.replace("project/logos/", "project/logos/version/v1/")}, "is not the ARN"),
            ({"document": "{"}, "is not JSON"),
            ({"document": '{"Effect": 1, "Effect": 2}'}, "duplicate key"),
            ({"policy_name": ""}, 'PolicyName "" is not valid'),
            ({"policy_name": 5}, 'PolicyName "5" is not valid'),
            ({"project_arn": None}, "neither project_arn nor project is given"),
            ({"project_arn": b"logos"}, "is not the ARN"),
            ({"policy_name": b"sharing"}, "is not valid"),
            ({"document": document() | {"Statement": None}}, "contains None"),
            ({"document": document(Sid=date(2026, 1, 1))}, "it contains a date"),
            ({"document": document(Resource={"*"})}, "it contains a set"),
            (
                {"document": document(Principal={"AWS": "arn:aws:iam::111122223333:group/x"})},
                "or the ARN of an account",
            ),
            ({"document": document(Principal="*", Condition={"StringEquals": {}})}, "shares the model with every"),
            ({"project_arn": 5}, "is not the ARN"),
            ({"adopt_existing": "false"}, "adopt_existing is 'false'"),
            ({"block_public_policy": "no"}, "block_public_policy is 'no'"),
            ({"document": document(Principal=None)}, "statement 1: missing Principal"),
            ({"document": document(Effect=None)}, "statement 1: missing Effect"),
            ({"document": document(Effect=None, Efect="Deny")}, 'unknown element "Efect"'),
            ({"document": document(Conditions={"StringEquals": {"a": "b"}})}, 'unknown element "Conditions"'),
            ({"document": document() | {"Statements": []}}, 'unknown element "Statements"'),
            ({"document": document(Principal=None, NotPrincipal={"AWS": "111122223333"})}, "NotPrincipal is not"),
            ({"document": document(Action="rekognition:*")}, "the only one is"),
            ({"document": document(Resource=PROJECT_ARN)}, "isn't a model version of this project"),
            ({"document": document(Principal="*")}, "shares the model with every AWS account"),
            ({"document": json.dumps(document(Condition="x"))}, "Condition is not valid"),
            ({"document": document(Condition={"StringEquals": {"aws:PrincipalArn": None}})}, "contains None"),
            ({"document": document(Condition={"StringEquals": {}})}, "Condition is not valid"),
            ({"document": document(Condition={"StringEqual": {"a": "b"}})}, 'unknown condition operator "StringEqual"'),
            ({"document": 5}, "must be an object or a JSON string"),
        ],
    )
    def test_at_construction(self, stack: Stack, wrong: dict[str, Any], rule: str) -> None:
        """A name, an ARN and a text are checked where they are given."""
        given: dict[str, Any] = {"project_arn": PROJECT_ARN, "document": document()} | wrong
        with pytest.raises(ValueError, match=f"^Sharing/Policy: .*{rule}"):
            ProjectPolicy(stack, "Policy", **given)

    @pytest.mark.parametrize(
        ("place", "told"),
        [
            ({"account": "999988887777", "region": "us-east-1"}, "account 999988887777"),
            ({"account": "123456789012", "region": "eu-west-1"}, "Region eu-west-1"),
            ({"region": "eu-west-1"}, "Region eu-west-1"),
        ],
    )
    def test_a_project_elsewhere(self, place: dict[str, str], told: str) -> None:
        """A project of another account or Region than the stack's is refused as far as either is known."""
        stack = Stack(App(), "Sharing", env=Environment(**place))
        with pytest.raises(ValueError, match=told):
            ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=document())

    @pytest.mark.parametrize(
        ("wrong", "rule"),
        [
            (document(Sid="s" * 2000), "characters without white space"),
            ({"Version": "2012-10-17", "Statement": []}, "no Statement"),
        ],
    )
    def test_at_synthesis(self, placed_stack: Stack, resources: Resources, wrong: dict[str, Any], rule: str) -> None:
        """A document is checked when all its statements are known, and the error names the construct."""
        ProjectPolicy(placed_stack, "Policy", project_arn=PROJECT_ARN, document=wrong)
        with pytest.raises(RuntimeError, match=rf"\[Sharing\] Sharing/Policy: .*{re.escape(rule)}"):
            resources(placed_stack, TYPE)

    @pytest.mark.parametrize(
        ("grantee", "rule"),
        [
            (iam.AccountPrincipal("1234"), 'Principal "arn:aws:iam::1234:root"'),
            (iam.AnyPrincipal(), "shares the model with every AWS account"),
            (iam.ServicePrincipal("ec2.amazonaws.com"), "in Principal; allowed: AWS"),
        ],
    )
    def test_of_a_grant(self, stack: Stack, resources: Resources, grantee: iam.IPrincipal, rule: str) -> None:
        """A grant is held to the same rules as a document, its partition known or not."""
        ProjectPolicy(stack, "Policy", project_arn=Fn.import_value("ProjectArn")).grant_copy(grantee)
        with pytest.raises(RuntimeError, match=re.escape(rule)):
            resources(stack, TYPE)

    @pytest.mark.parametrize("versions", [[], 5, {"v1"}, b"v1", "v1", ["v 1"], ["v1/1690474772900"], [None], ["*"]])
    def test_versions_that_are_none(self, stack: Stack, versions: Any) -> None:
        """Nothing that is no list of versions is ever taken for all of them."""
        policy = ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN)
        with pytest.raises(ValueError, match=r"^Sharing/Policy: version"):
            policy.grant_copy(iam.AccountPrincipal("111122223333"), versions=versions)

    @pytest.mark.parametrize(
        "version",
        [
            "arn:*",
            "arn:aws:s3:::*",
            PROJECT_ARN,
            "arn:aws:rekognition:*:*:project/*/version/*",
            VERSIONS.replace("logos", "others"),
            VERSIONS.replace("123456789012", "999988887777"),
            VERSIONS.replace("/version/*", "/version/"),
            VERSIONS.replace("/version/*", "/version/v1"),
        ],
    )
    def test_versions_of_another_project(self, stack: Stack, version: str) -> None:
        """In a role's identity policy such an ARN would let it copy from elsewhere, so it never gets there."""
        policy = ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN)
        with pytest.raises(ValueError, match="is no version of this project"):
            policy.grant_copy(iam.AccountPrincipal("111122223333"), versions=[version])

    def test_versions_of_another_project_beside_pseudo_parameters(self, stack: Stack) -> None:
        """The name of a project is known where only its account and Region are not."""
        policy = ProjectPolicy(stack, "Policy", project_arn=f"{UNPLACED}:project/logos/1690474772815")
        policy.grant_copy(iam.AccountPrincipal("111122223333"), versions=[VERSIONS])
        with pytest.raises(ValueError, match="is no version of this project"):
            policy.grant_copy(iam.AccountPrincipal("111122223333"), versions=[VERSIONS.replace("logos", "others")])

    @pytest.mark.parametrize("grantee", ["111122223333", None, iam.AccountPrincipal])
    def test_a_grantee_that_is_none(self, stack: Stack, grantee: Any) -> None:
        """An account's id where its principal belongs is answered with what to write."""
        policy = ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN)
        with pytest.raises(ValueError, match=r"iam\.AccountPrincipal"):
            policy.grant_copy(grantee)

    @pytest.mark.parametrize(
        "principal",
        [
            iam.OrganizationPrincipal("o-abcdefghij"),
            iam.OrganizationPrincipal("o-abcdefghij").with_session_tags(),
            iam.OrganizationPrincipal("o-abcdefghij").with_conditions({"StringLike": {"aws:PrincipalArn": "*"}}),
            iam.ArnPrincipal("arn:aws:iam::111122223333:role/copier").in_organization("o-abcdefghij"),
            iam.AnyPrincipal().with_conditions({"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}),
        ],
    )
    def test_conditions_that_replace_a_principals_own(self, stack: Stack, principal: iam.PrincipalBase) -> None:
        """The CDK replaces the organization by another one without a word; an equal one changes nothing."""
        policy = ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN)
        policy.grant_copy(principal.with_conditions({"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}))
        replaced = principal.with_conditions({"StringEquals": {"aws:PrincipalOrgID": "o-zzzzzzzzzz"}})
        for change in (policy.grant_copy, policy.deny_copy):
            for grantee in (
                replaced,
                replaced.with_conditions({"Bool": {"aws:SecureTransport": "true"}}),
                iam.CompositePrincipal(iam.AccountPrincipal("111122223333"), replaced),
            ):
                with pytest.raises(ValueError, match=r"^Sharing/Policy: .* replace.* aws:PrincipalOrgID"):
                    change(grantee)

    def test_a_grantee_that_is_no_principal(self, stack: Stack) -> None:
        """Groups, and functions whose role is not known, can be granted things, but stand in no document."""
        policy = ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN)
        function = lambda_.Function.from_function_arn(stack, "F", "arn:aws:lambda:us-east-1:123456789012:function:f")
        for grantee in (iam.Group(stack, "Group"), function):
            for change in (policy.grant_copy, policy.deny_copy):
                with pytest.raises(ValueError, match=r"^Sharing/Policy: .* cannot stand in a policy's document"):
                    change(grantee)

    @pytest.mark.parametrize("token", [False, True])
    def test_two_policies_of_one_name_on_one_project(self, stack: Stack, token: bool) -> None:
        """No state of the service tells them apart: one's update or deletion would be the other's loss."""
        arn = Fn.import_value("ProjectArn") if token else PROJECT_ARN
        ProjectPolicy(stack, "One", project_arn=arn, policy_name="sharing", document=document())
        with pytest.raises(ValueError, match=r"^Sharing/Two: Sharing/One has the same policy name"):
            ProjectPolicy(stack, "Two", project_arn=arn, policy_name="sharing", document=document())

    def test_two_policies_of_one_name_in_two_stacks(self) -> None:
        """Another stack of the app is no other project."""
        app = App()
        one, two = Stack(app, "One"), Stack(app, "Two")
        ProjectPolicy(one, "Policy", project_arn=PROJECT_ARN, policy_name="sharing", document=document())
        with pytest.raises(ValueError, match=r"^Two/Policy: One/Policy has the same policy name"):
            ProjectPolicy(two, "Policy", project_arn=PROJECT_ARN, policy_name="sharing", document=document())

    def test_projects_of_two_stacks_are_two(self, app: App) -> None:
        """Templates that look alike have the same logical ids, and those are no project's identity."""
        using = Stack(app, "Using")
        for name in ("One", "Two", "Three", "Four", "Five", "Six"):
            project = rekognition.CfnProject(Stack(app, name), "Project", project_name=name)
            policy = ProjectPolicy(using, f"{name}Policy", project=project, policy_name="sharing")
            policy.grant_copy(iam.AccountPrincipal("111122223333"))
        Annotations.from_stack(using).has_no_warning("*", Match.string_like_regexp("number 6 of its project"))

    def test_one_project_is_one_in_every_stack(self, app: App) -> None:
        """Two stacks that share a project of a third one must not give its policies one name."""
        project = rekognition.CfnProject(Stack(app, "Models"), "Project", project_name="logos")
        ProjectPolicy(Stack(app, "One"), "Policy", project=project, policy_name="sharing")
        with pytest.raises(ValueError, match=r"^Two/Policy: One/Policy has the same policy name"):
            ProjectPolicy(Stack(app, "Two"), "Policy", project_arn=project.attr_arn, policy_name="sharing")

    @pytest.mark.parametrize(
        ("place", "told"),
        [
            ({"account": "123456789012", "region": "us-west-2"}, "Region us-east-1, but this stack is in us-west-2"),
            ({"account": "999988887777"}, "account 123456789012, but this stack is in 999988887777"),
        ],
    )
    def test_a_project_of_a_stack_elsewhere(self, app: App, place: dict[str, str], told: str) -> None:
        """A project that is defined in another account's or Region's stack is refused like its ARN would be."""
        home = Environment(account="123456789012", region="us-east-1")
        project = rekognition.CfnProject(Stack(app, "Models", env=home), "Project", project_name="logos")
        with pytest.raises(ValueError, match=rf"^Sharing/Policy: project Models/Project is in {told}"):
            ProjectPolicy(Stack(app, "Sharing", env=Environment(**place)), "Policy", project=project)

    @pytest.mark.parametrize(
        ("said", "rule"),
        [
            ({"hello": 1}, 'unknown element "hello"'),
            (document(Principal="*"), "shares the model with every AWS account"),
            (document(Sid=f"{Aws.REGION}{'s' * 2000}"), "characters without white space"),
        ],
    )
    def test_a_text_that_the_cdk_makes(self, stack: Stack, resources: Resources, said: Any, rule: str) -> None:
        """What Stack.to_json_string makes is a token, and is checked as far as it is known."""
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=stack.to_json_string(said))
        with pytest.raises(RuntimeError, match=rf"Sharing/Policy: .*{re.escape(rule)}"):
            resources(stack, TYPE)

    def test_a_good_text_that_the_cdk_makes(self, stack: Stack, resources: Resources) -> None:
        """Nothing is guessed of what only the deployment will tell."""
        said = document(Condition={"StringEquals": {"aws:PrincipalAccount": Aws.ACCOUNT_ID}})
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=stack.to_json_string(said))
        ProjectPolicy(stack, "Other", project_arn=PROJECT_ARN, document=stack.to_json_string(document()))
        assert len(resources(stack, TYPE)) == 2

    def test_a_condition_without_its_value(self, stack: Stack, resources: Resources) -> None:
        """A value that was not there, as of a variable that is not set, must not take the condition with it."""
        principal = iam.AccountPrincipal("111122223333").with_conditions({"StringEquals": {"aws:PrincipalArn": None}})
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN).grant_copy(principal)
        with pytest.raises(RuntimeError, match="Condition is not valid"):
            resources(stack, TYPE)

    def test_one_name_on_two_projects_is_fine(self, stack: Stack, resources: Resources) -> None:
        """Names need to differ on one project only."""
        for name in ("one", "two"):
            project = rekognition.CfnProject(stack, name, project_name=name)
            policy = ProjectPolicy(stack, f"{name}Policy", project_arn=project.attr_arn, policy_name="sharing")
            policy.grant_copy(iam.AccountPrincipal("111122223333"))
        assert len(resources(stack, TYPE)) == 2

    def test_a_projects_region_without_custom_labels_is_warned_of(self, stack: Stack) -> None:
        """Where the stack's Region is not known, the project's tells."""
        elsewhere = PROJECT_ARN.replace("us-east-1", "eu-north-1")
        ProjectPolicy(stack, "Policy", project_arn=elsewhere, document=document(Resource="*"))
        Annotations.from_stack(stack).has_warning("*", Match.string_like_regexp("Custom Labels is not known"))

    @pytest.mark.parametrize(("region", "warned"), [("us-east-1", 0), ("eu-north-1", 1)])
    def test_a_region_without_custom_labels_is_warned_of(self, region: str, warned: int) -> None:
        """There the service would answer as if a permission were missing."""
        stack = Stack(App(), "Sharing", env=Environment(region=region))
        ProjectPolicy(stack, "Policy", project_arn=Fn.import_value("ProjectArn"), document=document(Resource="*"))
        found = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("Custom Labels is not known"))
        assert len(found) == warned

    def test_the_regions_are_those_of_the_local_cloud(self) -> None:
        """The local cloud keeps a list of its own, for it knows nothing of the construct; both are one fact."""
        assert _checks.CUSTOM_LABELS == CUSTOM_LABELS_REGIONS

    def test_the_sixth_policy_of_a_project_is_warned_of(self, stack: Stack) -> None:
        """Five are taken without a word; the sixth needs a raised quota, which synthesis cannot know of."""
        for number in range(6):
            ProjectPolicy(stack, f"Policy{number}", project_arn=PROJECT_ARN, document=document())
        warnings = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("policy number 6"))
        assert [warning.id for warning in warnings] == ["/Sharing/Policy5"]

    def test_a_policy_without_statements(self, stack: Stack, resources: Resources) -> None:
        """Neither document nor grant is a mistake that is told."""
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN)
        with pytest.raises(RuntimeError, match="no Statement"):
            resources(stack, TYPE)

    def test_what_is_known_of_a_document_with_tokens(self, stack: Stack, resources: Resources) -> None:
        """Tokens are not judged, but what stands around them is, its size at the least included."""
        account = CfnParameter(stack, "Account").value_as_string
        policy = ProjectPolicy(stack, "Policy", project_arn=Fn.import_value("ProjectArn"))
        for number in range(30):
            role = f"arn:aws:iam::{account}:role/{'r' * 60}{number}"
            policy.grant_copy(iam.ArnPrincipal(role), versions=[f"v{number}"])
        with pytest.raises(RuntimeError, match="characters without white space"):
            resources(stack, TYPE)

    def test_many_tokens_are_not_too_large(self, stack: Stack, resources: Resources) -> None:
        """The length that tokens have in the template does not count, for they are short when deployed."""
        account = CfnParameter(stack, "Account").value_as_string
        policy = ProjectPolicy(stack, "Policy", project_arn=Fn.import_value("ProjectArn"))
        policy.grant_copy(
            iam.CompositePrincipal(*[iam.ArnPrincipal(f"arn:aws:iam::{account}:role/{n}") for n in range(30)])
        )
        rendered = json.dumps(properties(resources, stack)["PolicyDocument"], separators=(",", ":"))
        assert len(rendered) > 2000
