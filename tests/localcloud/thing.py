"""A custom resource's function, which makes nothing: it returns its event and what it finds. It runs in the cloud.

With ``KeptBy``, its Delete fails until there is a file of this name in the temporary folder. Where a test invokes it,
it never ends, and does not want to be ended.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import urllib.request
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

LIBRARIES = ("crhelper", "aws_cdk", "localcloud", "project_policy", "boto3")


def handler(event: dict[str, Any], context: Any) -> None:
    """Respond to CloudFormation."""
    if "RequestType" not in event:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        Path(os.environ["TMPDIR"], "stuck").touch()
        while True:
            signal.pause()
    properties = event["ResourceProperties"]
    data = {
        "Event": json.dumps(event),
        "Importable": json.dumps([name for name in LIBRARIES if importlib.util.find_spec(name)]),
        "Environment": json.dumps(dict(os.environ)),
        "Listing": listing(properties.get("ProjectArn")),
    }
    response = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    response |= {"Status": "SUCCESS", "PhysicalResourceId": properties.get("Id", "thing"), "Data": data}
    keeper = properties.get("KeptBy")
    if event["RequestType"] == "Delete" and keeper and not Path(os.environ["TMPDIR"], keeper).exists():
        response |= {"Status": "FAILED", "Reason": f"kept by {keeper}"}
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's own URL
        event["ResponseURL"], json.dumps(response).encode(), {"Content-Type": ""}, method="PUT"
    )
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310


def listing(project: str | None) -> str:
    """Say how listing a project's policies went."""
    if project is None:
        return "not asked for"
    try:
        boto3.client("rekognition").list_project_policies(ProjectArn=project)
    except ClientError as error:
        return str(error)
    return "allowed"
