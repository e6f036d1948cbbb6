# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, D103
"""A project policy with the CDK's Provider, as its README has the skeleton of an onEvent.

https://github.com/aws/aws-cdk/tree/main/packages/aws-cdk-lib/custom-resources: "if your custom resource supports
configuring a physical name […], you must return this name in PhysicalResourceId and make sure to handle replacement
properly".
"""

import policy


def on_event(event, _context):
    request_type = event["RequestType"]
    if request_type == "Create":
        return {"PhysicalResourceId": policy.create(event["ResourceProperties"])}
    if request_type == "Update":
        return {"PhysicalResourceId": policy.update(event["ResourceProperties"], event["PhysicalResourceId"])}
    policy.delete(event["ResourceProperties"], event["PhysicalResourceId"])
    return {}
