# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, D103
"""A project policy with the CDK's Provider, written naively: the service's revision is the ID."""

import json

import boto3

rekognition = boto3.client("rekognition")


def on_event(event, _context):
    properties, revision = event["ResourceProperties"], event.get("PhysicalResourceId")
    policy = {"ProjectArn": properties["ProjectArn"], "PolicyName": properties["PolicyName"]}
    if event["RequestType"] == "Delete":
        rekognition.delete_project_policy(**policy, PolicyRevisionId=revision)
        return {}
    if revision:
        policy["PolicyRevisionId"] = revision
    response = rekognition.put_project_policy(**policy, PolicyDocument=json.dumps(properties["PolicyDocument"]))
    return {"PhysicalResourceId": response["PolicyRevisionId"]}
