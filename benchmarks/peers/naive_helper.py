# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, D103
"""A project policy with crhelper, written naively: the service's revision is the ID."""

from crhelper import CfnResource
from naive_provider import on_event

helper = CfnResource()


@helper.create
@helper.update
@helper.delete
def handle(event, context):
    return on_event(event, context).get("PhysicalResourceId")


def handler(event, context):
    helper(event, context)
