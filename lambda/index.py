"""The Lambda function of ``Custom::RekognitionProjectPolicy``: crhelper's wiring and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import boto3
from botocore.config import Config

from custom_resource import Announce, Context, CustomResource
from project_policy.identity import Home
from project_policy.lifecycle import Outcome, respond
from project_policy.rekognition import Clock, ProjectPolicies
from project_policy.timing import ANSWER_RESERVE, CALL_RESERVE, CONNECT_TIMEOUT, READ_TIMEOUT

_CLOCK = Clock()
# One try a call: project_policy.rekognition tries again, until the request's own deadline.
_CLIENT = boto3.client(
    "rekognition",
    config=Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        retries={"total_max_attempts": 1, "mode": "standard"},
    ),
)


def _respond(event: Mapping[str, object], context: Context, announce: Announce) -> Outcome:
    left = context.get_remaining_time_in_millis() / 1000 - ANSWER_RESERVE - CALL_RESERVE
    policies = ProjectPolicies(_CLIENT, clock=_CLOCK, deadline=_CLOCK.now() + left)
    return respond(event, policies, home=Home.of(context.invoked_function_arn), clock=_CLOCK, announce=announce)


handler = CustomResource(_respond, _CLOCK)
