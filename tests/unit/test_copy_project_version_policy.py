"""The trusted account's side: an identity policy for copying, with least privilege."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, Environment, Fn, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rekognition as rekognition
from aws_cdk import aws_s3 as s3

from cdk_rekognition_project_policy import CopyProjectVersionPolicy
from tests.packaging import ROOT
from tests.unit.conftest import PROJECT_ARN, resources

DESTINATION = "arn:aws:rekognition:us-east-1:111122223333:project/copies/1690474772999"
SOURCE_WITHOUT_NUMBER = PROJECT_ARN.rsplit("/", 1)[0]
BUCKET = "arn:aws:s3:::results"
KEY = "arn:aws:kms:us-east-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"


def define(stack: Stack, **changes: Any) -> CopyProjectVersionPolicy:
    """Define the policy with its required parameters and these changes."""
    given: dict[str, Any] = {
        "source_project": PROJECT_ARN,
        "destination_project": DESTINATION,
        "output_bucket": s3.Bucket.from_bucket_arn(stack, "Bucket", BUCKET),
        **changes,
    }
    return CopyProjectVersionPolicy(stack, "Copy", **given)


def statements(stack: Stack) -> list[dict[str, Any]]:
    """Return the statements of the stack's one managed policy."""
    (policy,) = resources(stack, "AWS::IAM::ManagedPolicy")
    found: list[dict[str, Any]] = policy["Properties"]["PolicyDocument"]["Statement"]
    return found


@pytest.mark.parametrize("source", [PROJECT_ARN, SOURCE_WITHOUT_NUMBER])
def test_the_documented_policy_is_the_one_that_is_made(app: App, source: str) -> None:
    """The example has the statements, those about a KMS key last; the source's number may be left out."""
    own, with_key = (Stack(app, name, env=Environment(account="111122223333")) for name in ("Own", "WithKey"))
    define(own, source_project=source)
    define(with_key, output_encryption_key=kms.Key.from_key_arn(with_key, "Key", KEY))
    documented = json.loads((ROOT / "examples" / "policies" / "copier-policy.json").read_text())["Statement"]
    assert statements(own) == documented[:-2]
    assert statements(with_key) == documented


def test_named_versions_and_a_prefix() -> None:
    """The policy then allows copying these versions only, in one statement without the CDK's flag for that as well."""
    stack = Stack(App(analytics_reporting=False), "Sharing")
    define(stack, output_key_prefix="copied/", versions=["v1", "v2"])
    by_action = {str(each["Action"]): each["Resource"] for each in statements(stack)}
    assert by_action["rekognition:CopyProjectVersion"] == [f"{SOURCE_WITHOUT_NUMBER}/version/v{n}/*" for n in (1, 2)]
    assert by_action["s3:PutObject"] == f"{BUCKET}/copied/*"


@pytest.mark.parametrize("account", ["210987654321", None])
def test_results_go_to_the_buckets_account_only(stack: Stack, account: str | None) -> None:
    """Another account that takes a deleted bucket's name doesn't get them."""
    bucket = s3.Bucket.from_bucket_attributes(stack, "Theirs", bucket_name="results", account=account)
    define(stack, output_bucket=bucket)
    of_bucket = [each for each in statements(stack) if "s3:" in str(each["Action"])]
    expected = {"StringEquals": {"aws:ResourceAccount": account or {"Ref": "AWS::AccountId"}}}
    assert [each["Condition"] for each in of_bucket] == [expected] * 2


@pytest.mark.parametrize("source", [PROJECT_ARN, Fn.import_value("Source")], ids=["arn", "token"])
def test_takes_tokens(stack: Stack, source: str) -> None:
    """The key's Region is read from the destination's ARN where that is a token; the stack's may be another."""
    project = rekognition.CfnProject(stack, "Project", project_name="copies")
    key = kms.Key.from_key_arn(stack, "Key", KEY)
    define(stack, source_project=source, destination_project=project, output_encryption_key=key)
    _, into, *_, use, grant = statements(stack)
    assert into["Resource"] == {"Fn::GetAtt": ["Project", "Arn"]}
    region = {"Fn::Select": [3, {"Fn::Split": [":", {"Fn::GetAtt": ["Project", "Arn"]}]}]}
    service = {"Fn::Join": ["", ["rekognition.", region, ".amazonaws.com"]]}
    assert [each["Condition"]["StringEquals"] for each in (use, grant)] == [{"kms:ViaService": service}] * 2


def test_is_attached_to_roles(stack: Stack) -> None:
    """Roles are given at once or later, as for every managed policy; IAM's console shows what it is for."""
    first, second = (iam.Role(stack, name, assumed_by=iam.AccountRootPrincipal()) for name in ("First", "Second"))
    define(stack, roles=[first], managed_policy_name="copying").attach_to_role(second)
    (policy,) = resources(stack, "AWS::IAM::ManagedPolicy")
    assert policy["Properties"]["Roles"] == [stack.resolve(role.role_name) for role in (first, second)]
    assert policy["Properties"]["ManagedPolicyName"] == "copying"
    told = "Allows copying models from another account's Rekognition Custom Labels project"
    assert policy["Properties"]["Description"] == told


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"source_project": "logos"}, "source_project is not the ARN of a Custom Labels project"),
        ({"source_project": "arn:aws:s3:::project/logos"}, "source_project is not the ARN of a Custom Labels"),
        (
            {"destination_project": DESTINATION.replace("us-east-1", "eu-west-1")},
            "source_project is in Region us-east-1, but destination_project is in eu-west-1",
        ),
        (
            {"destination_project": DESTINATION.replace("aws", "aws-cn", 1)},
            "source_project is in partition aws, but destination_project is in aws-cn",
        ),
        ({"versions": []}, "versions is"),
        ({"roles": ["copier"]}, "role is 'copier'. Specify an iam.Role"),
    ],
)
def test_what_cannot_be_copied(stack: Stack, wrong: dict[str, Any], told: str) -> None:
    """What the service would reject is rejected where it is given, with the construct's path."""
    with pytest.raises(ValueError, match=f"^Sharing/Copy: .*{told}"):
        define(stack, **wrong)


def test_a_destination_of_another_account(placed_stack: Stack) -> None:
    """Source and destination are easily confused."""
    with pytest.raises(ValueError, match="destination_project is in account 111122223333, but this stack is in 12"):
        define(placed_stack)


@pytest.mark.parametrize(
    ("kind", "imported"),
    [("role", iam.Role.from_role_arn), ("user", iam.User.from_user_arn), ("group", iam.Group.from_group_arn)],
)
def test_an_identity_of_another_account(placed_stack: Stack, kind: str, imported: Callable[..., Any]) -> None:
    """The policy would be attached to this account's role, user or group of that name."""
    attach = getattr(define(placed_stack, destination_project=PROJECT_ARN), f"attach_to_{kind}")
    theirs = imported(placed_stack, "Theirs", f"arn:aws:iam::444455556666:{kind}/copier")
    with pytest.raises(ValueError, match=f"^Sharing/Copy: {kind} is in account 444455556666, but this stack is in 12"):
        attach(theirs)


def test_a_key_by_its_alias(stack: Stack) -> None:
    """IAM authorizes the use of a key by the key's ARN, so the policy would allow nothing."""
    alias = kms.Alias.from_alias_name(stack, "Alias", "alias/mine")
    with pytest.raises(ValueError, match=r"output_encryption_key is .*Specify a kms\.Key"):
        define(stack, output_encryption_key=alias)
