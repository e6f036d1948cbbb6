"""The copy as a construct: what is in the template, what its role may do, and what is rejected before there is one."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Aws, Environment, Fn, RemovalPolicy, Stack, Tags
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rekognition as rekognition
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from cdk_rekognition_project_policy import CopyProjectVersionPolicy
from tests.unit.conftest import (
    HERE,
    PROJECT_ARN,
    SOURCE,
    SOURCE_VERSION,
    TYPE_OF_COPY,
    VERSIONS,
    allowed,
    define_copy,
    identity_statements,
    properties,
    resources,
    warned,
)

KEY = "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
ELSEWHERE = SOURCE_VERSION.replace("us-east-1", "eu-west-1")
ARNS = {"source_project": SOURCE, "source_version_arn": SOURCE_VERSION, "destination_project": PROJECT_ARN}


def copy_properties(stack: Stack) -> dict[str, Any]:
    """Return the properties of the stack's one copy, without its service token."""
    found = dict(properties(stack, TYPE_OF_COPY))
    del found["ServiceToken"]
    return found


def test_its_properties_are_the_functions(app: App) -> None:
    """The template has what is given, and nothing for what has its default."""
    stack, whole = Stack(app, "Sharing"), Stack(app, "Whole")
    define_copy(stack)
    define_copy(
        whole,
        output_key_prefix="copied/",
        output_encryption_key=kms.Key.from_key_arn(whole, "Key", KEY),
        version_name="v1-copied",
        tags={"team": "logos"},
        adopt_existing=True,
        stop_running=True,
    )
    required = {
        "ServiceTimeout": "3600",
        "SourceProjectArn": SOURCE,
        "SourceProjectVersionArn": SOURCE_VERSION,
        "DestinationProjectArn": PROJECT_ARN,
        "OutputConfig": {"S3Bucket": "results"},
    }
    assert copy_properties(stack) == required
    assert copy_properties(whole) == required | {
        "OutputConfig": {"S3Bucket": "results", "S3KeyPrefix": "copied/"},
        "KmsKeyId": KEY,
        "VersionName": "v1-copied",
        "Tags": {"team": "logos"},
        "AdoptExisting": True,
        "StopRunning": True,
    }


def test_its_attributes_are_the_functions(stack: Stack) -> None:
    """The ARN is an attribute, since the ID of an adopted copy has more to it."""
    made = define_copy(stack)
    (name,) = Template.from_stack(stack).find_resources(TYPE_OF_COPY)
    assert stack.resolve([made.version_arn, made.version_name, made.project_arn]) == [
        {"Fn::GetAtt": [name, attribute]} for attribute in ("ProjectVersionArn", "VersionName", "ProjectArn")
    ]


def test_takes_the_tags_of_the_app(app: App) -> None:
    """Tags of an app or a stack reach the copy beside its own, tokens too; a copy without tags has no property."""
    stack, bare = Stack(app, "Sharing"), Stack(app, "Bare")
    define_copy(bare)
    define_copy(stack, tags={"team": "logos", "stage": "beta", "owner": Fn.import_value("Owner")})
    Tags.of(stack).add("cost", Aws.ACCOUNT_ID)
    Tags.of(stack).add("stage", "production")
    assert copy_properties(stack)["Tags"] == {
        "team": "logos",
        "stage": "production",
        "owner": {"Fn::ImportValue": "Owner"},
        "cost": {"Ref": "AWS::AccountId"},
    }
    assert "Tags" not in copy_properties(bare)


def test_takes_tokens_everywhere(stack: Stack) -> None:
    """Whatever only the deployment will tell is passed on."""
    names = ("Source", "Version", "Bucket", "Prefix", "Name", "Tag")
    source, version, bucket, prefix, name, tag = (Fn.import_value(each) for each in names)
    key_arn = f"arn:{Aws.PARTITION}:kms:{Aws.REGION}:123456789012:key/1"
    project = rekognition.CfnProject(stack, "Project", project_name="copies")
    define_copy(
        stack,
        source_project=source,
        source_version_arn=version,
        destination_project=project,
        output_bucket=s3.Bucket.from_bucket_name(stack, "Bucket", bucket),
        output_key_prefix=prefix,
        output_encryption_key=kms.Key.from_key_arn(stack, "Key", key_arn),
        version_name=name,
        tags={"team": tag},
    )
    assert copy_properties(stack) == {
        "ServiceTimeout": "3600",
        "SourceProjectArn": {"Fn::ImportValue": "Source"},
        "SourceProjectVersionArn": {"Fn::ImportValue": "Version"},
        "DestinationProjectArn": {"Fn::GetAtt": ["Project", "Arn"]},
        "OutputConfig": {"S3Bucket": {"Fn::ImportValue": "Bucket"}, "S3KeyPrefix": {"Fn::ImportValue": "Prefix"}},
        "KmsKeyId": stack.resolve(key_arn),
        "VersionName": {"Fn::ImportValue": "Name"},
        "Tags": {"team": {"Fn::ImportValue": "Tag"}},
    }


def test_the_role_may_copy_as_the_policy_for_copying_by_hand_allows(stack: Stack) -> None:
    """It adds the removal of tags, and names the one model version that is copied."""
    output: dict[str, Any] = {
        "output_bucket": s3.Bucket.from_bucket_name(stack, "Bucket", "results"),
        "output_key_prefix": "copied/",
        "output_encryption_key": kms.Key.from_key_arn(stack, "Key", KEY),
    }
    define_copy(stack, **output)
    of_version: dict[str, Any] = {"source_project": SOURCE, "versions": [SOURCE_VERSION]}
    CopyProjectVersionPolicy(stack, "ByHand", destination_project=PROJECT_ARN, **of_version, **output)
    by_hand = identity_statements(stack, "AWS::IAM::ManagedPolicy")
    untag = {"Action": "rekognition:UntagResource", "Effect": "Allow", "Resource": VERSIONS}
    of_copies = allowed([*by_hand, untag])
    everything = allowed(identity_statements(stack))
    assert everything >= of_copies
    assert "Copy" not in str({action for action, *_ in everything - of_copies})


def test_grants_are_about_the_copy_alone(stack: Stack) -> None:
    """Who may analyze images needs nothing else, nor does who may start and stop it."""
    made = define_copy(stack)
    detecting, starting = (iam.Role(stack, name, assumed_by=iam.AccountRootPrincipal()) for name in ("A", "B"))
    made.grant_detect(detecting)
    made.grant_start_stop(starting)
    arn = stack.resolve(made.version_arn)
    assert [each for each in identity_statements(stack) if each["Resource"] == arn] == [
        {"Action": action, "Effect": "Allow", "Resource": arn}
        for action in (
            "rekognition:DetectCustomLabels",
            ["rekognition:StartProjectVersion", "rekognition:StopProjectVersion"],
        )
    ]


@pytest.mark.parametrize("name", ["grant_detect", "grant_start_stop"])
@pytest.mark.parametrize(
    ("grantee", "told"),
    [
        # A model version has no policy of its own, so the grant would be lost without a word.
        (iam.AccountPrincipal("111122223333"), ".* the grantee, AccountPrincipal.* specify a role, a user or a group"),
        ("x", "'x' isn't an IGrantable.* a role, user or group of this account"),
    ],
)
def test_rejects_a_grant_to_what_gets_no_identity_policy(stack: Stack, name: str, grantee: Any, told: str) -> None:
    """The message says who can be granted it."""
    with pytest.raises(ValueError, match=f"^Sharing/Copy: {told}"):
        getattr(define_copy(stack), name)(grantee)


def test_a_grant_keeps_the_grantees_conditions(stack: Stack) -> None:
    """Without them it would allow more than what was written."""
    role, office = iam.Role(stack, "Role", assumed_by=iam.AccountRootPrincipal()), {"aws:SourceIp": "203.0.113.0/24"}
    define_copy(stack).grant_detect(iam.PrincipalWithConditions(role, {"IpAddress": office}))
    (granted,) = [each for each in identity_statements(stack) if each["Action"] == "rekognition:DetectCustomLabels"]
    assert granted["Condition"] == {"IpAddress": office}


@pytest.mark.parametrize("account", ["444455556666", None])
def test_a_grant_to_what_is_of_this_account(app: App, account: str | None) -> None:
    """By its name, in whichever stack, or once the CLI has looked it up; also a group, which has no conditions."""
    stack, other = (Stack(app, name, env=Environment(account=account, region="us-east-1")) for name in ("One", "Two"))
    imported = iam.Role.from_role_name(other, "Imported", "analyst")
    made = define_copy(stack, destination_project=rekognition.CfnProject(stack, "Project", project_name="copies"))
    grantees: list[iam.IGrantable] = [
        imported,
        iam.PrincipalWithConditions(imported, {"Bool": {"aws:SecureTransport": "true"}}),
        iam.Role(other, "Role", role_name="role", assumed_by=iam.AccountRootPrincipal()).without_policy_updates(),
        iam.LazyRole(other, "Lazy", role_name="lazy", assumed_by=iam.AccountRootPrincipal()),
        iam.Group(stack, "Group"),
        iam.Group.from_group_name(stack, "ImportedGroup", "analysts"),
        *([iam.Role.from_lookup(stack, "LookedUp", role_name="theirs")] if account else []),
    ]
    assert all(made.grant_detect(grantee).success for grantee in grantees)


@pytest.mark.parametrize("account", ["123456789012", None])
@pytest.mark.parametrize("kind", ["role", "user", "group"])
def test_rejects_a_grant_to_a_namesake(app: App, kind: str, account: str | None) -> None:
    """The CDK would attach the policy to the role of that name in this account, or to none without a word."""
    stack = Stack(app, "Sharing", env=Environment(account=account, region="us-east-1"))
    arn = f"arn:aws:iam::444455556666:{kind}/Admin"
    imports: dict[str, Any] = {
        "role": iam.Role.from_role_arn,
        "user": iam.User.from_user_arn,
        "group": iam.Group.from_group_arn,
    }
    told = "grantee is in account 444455556666" if account else "no identity policy can be attached to the grantee"
    made = define_copy(stack, destination_project=rekognition.CfnProject(stack, "Project", project_name="copies"))
    with pytest.raises(ValueError, match=f"^Sharing/Copy: {told}"):
        made.grant_detect(imports[kind](stack, "Theirs", arn))


def test_rejects_a_grant_to_a_role_of_another_account_of_the_app(app: App) -> None:
    """Its policy would be attached over there, where it allows nothing."""
    here, elsewhere = Stack(app, "Here", env=HERE), Stack(app, "There", env=Environment(account="444455556666"))
    role = iam.Role(elsewhere, "Role", role_name="theirs", assumed_by=iam.AccountRootPrincipal())
    with pytest.raises(ValueError, match="grantee is in account 444455556666, but this stack is in 123456789012"):
        define_copy(here).grant_start_stop(role)


def test_rejects_a_source_of_another_partition(app: App) -> None:
    """The stack's Region tells its own, where the destination's ARN isn't known."""
    stack = Stack(app, "Copying", env=Environment(region="us-east-1"))
    project = rekognition.CfnProject(stack, "Project", project_name="copies")
    source = {
        "source_project": SOURCE.replace("arn:aws:", "arn:aws-cn:"),
        "source_version_arn": SOURCE_VERSION.replace("arn:aws:", "arn:aws-cn:"),
    }
    with pytest.raises(ValueError, match=r"^Copying/Copy: source_project is in partition aws-cn, but"):
        define_copy(stack, destination_project=project, **source)


@pytest.mark.parametrize("apply", [True, False])
def test_can_be_retained(stack: Stack, apply: bool) -> None:
    """By default it is deleted with the stack, as every resource is."""
    made = define_copy(stack, removal_policy=RemovalPolicy.DESTROY if apply else RemovalPolicy.RETAIN)
    if apply:
        made.apply_removal_policy(RemovalPolicy.RETAIN)
    (found,) = resources(stack, TYPE_OF_COPY)
    assert (found["DeletionPolicy"], found["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_warns_of_a_region_without_custom_labels(app: App) -> None:
    """There every call is denied."""
    stack = Stack(app, "Copying", env=Environment(account="123456789012", region="eu-north-1"))
    define_copy(stack, **{name: arn.replace("us-east-1", "eu-north-1") for name, arn in ARNS.items()})
    assert warned(stack, "in Region eu-north-1") == ["/Copying/Copy"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"source_project": SOURCE_VERSION}, "source_project is not the ARN of a Custom Labels project"),
        ({"source_project": None}, "source_project is None. Specify a CfnProject or another IProjectRef"),
        # The role would be allowed to copy what it names.
        ({"source_version_arn": SOURCE}, "source_version_arn is not the ARN of a model version"),
        ({"source_version_arn": "*"}, "source_version_arn is not the ARN of a model version"),
        ({"source_version_arn": 5}, "source_version_arn is not the ARN of a model version"),
        ({"destination_project": "copies"}, "destination_project is not the ARN of a Custom Labels project"),
        ({"output_encryption_key": KEY}, "output_encryption_key is .*Specify a kms.Key"),
        (
            {"removal_policy": None},
            "removal_policy is None. .* RemovalPolicy.DESTROY or RemovalPolicy.RETAIN",
        ),  # the CDK would retain
        ({"adopt_existing": "false"}, "adopt_existing is 'false'. Specify True or False"),
        # The copy would be another one, beside that which was to be adopted.
        ({"adopt_existing": True}, "version_name is None. Specify the name of the copy that adopt_existing takes over"),
        ({"stop_running": 1}, "stop_running is 1. Specify True or False"),
        ({"source_version_arn": SOURCE_VERSION.replace("logos", "faces")}, 'version .*faces.* of project "logos"'),
        (
            {"source_project": Fn.import_value("Source"), "source_version_arn": ELSEWHERE},
            "source_version_arn is in Reg",
        ),
        (
            {"destination_project": PROJECT_ARN.replace("aws", "aws-cn", 1)},
            "source_project is in partition aws, but destination_project is in aws-cn",
        ),
        ({"version_name": "logos/v1"}, 'VersionName "logos/v1" is not valid'),
        ({"output_key_prefix": "s3://results/"}, 'S3KeyPrefix of OutputConfig "s3://results/" is not valid'),
    ],
)
def test_rejects_values(stack: Stack, wrong: dict[str, Any], told: str) -> None:
    """A mistake that would allow, destroy or duplicate something is told with what to specify."""
    with pytest.raises(ValueError, match=f"^Sharing/Copy: {told}"):
        define_copy(stack, **wrong)


def test_rejects_tags_that_the_function_would_reject(app: App) -> None:
    """They are counted when all are known, with those of the app; a token breaks no rule."""
    reserved, many = Stack(app, "Reserved"), Stack(app, "Many")
    define_copy(reserved, tags={"aws:team": Fn.import_value("Team")})
    define_copy(many, tags={f"key{number}": Aws.REGION for number in range(45)})
    Tags.of(many).add("stage", "beta")
    with pytest.raises(RuntimeError) as raised:
        app.synth()
    assert '[Reserved/Copy] Tags has the key "aws:team", whose prefix is reserved for AWS' in str(raised.value)
    assert "[Many/Copy] Property Tags has 46 tags" in str(raised.value)


def test_rejects_a_key_elsewhere(stack: Stack) -> None:
    """The copy is encrypted in its own Region."""
    key = kms.Key.from_key_arn(stack, "Key", KEY.replace("us-east-1", "eu-west-1"))
    with pytest.raises(ValueError, match=r"^Sharing/Copy: output_encryption_key is in Region eu-west-1"):
        define_copy(stack, output_encryption_key=key)


def test_rejects_a_source_elsewhere(placed_stack: Stack) -> None:
    """The Region of a destination of the app is its stack's."""
    project = rekognition.CfnProject(placed_stack, "Project", project_name="copies")
    moved = {name: ARNS[name].replace("us-east-1", "eu-west-1") for name in ("source_project", "source_version_arn")}
    with pytest.raises(ValueError, match="source_project is in Region eu-west-1, but destination_project is in us-ea"):
        define_copy(placed_stack, destination_project=project, **moved)


def test_rejects_a_destination_elsewhere(app: App) -> None:
    """The function acts in its own account and Region, whether the project is named or one of the app."""
    here = Stack(app, "Here", env=HERE)
    elsewhere = Stack(app, "Elsewhere", env=Environment(account="111122223333", region="us-east-1"))
    project = rekognition.CfnProject(elsewhere, "Project", project_name="copies")
    told = "destination_project is in account 111122223333, but this stack is in 123456789012. Specify one in account 1"
    for construct_id, destination in (("Copies", project), ("Logos", SOURCE)):
        with pytest.raises(ValueError, match=told):
            define_copy(here, construct_id, destination_project=destination)
