"""The Lambda function of ``Custom::RekognitionProjectPolicy``: crhelper's wiring and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from custom_resource import Announce, Context, CustomResource
from project_policy.identity import Home
from project_policy.lifecycle import Outcome, respond
from project_policy.rekognition import Clock, ProjectPolicies, new_client
from project_policy.timing import ANSWER_RESERVE, CALL_RESERVE

_CLOCK = Clock()
_CLIENT = new_client()


def _respond(event: Mapping[str, object], context: Context, announce: Announce) -> Outcome:
    left = context.get_remaining_time_in_millis() / 1000 - ANSWER_RESERVE - CALL_RESERVE
    policies = ProjectPolicies(_CLIENT, clock=_CLOCK, deadline=_CLOCK.now() + left)
    return respond(event, policies, home=Home.of(context.invoked_function_arn), clock=_CLOCK, announce=announce)


handler = CustomResource(_respond, _CLOCK)
