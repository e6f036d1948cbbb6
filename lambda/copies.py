"""The Lambda function of ``Custom::RekognitionProjectVersionCopy``: crhelper's wiring and nothing else."""

from __future__ import annotations

import os

import boto3
from botocore.config import Config

from custom_resource.request import Request
from custom_resource.run import Outcome
from custom_resource.timeouts import WAITING_RUN
from custom_resource.waiting import Unfinished, WaitingResource, WaitingRun
from project_version_copy.decision import POLL_SECONDS
from project_version_copy.lifecycle import ATTRIBUTES, respond
from project_version_copy.properties import RESOURCE_TYPE
from rekognition.client import new_client

_CLIENT = new_client()
# The resource retries by itself, for as long as its run allows.
_LAMBDA = boto3.client(
    "lambda", config=Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 1, "mode": "standard"})
)


def _seconds(name: str, default: float) -> float:
    """Return a time that only tests set; an invalid one is ignored, because nothing here could respond."""
    try:
        return float(os.environ[name])
    except (KeyError, ValueError):
        return default


# How long a run lasts and how long it pauses between two reads.
_RUN_SECONDS = _seconds("COPY_RUN_SECONDS", WAITING_RUN)
_POLL_SECONDS = _seconds("COPY_POLL_SECONDS", POLL_SECONDS)


def _respond(request: Request, run: WaitingRun) -> Outcome | Unfinished:
    return respond(request, run, _CLIENT, poll_seconds=_POLL_SECONDS)


def _invoke(function_arn: str, event: bytes) -> None:
    _LAMBDA.invoke(FunctionName=function_arn, InvocationType="Event", Payload=event)


handler = WaitingResource(RESOURCE_TYPE, _respond, attributes=ATTRIBUTES, invoke=_invoke, run_seconds=_RUN_SECONDS)
