"""The Lambda function of ``Custom::RekognitionProjectPolicy``: crhelper's wiring and nothing else."""

from __future__ import annotations

from custom_resource.request import Request
from custom_resource.resource import CustomResource
from custom_resource.run import Outcome, Run
from project_policy.lifecycle import ATTRIBUTES, respond
from project_policy.properties import RESOURCE_TYPE
from rekognition.client import new_client

_CLIENT = new_client()


def _respond(request: Request, run: Run) -> Outcome:
    return respond(request, run, _CLIENT)


handler = CustomResource(RESOURCE_TYPE, _respond, attributes=ATTRIBUTES)
