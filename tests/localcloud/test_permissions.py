"""Rekognition under ministack's IAM: whose credentials are known, who may copy under which project policies."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from localcloud.cloud import LocalCloud
from tests.localcloud.roles import Role, allow, signed_with
from tests.localcloud.support import OUTPUT, TRUSTED, TRUSTING, Setting, document, rejected, statement

ANOTHER, COPY, LIST = "565656565656", "rekognition:CopyProjectVersion", "rekognition:ListProjectPolicies"
KMS = ("kms:CreateGrant", "kms:DescribeKey", "kms:GenerateDataKey", "kms:Decrypt")
IN_RESOURCE_POLICY = "with an explicit deny in a resource-based policy"


def needed(setting: Setting, target: str | None = None) -> list[dict[str, Any]]:
    """Return the statements that a copier needs."""
    target = target or setting.target
    return [
        allow(COPY, setting.version),
        allow(COPY, target),
        allow("rekognition:CreateProjectVersion", target),
        allow("rekognition:TagResource", target.rpartition("/")[0] + "/version/*"),
        allow("s3:PutObject", "arn:aws:s3:::results/copies/*"),
    ]


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Return a name of the test's own, for projects and roles."""
    return re.sub("[^a-zA-Z0-9]+", "-", request.node.name)[5:60]


@pytest.fixture
def across(local_cloud: LocalCloud, name: str) -> Setting:
    """Return a setting across two accounts, without any policy."""
    return Setting(local_cloud.client("rekognition", TRUSTING), local_cloud.client("rekognition", TRUSTED), name)


@pytest.fixture
def role(local_cloud: LocalCloud, across: Setting, name: str) -> Role:
    """Return a role in the trusted account that may do what copying needs, and no more."""
    return Role(local_cloud, TRUSTED, name, *needed(across))


def test_a_role_may_do_what_its_policies_and_boundary_allow(
    local_cloud: LocalCloud, across: Setting, role: Role, name: str
) -> None:
    """What its policy names, on the resource it names, within its boundary."""
    role.may(allow(LIST, across.target))
    role.client().list_project_policies(ProjectArn=across.target)
    iam = local_cloud.client("iam", TRUSTED)
    boundary = iam.create_policy(PolicyName=name, PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)
    with rejected("AccessDeniedException"):
        role.client().list_project_policies(ProjectArn=across.target)


def test_unknown_credentials_are_rejected(local_cloud: LocalCloud, role: Role) -> None:
    """An unknown key, and a wrong or missing session token; ministack itself would take any other key for root's."""
    spoiled: list[dict[str, str]] = [{"SessionToken": "wrong"}, {"SessionToken": ""}, {"AccessKeyId": "ASIAUNKNOWN"}]
    clients = [role.client(**changes) for changes in spoiled]
    for client in [*clients, *(local_cloud.client("rekognition", key) for key in ("test", "AKIAIOSFODNN7EXAMPLE"))]:
        with rejected("UnrecognizedClientException"):
            client.describe_projects()


def test_a_policy_allows_another_account_to_copy(local_cloud: LocalCloud, across: Setting, role: Role) -> None:
    """Rejected without a policy, copied with it, rejected again once it's gone; root needs the policy as well."""
    client = role.client()
    words = (
        f"User: {role.session_arn()} is not authorized to perform: {COPY} on resource: {across.version} "
        f"because no resource-based policy allows the {COPY} action"
    )
    assert across.denied(client).endswith(words)
    across.denied(across.destination)
    with local_cloud.switched(list_lag=3600):  # what a list shows late is decided on at once
        across.share()
        across.share("other", Principal={"AWS": ANOTHER})
        arn = across.copy(client)
        across.copy(across.destination, VersionName="by-root")
        across.withdraw()
        assert across.denied(client, VersionName="second").endswith(words)
    assert local_cloud.set_switches().list_lag == 0
    assert across.copies()[1]["ProjectVersionArn"] == arn
    assert across.copies()[1]["SourceProjectVersionArn"] == across.version


def test_a_policy_does_not_replace_permission_of_the_own_account(across: Setting, role: Role) -> None:
    """The copier's own policies must allow the source, the destination, the copy and the place for the results."""
    across.share()
    place = across.target.rpartition("/")[0]
    result = f"arn:aws:s3:::results/copies/EvaluationResultSummary-{place.rpartition('/')[2]}-copy.json"
    resources = [across.version, across.target, across.target, f"{place}/version/copy/*", result]
    for missing, resource in enumerate(resources):
        statements = needed(across)
        action = statements.pop(missing)["Action"]
        role.may(*statements)
        assert across.denied(role.client()).endswith(
            f"is not authorized to perform: {action} on resource: {resource} "
            f"because no identity-based policy allows the {action} action"
        )


def test_a_deny_wins(across: Setting, role: Role) -> None:
    """A Deny in any policy of the project, or in one of the caller's own, beats an Allow for the caller's account."""
    across.share()
    denying = statement(Effect="Deny", Principal={"AWS": role.arn})
    across.source.put_project_policy(
        ProjectArn=across.project, PolicyName="deny", PolicyDocument=document(statement(), denying)
    )
    assert across.denied(role.client()).endswith(f"on resource: {across.version} {IN_RESOURCE_POLICY}")
    across.withdraw("deny")
    role.may(*needed(across), allow(COPY, across.version, Effect="Deny"))
    assert across.denied(role.client()).endswith("with an explicit deny in an identity-based policy")


def on_condition(key: str, value: str) -> Callable[[Setting, Role], dict[str, Any]]:
    """Return the elements of a statement for everybody who fulfils a condition."""
    return lambda *_: {"Principal": "*", "Condition": {"StringLike": {key: value}}}


@pytest.mark.parametrize(
    ("elements", "allowed"),
    [
        (lambda *_: {"Principal": {"AWS": [ANOTHER, f"arn:aws:iam::{TRUSTED}:root"]}}, True),
        (lambda _, role: {"Principal": {"AWS": role.arn}}, True),
        (lambda _, role: {"Principal": {"AWS": role.session_arn()}}, True),
        (lambda _, role: {"Principal": {"AWS": role.session_arn("other")}}, False),
        (lambda *_: {"Principal": {"AWS": TRUSTING}}, False),
        (lambda setting, _: {"Resource": setting.version}, True),
        (lambda setting, _: {"Resource": setting.version.rpartition("/v1/")[0] + "/*"}, True),
        (lambda setting, _: {"Resource": setting.version.replace("/v1/", "/v2/")}, False),
        (on_condition("aws:PrincipalArn", f"arn:aws:iam::{TRUSTED}:role/team/*"), True),
        (on_condition("aws:PrincipalArn", f"arn:aws:sts::{TRUSTED}:assumed-role/*"), False),
        (on_condition("aws:SecureTransport", "true"), True),
        (on_condition("aws:RequestedRegion", "eu-west-1"), False),
        # Neither allows nor breaks anything.
        (lambda *_: {"Condition": {"DateLessThan": {"aws:CurrentTime": "1e400"}}}, False),
    ],
)
def test_a_policy_is_for_whom_and_what_it_names(
    across: Setting, role: Role, elements: Callable[[Setting, Role], dict[str, Any]], allowed: bool
) -> None:
    """Principal, resource and condition each narrow it, and a session has its account, its role and itself."""
    across.share(**elements(across, role))
    if allowed:
        across.copy(role.client())
    else:
        across.denied(role.client())


def test_a_user_and_a_member_of_the_organization_may_be_named(
    local_cloud: LocalCloud, across: Setting, name: str
) -> None:
    """A user of the trusted account copies under a policy that names it, or its organization."""
    iam = local_cloud.client("iam", TRUSTED)
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=document(*needed(across)))
    client = signed_with(local_cloud, **iam.create_access_key(UserName=name)["AccessKey"])
    organization = local_cloud.client("organizations", TRUSTED).describe_organization()["Organization"]["Id"]
    across.denied(client)
    across.share(Principal={"AWS": arn})
    across.copy(client)
    across.withdraw()
    across.share(Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": organization}})
    across.copy(client, VersionName="second")


def test_within_an_account_no_policy_is_needed(local_cloud: LocalCloud, across: Setting, name: str) -> None:
    """A role's own policies suffice, unless a project policy denies, which then also holds for root."""
    target = across.source.create_project(ProjectName=f"{name}-near")["ProjectArn"]
    role = Role(local_cloud, TRUSTING, name, *needed(across, target))
    across.share(Principal={"AWS": TRUSTED})
    across.copy(role.client(), DestinationProjectArn=target)
    across.share("deny", Effect="Deny", Principal={"AWS": TRUSTING})
    for client in (role.client(), across.source):
        told = across.denied(client, DestinationProjectArn=target, VersionName="third")
        assert told.endswith(IN_RESOURCE_POLICY)


def test_a_key_for_the_results_must_be_usable_through_rekognition(
    local_cloud: LocalCloud, across: Setting, role: Role
) -> None:
    """A copy, and training, need four permissions on the key, which ViaService and GrantIsForAWSResource may limit."""
    key = local_cloud.client("kms", TRUSTED).create_key()["KeyMetadata"]
    across.share()
    via = {"StringEquals": {"kms:ViaService": "rekognition.us-east-1.amazonaws.com"}}
    grant = via | {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    elsewhere = {"StringEquals": {"kms:ViaService": "rekognition.eu-west-1.amazonaws.com"}}

    def given(without: str = "", **changed: Any) -> list[dict[str, Any]]:
        conditions = {action: changed.get("condition", grant if action == KMS[0] else via) for action in KMS}
        return [allow(each, key["Arn"], Condition=conditions[each]) for each in KMS if each != without]

    for missing in KMS:
        role.may(*needed(across), *given(without=missing))
        told = across.denied(role.client(), KmsKeyId=key["KeyId"])
        assert f"not authorized to perform: {missing} on resource: {key['Arn']} " in told
    for wrong in (elsewhere, grant):  # only the grant is for an AWS service
        role.may(*needed(across), *given(condition=wrong))
        across.denied(role.client(), KmsKeyId=key["KeyId"])
    role.may(*needed(across), *given())
    across.copy(role.client(), KmsKeyId=key["Arn"])
    train: Any = {"ProjectArn": across.target, "VersionName": "v1", "OutputConfig": OUTPUT, "KmsKeyId": key["Arn"]}
    role.client().create_project_version(**train)


def test_the_policies_of_key_and_bucket_count(local_cloud: LocalCloud, across: Setting, role: Role, name: str) -> None:
    """A key's own policy must allow even root; a bucket's may demand TLS, which is met, or deny the copier."""
    others = document(allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ANOTHER}:root"}))
    key = local_cloud.client("kms", TRUSTED).create_key(Policy=others, BypassPolicyLockoutSafetyCheck=True)
    across.share()
    told = across.denied(across.destination, KmsKeyId=key["KeyMetadata"]["KeyId"])
    assert "because no resource-based policy allows the kms:CreateGrant" in told

    s3, bucket = local_cloud.client("s3", TRUSTED), name.lower()
    s3.create_bucket(Bucket=bucket)
    objects = f"arn:aws:s3:::{bucket}/*"
    role.may(*needed(across), allow("s3:PutObject", objects))

    def deny(**whom: Any) -> None:
        s3.put_bucket_policy(Bucket=bucket, Policy=document(allow("s3:*", objects, Effect="Deny", **whom)))

    deny(Principal="*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    across.copy(role.client(), OutputConfig={"S3Bucket": bucket})
    deny(Principal={"AWS": role.arn})
    told = across.denied(role.client(), OutputConfig={"S3Bucket": bucket}, VersionName="second")
    assert told.endswith(IN_RESOURCE_POLICY)
