# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, D103
"""A project policy with crhelper, as its README shows it: the revision is the physical id."""

import json

import boto3
from crhelper import CfnResource

helper = CfnResource()

try:
    rekognition = boto3.client("rekognition")
except Exception as error:  # noqa: BLE001 - as crhelper's README has it
    helper.init_failure(error)


@helper.create
@helper.update
def put(event, _context):
    properties = event["ResourceProperties"]
    live = {"PolicyRevisionId": event["PhysicalResourceId"]} if event["RequestType"] == "Update" else {}
    response = rekognition.put_project_policy(
        ProjectArn=properties["ProjectArn"],
        PolicyName=properties["PolicyName"],
        PolicyDocument=json.dumps(properties["PolicyDocument"]),
        **live,
    )
    return response["PolicyRevisionId"]


@helper.delete
def delete(event, _context):
    rekognition.delete_project_policy(
        ProjectArn=event["ResourceProperties"]["ProjectArn"],
        PolicyName=event["ResourceProperties"]["PolicyName"],
        PolicyRevisionId=event["PhysicalResourceId"],
    )


def handler(event, context):
    helper(event, context)
