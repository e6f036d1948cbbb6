# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, D103
"""A project policy with crhelper, as its README has the skeleton of a function.

https://github.com/aws-cloudformation/custom-resource-helper: "Optionally return an ID that will be used for the
resource PhysicalResourceId"; a delete "should not fail if the underlying resources are already deleted".
"""

import policy
from crhelper import CfnResource

helper = CfnResource()


@helper.create
def create(event, _context):
    return policy.create(event["ResourceProperties"])


@helper.update
def update(event, _context):
    return policy.update(event["ResourceProperties"], event["PhysicalResourceId"])


@helper.delete
def delete(event, _context):
    policy.delete(event["ResourceProperties"], event["PhysicalResourceId"])


def handler(event, context):
    helper(event, context)
