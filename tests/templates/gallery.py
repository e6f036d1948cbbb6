"""An app with every option of every construct, for the scanners."""

from __future__ import annotations

from aws_cdk import App, Environment, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rekognition as rekognition
from aws_cdk import aws_s3 as s3

from cdk_rekognition_project_policy import ProjectPolicy, ProjectPolicyProvider, ProjectVersionCopy

HERE = Environment(account="123456789012", region="us-east-1")
TRUSTED = iam.AccountPrincipal("111122223333")
PROJECT_ARN = "arn:aws:rekognition:us-east-1:123456789012:project/{}/1690474772815"

app = App(analytics_reporting=False)

home = Stack(app, "SharedProvider", env=HERE)
shared = ProjectPolicyProvider(
    home,
    "Provider",
    log_retention=logs.RetentionDays.ONE_MONTH,
    log_removal_policy=RemovalPolicy.RETAIN,
    log_encryption_key=kms.Key(home, "Key", enable_key_rotation=True),
    permissions_boundary=iam.ManagedPolicy.from_managed_policy_name(home, "Boundary", "boundary"),
    memory_size=512,
)

user = Stack(app, "UserOfSharedProvider", env=HERE)
project = rekognition.CfnProject(user, "Project", project_name="logos")
policy = ProjectPolicy(user, "Sharing", project=project, provider=shared, removal_policy=RemovalPolicy.RETAIN)
policy.grant_copy(TRUSTED)
policy.grant_copy(iam.OrganizationPrincipal("o-abcdefghij"), versions=["v1"])
policy.deny_copy(iam.ArnPrincipal("arn:aws:iam::111122223333:role/guest"))

importing = Stack(app, "UserOfImportedProvider", env=HERE)
imported = ProjectPolicyProvider.from_attributes(
    importing,
    "Provider",
    service_token="arn:aws:lambda:us-east-1:123456789012:function:provider",
    role_name="provider-role",
)
for number in range(40):  # more than the role's inline policies take
    arn = PROJECT_ARN.format(f"{number:0>255}")
    ProjectPolicy(importing, f"Policy{number}", project_arn=arn, provider=imported).grant_copy(TRUSTED)

own = Stack(app, "OwnRole", env=HERE)
role = iam.Role(own, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
ProjectPolicy(
    own,
    "Adopted",
    project_arn=PROJECT_ARN.format("signs"),
    policy_name="sharing",
    adopt_existing=True,
    provider=ProjectPolicyProvider(own, "Provider", role=role),
).grant_copy(TRUSTED)

copying = Stack(app, "Copies", env=HERE)
copies = rekognition.CfnProject(copying, "Project", project_name="copies")
for number in range(2):
    copy = ProjectVersionCopy(
        copying,
        f"Copy{number}",
        source_project_arn=PROJECT_ARN.format("logos"),
        source_version_arn=PROJECT_ARN.format(f"logos/version/v{number}"),
        destination_project=copies,
        output_bucket=s3.Bucket.from_bucket_name(copying, f"Bucket{number}", f"results-{number}"),
        output_key_prefix="copied/",
        output_encryption_key=kms.Key(copying, f"Key{number}", enable_key_rotation=True),
        version_name=f"v{number}",
        tags={"team": "logos"},
        adopt_existing=True,
        stop_running=True,
    )
    copy.grant_detect(iam.Role(copying, f"Detecting{number}", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")))
    copy.grant_start_stop(iam.Role(copying, f"Starting{number}", assumed_by=iam.AccountRootPrincipal()))

app.synth()
