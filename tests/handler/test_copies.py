"""The whole function of copies, as Lambda runs it: a fresh process, boto3, and what it sends itself."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from custom_resource import timeouts
from custom_resource.waiting import RESPOND_BEFORE
from localcloud.rekognition import LocalRekognition, Switches
from project_version_copy.properties import RESOURCE_TYPE
from tests.handler.copy_stage import FUNCTION, STACK
from tests.handler.stage import process_environment
from tests.lambda_endpoint import LambdaEndpoint
from tests.response_endpoint import ResponseEndpoint
from tests.simulator.versions import ACCOUNT, Projects, SharedWith

ALIAS = f"{FUNCTION}:live"
# The events come on standard input, one a line; whatever the function prints goes to standard error.
DRIVER = f"""
import json, logging, sys, copies
logging.basicConfig()  # as Lambda's runtime does
class Context:
    log_stream_name = "2023/11/14/[$LATEST]1"
    invoked_function_arn = {ALIAS!r}
    get_remaining_time_in_millis = lambda self: 720_000
for line in sys.stdin:
    copies.handler(json.loads(line), Context())
"""


def test_a_copy_is_waited_for_over_several_runs(tmp_path: Path) -> None:
    """The function hands over to itself, by the alias it was invoked by, until the copy is finished."""
    switches = Switches(copying_time=timeouts.WAITING_SERVICE_TIMEOUT)
    with (
        ResponseEndpoint() as endpoint,
        LambdaEndpoint() as server,
        LocalRekognition(switches, authorizer=SharedWith()) as rekognition,
    ):
        url = f"{endpoint.url().split('?')[0]}?Expires={int(time.time()) + 7200}&Signature=5ec2e7"
        event = {
            "RequestType": "Create",
            "ResponseURL": url,
            "StackId": STACK,
            "RequestId": "request",
            "ResourceType": RESOURCE_TYPE,
            "LogicalResourceId": "Copy",
            "ResourceProperties": Projects(rekognition.store).properties(),
        }
        environment = process_environment(rekognition, ACCOUNT, endpoint.trust(tmp_path)) | {
            "AWS_ENDPOINT_URL_LAMBDA": server.url,
            "COPY_RUN_SECONDS": "0.5",
            "COPY_POLL_SECONDS": "0.1",
        }
        with subprocess.Popen(
            [sys.executable, "-c", DRIVER],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as function:
            assert function.stdin is not None
            assert function.stdout is not None
            print(json.dumps(event), file=function.stdin, flush=True)
            for copying_time in (timeouts.WAITING_SERVICE_TIMEOUT, 0):
                invoked, payload = server.invoked.get(timeout=30)
                assert invoked == ALIAS
                switches.copying_time = copying_time
                print(payload, file=function.stdin, flush=True)
            assert endpoint.arrived.wait(30)
            function.stdin.close()
            printed = function.stdout.read()
    (received,) = endpoint.responses
    assert received["Status"] == "SUCCESS", printed
    assert received["Data"]["ProjectVersionArn"] == received["PhysicalResourceId"]
    assert [operation for operation, _ in rekognition.calls].count("CopyProjectVersion") == 1
    assert server.invoked.empty()
    assert '"did": "copied"' in printed
    assert "5ec2e7" not in printed


def test_the_times_of_waiting_fit_into_one_another() -> None:
    """A run that can't hand over is delivered twice more before CloudFormation gives up."""
    assert timeouts.WAITING_RUN + 2 * timeouts.RESPONSE_RESERVE <= timeouts.WAITING_FUNCTION_TIMEOUT <= 900
    assert 2 * (timeouts.WAITING_FUNCTION_TIMEOUT + 60) + 60 <= timeouts.WAITING_MAXIMUM_EVENT_AGE
    third_response = 3 * timeouts.WAITING_FUNCTION_TIMEOUT + 60 + 120
    assert third_response < timeouts.WAITING_SERVICE_TIMEOUT - RESPOND_BEFORE
