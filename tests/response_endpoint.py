"""CloudFormation's end of a ResponseURL: speaks TLS, and can reject, fail, drop the connection or be slow."""

from __future__ import annotations

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import trustme

Behavior = int | Literal["drop", "hang", "garbage"]
"""An HTTP status to respond with, or what to do instead."""


class ResponseEndpoint:
    """A server on loopback that keeps the responses it has accepted, while the context lasts."""

    def __init__(self) -> None:
        self.authority = trustme.CA()
        self.behaviors: list[Behavior] = []
        """What to do with the next requests, one each; 200 when it is used up."""
        self.responses: list[dict[str, Any]] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        """Every request so far: its path with the query, and its headers."""
        self.arrived = threading.Event()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.endpoint = self
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("localhost").configure_cert(context)
        # The handshake is each connection's own, so that one that hangs holds up no other.
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> ResponseEndpoint:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def url(self, name: str = "response") -> str:
        """Return a signed URL of this endpoint, made when the event files' was."""
        port = self._server.server_address[1]
        query = "X-Amz-Date=20231114T221320Z&X-Amz-Expires=7200&X-Amz-Signature=5ec2e7"
        return f"https://localhost:{port}/{name}?{query}"

    def trust(self, folder: Path) -> Path:
        """Write the authority's certificate to a file for clients."""
        path = folder / "authority.pem"
        self.authority.cert_pem.write_to_path(str(path))
        return path

    def client_context(self) -> ssl.SSLContext:
        """Return a TLS context that trusts this endpoint."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context

    def take(self, path: str, headers: dict[str, str], body: bytes) -> Behavior:
        """Take a request, and say what to do with it."""
        with self._lock:
            self.requests.append((path, headers))
            behavior = self.behaviors.pop(0) if self.behaviors else 200
            if behavior == 200:
                self.responses.append(json.loads(body))
        self.arrived.set()
        return behavior

    def wait_until_over(self) -> None:
        """Wait until the endpoint is taken down."""
        self._over.wait()


class _Server(ThreadingHTTPServer):
    endpoint: ResponseEndpoint
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that hangs up is what some tests want."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        behavior = self.server.endpoint.take(self.path, dict(self.headers), body)
        if behavior == "hang":
            self.server.endpoint.wait_until_over()
        elif behavior == "garbage":
            self.wfile.write(b"this isn't HTTP\r\n\r\n")
        elif behavior != "drop":
            self.send_response(behavior)
            self.send_header("Content-Length", "0")
            self.end_headers()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Keep tests quiet."""
