"""The whole function, as Lambda runs it: a fresh process, its asset and boto3, Rekognition and a response endpoint."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from custom_resource import timeouts
from localcloud.rekognition import LocalRekognition
from tests.documents import ACCOUNT, REGION
from tests.handler.stage import EVENTS, event_arn, process_environment
from tests.response_endpoint import ResponseEndpoint

# The events come on standard input, one a line; whatever the function prints goes to standard error.
DRIVER = """
import json, sys, index
class Context:
    log_stream_name = "2023/11/14/[$LATEST]1"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:provider"
    get_remaining_time_in_millis = lambda self: 480_000
for line in sys.stdin:
    index.handler(json.loads(line), Context())
"""


def run(events: list[dict[str, Any]], rekognition: LocalRekognition, authority: Path) -> str:
    """Run events through one warm function and return what it printed."""
    environment = process_environment(rekognition, ACCOUNT, authority)
    lines = "".join(json.dumps(event) + "\n" for event in events)
    done = subprocess.run(
        [sys.executable, "-c", DRIVER], input=lines, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_a_policy_lives_through_one_warm_function(rekognition: LocalRekognition, tmp_path: Path) -> None:
    """Create, Update and Delete go through crhelper, boto3 and TLS; each is responded to once, with its revision."""
    client = rekognition.client(account=ACCOUNT, region=REGION)
    arn = client.create_project(ProjectName="logos")["ProjectArn"]
    with ResponseEndpoint() as endpoint:
        events = [
            json.loads((EVENTS / f"{name}.json").read_text().replace(event_arn(), arn))
            | {"ResponseURL": endpoint.url(name).split("X-Amz-Date")[0]}
            for name in ("create", "update", "delete")
        ]
        changed = events[1]["ResourceProperties"]["PolicyDocument"]["Statement"][0]
        changed["Effect"] = "Deny"
        rekognition.calls.clear()
        printed = run(events, rekognition, endpoint.trust(tmp_path))
        assert [received["Status"] for received in endpoint.responses] == ["SUCCESS"] * 3, printed
        created, updated, deleted = (received["Data"]["PolicyRevisionId"] for received in endpoint.responses)
    assert created != updated
    assert deleted == ""
    assert [operation for operation, _ in rekognition.calls] == [
        *("ListProjectPolicies", "PutProjectPolicy"),
        *("ListProjectPolicies", "PutProjectPolicy"),
        *("ListProjectPolicies", "DeleteProjectPolicy"),
    ]
    assert client.list_project_policies(ProjectArn=arn)["ProjectPolicies"] == []


def test_the_times_fit_into_one_another() -> None:
    """A response comes before the function is ended, and the function ends before CloudFormation gives up."""
    assert timeouts.MAXIMUM_EVENT_AGE < timeouts.FUNCTION_TIMEOUT
    assert timeouts.MAXIMUM_EVENT_AGE + timeouts.FUNCTION_TIMEOUT < timeouts.SERVICE_TIMEOUT
    assert timeouts.RESPONSE_RESERVE >= 3 * timeouts.RESPONSE_TIMEOUT
