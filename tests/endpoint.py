"""HTTP servers on loopback, with TLS or without: any, and CloudFormation's, where functions send their responses."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import trustme

SIGNATURE = "5ec2e7"
STACK_ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/sharing/4c5a3c60-95a3-11ef-8f2e-0affd8d4c1a5"


def signed_url(at: float, base: str = "https://responses.example/id") -> str:
    """Return a ResponseURL signed at a time."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
    return f"{base}?X-Amz-Date={stamp}&X-Amz-Expires=7200&X-Amz-Signature={SIGNATURE}"


class Request(NamedTuple):
    """What a client sends."""

    path: str
    headers: Message
    body: bytes
    at: float
    """When it came, on the monotonic clock."""


class Reply(NamedTuple):
    """What it gets."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}


class Endpoint(ThreadingHTTPServer):
    """Replies to each request with what ``reply`` returns; None drops the connection."""

    daemon_threads = True
    block_on_close = False  # clients keep their connections open: closing doesn't wait for them
    request_queue_size = 512

    def __init__(self, reply: Callable[[Request], Reply | None], authority: trustme.CA | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reply = reply
        self.scheme = "https" if authority else "http"
        if authority is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("localhost").configure_cert(context)
            # Each connection's own thread does its handshake, so that a slow one doesn't delay the others.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"{self.scheme}://localhost:{self.server_address[1]}"

    def close(self) -> None:
        """Stop listening."""
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: a process that is killed breaks its connections."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Endpoint

    def do_POST(self) -> None:
        reply = self.server.reply(Request(self.path, self.headers, self._body(), time.monotonic()))
        if reply is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(reply.status)
        for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_PUT = do_POST  # noqa: N815 - the names are the base class's

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: the path of a ResponseURL is a secret."""


class ResponseEndpoint(Endpoint):
    """CloudFormation's end of ResponseURLs: it keeps the responses that it has accepted."""

    HANGS = 0
    """In place of a status: no reply until the end."""

    def __init__(self, authority: trustme.CA | None = None) -> None:
        self.meets: list[int | None] = []
        """The statuses of the next replies, 200 when it is used up; None drops the connection."""
        self.responses: list[dict[str, Any]] = []
        self.requests: list[Request] = []
        self.arrived = threading.Event()
        self.over = threading.Event()
        super().__init__(self._take, authority)

    def signed_url(self, name: str = "response", at: float = 1_700_000_000.0) -> str:
        """Return a ResponseURL of this endpoint."""
        return signed_url(at, f"{self.url}/{name}")

    def event(self, kind: str, properties: Mapping[str, Any], **more: object) -> dict[str, Any]:
        """Return a request for a function, whose response comes here."""
        request_id = str(uuid.uuid4())
        return {
            "RequestType": kind,
            "ResponseURL": self.signed_url(request_id, time.time()),
            "StackId": STACK_ID,
            "RequestId": request_id,
            "LogicalResourceId": "Sharing",
            "ResourceType": "Custom::RekognitionProjectPolicy",
            "ResourceProperties": properties,
            **more,
        }

    def _take(self, request: Request) -> Reply | None:
        self.requests.append(request)
        status = self.meets.pop(0) if self.meets else 200
        if status == 200:
            self.responses.append(json.loads(request.body))
        self.arrived.set()
        if status == self.HANGS:
            self.over.wait()
        return Reply(status) if status else None
