# mypy: ignore-errors
# ruff: noqa: ANN001, ANN003, ANN201, D103, SIM105
"""What both documented peers do with a policy: the ID is its name, and a Delete tolerates that it is absent."""

import json

import boto3

rekognition = boto3.client("rekognition")


def physical_id(properties):
    return f"{properties['ProjectArn']}/{properties['PolicyName']}"


def create(properties, **revision):
    rekognition.put_project_policy(
        ProjectArn=properties["ProjectArn"],
        PolicyName=properties["PolicyName"],
        PolicyDocument=json.dumps(properties["PolicyDocument"]),
        **revision,
    )
    return physical_id(properties)


def update(properties, updated_id):
    if updated_id != physical_id(properties):
        return create(properties)  # a replacement
    live = rekognition.list_project_policies(ProjectArn=properties["ProjectArn"])["ProjectPolicies"]
    for policy in live:
        if policy["PolicyName"] == properties["PolicyName"]:
            return create(properties, PolicyRevisionId=policy["PolicyRevisionId"])
    return create(properties)


def delete(properties, deleted_id):
    if deleted_id != physical_id(properties):
        return  # a Create that made nothing
    try:
        rekognition.delete_project_policy(ProjectArn=properties["ProjectArn"], PolicyName=properties["PolicyName"])
    except rekognition.exceptions.ResourceNotFoundException:
        pass
