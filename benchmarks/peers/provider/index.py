# As people write it, so held to no rules of this repository.
# ruff: noqa: ANN001, ANN201, ARG001, D103, TRY002, UP031
# mypy: ignore-errors
"""A project policy with the CDK's Provider, as its documentation shows an onEvent: the revision is the physical id."""

import json

import boto3

rekognition = boto3.client("rekognition")


def on_event(event, context):
    request_type = event["RequestType"]
    if request_type == "Create":
        return on_create(event)
    if request_type == "Update":
        return on_update(event)
    if request_type == "Delete":
        return on_delete(event)
    raise Exception("Invalid request type: %s" % request_type)


def on_create(event):
    properties = event["ResourceProperties"]
    answer = rekognition.put_project_policy(
        ProjectArn=properties["ProjectArn"],
        PolicyName=properties["PolicyName"],
        PolicyDocument=json.dumps(properties["PolicyDocument"]),
    )
    return {"PhysicalResourceId": answer["PolicyRevisionId"]}


def on_update(event):
    properties = event["ResourceProperties"]
    answer = rekognition.put_project_policy(
        ProjectArn=properties["ProjectArn"],
        PolicyName=properties["PolicyName"],
        PolicyDocument=json.dumps(properties["PolicyDocument"]),
        PolicyRevisionId=event["PhysicalResourceId"],
    )
    return {"PhysicalResourceId": answer["PolicyRevisionId"]}


def on_delete(event):
    properties = event["ResourceProperties"]
    rekognition.delete_project_policy(
        ProjectArn=properties["ProjectArn"],
        PolicyName=properties["PolicyName"],
        PolicyRevisionId=event["PhysicalResourceId"],
    )
    return {"PhysicalResourceId": event["PhysicalResourceId"]}
