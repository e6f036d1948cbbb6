"""Who may copy under which project policies, from one account to another, and what else IAM decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from localcloud.cloud import LocalCloud
from tests.localcloud.roles import Role, allow, policy, signed_with
from tests.localcloud.support import OUTPUT, TRUSTED, TRUSTING, Setting, document, rejected, statement

ANOTHER, COPY = "565656565656", "rekognition:CopyProjectVersion"
KMS = ("kms:CreateGrant", "kms:DescribeKey", "kms:GenerateDataKey", "kms:Decrypt")


@pytest.fixture
def across(local_cloud: LocalCloud, name: str) -> Setting:
    """Return a setting across two accounts, without any policy."""
    return Setting(local_cloud.client("rekognition", TRUSTING), local_cloud.client("rekognition", TRUSTED), name)


@pytest.fixture
def role(local_cloud: LocalCloud, across: Setting, name: str) -> Role:
    """Return a role in the trusted account that may do what copying needs, and no more."""
    return Role(local_cloud, TRUSTED, name, *needed(across))


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


@pytest.fixture(scope="module")
def organization(local_cloud: LocalCloud) -> str:
    """Return the id of the organization of the trusted account, which ministack makes when it is first asked for."""
    response = local_cloud.client("organizations", TRUSTED).describe_organization()
    return str(response["Organization"]["Id"])


def test_a_policy_allows_another_account_to_copy(local_cloud: LocalCloud, across: Setting, role: Role) -> None:
    """Rejected without a policy, copied with it, and rejected again once it was taken away, all in AWS's words."""
    client = role.client()
    words = (
        f"User: {role.session_arn()} is not authorized to perform: {COPY} on resource: {across.version} "
        f"because no resource-based policy allows the {COPY} action"
    )
    with rejected("AccessDeniedException") as told:
        across.copy(client)
    assert told.message == words
    with local_cloud.switched(list_lag=3600):  # what a list shows late is decided on at once
        across.share()
        arn = across.copy(client)
        across.withdraw()
        with rejected("AccessDeniedException") as told:
            across.copy(client, VersionName="second")
    assert told.message == words
    (copy,) = across.copies()
    assert copy["ProjectVersionArn"] == arn
    assert copy["Status"] == "COPYING_COMPLETED"
    assert copy["SourceProjectVersionArn"] == across.version


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
        with rejected("AccessDeniedException") as told:
            across.copy(role.client())
        assert told.message.endswith(
            f"is not authorized to perform: {action} on resource: {resource} "
            f"because no identity-based policy allows the {action} action"
        )
    role.may(*needed(across))
    across.copy(role.client())


def test_a_copy_may_need_no_permission_to_create_and_tag(local_cloud: LocalCloud, across: Setting, role: Role) -> None:
    """The API reference asks for CopyProjectVersion only, which the switch follows."""
    across.share()
    role.may(allow(COPY), allow("s3:PutObject"))
    with rejected("AccessDeniedException"):
        across.copy(role.client())
    with local_cloud.switched(copy_permissions="copy_only"):
        across.copy(role.client())


@pytest.mark.parametrize("same_policy", [True, False])
def test_a_deny_in_any_policy_wins(across: Setting, role: Role, same_policy: bool) -> None:
    """All policies of a project count together, and a Deny for the role beats an Allow for its account."""
    allowing = statement(Principal={"AWS": TRUSTED})
    denying = statement(Effect="Deny", Principal={"AWS": role.arn})
    documents = [document(allowing, denying)] if same_policy else [document(allowing), document(denying)]
    for number, text in enumerate(documents):
        across.source.put_project_policy(ProjectArn=across.project, PolicyName=f"p{number}", PolicyDocument=text)
    with rejected("AccessDeniedException") as told:
        across.copy(role.client())
    assert told.message.endswith(f"on resource: {across.version} with an explicit deny in a resource-based policy")


def test_a_deny_of_the_own_account_wins(across: Setting, role: Role) -> None:
    """However much is allowed elsewhere."""
    across.share()
    role.may(*needed(across), allow(COPY, across.version, Effect="Deny"))
    with rejected("AccessDeniedException") as told:
        across.copy(role.client())
    assert told.message.endswith("with an explicit deny in an identity-based policy")


def test_several_policies_add_up(across: Setting, role: Role) -> None:
    """One policy that says nothing of the caller doesn't take away what another allows."""
    across.share("other", Principal={"AWS": ANOTHER})
    across.share()
    across.copy(role.client())


@pytest.mark.parametrize(
    ("principal", "allowed"),
    [
        (lambda role: TRUSTED, True),
        (lambda role: [ANOTHER, f"arn:aws:iam::{TRUSTED}:root"], True),
        (lambda role: role.arn, True),
        (lambda role: role.session_arn(), True),
        (lambda role: "*", True),
        (lambda role: ANOTHER, False),
        (lambda role: f"arn:aws:iam::{ANOTHER}:root", False),
        (lambda role: TRUSTING, False),
        (lambda role: role.arn + "-2", False),
        (lambda role: role.arn.replace(TRUSTED, ANOTHER), False),
        (lambda role: role.session_arn("other"), False),
        (lambda role: f"arn:aws:iam::{TRUSTED}:user/ann", False),
        (lambda role: "AROAEXAMPLEEXAMPLE12", False),
    ],
)
def test_a_policy_is_for_whom_it_names(
    across: Setting, role: Role, principal: Callable[[Role], Any], allowed: bool
) -> None:
    """A session of a role is matched by its account, its role and itself only."""
    across.share(Principal={"AWS": principal(role)})
    if allowed:
        across.copy(role.client())
    else:
        with rejected("AccessDeniedException"):
            across.copy(role.client())


def test_a_user_may_be_named(local_cloud: LocalCloud, across: Setting, name: str) -> None:
    """A user of the trusted account copies under a policy that names it."""
    iam = local_cloud.client("iam", TRUSTED)
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=policy(*needed(across)))
    client = signed_with(local_cloud, **iam.create_access_key(UserName=name)["AccessKey"])
    with rejected("AccessDeniedException"):
        across.copy(client)
    across.share(Principal={"AWS": arn})
    across.copy(client)


def test_another_accounts_root_needs_the_policy_too(across: Setting) -> None:
    """Root may do everything, but only to what is its account's."""
    with rejected("AccessDeniedException"):
        across.copy(across.destination)
    across.share()
    across.copy(across.destination)


def test_only_the_version_that_is_named_is_shared(across: Setting, role: Role) -> None:
    """A policy for one version says nothing of the others."""
    second = across.train("v2")
    role.may(*needed(across), allow(COPY, second))
    across.share(Resource=across.version)
    with rejected("AccessDeniedException") as told:
        across.copy(role.client(), SourceProjectVersionArn=second)
    assert f"on resource: {second} because no resource-based policy" in told.message
    across.copy(role.client())


def test_every_version_of_the_project_may_be_shared(across: Setting, role: Role) -> None:
    """Also those that are made later; one that was never made is told as missing."""
    across.share(Resource=across.version.replace("/v1/", "/*/").rpartition("/")[0] + "/*")
    second = across.train("v2")
    unknown = second.replace("/v2/", "/v3/")
    role.may(*needed(across), allow(COPY, second), allow(COPY, unknown))
    across.copy(role.client(), SourceProjectVersionArn=second)
    with rejected("ResourceNotFoundException"):
        across.copy(role.client(), SourceProjectVersionArn=unknown)


def test_strangers_cannot_find_out_what_exists(across: Setting, role: Role) -> None:
    """Without a policy that trusts it, an account can't find out whether a project exists."""
    role.may(allow("*"))
    missing = {
        "SourceProjectArn": across.project.replace("-source/", "-missing/"),
        "SourceProjectVersionArn": across.version.replace("-source/", "-missing/"),
    }
    with rejected("AccessDeniedException") as told:
        across.copy(role.client(), **missing)
    assert "because no resource-based policy" in told.message


@pytest.mark.parametrize(
    ("key", "right", "wrong"),
    [
        ("aws:PrincipalAccount", TRUSTED, ANOTHER),
        ("aws:PrincipalArn", f"arn:aws:iam::{TRUSTED}:role/team/*", f"arn:aws:iam::{TRUSTED}:role/other/*"),
        ("aws:PrincipalArn", None, f"arn:aws:sts::{TRUSTED}:assumed-role/*"),
        ("aws:SecureTransport", "true", "false"),
        ("aws:RequestedRegion", "us-east-1", "eu-west-1"),
        ("aws:PrincipalTag/team", None, "vision"),
    ],
)
def test_a_condition_narrows_a_policy(across: Setting, role: Role, key: str, right: str | None, wrong: str) -> None:
    """A policy for everybody is for those who fulfil its condition."""
    across.share(Principal="*", Condition={"StringLike": {key: wrong}})
    with rejected("AccessDeniedException"):
        across.copy(role.client())
    if right is not None:
        across.withdraw()
        across.share(Principal="*", Condition={"StringLike": {key: [right]}})
        across.copy(role.client())


def test_a_policy_may_be_for_an_organization(across: Setting, role: Role, organization: str) -> None:
    """An account is in its organization, and in no other."""
    across.share(Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}})
    with rejected("AccessDeniedException"):
        across.copy(role.client())
    across.share("right", Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": organization}})
    across.copy(role.client())


def test_a_policy_that_cannot_be_evaluated_denies(across: Setting, role: Role) -> None:
    """It neither allows nor breaks anything, whatever it holds."""
    across.share(Condition={"DateLessThan": {"aws:CurrentTime": "1e400"}})
    with rejected("AccessDeniedException"):
        across.copy(role.client())


def test_within_an_account_no_policy_is_needed(local_cloud: LocalCloud, across: Setting, name: str) -> None:
    """A role's own policies suffice, unless a project policy denies, which then also holds for root."""
    target = across.source.create_project(ProjectName=f"{name}-near")["ProjectArn"]
    role = Role(local_cloud, TRUSTING, name, *needed(across, target))
    across.copy(role.client(), DestinationProjectArn=target)
    across.share(Principal={"AWS": TRUSTED})
    across.copy(role.client(), DestinationProjectArn=target, VersionName="second")
    across.share("deny", Effect="Deny", Principal={"AWS": TRUSTING})
    for client in (role.client(), across.source):
        with rejected("AccessDeniedException") as told:
            across.copy(client, DestinationProjectArn=target, VersionName="third")
        assert told.message.endswith("with an explicit deny in a resource-based policy")


def test_a_key_for_the_results_must_be_usable(local_cloud: LocalCloud, across: Setting, role: Role) -> None:
    """With a key the copier needs four permissions on it; its id means the key of the destination's account."""
    key = local_cloud.client("kms", TRUSTED).create_key()["KeyMetadata"]
    across.share()
    for missing in KMS:
        role.may(*needed(across), *(allow(action, key["Arn"]) for action in KMS if action != missing))
        with rejected("AccessDeniedException") as told:
            across.copy(role.client(), KmsKeyId=key["KeyId"])
        assert f"not authorized to perform: {missing} on resource: {key['Arn']} " in told.message
    role.may(*needed(across), *(allow(action, key["Arn"]) for action in KMS))
    across.copy(role.client(), KmsKeyId=key["KeyId"])
    across.copy(role.client(), KmsKeyId=key["Arn"], VersionName="by-arn")


def test_a_key_is_used_through_rekognition(local_cloud: LocalCloud, across: Setting, role: Role) -> None:
    """Statements with kms:ViaService for the Region's Rekognition, and for a grant for an AWS service, are enough."""
    key = local_cloud.client("kms", TRUSTED).create_key()["KeyMetadata"]["Arn"]
    across.share()
    via = {"StringEquals": {"kms:ViaService": "rekognition.us-east-1.amazonaws.com"}}
    grant = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    elsewhere = {"StringEquals": {"kms:ViaService": "rekognition.eu-west-1.amazonaws.com"}}
    for wrong in (elsewhere, {"Bool": {"kms:GrantIsForAWSResource": "false"}}):
        role.may(*needed(across), *(allow(action, key, Condition=wrong) for action in KMS))
        with rejected("AccessDeniedException"):
            across.copy(role.client(), KmsKeyId=key)
    role.may(*needed(across), *(allow(action, key, Condition=grant | via) for action in KMS))
    with rejected("AccessDeniedException") as told:
        across.copy(role.client(), KmsKeyId=key)
    assert "kms:DescribeKey" in told.message
    role.may(
        *needed(across),
        allow("kms:CreateGrant", key, Condition=grant | via),
        *(allow(action, key, Condition=via) for action in KMS if action != "kms:CreateGrant"),
    )
    across.copy(role.client(), KmsKeyId=key)


def test_a_key_policy_must_allow(local_cloud: LocalCloud, across: Setting, role: Role) -> None:
    """A key's own policy counts, even for root of its account."""
    others = policy(allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ANOTHER}:root"}))
    key = local_cloud.client("kms", TRUSTED).create_key(Policy=others, BypassPolicyLockoutSafetyCheck=True)
    across.share()
    with rejected("AccessDeniedException") as told:
        across.copy(across.destination, KmsKeyId=key["KeyMetadata"]["KeyId"])
    assert "kms:CreateGrant" in told.message
    assert "because no resource-based policy allows" in told.message


def test_a_bucket_policy_may_deny(local_cloud: LocalCloud, across: Setting, role: Role, name: str) -> None:
    """A bucket that takes only what comes over TLS takes results; one that denies the copier doesn't."""
    s3, bucket = local_cloud.client("s3", TRUSTED), name.lower()
    s3.create_bucket(Bucket=bucket)
    objects = f"arn:aws:s3:::{bucket}/*"
    role.may(*needed(across), allow("s3:PutObject", objects))
    across.share()
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    tls_only = policy(allow("s3:*", objects, Effect="Deny", Principal="*", Condition=plain))
    s3.put_bucket_policy(Bucket=bucket, Policy=tls_only)
    across.copy(role.client(), OutputConfig={"S3Bucket": bucket})
    denying = policy(allow("s3:PutObject", objects, Effect="Deny", Principal={"AWS": role.arn}))
    s3.put_bucket_policy(Bucket=bucket, Policy=denying)
    with rejected("AccessDeniedException") as told:
        across.copy(role.client(), OutputConfig={"S3Bucket": bucket}, VersionName="second")
    assert told.message.endswith("with an explicit deny in a resource-based policy")


def test_training_needs_the_place_for_its_results_too(across: Setting, role: Role) -> None:
    """CreateProjectVersion asks for the same as a copy, but for the source."""
    training = [allow("rekognition:CreateProjectVersion", across.target)]
    output = [allow("s3:PutObject", "arn:aws:s3:::results/*"), *(allow(action) for action in KMS)]
    given: Any = {"ProjectArn": across.target, "VersionName": "v1", "OutputConfig": OUTPUT, "KmsKeyId": "key"}
    for statements in (training, output, training + output[:-1], training + output[1:]):
        role.may(*statements)
        with rejected("AccessDeniedException"):
            role.client().create_project_version(**given)
    role.may(*training, *output)
    role.client().create_project_version(**given)


def test_tags_decide_who_may_change_a_copy(local_cloud: LocalCloud, across: Setting, role: Role) -> None:
    """aws:ResourceTag has a model version's tags, unless the switch takes the service for one that ignores them."""
    across.share()
    mine, foreign = (across.copy(role.client(), VersionName=name, Tags={"Owner": name}) for name in ("mine", "foreign"))
    owned = {"StringEquals": {"aws:ResourceTag/Owner": "mine"}}
    actions = ("StopProjectVersion", "TagResource", "UntagResource", "ListTagsForResource", "DeleteProjectVersion")
    role.may(*(allow(f"rekognition:{action}", Condition=owned) for action in actions))
    client = role.client()

    def calls(arn: str) -> list[Callable[[], Any]]:
        return [
            lambda: client.list_tags_for_resource(ResourceArn=arn),
            lambda: client.tag_resource(ResourceArn=arn, Tags={"Team": "vision"}),
            lambda: client.untag_resource(ResourceArn=arn, TagKeys=["Team"]),
            lambda: client.delete_project_version(ProjectVersionArn=arn),
        ]

    for call in calls(foreign):
        with rejected("AccessDeniedException"):
            call()
    with local_cloud.switched(resource_tags="ignored"), rejected("AccessDeniedException"):
        calls(mine)[-1]()
    for call in calls(mine):
        call()
    assert [copy["ProjectVersionArn"] for copy in across.copies()] == [foreign]


def test_tags_in_the_request_are_seen(across: Setting, role: Role) -> None:
    """A role may be held to give a copy certain tags: aws:RequestTag and aws:TagKeys."""
    across.share()
    tagging = {
        "StringEquals": {"aws:RequestTag/Owner": "me"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["Owner"]},
    }
    others = [held for held in needed(across) if held["Action"] != "rekognition:TagResource"]
    role.may(*others, allow("rekognition:TagResource", Condition=tagging))
    for wrong in ({}, {"Owner": "you"}, {"Owner": "me", "Team": "vision"}):
        with rejected("AccessDeniedException") as told:
            across.copy(role.client(), Tags=wrong)
        assert "rekognition:TagResource" in told.message
    across.copy(role.client(), Tags={"Owner": "me"})
    role.may(*others, allow("rekognition:TagResource", Condition={"Null": {"aws:TagKeys": "true"}}))
    with rejected("AccessDeniedException"):
        across.copy(role.client(), VersionName="second", Tags={"Owner": "me"})
    across.copy(role.client(), VersionName="second")
