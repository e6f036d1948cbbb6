"""CloudFormation's end: requests as it sends them, and a TLS endpoint that notes when each answer arrives."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme

from benchmarks.places import ACCOUNT, REGION

STACK_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/sharing/4c5a3c60-95a3-11ef-8f2e-0affd8d4c1a5"


@dataclass(frozen=True)
class Answer:
    """An answer that has arrived."""

    at: float
    ok: bool
    physical_id: str
    reason: str
    data: Mapping[str, Any]


class CloudFormation:
    """Makes requests, each with a ResponseURL of its own, and takes the answers to them, while the context lasts.

    As S3 does it, connections are kept open for as long as clients like; ``keeps_connections`` can be taken away.
    """

    def __init__(self) -> None:
        self.keeps_connections = True
        self.drops = 0
        """How many of the next answers are lost with their connection."""
        self._authority = trustme.CA()
        self._answers: dict[str, Answer] = {}
        self._changed = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.cloudformation = self
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert("localhost").configure_cert(context)
        # The handshake is each connection's own, so that a slow one holds up no other.
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> CloudFormation:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def trust(self, folder: Path) -> Path:
        """Write the authority's certificate to a file for clients."""
        path = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(str(path))
        return path

    def request(
        self,
        kind: str,
        properties: Mapping[str, Any],
        physical_id: str | None = None,
        old_properties: Mapping[str, Any] | None = None,
        logical_id: str = "Sharing",
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
            "LogicalResourceId": logical_id,
            "ResourceProperties": properties,
            "OldResourceProperties": old_properties,
            "PhysicalResourceId": physical_id,
        }
        return {name: value for name, value in event.items() if value is not None}

    def take(self, request_id: str, body: bytes) -> bool:
        """Take an answer, unless it is to be lost; the first one to a request counts."""
        at = time.monotonic()
        with self._changed:
            if self.drops:
                self.drops -= 1
                return False
            said = json.loads(body)
            answer = Answer(
                at,
                said["Status"] == "SUCCESS",
                str(said.get("PhysicalResourceId") or ""),
                str(said.get("Reason") or ""),
                said.get("Data") or {},
            )
            self._answers.setdefault(request_id, answer)
            self._changed.notify_all()
        return True

    def answer_to(self, event: Mapping[str, Any], seconds: float = 0.0) -> Answer | None:
        """Return the answer to a request, waiting for it if need be; None where none has come."""
        with self._changed:
            self._changed.wait_for(lambda: event["RequestId"] in self._answers, seconds)
            return self._answers.get(event["RequestId"])


class _Server(ThreadingHTTPServer):
    cloudformation: CloudFormation
    daemon_threads = True
    block_on_close = False  # clients keep their connections open
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a process that is killed hangs up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        cloudformation = self.server.cloudformation
        if not cloudformation.take(self.path.split("?")[0].removeprefix("/"), body):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if not cloudformation.keeps_connections:
            self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is the base class's
        """Print nothing: a path with its query is a secret."""
