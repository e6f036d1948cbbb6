"""The construct: its resource, and what it rejects or warns of before anything is deployed."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date
from typing import Any

import jsii
import pytest
from aws_cdk import App, Aws, CfnParameter, Environment, Fn, IStableStringProducer, Lazy, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rekognition as rekognition
from aws_cdk.assertions import Annotations, Match

from cdk_rekognition_project_policy import ProjectPolicy, _checks
from localcloud.rekognition.models import CUSTOM_LABELS_REGIONS
from tests.unit.conftest import PROJECT_ARN, TYPE, document, properties, resources

UNPLACED = f"arn:{Aws.PARTITION}:rekognition:{Aws.REGION}:{Aws.ACCOUNT_ID}"


def lazily(value: str) -> str:
    """Return a token that will be this string at synthesis."""

    @jsii.implements(IStableStringProducer)
    class Producer:
        def produce(self) -> str:
            return value

    return Lazy.string(Producer())


class TestResource:
    """The custom resource has the properties of the contract and nothing else."""

    def test_has_the_properties_of_the_contract(self, stack: Stack) -> None:
        """Properties that have their defaults are omitted."""
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, policy_name="sharing", document=document())
        found = properties(stack)
        assert set(found) == {"ServiceToken", "ServiceTimeout", "ProjectArn", "PolicyName", "PolicyDocument"}
        assert (found["ProjectArn"], found["PolicyName"]) == (PROJECT_ARN, "sharing")
        assert int(found["ServiceTimeout"]) == 900

    def test_takes_a_project_of_the_app(self, stack: Stack) -> None:
        """A CfnProject stands for its ARN; giving it and an ARN is rejected."""
        project = rekognition.CfnProject(stack, "Project", project_name="logos")
        ProjectPolicy(stack, "Policy", project=project, document=document(Resource="*"))
        assert properties(stack)["ProjectArn"] == {"Fn::GetAtt": ["Project", "Arn"]}
        with pytest.raises(ValueError, match="Sharing/Both: both project_arn and project are given"):
            ProjectPolicy(stack, "Both", project=project, project_arn=PROJECT_ARN)  # type: ignore[call-overload]

    def test_a_removal_policy(self, stack: Stack) -> None:
        """A retained policy stays when its resource is removed or replaced; by default it is deleted."""
        ProjectPolicy(stack, "Deleted", project_arn=PROJECT_ARN, document=document())
        ProjectPolicy(stack, "Kept", project_arn=PROJECT_ARN, document=document(), removal_policy=RemovalPolicy.RETAIN)
        later = ProjectPolicy(stack, "Later", project_arn=PROJECT_ARN, document=document())
        later.apply_removal_policy(RemovalPolicy.RETAIN)
        policies = Counter((each["DeletionPolicy"], each["UpdateReplacePolicy"]) for each in resources(stack, TYPE))
        assert policies == {("Retain", "Retain"): 2, ("Delete", "Delete"): 1}

    def test_options(self, stack: Stack) -> None:
        """Adopting and sharing with everybody are properties of the resource."""
        ProjectPolicy(
            stack,
            "Policy",
            project_arn=PROJECT_ARN,
            document=document(Principal="*"),
            adopt_existing=True,
            block_public_policy=False,
        )
        found = properties(stack)
        assert (found["AdoptExisting"], found["BlockPublicPolicy"]) == (True, False)

    def test_a_trigger_is_written(self, stack: Stack) -> None:
        """A trigger is a property of its own, known at synthesis or not; one that isn't a string is rejected."""
        build = CfnParameter(stack, "Build")
        ProjectPolicy(stack, "A", project_arn=PROJECT_ARN, document=document(), trigger="41")
        ProjectPolicy(stack, "B", project_arn=PROJECT_ARN, document=document(), trigger=build.value_as_string)
        with pytest.raises(ValueError, match=r"Sharing/C: trigger is 41\. Give a string\."):
            ProjectPolicy(stack, "C", project_arn=PROJECT_ARN, document=document(), trigger=41)  # type: ignore[call-overload]
        assert [each["Properties"]["Trigger"] for each in resources(stack, TYPE)] == ["41", {"Ref": "Build"}]

    def test_attributes_are_those_of_the_resource(self, stack: Stack) -> None:
        """Revision, name and project are read from the resource, so that what uses them depends on it."""
        policy = ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=document())
        for attribute, name in (
            (policy.policy_revision_id, "PolicyRevisionId"),
            (policy.policy_name, "PolicyName"),
            (policy.project_arn, "ProjectArn"),
        ):
            assert stack.resolve(attribute) == {"Fn::GetAtt": ["Policy23B91518", name]}
        assert stack.resolve(policy.project_policy_id) == {"Ref": "Policy23B91518"}
        assert policy.node.default_child is not None

    @pytest.mark.parametrize(
        ("construct_id", "name"),
        [
            ("a", "Sharing-modelsaDCB509A7"),
            ("b.c-d", "Sharing-modelsb.c-d25FF71C8"),
            ("n" * 200, f"Sharing-models{'n' * 106}E407AE12"),
            ("ö ä", "Sharing-modelsBC2E2B7A"),
        ],
    )
    def test_the_default_name_is_made_from_the_path(self, construct_id: str, name: str) -> None:
        """It is valid, and never changes, because another name replaces the policy."""
        stack = Stack(App(analytics_reporting=False), "Sharing-models")
        ProjectPolicy(stack, construct_id, project_arn=PROJECT_ARN, document=document())
        assert properties(stack)["PolicyName"] == name
        assert re.fullmatch(r"[a-zA-Z0-9_.\-]{1,128}", name)


class TestRejected:
    """What synthesis knows to be wrong is rejected, with the construct's path."""

    @pytest.mark.parametrize(
        ("wrong", "rule"),
        [
            ({"project_arn": f"{UNPLACED}:project/logos"}, "is not the ARN of a Custom Labels project"),
            ({"project_arn": f"{UNPLACED}:project/logos/version/v1/1690474772815"}, "is not the ARN"),
            ({"project_arn": lazily("logos")}, "project_arn is not the ARN"),
            ({"policy_name": f"for {Aws.REGION}"}, 'policy_name "for " is not valid'),
            ({"policy_name": f"{'n' * 129}{Aws.REGION}"}, "1 to 128"),
            ({"policy_name": lazily("a b")}, 'policy_name "a b" is not valid'),
        ],
    )
    def test_values_with_tokens(self, stack: Stack, wrong: dict[str, Any], rule: str) -> None:
        """Strings beside a token, and tokens that synthesis resolves, are held to the rules as well."""
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
    def test_a_token_is_accepted(self, stack: Stack, right: dict[str, Any]) -> None:
        """What only the deployment will tell is left to the function."""
        ProjectPolicy(stack, "Policy", **{"project_arn": PROJECT_ARN, "document": document(), **right})
        assert len(resources(stack, TYPE)) == 1

    @pytest.mark.parametrize(
        ("wrong", "rule"),
        [
            ({"policy_name": "a b"}, 'policy_name "a b" is not valid'),
            ({"policy_name": "n" * 129}, "1 to 128"),
            ({"policy_name": "PolicyName 1"}, 'policy_name "PolicyName 1" is not valid'),
            ({"project_arn": "logos"}, "is not the ARN of a Custom Labels project"),
            ({"project_arn": PROJECT_ARN.replace("project/logos/", "project/logos/version/v1/")}, "is not the ARN"),
            ({"document": "{"}, "is not JSON"),
            ({"document": '{"Effect": 1, "Effect": 2}'}, "document is not JSON: duplicate key"),
            ({"policy_name": ""}, 'policy_name "" is not valid'),
            ({"policy_name": 5}, 'policy_name "5" is not valid'),
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
    def test_values(self, stack: Stack, wrong: dict[str, Any], rule: str) -> None:
        """A name, an ARN, a document and an option are checked where they are given."""
        given: dict[str, Any] = {"project_arn": PROJECT_ARN, "document": document()} | wrong
        with pytest.raises(ValueError, match=f"^Sharing/Policy: .*{rule}"):
            ProjectPolicy(stack, "Policy", **given)

    @pytest.mark.parametrize(
        ("place", "told"),
        [
            ({"account": "999988887777", "region": "us-east-1"}, "account 999988887777, Region us-east-1"),
            ({"account": "123456789012", "region": "eu-west-1"}, "account 123456789012, Region eu-west-1"),
            ({"region": "eu-west-1"}, "account 123456789012, Region eu-west-1"),
            ({"account": "999988887777"}, "account 999988887777, Region us-east-1"),
        ],
    )
    def test_a_project_elsewhere(self, place: dict[str, str], told: str) -> None:
        """A project of another account or Region than the stack's is rejected as far as either is known."""
        stack = Stack(App(analytics_reporting=False), "Sharing", env=Environment(**place))
        its = "account 123456789012, Region us-east-1"
        with pytest.raises(
            ValueError, match=f'^Sharing/Policy: Project "logos" is in {its}, but this stack is in {told}'
        ):
            ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, document=document())

    @pytest.mark.parametrize("token", [False, True])
    def test_two_policies_of_one_name_on_one_project(self, stack: Stack, token: bool) -> None:
        """No state of the service tells them apart: each would be edited and deleted for the other."""
        arn = Fn.import_value("ProjectArn") if token else PROJECT_ARN
        ProjectPolicy(stack, "One", project_arn=arn, policy_name="sharing", document=document())
        with pytest.raises(ValueError, match=r"^Sharing/Two: Sharing/One has the same policy name"):
            ProjectPolicy(stack, "Two", project_arn=arn, policy_name="sharing", document=document())

    def test_two_policies_of_one_name_in_two_stacks(self) -> None:
        """The project is the same one from another stack of the app."""
        app = App(analytics_reporting=False)
        one, two = Stack(app, "One"), Stack(app, "Two")
        ProjectPolicy(one, "Policy", project_arn=PROJECT_ARN, policy_name="sharing", document=document())
        with pytest.raises(ValueError, match=r"^Two/Policy: One/Policy has the same policy name"):
            ProjectPolicy(two, "Policy", project_arn=PROJECT_ARN, policy_name="sharing", document=document())

    def test_projects_of_two_stacks_are_two(self, app: App) -> None:
        """Equal logical IDs in two templates aren't the same project."""
        using = Stack(app, "Using")
        for name in ("One", "Two", "Three", "Four", "Five", "Six"):
            project = rekognition.CfnProject(Stack(app, name), "Project", project_name=name)
            policy = ProjectPolicy(using, f"{name}Policy", project=project, policy_name="sharing")
            policy.grant_copy(iam.AccountPrincipal("111122223333"))
        Annotations.from_stack(using).has_no_warning("*", Match.string_like_regexp("number 6 of its project"))

    def test_a_project_of_a_third_stack(self, app: App) -> None:
        """It is the same project, whether it is given as a construct or as its ARN."""
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
        """A project that is defined in another account's or Region's stack is rejected like its ARN."""
        home = Environment(account="123456789012", region="us-east-1")
        project = rekognition.CfnProject(Stack(app, "Models", env=home), "Project", project_name="logos")
        with pytest.raises(ValueError, match=rf"^Sharing/Policy: project Models/Project is in {told}"):
            ProjectPolicy(Stack(app, "Sharing", env=Environment(**place)), "Policy", project=project)

    def test_one_name_on_two_projects_is_accepted(self, stack: Stack) -> None:
        """Names need to differ on one project only."""
        for name in ("one", "two"):
            project = rekognition.CfnProject(stack, name, project_name=name)
            policy = ProjectPolicy(stack, f"{name}Policy", project_arn=project.attr_arn, policy_name="sharing")
            policy.grant_copy(iam.AccountPrincipal("111122223333"))
        assert len(resources(stack, TYPE)) == 2

    def test_warns_of_a_projects_region_without_custom_labels(self, stack: Stack) -> None:
        """Where the stack's Region isn't known, the project's ARN has it."""
        elsewhere = PROJECT_ARN.replace("us-east-1", "eu-north-1")
        ProjectPolicy(stack, "Policy", project_arn=elsewhere, document=document(Resource="*"))
        Annotations.from_stack(stack).has_warning("*", Match.string_like_regexp("Custom Labels is not known"))

    @pytest.mark.parametrize(("region", "warned"), [("us-east-1", 0), ("eu-north-1", 1)])
    def test_warns_of_a_region_without_custom_labels(self, region: str, warned: int) -> None:
        """There every call is denied, as if a permission were missing."""
        stack = Stack(App(analytics_reporting=False), "Sharing", env=Environment(region=region))
        ProjectPolicy(stack, "Policy", project_arn=Fn.import_value("ProjectArn"), document=document(Resource="*"))
        found = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("Custom Labels is not known"))
        assert len(found) == warned

    def test_the_regions_are_those_of_the_local_cloud(self) -> None:
        """The local cloud has a list of its own, because it knows nothing of the construct."""
        assert _checks.CUSTOM_LABELS == CUSTOM_LABELS_REGIONS

    def test_warns_of_a_projects_sixth_policy(self, stack: Stack) -> None:
        """A project takes five; the sixth needs a raised quota, which synthesis can't know of."""
        for number in range(6):
            ProjectPolicy(stack, f"Policy{number}", project_arn=PROJECT_ARN, document=document())
        warnings = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("policy number 6"))
        assert [warning.id for warning in warnings] == ["/Sharing/Policy5"]
