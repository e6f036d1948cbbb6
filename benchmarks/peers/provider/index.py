# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, D103
"""A project policy with the CDK's Provider, as its documentation shows an onEvent: the revision is the physical id."""

import json

import boto3

rekognition = boto3.client("rekognition")


def on_event(event, _context):
    properties = event["ResourceProperties"]
    policy = {"ProjectArn": properties["ProjectArn"], "PolicyName": properties["PolicyName"]}
    document = json.dumps(properties["PolicyDocument"])
    revision = event.get("PhysicalResourceId")
    if event["RequestType"] == "Create":
        response = rekognition.put_project_policy(**policy, PolicyDocument=document)
    elif event["RequestType"] == "Update":
        response = rekognition.put_project_policy(**policy, PolicyDocument=document, PolicyRevisionId=revision)
    else:
        rekognition.delete_project_policy(**policy, PolicyRevisionId=revision)
        return {"PhysicalResourceId": revision}
    return {"PhysicalResourceId": response["PolicyRevisionId"]}
