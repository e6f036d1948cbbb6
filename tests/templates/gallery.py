"""An app with every construct, and every option that a scanner may find something about, for the scanners."""

from __future__ import annotations

from aws_cdk import App, Environment, Fn, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rekognition as rekognition
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from cdk_rekognition_project_policy import (
    CopyProjectVersionPolicy,
    ProjectPolicy,
    ProjectPolicyProvider,
    ProjectVersionCopy,
    ProjectVersionCopyProvider,
)

HERE = Environment(account="123456789012", region="us-east-1")
TRUSTED = iam.AccountPrincipal("111122223333")
PROJECT_ARN = "arn:aws:rekognition:us-east-1:123456789012:project/{}/1690474772815"

app = App(analytics_reporting=False)

home = Stack(app, "SharedProvider", env=HERE)
vpc = ec2.Vpc.from_vpc_attributes(
    home,
    "Vpc",
    vpc_id="vpc-0123456789abcdef0",
    availability_zones=["us-east-1a"],
    isolated_subnet_ids=["subnet-0123456789abcdef0"],
)
shared, shared_copies = (
    kind(
        home,
        kind.__name__,
        log_retention=logs.RetentionDays.ONE_MONTH,
        log_removal_policy=RemovalPolicy.RETAIN,
        log_encryption_key=kms.Key(home, f"{kind.__name__}Key", enable_key_rotation=True),
        permissions_boundary=iam.ManagedPolicy.from_managed_policy_name(home, f"{kind.__name__}Boundary", "boundary"),
        memory_size=512,
        vpc=vpc,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
        security_groups=[ec2.SecurityGroup(home, f"{kind.__name__}Group", vpc=vpc, allow_all_outbound=False)],
    )
    for kind in (ProjectPolicyProvider, ProjectVersionCopyProvider)
)
copier = iam.Role(home, "Copier", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))

user = Stack(app, "UserOfSharedProvider", env=HERE)
project = rekognition.CfnProject(user, "Project", project_name="logos")
policy = ProjectPolicy(user, "Sharing", project=project, provider=shared, removal_policy=RemovalPolicy.RETAIN)
policy.grant_copy(TRUSTED)
policy.grant_copy(copier)
policy.grant_copy(iam.OrganizationPrincipal("o-abcdefghij"), versions=["v1"])
policy.deny_copy(iam.ArnPrincipal("arn:aws:iam::111122223333:role/guest"))
queue = sqs.Queue.from_queue_arn(user, "Queue", "arn:aws:sqs:us-east-1:123456789012:changes")
policy.on_cloud_trail_change(
    "Changed", description="A policy was changed by hand", target=targets.SqsQueue(queue, dead_letter_queue=queue)
)
policy.grant_copy(iam.Role(user, "Copier", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")))

copying = Stack(app, "Copies", env=HERE)
copies = rekognition.CfnProject(copying, "Project", project_name="copies")
imported = ProjectVersionCopyProvider.from_attributes(
    copying,
    "Provider",
    service_token="arn:aws:lambda:us-east-1:123456789012:function:copy-provider",
    role_name="copy-provider-role",
)
given = ProjectVersionCopyProvider(
    copying, "Own", role=iam.Role(copying, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
)
for number, provider in enumerate([None, shared_copies, imported, given]):
    copy = ProjectVersionCopy(
        copying,
        f"Copy{number}",
        source_project=PROJECT_ARN.format("logos"),
        source_version_arn=PROJECT_ARN.format(f"logos/version/v{number}"),
        destination_project=copies,
        output_bucket=s3.Bucket.from_bucket_name(copying, f"Bucket{number}", f"results-{number}"),
        output_key_prefix="copied/",
        output_encryption_key=kms.Key(copying, f"Key{number}", enable_key_rotation=True),
        version_name=f"v{number}",
        tags={"team": "logos"},
        adopt_existing=True,
        stop_running=True,
        removal_policy=RemovalPolicy.RETAIN,
        provider=provider,
    )
    copy.grant_detect(iam.Role(copying, f"Detecting{number}", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")))
    copy.grant_start_stop(iam.Role(copying, f"Starting{number}", assumed_by=iam.AccountRootPrincipal()))

by_hand = Stack(app, "CopiesByHand", env=HERE)
for name, source, bucket in (
    ("Known", PROJECT_ARN.format("logos"), "results"),
    ("Unknown", Fn.import_value("Source"), Fn.import_value("Bucket")),
):
    CopyProjectVersionPolicy(
        by_hand,
        name,
        source_project=source,
        destination_project=rekognition.CfnProject(by_hand, f"{name}Project", project_name=f"{name}-copies"),
        output_bucket=s3.Bucket.from_bucket_name(by_hand, f"{name}Bucket", bucket),
        output_encryption_key=kms.Key(by_hand, f"{name}Key", enable_key_rotation=True),
        versions=["v1", "v2"],
        roles=[iam.Role(by_hand, f"{name}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))],
    )

elsewhere = Stack(app, "Elsewhere", env=HERE)
elsewhere.node.set_context("@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy", True)
referring = Stack(app, "ReferringElsewhere", env=HERE)
projects = [rekognition.CfnProject(elsewhere, f"Project{number}", project_name=f"p{number}") for number in range(2)]
ProjectPolicy(referring, "Policy", project=projects[0]).grant_copy(
    iam.Role(referring, "Copier", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
)
ProjectVersionCopy(
    referring,
    "Copy",
    source_project=PROJECT_ARN.format("logos"),
    source_version_arn=PROJECT_ARN.format("logos/version/v1"),
    destination_project=projects[1],
    output_bucket=s3.Bucket(elsewhere, "Bucket", enforce_ssl=True, server_access_logs_prefix="log/"),
)

app.synth()
