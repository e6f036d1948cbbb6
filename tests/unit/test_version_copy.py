"""The copy as a construct: what is in the template, what its role may do, and what is rejected before there is one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import App, Aws, CfnParameter, Environment, Fn, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rekognition as rekognition
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Annotations, Match, Template

from cdk_rekognition_project_policy import (
    CopyProjectVersionPolicy,
    ProjectPolicy,
    ProjectPolicyProvider,
    ProjectVersionCopy,
    ProjectVersionCopyProvider,
)
from tests.unit.conftest import PROJECT_ARN, resources

TYPE = "Custom::RekognitionProjectVersionCopy"
SOURCE = "arn:aws:rekognition:us-east-1:111122223333:project/logos/1690474772815"
VERSION = "arn:aws:rekognition:us-east-1:111122223333:project/logos/version/v1/1690474772816"
COPIES = PROJECT_ARN.rsplit("/", 1)[0] + "/version/*"
KEY = "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:copies"
EVERYWHERE = f"arn:{Aws.PARTITION}:rekognition:{Aws.REGION}:{Aws.ACCOUNT_ID}:project/"


def copy(stack: Stack, construct_id: str = "Copy", **changes: Any) -> ProjectVersionCopy:
    """Define a copy with what it requires, but for the changes."""
    given: dict[str, Any] = {
        "source_project_arn": SOURCE,
        "source_version_arn": VERSION,
        "destination_project_arn": PROJECT_ARN,
        "output_bucket": s3.Bucket.from_bucket_name(stack, f"{construct_id}Bucket", "results"),
        **changes,
    }
    return ProjectVersionCopy(stack, construct_id, **given)


def the_copy(stack: Stack) -> dict[str, Any]:
    """Return the resource of the stack's one copy."""
    (found,) = resources(stack, TYPE)
    return dict(found)


def statements(stack: Stack, *, of_copies: bool) -> list[Any]:
    """Return what the role may do: for the stack's copies, or always."""
    documents = [each["Properties"]["PolicyDocument"]["Statement"] for each in resources(stack, "AWS::IAM::Policy")]
    (found,) = (each for each in documents if ("logs:" in str(each)) is not of_copies)
    return [(each["Action"], each["Resource"]) for each in found]


def test_its_properties_are_the_functions(stack: Stack) -> None:
    """The template has what is given, and nothing for what has its default."""
    copy(stack)
    required = {
        "ServiceTimeout": "3600",
        "SourceProjectArn": SOURCE,
        "SourceProjectVersionArn": VERSION,
        "DestinationProjectArn": PROJECT_ARN,
        "OutputConfig": {"S3Bucket": "results"},
    }
    found = the_copy(stack)["Properties"]
    assert "Provider" in found.pop("ServiceToken")["Fn::GetAtt"][0]
    assert found == required
    other = Stack(App(analytics_reporting=False), "Whole")
    copy(
        other,
        output_key_prefix="copied/",
        output_encryption_key=kms.Key.from_key_arn(other, "Key", KEY),
        version_name="v1-copied",
        tags={"team": "logos"},
        adopt_existing=True,
        stop_running=True,
    )
    found = the_copy(other)["Properties"]
    del found["ServiceToken"]
    assert found == required | {
        "OutputConfig": {"S3Bucket": "results", "S3KeyPrefix": "copied/"},
        "KmsKeyId": KEY,
        "VersionName": "v1-copied",
        "Tags": {"team": "logos"},
        "AdoptExisting": True,
        "StopRunning": True,
    }


def test_its_attributes_are_the_functions(stack: Stack) -> None:
    """The ARN is an attribute, since the ID of an adopted copy has more to it."""
    made = copy(stack)
    (name,) = Template.from_stack(stack).find_resources(TYPE)
    assert [stack.resolve(each) for each in (made.version_arn, made.version_name, made.project_arn)] == [
        {"Fn::GetAtt": [name, attribute]} for attribute in ("ProjectVersionArn", "VersionName", "ProjectArn")
    ]


def test_takes_tokens_everywhere(stack: Stack) -> None:
    """Whatever only the deployment will tell is passed on."""
    values = {name: Fn.import_value(name) for name in ("Source", "Version", "Bucket", "Prefix", "Name", "Tag")}
    project = rekognition.CfnProject(stack, "Project", project_name="copies")
    copy(
        stack,
        source_project_arn=values["Source"],
        source_version_arn=values["Version"],
        destination_project_arn=None,
        destination_project=project,
        output_bucket=s3.Bucket.from_bucket_name(stack, "Bucket", values["Bucket"]),
        output_key_prefix=values["Prefix"],
        output_encryption_key=kms.Key.from_key_arn(
            stack, "Key", f"arn:{Aws.PARTITION}:kms:{Aws.REGION}:123456789012:key/1"
        ),
        version_name=values["Name"],
        tags={"team": values["Tag"]},
    )
    found = the_copy(stack)["Properties"]
    assert found["DestinationProjectArn"] == {"Fn::GetAtt": ["Project", "Arn"]}
    assert found["VersionName"] == {"Fn::ImportValue": "Name"}
    assert found["OutputConfig"] == {
        "S3Bucket": {"Fn::ImportValue": "Bucket"},
        "S3KeyPrefix": {"Fn::ImportValue": "Prefix"},
    }
    key = found["KmsKeyId"]["Fn::Join"][1]
    assert key == ["arn:", {"Ref": "AWS::Partition"}, ":kms:", {"Ref": "AWS::Region"}, ":123456789012:key/1"]


@pytest.mark.parametrize("unknown", ["source_project_arn", "source_version_arn", "destination_project_arn"])
def test_what_is_known_is_accepted_beside_what_is_not(unknown: str) -> None:
    """A token counts as whatever fits the known ARNs, in each Region, and wherever the stack is."""
    given = {
        name: arn.replace("us-east-1", "eu-west-1").replace("arn:aws:", "arn:aws-cn:")
        for name, arn in (
            ("source_project_arn", SOURCE),
            ("source_version_arn", VERSION),
            ("destination_project_arn", PROJECT_ARN),
        )
    }
    for env in (None, Environment(account="123456789012", region="eu-west-1")):
        stack = Stack(App(analytics_reporting=False), "Copying", env=env)
        copy(stack, **given | {unknown: CfnParameter(stack, "Unknown").value_as_string})
        assert the_copy(stack)["Type"] == TYPE


def test_the_role_may_copy_as_the_policy_for_copying_by_hand_allows(stack: Stack) -> None:
    """It adds the removal of tags, and names the one model version that is copied."""
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "results")
    key = kms.Key.from_key_arn(stack, "Key", KEY)
    output: dict[str, Any] = {"output_bucket": bucket, "output_key_prefix": "copied/", "output_encryption_key": key}
    copy(stack, **output)
    CopyProjectVersionPolicy(
        stack,
        "ByHand",
        source_project_arn=SOURCE,
        destination_project_arn=PROJECT_ARN,
        versions=[VERSION],
        **output,
    )
    (by_hand,) = resources(stack, "AWS::IAM::ManagedPolicy")
    (of_copies,) = (
        each["Properties"]["PolicyDocument"]["Statement"]
        for each in resources(stack, "AWS::IAM::Policy")
        if "logs:" not in str(each)
    )
    *shared, untag = of_copies
    assert shared == by_hand["Properties"]["PolicyDocument"]["Statement"]
    assert untag == {"Action": "rekognition:UntagResource", "Effect": "Allow", "Resource": COPIES}


def test_the_role_may_always_clean_up_and_go_on_and_nothing_more(stack: Stack) -> None:
    """Reading, stopping and deleting on every project of the account, invoking itself, its log, nothing managed."""
    copy(stack)
    (function,) = Template.from_stack(stack).find_resources("AWS::Lambda::Function")
    (log_group,) = Template.from_stack(stack).find_resources("AWS::Logs::LogGroup")
    arn = {"Fn::GetAtt": [function, "Arn"]}
    assert statements(stack, of_copies=False) == [
        (["logs:CreateLogStream", "logs:PutLogEvents"], {"Fn::GetAtt": [log_group, "Arn"]}),
        ("rekognition:DescribeProjectVersions", stack.resolve(f"{EVERYWHERE}*")),
        (
            [
                "rekognition:DeleteProjectVersion",
                "rekognition:ListTagsForResource",
                "rekognition:StopProjectVersion",
            ],
            stack.resolve(f"{EVERYWHERE}*/version/*"),
        ),
        ("lambda:InvokeFunction", [arn, {"Fn::Join": ["", [arn, ":*"]]}]),
    ]
    (role,) = resources(stack, "AWS::IAM::Role")
    assert role["Properties"].keys() == {"AssumeRolePolicyDocument", "Description"}


def test_the_role_needs_no_more_room_for_copies_that_are_alike(stack: Stack) -> None:
    """A hundred copies into one project fit: each adds the ARN of its source."""
    for number in range(100):
        copy(stack, f"Copy{number}", source_version_arn=VERSION.replace("v1", f"v{number}"))
    policies = [each["Properties"]["PolicyDocument"] for each in resources(stack, "AWS::IAM::Policy")]
    managed = [each["Properties"]["PolicyDocument"] for each in resources(stack, "AWS::IAM::ManagedPolicy")]
    assert sum(len(json.dumps(each, separators=(",", ":"))) for each in policies) < 10_240
    assert all(len(json.dumps(each, separators=(",", ":"))) < 6_144 for each in managed)
    assert len(managed) <= 2
    sources = {arn for each in (*policies, *managed) for arn in each["Statement"][0]["Resource"]}
    assert {VERSION.replace("v1", f"v{number}") for number in range(100)} <= sources


def test_the_function_is_one_that_waits(stack: Stack) -> None:
    """A run, and then time to hand over; its entry is its own, and no test's pauses are set."""
    copy(stack)
    (function,) = (each["Properties"] for each in resources(stack, "AWS::Lambda::Function"))
    assert (function["Timeout"], function["Handler"], function["MemorySize"]) == (720, "copies.handler", 256)
    assert "Environment" not in function
    (retries,) = (each["Properties"] for each in resources(stack, "AWS::Lambda::EventInvokeConfig"))
    assert (retries["MaximumEventAgeInSeconds"], retries["MaximumRetryAttempts"]) == (1800, 2)


def test_a_copy_waits_for_all_that_its_requests_need(stack: Stack) -> None:
    """Permissions and retries are there before the first request, and go after the last."""
    copy(stack)
    template = Template.from_stack(stack)
    needed = {
        *template.find_resources("AWS::IAM::Policy"),
        *template.find_resources("AWS::Lambda::EventInvokeConfig"),
    }
    assert set(the_copy(stack)["DependsOn"]) == needed


def test_copies_and_policies_have_a_function_and_a_role_each(stack: Stack) -> None:
    """Whoever attaches policies can't delete models, and whoever copies can't share any."""
    copy(stack)
    copy(stack, "Another")
    ProjectPolicy(stack, "Sharing", project_arn=PROJECT_ARN).grant_copy(iam.AccountPrincipal("111122223333"))
    assert len(resources(stack, "AWS::Lambda::Function")) == len(resources(stack, "AWS::IAM::Role")) == 2
    for policy in resources(stack, "AWS::IAM::Policy"):
        text = json.dumps(policy["Properties"]["PolicyDocument"])
        assert not ("ProjectPolic" in text and "Version" in text.replace('"Version": "2012-10-17"', ""))


def test_stacks_of_one_app_share_a_provider(app: App) -> None:
    """Each brings the permissions for its own copies along."""
    home, *users = (Stack(app, name) for name in ("Home", "One", "Two"))
    provider = ProjectVersionCopyProvider(home, "Provider", memory_size=512)
    for user in users:
        copy(user, provider=provider)
    app.synth()
    for user in users:
        assert resources(user, "AWS::Lambda::Function") == []
        (policy,) = resources(user, "AWS::IAM::Policy")
        assert "rekognition:CopyProjectVersion" in str(policy)
    assert "rekognition:CopyProjectVersion" not in str(resources(home, "AWS::IAM::Policy"))


def test_a_provider_can_be_imported(stack: Stack) -> None:
    """It is known by its service token, an alias's too, and its role's name."""
    provider = ProjectVersionCopyProvider.from_attributes(
        stack, "Provider", service_token=f"{FUNCTION}:live", role_name="copies-role"
    )
    copy(stack, provider=provider)
    assert the_copy(stack)["Properties"]["ServiceToken"] == f"{FUNCTION}:live"
    (policy,) = resources(stack, "AWS::IAM::Policy")
    assert policy["Properties"]["Roles"] == ["copies-role"]
    assert resources(stack, "AWS::Lambda::Function") == []


@pytest.mark.parametrize("imported", [False, True])
def test_rejects_a_provider_of_the_other_kind(stack: Stack, imported: bool) -> None:
    """Its function would reject every request, one of each kind."""
    given = {"service_token": FUNCTION, "role_name": "role"}
    policies: Any = ProjectPolicyProvider
    copies: Any = ProjectVersionCopyProvider
    of_policies, of_copies = (
        kind.from_attributes(stack, kind.__name__, **given) if imported else kind.of(stack)
        for kind in (policies, copies)
    )
    with pytest.raises(ValueError, match=r"^Sharing/Copy: provider is .*Give a ProjectVersionCopyProvider, or what"):
        copy(stack, provider=of_policies)
    with pytest.raises(ValueError, match=r"^Sharing/Policy: provider is .*Give a ProjectPolicyProvider, or what"):
        ProjectPolicy(stack, "Policy", project_arn=PROJECT_ARN, provider=of_copies)


def test_grants_are_about_the_copy_alone(stack: Stack) -> None:
    """Who may analyze images needs nothing else, nor does who may start and stop it."""
    made = copy(stack)
    actions = {
        made.grant_detect: "rekognition:DetectCustomLabels",
        made.grant_start_stop: ["rekognition:StartProjectVersion", "rekognition:StopProjectVersion"],
    }
    for number, grant in enumerate(actions):
        grant(iam.Role(stack, f"Role{number}", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com")))
    found = [
        statement
        for policy in resources(stack, "AWS::IAM::Policy")
        if policy["Properties"]["Roles"][0]["Ref"].startswith("Role")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]
    arn = stack.resolve(made.version_arn)
    assert found == [{"Action": each, "Effect": "Allow", "Resource": arn} for each in actions.values()]


@pytest.mark.parametrize("name", ["grant_detect", "grant_start_stop"])
def test_rejects_a_grant_to_an_account(stack: Stack, name: str) -> None:
    """A model version has no policy of its own, so the grant would be lost without a word."""
    with pytest.raises(ValueError, match=r"^Sharing/Copy: .* the grantee, AccountPrincipal.* give a role, a user or a"):
        getattr(copy(stack), name)(iam.AccountPrincipal("111122223333"))


@pytest.mark.parametrize("name", ["grant_detect", "grant_start_stop"])
@pytest.mark.parametrize(("wrong", "told"), [([], "the grantee is a list. Call"), ("x", "'x' isn't an IGrantable")])
def test_rejects_a_grant_to_what_is_not_a_grantee(stack: Stack, name: str, wrong: Any, told: str) -> None:
    """The CDK would say something about its kernel."""
    with pytest.raises(ValueError, match=f"^Sharing/Copy: {told}"):
        getattr(copy(stack), name)(wrong)


@pytest.mark.parametrize("apply", [True, False])
def test_can_be_retained(stack: Stack, apply: bool) -> None:
    """By default it is deleted with the stack, as every resource is."""
    made = copy(stack, removal_policy=None if apply else RemovalPolicy.RETAIN)
    if apply:
        made.apply_removal_policy(RemovalPolicy.RETAIN)
    found = the_copy(stack)
    assert (found["DeletionPolicy"], found["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_warns_of_a_region_without_custom_labels(app: App) -> None:
    """There every call is denied."""
    stack = Stack(app, "Copying", env=Environment(account="123456789012", region="eu-north-1"))
    north = {
        name: arn.replace("us-east-1", "eu-north-1")
        for name, arn in (
            ("source_project_arn", SOURCE),
            ("source_version_arn", VERSION),
            ("destination_project_arn", PROJECT_ARN),
        )
    }
    copy(stack, **north)
    Annotations.from_stack(stack).has_warning("/Copying/Copy", Match.string_like_regexp("in Region eu-north-1"))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"source_project_arn": VERSION}, "source_project_arn is not the ARN of a Custom Labels project"),
        ({"source_project_arn": None}, "source_project_arn is missing"),
        ({"source_version_arn": SOURCE}, "source_version_arn is not the ARN of a model version"),
        ({"source_version_arn": 5}, "source_version_arn is not the ARN of a model version"),
        (
            {"source_project_arn": SOURCE.replace("logos", "signs")},
            'model version of project "logos" .* but source_project_arn is project "signs"',
        ),
        ({"source_version_arn": VERSION.replace("us-east-1", "eu-west-1")}, "but source_project_arn is project"),
        ({"destination_project_arn": "copies"}, "destination_project_arn is not the ARN of a Custom Labels project"),
        ({"destination_project_arn": None}, "neither destination_project_arn nor destination_project is given"),
        ({"destination_project_arn": PROJECT_ARN.replace("aws", "aws-cn", 1)}, "partition aws-cn.*within one"),
        ({"destination_project_arn": PROJECT_ARN.replace("us-east-1", "eu-west-1")}, "within one Region"),
        ({"output_bucket": "results"}, "output_bucket is 'results'. Give an s3.Bucket"),
        ({"output_key_prefix": None}, "output_key_prefix must be a string"),
        ({"output_encryption_key": KEY}, "output_encryption_key is .*Give a kms.Key"),
        ({"version_name": ""}, 'version_name "" is not valid'),
        ({"version_name": "a b"}, 'version_name "a b" is not valid'),
        ({"version_name": f"v {Aws.REGION}"}, "version_name"),
        ({"tags": [{"Key": "a", "Value": "b"}]}, "tags must be an object"),
        ({"tags": {"aws:team": "logos"}}, 'key "aws:team", whose prefix is reserved for AWS'),
        ({"tags": {str(number): "" for number in range(51)}}, "tags has 51 tags"),
        ({"adopt_existing": "false"}, "adopt_existing is 'false'. Give True or False"),
        ({"stop_running": 1}, "stop_running is 1. Give True or False"),
    ],
)
def test_rejects_what_the_function_would_reject(stack: Stack, wrong: dict[str, Any], told: str) -> None:
    """A mistake is told where it is made, with the construct's path and what to give."""
    with pytest.raises(ValueError, match=f"^Sharing/Copy: .*{told}"):
        copy(stack, **wrong)


def test_rejects_an_arn_in_place_of_the_buckets_name(stack: Stack) -> None:
    """It would be passed on as the name."""
    bucket = s3.Bucket.from_bucket_attributes(stack, "Bucket", bucket_name=Fn.join("", ["arn:aws:s3:::", "results"]))
    with pytest.raises(ValueError, match=r"output_bucket\.bucket_name is the ARN"):
        copy(stack, output_bucket=bucket)


def test_rejects_a_destination_elsewhere(placed_stack: Stack) -> None:
    """The function acts in its own account and Region, whether the project is named or one of the app."""
    elsewhere = Stack(placed_stack.node.root, "Elsewhere", env=Environment(account="111122223333", region="us-east-1"))  # type: ignore[arg-type]
    project = rekognition.CfnProject(elsewhere, "Project", project_name="copies")
    with pytest.raises(ValueError, match=r"Project is in account 111122223333, but this stack is in 123456789012"):
        copy(placed_stack, destination_project_arn=None, destination_project=project)
    with pytest.raises(ValueError, match=r'project "logos" in account 111122223333.*, but this stack is in account 12'):
        copy(placed_stack, "Named", destination_project_arn=SOURCE)


@pytest.mark.parametrize("known", [True, False], ids=["arn", "token"])
def test_rejects_two_copies_of_one_name(app: App, known: bool) -> None:
    """One of them could never be made, in whichever stack it is."""
    home, user = Stack(app, "Home"), Stack(app, "User")
    project = rekognition.CfnProject(home, "Project", project_name="copies")
    into: dict[str, Any] = {} if known else {"destination_project": project, "destination_project_arn": None}
    copy(home, version_name="v1", **into)
    copy(home, "Unnamed", **into)
    copy(user, "Other", version_name="v2", **into)
    with pytest.raises(ValueError, match=r"^User/Copy: Home/Copy has the same version name on the same project"):
        copy(user, version_name="v1", **into)


def test_takes_a_role_of_ones_own(stack: Stack) -> None:
    """The permissions are attached to it, and the function's policy depends on both without a cycle."""
    role = iam.Role(stack, "Mine", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    copy(stack, provider=ProjectVersionCopyProvider(stack, "Provider", role=role))
    assert {str(each["Properties"]["Roles"]) for each in resources(stack, "AWS::IAM::Policy")} == {
        str([stack.resolve(role.role_name)])
    }
