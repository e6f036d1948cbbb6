"""A copy that runs during office hours: EventBridge Scheduler starts it in the morning, and stops it in the evening.

Context: ``source_project_arn`` and ``source_version_arn``, the model to copy, which its owner shares with this account.
"""

from __future__ import annotations

from aws_cdk import Acknowledgment, App, CfnOutput, Duration, Stack, TimeZone, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rekognition as rekognition
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets

from cdk_rekognition_project_policy import ProjectVersionCopy
from constructs import Construct

EXAMPLE = "arn:aws:rekognition:us-east-1:123456789012:project/logos"
BERLIN = TimeZone.EUROPE_BERLIN


class OfficeHours(Stack):
    """A copy of another account's model version, and when it runs."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id, description="Runs a Rekognition Custom Labels model in office hours")
        results = s3.Bucket(
            self,
            "Results",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            versioned=True,
        )
        copy = ProjectVersionCopy(
            self,
            "Copy",
            source_project=self.node.try_get_context("source_project_arn") or f"{EXAMPLE}/1690474772815",
            source_version_arn=self.node.try_get_context("source_version_arn") or f"{EXAMPLE}/version/v1/1690475000000",
            destination_project=rekognition.CfnProject(self, "Project", project_name="office-hours"),
            output_bucket=results,
            # So that the stack can replace or delete the copy while it is running.
            stop_running=True,
        )
        arn = copy.version_arn
        scheduler.Schedule(
            self,
            "Start",
            schedule=scheduler.ScheduleExpression.cron(hour="8", minute="0", week_day="MON-FRI", time_zone=BERLIN),
            target=targets.Universal(
                service="rekognition",
                action="startProjectVersion",
                input=scheduler.ScheduleTargetInput.from_object({"ProjectVersionArn": arn, "MinInferenceUnits": 1}),
                # Without these, the schedule's role may start every model of the account.
                policy_statements=[iam.PolicyStatement(actions=["rekognition:StartProjectVersion"], resources=[arn])],
                # Retried for a day, which is the default, a start could succeed after the stop.
                max_event_age=Duration.hours(1),
            ),
        )
        scheduler.Schedule(
            self,
            "Stop",
            schedule=scheduler.ScheduleExpression.cron(hour="18", minute="0", time_zone=BERLIN),
            target=targets.Universal(
                service="rekognition",
                action="stopProjectVersion",
                input=scheduler.ScheduleTargetInput.from_object({"ProjectVersionArn": arn}),
                policy_statements=[iam.PolicyStatement(actions=["rekognition:StopProjectVersion"], resources=[arn])],
                # A stop is worth more tries, as long as they end before the next start.
                max_event_age=Duration.hours(13),
            ),
        )
        CfnOutput(self, "VersionArn", value=arn)
        explain_findings(results)


def explain_findings(bucket: s3.Bucket) -> None:
    """Give cdk-nag the reason for what it finds here; an app without it does not need this."""
    no_access_log = "It holds training results and no images; a log of who reads them would need another bucket"
    Validations.of(bucket).acknowledge(Acknowledgment(id="AwsSolutions-S1", reason=no_access_log))


app = App()
OfficeHours(app, "OfficeHours")
app.synth()
