"""The Lambda function of ``Custom::RekognitionProjectVersionCopy``: its wiring, settings and clients."""

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


# Tests shorten both times. An invalid one fails a request, which can respond, rather than the start of the function.
_RUN_SECONDS = os.environ.get("COPY_RUN_SECONDS", WAITING_RUN)
_POLL_SECONDS = os.environ.get("COPY_POLL_SECONDS", POLL_SECONDS)


def _respond(request: Request, run: WaitingRun) -> Outcome | Unfinished:
    return respond(request, run, _CLIENT, poll_seconds=float(_POLL_SECONDS))


def _invoke(function_arn: str, event: bytes) -> None:
    _LAMBDA.invoke(FunctionName=function_arn, InvocationType="Event", Payload=event)


handler = WaitingResource(
    RESOURCE_TYPE, _respond, attributes=ATTRIBUTES, invoke=_invoke, run_seconds=lambda: float(_RUN_SECONDS)
)
