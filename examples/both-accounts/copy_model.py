"""Copies one version of another account's model into a project of this account, and waits until it is there.

It runs with the credentials of the role that the stack Trusted makes, wherever boto3 finds them.
"""

from __future__ import annotations

import argparse
import logging
import re
import sys
import time
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

log = logging.getLogger("copy_model")

VERSION_ARN = re.compile(r"arn:[^:]+:rekognition:(?P<region>[^:]+):\d{12}:project/[^/]+/version/(?P<name>[^/]+)/\d+")


class NotCopiedError(Exception):
    """There is no copy that can be used; the message says why."""


def main() -> None:
    """Copy the version that the command line names."""
    options = parse_options()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        # Models are copied within one Region.
        client = boto3.client("rekognition", region_name=options.region)
        copy = start(client, options)
        wait(client, options.destination_project_arn, options.name, options.timeout, options.interval)
    except NotCopiedError as failed:
        sys.exit(str(failed))
    except ClientError as refused:
        error = refused.response["Error"]
        sys.exit(f"{refused.operation_name} was refused ({error['Code']}): {error['Message']}")
    except BotoCoreError as failed:
        sys.exit(str(failed))
    log.info("Copied: %s", copy)


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source-project-arn", metavar="ARN", required=True, help="the project that has the model")
    parser.add_argument("--source-version-arn", metavar="ARN", required=True, help="the version to copy")
    parser.add_argument(
        "--destination-project-arn", metavar="ARN", required=True, help="the project of this account to copy it into"
    )
    parser.add_argument("--bucket", required=True, help="the bucket that the results of training are copied to")
    parser.add_argument("--prefix", default="copied-models", help="where in the bucket (default: %(default)s)")
    parser.add_argument("--name", help="the name of the copy (default: that of the version)")
    parser.add_argument("--timeout", type=float, default=3600, help="seconds to wait (default: %(default)s)")
    parser.add_argument("--interval", type=float, default=10, help="seconds between looks (default: %(default)s)")
    options = parser.parse_args()
    version = VERSION_ARN.fullmatch(options.source_version_arn)
    if version is None:
        parser.error(f'"{options.source_version_arn}" is not the ARN of a version')
    options.region = version["region"]
    options.name = options.name or version["name"]
    return options


def start(client: RekognitionClient, options: argparse.Namespace) -> str:
    """Start copying, and return the ARN of the copy."""
    log.info("Copying %s to %s", options.source_version_arn, options.destination_project_arn)
    try:
        started = client.copy_project_version(
            SourceProjectArn=options.source_project_arn,
            SourceProjectVersionArn=options.source_version_arn,
            DestinationProjectArn=options.destination_project_arn,
            VersionName=options.name,
            OutputConfig={"S3Bucket": options.bucket, "S3KeyPrefix": options.prefix},
        )
    except client.exceptions.AccessDeniedException as denied:
        raise NotCopiedError(
            "This may not be copied. Both have to allow it: a project policy of the source project, and the policies "
            f"of who runs this. What the service says: {denied.response['Error']['Message']}"
        ) from denied
    return started["ProjectVersionArn"]


def wait(client: RekognitionClient, project_arn: str, name: str, timeout: float, interval: float) -> None:
    """Wait until the copy is complete."""
    deadline = time.monotonic() + timeout
    while True:
        found = client.describe_project_versions(ProjectArn=project_arn, VersionNames=[name])
        for version in found["ProjectVersionDescriptions"]:
            status = version["Status"]
            log.info("%s", status)
            if status == "COPYING_COMPLETED":
                return
            if status != "COPYING_IN_PROGRESS":
                raise NotCopiedError(f"The copy is {status}: {version.get('StatusMessage', 'no reason was given')}")
        if time.monotonic() + interval > deadline:
            raise NotCopiedError(f"The copy is not complete after {timeout:g} seconds, and goes on.")
        time.sleep(interval)


if __name__ == "__main__":
    main()
