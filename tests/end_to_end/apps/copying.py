"""A stack made as its context says: a project, and a copy of another account's model version in it."""

from __future__ import annotations

import json
from typing import Any, cast

from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rekognition as rekognition
from aws_cdk import aws_s3 as s3

from cdk_rekognition_project_policy import ProjectVersionCopy, ProjectVersionCopyProvider

app = App()


def context(name: str, default: Any = None) -> Any:
    """Return a value of the context, which the command line gives as JSON."""
    given = app.node.try_get_context(name)
    return default if given is None else json.loads(given)


stack = Stack(app, "Copying")
project = rekognition.CfnProject(stack, "Project", project_name="copies")
provider = ProjectVersionCopyProvider.get_or_create(stack)
# Runs and pauses so short that each copy takes several runs, and yet no time.
function = cast("lambda_.Function", provider.node.find_child("Function"))
function.add_environment("COPY_RUN_SECONDS", "2.5")
function.add_environment("COPY_POLL_SECONDS", "0.2")
copy = ProjectVersionCopy(
    stack,
    "Copy",
    source_project=context("project"),
    source_version_arn=context("version"),
    destination_project=project,
    output_bucket=s3.Bucket(stack, "Results"),
    output_key_prefix="copied/",
    tags=context("tags", {}),
    stop_running=True,
)
CfnOutput(stack, "VersionArn", value=copy.version_arn)
app.synth()
