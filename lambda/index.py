"""The Lambda function of ``Custom::RekognitionProjectPolicy``: crhelper's wiring and nothing else."""

from __future__ import annotations

from functools import partial

from custom_resource.resource import CustomResource
from project_policy.lifecycle import ATTRIBUTES, respond
from project_policy.properties import RESOURCE_TYPE
from rekognition.client import new_client

handler = CustomResource(RESOURCE_TYPE, partial(respond, client=new_client()), attributes=ATTRIBUTES)
