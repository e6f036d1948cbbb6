"""The Lambda Runtime API on loopback, for one process: where awslambdaric takes events and leaves results."""

from __future__ import annotations

import json
import queue
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

_VERSION = "/2018-06-01/runtime"
_POST = re.compile(rf"{_VERSION}/(?:invocation/(?P<id>[^/]+)/(?P<kind>response|error)|(?P<init>init/error))")


@dataclass(frozen=True)
class Event:
    """An event on its way into a process."""

    request_id: str
    body: Mapping[str, Any]
    deadline: float
    """When the process is ended, in seconds since the epoch."""
    function_arn: str


@dataclass(frozen=True)
class Happened:
    """What a process did next."""

    what: Literal["ready", "response", "error", "init error", "exit"]
    told: str = ""
    """The body that it posted, or the code it ended with."""
    request_id: str = ""


class RuntimeApi:
    """The API of one process, as Lambda's own is; what the process does is put into ``happened``."""

    def __init__(self) -> None:
        self.happened: queue.SimpleQueue[Happened] = queue.SimpleQueue()
        self.events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        """What the process is given when it asks; None turns it away."""
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.api = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def address(self) -> str:
        """What belongs in AWS_LAMBDA_RUNTIME_API."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Response no more; the process has ended."""
        self.events.put(None)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    api: RuntimeApi
    daemon_threads = True  # one may wait for a request that its process will never finish
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a process that is killed hangs up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        if self.path != f"{_VERSION}/invocation/next":
            self._reply(404)
            return
        self.server.api.happened.put(Happened("ready"))
        event = self.server.api.events.get()
        if event is None:
            self.close_connection = True
            return
        self._reply(
            200,
            json.dumps(event.body).encode(),
            {
                "Lambda-Runtime-Aws-Request-Id": event.request_id,
                "Lambda-Runtime-Deadline-Ms": str(int(event.deadline * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": event.function_arn,
                "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
            },
        )

    def do_POST(self) -> None:
        told = self._body()
        match = _POST.fullmatch(self.path)
        if match is None:
            self._reply(404)
            return
        if match["init"]:
            self.server.api.happened.put(Happened("init error", told))
        else:
            kind: Literal["response", "error"] = "response" if match["kind"] == "response" else "error"
            self.server.api.happened.put(Happened(kind, told, match["id"]))
        self._reply(202, b'{"status":"OK"}')

    def _body(self) -> str:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts).decode()

    def _reply(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep tests quiet."""
