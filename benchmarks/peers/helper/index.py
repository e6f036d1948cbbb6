# As people write it, so held to no rules of this repository.
# ruff: noqa: ANN001, ANN201, ARG001, BLE001, D103
# mypy: ignore-errors
"""A project policy with crhelper, as its README shows it: the revision is the physical id."""

import json
import logging

import boto3
from crhelper import CfnResource

logger = logging.getLogger(__name__)
helper = CfnResource()

try:
    rekognition = boto3.client("rekognition")
except Exception as e:
    helper.init_failure(e)


@helper.create
def create(event, context):
    properties = event["ResourceProperties"]
    answer = rekognition.put_project_policy(
        ProjectArn=properties["ProjectArn"],
        PolicyName=properties["PolicyName"],
        PolicyDocument=json.dumps(properties["PolicyDocument"]),
    )
    return answer["PolicyRevisionId"]


@helper.update
def update(event, context):
    properties = event["ResourceProperties"]
    answer = rekognition.put_project_policy(
        ProjectArn=properties["ProjectArn"],
        PolicyName=properties["PolicyName"],
        PolicyDocument=json.dumps(properties["PolicyDocument"]),
        PolicyRevisionId=event["PhysicalResourceId"],
    )
    return answer["PolicyRevisionId"]


@helper.delete
def delete(event, context):
    properties = event["ResourceProperties"]
    rekognition.delete_project_policy(
        ProjectArn=properties["ProjectArn"],
        PolicyName=properties["PolicyName"],
        PolicyRevisionId=event["PhysicalResourceId"],
    )


def handler(event, context):
    helper(event, context)
