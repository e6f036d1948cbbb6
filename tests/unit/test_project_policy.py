"""The construct: its resource, and what it rejects or warns of before anything is deployed."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import jsii
import jsii._kernel.providers.process as process
import pytest
from aws_cdk import (
    App,
    Aws,
    CfnParameter,
    CfnResource,
    Environment,
    Fn,
    IStableStringProducer,
    Lazy,
    RemovalPolicy,
    Resource,
    Stack,
)
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_rekognition as rekognition
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template
from aws_cdk.interfaces.aws_rekognition import IProjectRef, ProjectReference

from cdk_rekognition_project_policy import ProjectPolicyProvider, _environment
from localcloud.rekognition.models import CUSTOM_LABELS_REGIONS
from tests.unit.conftest import HERE, PROJECT_ARN, TYPE, define, document, properties, resources, warned

ANY = document(Resource="*")
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

    def test_has_the_properties_of_the_contract(self, app: App) -> None:
        """Properties that have their defaults are omitted; a trigger may be known at deployment only."""
        stack, whole = Stack(app, "Sharing"), Stack(App(), "Whole")
        define(stack, policy_name="sharing", document=document())
        build, everybody = CfnParameter(whole, "Build").value_as_string, document(Principal="*")
        options: dict[str, Any] = {"adopt_existing": True, "block_public_policy": False, "trigger": build}
        define(whole, policy_name="sharing", document=everybody, **options)
        required = {"ServiceTimeout": "900", "ProjectArn": PROJECT_ARN, "PolicyName": "sharing"}
        options = {"AdoptExisting": True, "BlockPublicPolicy": False, "Trigger": {"Ref": "Build"}}
        for each, more in ((stack, {"PolicyDocument": document()}), (whole, {"PolicyDocument": everybody, **options})):
            found = dict(properties(each))
            assert found.pop("ServiceToken")["Fn::GetAtt"][0].startswith("RekognitionProjectPolicyProvider")
            assert found == {**required, **more}

    def test_takes_a_project_of_the_app(self, stack: Stack) -> None:
        """A CfnProject stands for its ARN; its Ref is its name, and would fail at deployment."""
        project = rekognition.CfnProject(stack, "Project", project_name="logos")
        define(stack, project=project, document=ANY)
        assert properties(stack)["ProjectArn"] == {"Fn::GetAtt": ["Project", "Arn"]}
        with pytest.raises(ValueError, match=r"Sharing/Name: project is the Ref of Sharing/Project, which is its name"):
            define(stack, "Name", project=project.ref)

    def test_takes_a_project_by_a_reference_of_ones_own(self, app: App) -> None:
        """An IProjectRef of the user's says where its project is and what its ARN is."""

        @jsii.implements(IProjectRef)
        class Imported(Resource):
            @property
            def project_ref(self) -> ProjectReference:
                return ProjectReference(project_arn=PROJECT_ARN, project_name="logos")

        stack = Stack(app, "Sharing", env=HERE)
        define(stack, project=Imported(stack, "Project"), document=document())
        assert properties(stack)["ProjectArn"] == PROJECT_ARN

    def test_a_removal_policy(self, stack: Stack) -> None:
        """A retained policy stays when its resource is removed or replaced; by default it is deleted."""
        define(stack, "Deleted", document=document())
        define(stack, "Kept", document=document(), removal_policy=RemovalPolicy.RETAIN)
        define(stack, "Later", document=document()).apply_removal_policy(RemovalPolicy.RETAIN)
        define(stack, "Made", document=document(), removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        policies = Counter(
            (each.get("DeletionPolicy"), each.get("UpdateReplacePolicy")) for each in resources(stack, TYPE)
        )
        assert policies == {("Retain", "Retain"): 2, ("RetainExceptOnCreate", "Retain"): 1, (None, None): 1}

    def test_attributes_are_those_of_the_resource(self, stack: Stack) -> None:
        """Revision, name and project are read from the resource, so that what uses them depends on it."""
        policy = define(stack, document=document())
        attributes = [policy.policy_revision_id, policy.policy_name, policy.project_arn, policy.project_policy_id]
        assert stack.resolve(attributes) == [
            *({"Fn::GetAtt": ["Policy23B91518", name]} for name in ("PolicyRevisionId", "PolicyName", "ProjectArn")),
            {"Ref": "Policy23B91518"},
        ]
        assert isinstance(policy.node.default_child, CfnResource)

    @pytest.mark.parametrize(
        ("construct_id", "name"),
        [
            ("a", "Sharing-modelsaDCB509A7"),
            ("b.c-d", "Sharing-modelsb.c-d25FF71C8"),
            ("n" * 200, f"Sharing-models{'n' * 106}E407AE12"),
            ("ö ä", "Sharing-modelsBC2E2B7A"),
        ],
    )
    def test_the_default_name_is_made_from_the_path(self, app: App, construct_id: str, name: str) -> None:
        """It is valid, and never changes, because another name replaces the policy."""
        stack = Stack(app, "Sharing-models")
        define(stack, construct_id, document=document())
        assert properties(stack)["PolicyName"] == name
        assert re.fullmatch(r"[a-zA-Z0-9_.\-]{1,128}", name)


class TestRejected:
    """What synthesis knows to be wrong is rejected, with the construct's path."""

    @pytest.mark.parametrize(
        ("wrong", "rule"),
        [
            ({"policy_name": "a b"}, 'PolicyName "a b" is not valid'),
            (
                {"project": None},
                "project is None. Specify a CfnProject or another IProjectRef, or the ARN of a project",
            ),
            ({"project": App()}, "project is .*App object .* Specify a CfnProject or another IProjectRef"),
            ({"project": "logos"}, "project is not the ARN of a Custom Labels project"),
            ({"project": lazily("logos")}, "project is not the ARN"),
            (
                {"project": f"{UNPLACED}:project/logos/version/v1/1690474772815"},
                "Specify that of its project, arn:partition:rekognition:region:000000000000:project/logos/NUMBER",
            ),
            ({"adopt_existing": "false"}, "adopt_existing is 'false'"),
            ({"block_public_policy": "no"}, "block_public_policy is 'no'"),
            ({"removal_policy": None}, "removal_policy is None. .* RemovalPolicy.RETAIN"),  # the CDK would retain
            ({"removal_policy": RemovalPolicy.SNAPSHOT}, "removal_policy is .*SNAPSHOT"),
            ({"document": "policy.json"}, r'document is the string "policy.json". For a file, specify Path\("policy'),
            ({"document": Path("policy.json")}, r"path of a file that can't be read: /.*/policy.json \(No such file"),
            ({"document": document()["Statement"]}, r'Specify {"Version": ..., "Statement": \[...\]}'),
            ({"document": 5}, "PolicyDocument must be an object or a JSON string"),
            ({"document": "{"}, "is not JSON"),
            ({"document": document(Sid=float("inf"))}, "PolicyDocument is not JSON: it contains a float"),
            ({"document": document(Resource={"*"})}, "it contains a set"),
            ({"document": document(Condition={"StringEquals": {"aws:PrincipalArn": None}})}, "contains None"),
            ({"document": document() | {"Statements": []}}, 'unknown element "Statements"'),
            # What the CDK would drop, or take for an Allow.
            ({"document": document(Effect=None)}, "statement 1: missing Effect"),
            ({"document": document(Conditions={"StringEquals": {"a": "b"}})}, 'unknown element "Conditions"'),
            ({"document": document(Resource=PROJECT_ARN)}, "isn't a model version of this project"),
            ({"document": document(Principal="*")}, "shares the model with every AWS account"),
        ],
    )
    def test_values(self, stack: Stack, wrong: dict[str, Any], rule: str) -> None:
        """A name, an ARN, a document and an option are checked where they are given, as far as they are known."""
        with pytest.raises(ValueError, match=f"^Sharing/Policy: .*{rule}"):
            define(stack, **{"document": document(), **wrong})

    def test_tokens_are_accepted(self, stack: Stack) -> None:
        """What only the deployment will tell is left to the function."""
        define(stack, "Known", project=f"{UNPLACED}:project/logos/1690474772815", document=ANY)
        define(stack, "Here", project=f"{UNPLACED}:project/{Fn.import_value('NameAndNumber')}", document=ANY)
        define(stack, "Unknown", project=Fn.import_value("Project"), document=ANY)
        define(stack, "Named", policy_name=f"for {Aws.REGION}", document=ANY)
        assert len(resources(stack, TYPE)) == 4

    @pytest.mark.parametrize("by_arn", [True, False])
    @pytest.mark.parametrize(
        ("place", "told"),
        [
            ({"account": "999988887777", "region": "us-east-1"}, "account 123456789012, but this stack is in 999988"),
            ({"region": "eu-west-1"}, "Region us-east-1, but this stack is in eu-west-1"),
            ({"account": "999988887777"}, "account 123456789012, but this stack is in 999988887777"),
        ],
    )
    def test_a_project_elsewhere(self, app: App, place: dict[str, str], told: str, by_arn: bool) -> None:
        """A project of another account or Region than the stack's is rejected as far as either is known."""
        project = rekognition.CfnProject(Stack(app, "Models", env=HERE), "Project", project_name="logos")
        with pytest.raises(ValueError, match=f"^Sharing/Policy: project is in {told}.*a ProjectVersionCopy instead"):
            define(Stack(app, "Sharing", env=Environment(**place)), project=PROJECT_ARN if by_arn else project)

    @pytest.mark.parametrize("given", ["arn", "import", "project", "its ARN"])
    def test_two_policies_of_one_name_on_one_project(self, app: App, stack: Stack, given: str) -> None:
        """No state of the service tells them apart: each would be edited and deleted for the other."""
        project = rekognition.CfnProject(Stack(app, "Models"), "Project", project_name="logos")
        arn = {"arn": PROJECT_ARN, "import": Fn.import_value("Project")}.get(given, project.attr_arn)
        define(stack, "First", policy_name="sharing", project=project if given == "project" else arn, document=ANY)
        define(stack, "Second", policy_name="sharing", project=arn, document=ANY)
        with pytest.raises(RuntimeError, match=r"\[Sharing\] Sharing/Second: Sharing/First has the same policy name"):
            resources(stack, TYPE)

    @pytest.mark.parametrize("by_arn", [True, False])
    def test_two_policies_of_one_name_in_two_stacks(self, app: App, by_arn: bool) -> None:
        """They are found in the whole app where the project is surely the same."""
        project = PROJECT_ARN if by_arn else rekognition.CfnProject(Stack(app, "M"), "Project", project_name="logos")
        for name in ("One", "Two"):
            define(Stack(app, name), project=project, policy_name="sharing", document=ANY)
            define(Stack(app, f"{name}Other"), project=Fn.import_value("P"), policy_name="sharing", document=ANY)
        with pytest.raises(RuntimeError) as raised:
            app.synth()
        assert str(raised.value).count("has the same policy name") == 1
        assert "[Two] Two/Policy: One/Policy has the same policy name" in str(raised.value)

    def test_one_name_on_several_projects_is_accepted(self, app: App) -> None:
        """Names need to differ on one project only, and equal logical IDs in two templates are two projects."""
        using = Stack(app, "Using")
        for name in ("One", "Two"):
            project = rekognition.CfnProject(Stack(app, name), "Project", project_name=name)
            define(using, f"{name}Policy", project=project, policy_name="sharing", document=ANY)
        assert len(resources(using, TYPE)) == 2


def test_a_policy_asks_the_cdk_nine_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each question crosses to Node.js, and an app may have a hundred policies."""
    asked: Counter[int] = Counter()
    send = process._NodeProcess.send

    def counting(*given: Any) -> Any:
        asked[policies] += 1
        return send(*given)

    monkeypatch.setattr(process._NodeProcess, "send", counting)
    for policies in (1, 11):
        app = App(analytics_reporting=False)
        stack = Stack(app, "Sharing")
        for number in range(policies):
            define(stack, f"Policy{number}", policy_name=f"sharing-{number}", document=document())
        app.synth()
    assert asked[11] - asked[1] <= 10 * 9


def test_a_rule_for_changes_by_hand(stack: Stack) -> None:
    """It matches calls that succeed, of whoever isn't the provider's role: other issuers' sessions, or without one."""
    queue = sqs.Queue.from_queue_arn(stack, "Queue", "arn:aws:sqs:us-east-1:123456789012:changes")
    imported = ProjectPolicyProvider.from_attributes(
        stack, "Provider", service_token="arn:aws:lambda:us-east-1:123456789012:function:provider", role_name="provider"
    )
    for name, provider in (("Own", None), ("Imported", imported)):
        policy = define(stack, name, policy_name=name, document=document(), provider=provider)
        target = targets.SqsQueue(queue)
        policy.on_cloud_trail_change("Changed", target=target, description="By hand", rule_name=name)
    (role,) = Template.from_stack(stack).find_resources("AWS::IAM::Role")
    roles = {"Own": {"Fn::GetAtt": [role, "Arn"]}, "Imported": stack.resolve(imported.role.role_arn)}
    rules = {each["Properties"]["Name"]: each["Properties"] for each in resources(stack, "AWS::Events::Rule")}
    assert rules == {
        name: {
            "Name": name,
            "Description": "By hand",
            "State": "ENABLED",
            "EventPattern": {
                "source": ["aws.rekognition"],
                "detail-type": ["AWS API Call via CloudTrail"],
                "detail": {
                    "eventSource": ["rekognition.amazonaws.com"],
                    "eventName": ["PutProjectPolicy", "DeleteProjectPolicy"],
                    "errorCode": [{"exists": False}],
                    "requestParameters": {"projectArn": [PROJECT_ARN]},
                    "userIdentity": {
                        "$or": [
                            {"sessionContext": {"sessionIssuer": {"arn": [{"anything-but": [arn]}]}}},
                            {"sessionContext": {"sessionIssuer": {"arn": [{"exists": False}]}}},
                        ]
                    },
                },
            },
            "Targets": [{"Arn": queue.queue_arn, "Id": "Target0"}],
        }
        for name, arn in roles.items()
    }


class TestWarnings:
    """What may be wrong is told, and synthesized all the same."""

    def test_of_a_condition_key_that_aws_does_not_have(self, stack: Stack) -> None:
        """No request has such a key: the statement would allow nobody, or deny nobody."""
        wrong = ("aws:PrincipalOrgId2", "aws:SourceVpcs", "PrincipalOrgID", "rekognition:VersionName")
        right = ("AWS:principalorgid", "aws:PrincipalTag/team", "aws:SignInSessionArn", "saml:sub")
        for number, key in enumerate((*wrong, *right)):
            said = document(Effect="Deny", Condition={"StringEquals": {key: "o-a1b2c3d4e5"}})
            define(stack, f"Policy{number}", document=said)
        assert len(warned(stack, "is not known")) == len(wrong)
        for number, key in enumerate(wrong):
            assert warned(stack, f"{key} is not known") == [f"/Sharing/Policy{number}"]

    @pytest.mark.parametrize(
        ("project_region", "stack_region", "told"),
        [(None, "us-east-1", []), (None, "eu-north-1", ["/Sharing/Policy"]), ("eu-north-1", None, ["/Sharing/Policy"])],
    )
    def test_of_a_region_without_custom_labels(
        self, app: App, project_region: str | None, stack_region: str | None, told: list[str]
    ) -> None:
        """There every call is denied, as if a permission were missing. The project's ARN may have it alone."""
        stack = Stack(app, "Sharing", env=Environment(region=stack_region))
        arn = PROJECT_ARN.replace("us-east-1", project_region) if project_region else Fn.import_value("Project")
        define(stack, project=arn, document=ANY)
        assert warned(stack, "Custom Labels is not known") == told

    def test_the_regions_are_those_of_the_local_cloud(self) -> None:
        """The local cloud has a list of its own, because it knows nothing of the construct."""
        assert _environment.CUSTOM_LABELS == CUSTOM_LABELS_REGIONS
