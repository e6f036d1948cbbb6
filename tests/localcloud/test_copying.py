"""CopyProjectVersion: its rules, and who may copy under which project policies."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.cloud import LocalCloud
from localcloud.rekognition import LocalRekognition, Switches
from tests.localcloud.roles import Role, allow, policy, signed_with
from tests.localcloud.support import VirtualClock, document, rejected, statement

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

TRUSTING, TRUSTED, ANOTHER = "121212121212", "343434343434", "565656565656"
COPY, OUTPUT = "rekognition:CopyProjectVersion", {"S3Bucket": "results", "S3KeyPrefix": "copies/"}
KMS = ("kms:CreateGrant", "kms:DescribeKey", "kms:GenerateDataKey", "kms:Decrypt")


class Setting:
    """A version in a project, another project to copy it to, and what changes between them."""

    def __init__(self, source: RekognitionClient, destination: RekognitionClient, name: str) -> None:
        self.source, self.destination = source, destination
        self.project = source.create_project(ProjectName=f"{name}-source")["ProjectArn"]
        self.target = destination.create_project(ProjectName=f"{name}-target")["ProjectArn"]
        self.version = self.train("v1")

    def train(self, name: str) -> str:
        """Make another version, and return its ARN."""
        response = self.source.create_project_version(
            ProjectArn=self.project, VersionName=name, OutputConfig={"S3Bucket": "results"}
        )
        return response["ProjectVersionArn"]

    def share(self, name: str = "share", **changes: Any) -> None:
        """Attach a policy that trusts the account, but for the changes."""
        changed = {"Principal": {"AWS": TRUSTED}, **changes}
        self.source.put_project_policy(
            ProjectArn=self.project, PolicyName=name, PolicyDocument=document(statement(**changed))
        )

    def withdraw(self, name: str = "share") -> None:
        """Detach a policy."""
        self.source.delete_project_policy(ProjectArn=self.project, PolicyName=name)

    def copy(self, client: RekognitionClient, **changes: Any) -> str:
        """Copy the version, and return the copy's ARN."""
        parameters: Any = {
            "SourceProjectArn": self.project,
            "SourceProjectVersionArn": self.version,
            "DestinationProjectArn": self.target,
            "VersionName": "copy",
            "OutputConfig": OUTPUT,
            **changes,
        }
        return client.copy_project_version(**parameters)["ProjectVersionArn"]

    def copies(self) -> list[Any]:
        """Return the descriptions of the versions of the target."""
        return list(self.destination.describe_project_versions(ProjectArn=self.target)["ProjectVersionDescriptions"])


# The rules, for root in one account: nothing but the emulator is asked.


@pytest.fixture
def here(client: RekognitionClient) -> Setting:
    """Return a setting within one account."""
    return Setting(client, client, "here")


def test_a_copy_tells_its_source(clock: VirtualClock) -> None:
    """A copy has an ARN of its own in the destination, and the source's beside it; training it isn't."""
    with LocalRekognition(clock=clock) as rekognition:
        client = rekognition.client()
        setting = Setting(client, client, "demo")
        clock.forward(1)
        arn = setting.copy(client, KmsKeyId="alias/copies")
        (copy,) = setting.copies()
    assert arn == "arn:aws:rekognition:us-east-1:123456789012:project/demo-target/version/copy/1700000001000"
    assert copy.pop("CreationTimestamp").timestamp() == 1_700_000_001
    assert copy == {
        "ProjectVersionArn": arn,
        "Status": "COPYING_COMPLETED",
        "OutputConfig": OUTPUT,
        "KmsKeyId": "alias/copies",
        "SourceProjectVersionArn": setting.version,
        "Feature": "CUSTOM_LABELS",
    }


def test_copying_may_take_time(clock: VirtualClock) -> None:
    """While a copy isn't complete it can be neither copied nor deleted; the switch's time later it can."""
    with LocalRekognition(Switches(copying_time=60), clock) as rekognition:
        client = rekognition.client()
        setting = Setting(client, client, "demo")
        arn = setting.copy(client)
        again = {"SourceProjectArn": setting.target, "SourceProjectVersionArn": arn, "VersionName": "again"}
        clock.forward(59.9)
        assert setting.copies()[0]["Status"] == "COPYING_IN_PROGRESS"
        with rejected("ResourceInUseException"):
            setting.copy(client, **again)
        with rejected("ResourceInUseException"):
            client.delete_project_version(ProjectVersionArn=arn)
        clock.forward(0.1)
        assert setting.copies()[0]["Status"] == "COPYING_COMPLETED"
        setting.copy(client, **again)
        client.delete_project_version(ProjectVersionArn=arn)


def test_a_version_in_training_is_not_copied(rekognition: LocalRekognition, here: Setting) -> None:
    """A source that isn't trained yet is ResourceInUseException."""
    rekognition.switches.training_time = 3600
    with rejected("ResourceInUseException"):
        here.copy(here.source)
    rekognition.switches.training_time = 0
    here.copy(here.source)


def test_rejects_the_name_of_another_version(here: Setting) -> None:
    """Names of versions are unique in the destination."""
    first = here.copy(here.source)
    with rejected("ResourceInUseException"):
        here.copy(here.source)
    assert [copy["ProjectVersionArn"] for copy in here.copies()] == [first]


@pytest.mark.parametrize("which", ["SourceProjectArn", "SourceProjectVersionArn", "DestinationProjectArn"])
def test_what_is_copied_and_where_to_must_exist(here: Setting, which: str) -> None:
    """A project or version that was made at another time is another one: ResourceNotFoundException."""
    given = {
        "SourceProjectArn": here.project,
        "SourceProjectVersionArn": here.version,
        "DestinationProjectArn": here.target,
    }
    with rejected("ResourceNotFoundException"):
        here.copy(here.source, **{which: given[which][:-1] + ("0" if given[which][-1] != "0" else "1")})
    with rejected("ResourceNotFoundException"):
        here.copy(here.source, SourceProjectVersionArn=here.version.replace("/v1/", "/v2/"))
    assert here.copies() == []


def test_a_version_must_be_of_the_project_that_is_named(here: Setting) -> None:
    """Else it would be copied under the policies of another project."""
    with rejected("InvalidParameterException"):
        here.copy(here.source, SourceProjectArn=here.target)


def test_copies_stay_in_their_region(rekognition: LocalRekognition, here: Setting) -> None:
    """Neither a source nor a destination in another Region than the request's is accepted."""
    elsewhere = rekognition.client(region="eu-west-1")
    there = elsewhere.create_project(ProjectName="there")["ProjectArn"]
    with rejected("InvalidParameterException"):
        here.copy(here.source, DestinationProjectArn=there)
    with rejected("InvalidParameterException"):
        here.copy(elsewhere, DestinationProjectArn=there)


def test_a_destination_must_be_of_the_callers_account(rekognition: LocalRekognition, here: Setting) -> None:
    """A copy can't be pushed into another account."""
    foreign = rekognition.client("111122223333").create_project(ProjectName="foreign")["ProjectArn"]
    with rejected("AccessDeniedException"):
        here.copy(here.source, DestinationProjectArn=foreign)


@pytest.mark.parametrize("which", ["source", "target"])
def test_only_custom_labels_are_copied(client: RekognitionClient, here: Setting, which: str) -> None:
    """A project for content moderation is neither a source nor a destination."""
    adapter = client.create_project(ProjectName="adapter", Feature="CONTENT_MODERATION")["ProjectArn"]
    version = client.create_project_version(ProjectArn=adapter, VersionName="v1", OutputConfig={"S3Bucket": "results"})
    changes = {"DestinationProjectArn": adapter}
    if which == "source":
        changes = {"SourceProjectArn": adapter, "SourceProjectVersionArn": version["ProjectVersionArn"]}
    with rejected("InvalidParameterException"):
        here.copy(client, **changes)


def test_copies_need_a_bucket(here: Setting) -> None:
    """Though the service model doesn't require one."""
    with rejected("InvalidParameterException"):
        here.copy(here.source, OutputConfig={"S3KeyPrefix": "copies"})


def test_without_iam_nothing_crosses_accounts(rekognition: LocalRekognition) -> None:
    """The emulator alone reads no policy, so it takes none for a permission."""
    setting = Setting(rekognition.client(TRUSTING), rekognition.client(TRUSTED), "demo")
    setting.share()
    with rejected("AccessDeniedException"):
        setting.copy(setting.destination)


# Who may copy: from one account to another, under IAM.


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


def test_a_policy_lets_another_account_copy(across: Setting, role: Role) -> None:
    """Rejected without a policy, copied with it, and rejected again once it was taken away, all in AWS's words."""
    client = role.client()
    words = (
        f"User: {role.session_arn()} is not authorized to perform: {COPY} on resource: {across.version} "
        f"because no resource-based policy allows the {COPY} action"
    )
    with rejected("AccessDeniedException") as told:
        across.copy(client)
    assert told.message == words
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


def test_a_policy_is_of_no_use_without_permission_of_the_own_account(across: Setting, role: Role) -> None:
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
    """A session of a role is its account, its role and itself, and nobody else."""
    across.share(Principal={"AWS": principal(role)})
    if allowed:
        across.copy(role.client())
    else:
        with rejected("AccessDeniedException"):
            across.copy(role.client())


def test_a_role_that_is_not_named_is_refused(local_cloud: LocalCloud, across: Setting, role: Role, name: str) -> None:
    """Of two roles of the trusted account with the same permissions only the one that is named may copy."""
    across.share(Principal={"AWS": role.arn})
    other = Role(local_cloud, TRUSTED, f"{name}-2", *needed(across))
    with rejected("AccessDeniedException"):
        across.copy(other.client())
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


def test_what_is_missing_is_not_told_to_strangers(across: Setting, role: Role) -> None:
    """Whom no policy trusts can't tell a project that isn't there from one that is."""
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
    nobody = policy(allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ANOTHER}:root"}))
    key = local_cloud.client("kms", TRUSTED).create_key(Policy=nobody, BypassPolicyLockoutSafetyCheck=True)
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


def test_describing_and_deleting_versions_need_permission(across: Setting, role: Role) -> None:
    """DescribeProjectVersions is allowed on the project, DeleteProjectVersion on the version."""
    across.share()
    arn = across.copy(role.client())
    with rejected("AccessDeniedException"):
        role.client().describe_project_versions(ProjectArn=across.target)
    with rejected("AccessDeniedException"):
        role.client().delete_project_version(ProjectVersionArn=arn)
    role.may(
        allow("rekognition:DescribeProjectVersions", across.target), allow("rekognition:DeleteProjectVersion", arn)
    )
    assert len(role.client().describe_project_versions(ProjectArn=across.target)["ProjectVersionDescriptions"]) == 1
    role.client().delete_project_version(ProjectVersionArn=arn)


def test_the_right_to_copy_may_be_seen_late(local_cloud: LocalCloud, across: Setting, role: Role) -> None:
    """With the switch a role is still denied under a new policy, and everything copying needs is then seen at once."""
    across.share()
    with local_cloud.switched(permission_delay=3600), rejected("AccessDeniedException"):
        across.copy(role.client())
    across.copy(role.client())


def test_a_copy_in_progress_is_seen_as_such(local_cloud: LocalCloud, across: Setting) -> None:
    """The switch holds copies until it is set back, without any waiting."""
    across.share()
    with local_cloud.switched(copying_time=3600):
        across.copy(across.destination)
        assert across.copies()[0]["Status"] == "COPYING_IN_PROGRESS"
    assert across.copies()[0]["Status"] == "COPYING_COMPLETED"
