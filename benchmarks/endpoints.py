"""Servers on loopback: the one that receives responses to CloudFormation, and Lambda's Invoke."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import trustme

from benchmarks.samples import ACCOUNT, REGION

if TYPE_CHECKING:
    from benchmarks.functions import Process

STACK_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/sharing/4c5a3c60-95a3-11ef-8f2e-0affd8d4c1a5"

Reply = tuple[Mapping[str, str], bytes]


class Endpoint(ThreadingHTTPServer):
    """Replies to each request with what a function returns for its path and body; None drops the connection."""

    daemon_threads = True
    block_on_close = False  # clients keep their connections open
    request_queue_size = 128

    def __init__(self, reply: Callable[[str, bytes], Reply | None], context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reply = reply
        if context is not None:
            # Each connection's own thread does its handshake, so that a slow one doesn't delay the others.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing when a process that was killed breaks its connection."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Endpoint

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        reply = self.server.reply(self.path, body)
        if reply is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(200)
        for name, value in {**reply[0], "Content-Length": str(len(reply[1]))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply[1])

    do_PUT = do_POST  # noqa: N815 - the name is the base class's

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is the base class's
        """Print nothing, because the path holds the signature of a ResponseURL."""


@dataclass(frozen=True)
class Response:
    """A response to CloudFormation, and when it arrived."""

    at: float
    ok: bool
    physical_id: str
    reason: str = ""


class CloudFormation:
    """Makes requests, each with a ResponseURL of its own, and receives the responses over TLS."""

    def __init__(self) -> None:
        self.drops = 0
        """How many of the next responses are lost with their connection."""
        self.authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("localhost").configure_cert(context)
        self._responses: dict[str, Response] = {}
        self._arrival = threading.Condition()
        self._endpoint = Endpoint(self._receive, context)
        self.port: int = self._endpoint.server_address[1]
        self.close = self._endpoint.close

    def request(
        self,
        kind: str,
        properties: Mapping[str, Any],
        physical_id: str | None = None,
        old_properties: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return a request for a function."""
        request_id = str(uuid.uuid4())
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        query = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={stamp}&X-Amz-Expires=7200&X-Amz-Signature=5ec2e7"
        event = {
            "RequestType": kind,
            "ResponseURL": f"https://localhost:{self.port}/{request_id}?{query}",
            "StackId": STACK_ID,
            "RequestId": request_id,
            "ResourceType": "Custom::RekognitionProjectPolicy",
            "LogicalResourceId": "Sharing",
            "ResourceProperties": properties,
            "OldResourceProperties": old_properties,
            "PhysicalResourceId": physical_id,
        }
        return {name: value for name, value in event.items() if value is not None}

    def response_to(self, event: Mapping[str, Any], seconds: float) -> Response | None:
        """Wait for the response to a request; return None if none arrives."""
        with self._arrival:
            self._arrival.wait_for(lambda: event["RequestId"] in self._responses, seconds)
            return self._responses.get(event["RequestId"])

    def _receive(self, path: str, body: bytes) -> Reply | None:
        at = time.monotonic()
        with self._arrival:
            if self.drops:
                self.drops -= 1
                return None
            said = json.loads(body)
            response = Response(
                at, said["Status"] == "SUCCESS", str(said.get("PhysicalResourceId")), str(said.get("Reason"))
            )
            # As in AWS, the first response to a request counts.
            self._responses.setdefault(path.split("?")[0].removeprefix("/"), response)
            self._arrival.notify_all()
        return {}, b""


class Invoke:
    """Lambda's Invoke for the one function behind the CDK's provider framework, which the first invocation starts."""

    def __init__(self, start: Callable[[], Process]) -> None:
        self.process: Process | None = None
        self._start = start
        self._endpoint = Endpoint(self._reply)
        self.url = f"http://127.0.0.1:{self._endpoint.server_address[1]}"

    def close(self) -> None:
        """Stop listening, and end the function."""
        self._endpoint.close()
        if self.process is not None:
            self.process.end()

    def _reply(self, _path: str, payload: bytes) -> Reply:
        if self.process is None:
            self.process = self._start()
            self.process.wait_until_ready()
        done = self.process.handle(json.loads(payload))
        headers = {"X-Amz-Function-Error": "Unhandled"} if "error" in done else {}
        return headers, json.dumps(done.get("error", done.get("result"))).encode()
