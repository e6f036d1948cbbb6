"""The whole function of copies, as Lambda runs it: a fresh process, boto3, and what it sends itself."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from custom_resource import timeouts
from custom_resource.waiting import RESPOND_BEFORE
from tests.handler.copy_stage import FUNCTION, Agenda, CopyStage
from tests.response_endpoint import ResponseEndpoint
from tests.simulator.versions import REGION, AwsError, Versions

ROOT = Path(__file__).parents[2]
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


class Cloud(ThreadingHTTPServer):
    """Rekognition and Lambda on loopback, as far as the function calls them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.versions = Versions(time.time)
        self.invoked: queue.Queue[tuple[str, bytes]] = queue.Queue()
        """The functions that were invoked asynchronously, and with which events."""

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Cloud

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.startswith("/2015-03-31/functions/"):
            assert self.headers["X-Amz-Invocation-Type"] == "Event"
            self._respond(202, {})
            self.server.invoked.put((unquote(self.path.split("/")[3]), body))
            return
        operation = self.headers["X-Amz-Target"].split(".")[1]
        try:
            self._respond(200, self.server.versions.call(operation, json.loads(body)))
        except AwsError as error:
            self._respond(400, {"__type": error.code, "Message": error.message})

    def _respond(self, status: int, content: dict[str, Any]) -> None:
        encoded = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, format: str, *args: object) -> None:
        """Keep tests quiet."""


@contextmanager
def cloud() -> Iterator[Cloud]:
    """Run Rekognition and Lambda while the context lasts."""
    with Cloud() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_a_copy_is_waited_for_over_several_runs(tmp_path: Path) -> None:
    """The function hands over to itself, by the alias it was invoked by, until the copy is finished."""
    with ResponseEndpoint() as endpoint, cloud() as server:
        server.versions.switches.copying_time = timeouts.WAITING_SERVICE_TIMEOUT
        stage = CopyStage(Agenda())
        stage.versions = server.versions
        url = f"{endpoint.url().split('?')[0]}?Expires={int(time.time()) + 7200}&Signature=5ec2e7"
        event = stage.event("Create", stage.properties()) | {"ResponseURL": url}
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "lambda"),
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_ENDPOINT_URL": server.url,
            "SSL_CERT_FILE": str(endpoint.trust(tmp_path)),
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
                server.versions.switches.copying_time = copying_time
                print(payload.decode(), file=function.stdin, flush=True)
            assert endpoint.arrived.wait(30)
            function.stdin.close()
            printed = function.stdout.read()
    (received,) = endpoint.responses
    assert received["Status"] == "SUCCESS", printed
    assert received["Data"]["ProjectVersionArn"] == next(iter(server.versions.live().values())).arn
    assert server.invoked.empty()
    assert "5ec2e7" not in printed
    assert '"did": "copied"' in printed


def test_the_times_of_waiting_fit_into_one_another() -> None:
    """A run that can't hand over is delivered twice more before CloudFormation gives up."""
    assert timeouts.WAITING_RUN + 2 * timeouts.RESPONSE_RESERVE <= timeouts.WAITING_FUNCTION_TIMEOUT <= 900
    assert 2 * (timeouts.WAITING_FUNCTION_TIMEOUT + 60) + 60 <= timeouts.WAITING_MAXIMUM_EVENT_AGE
    third_response = 3 * timeouts.WAITING_FUNCTION_TIMEOUT + 60 + 120
    assert third_response < timeouts.WAITING_SERVICE_TIMEOUT - RESPOND_BEFORE
