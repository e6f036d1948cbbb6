"""Lambda's Invoke, for the one function that the CDK's provider framework calls: a stand-in on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benchmarks.processes import FunctionProcess


class InvokeEndpoint:
    """Starts the function at its first invocation, as Lambda does, and keeps it for those after it."""

    def __init__(self, start: Callable[[], FunctionProcess]) -> None:
        self._start = start
        self._function: FunctionProcess | None = None
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.endpoint = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        """What belongs in AWS_ENDPOINT_URL_LAMBDA."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def peak_memory(self) -> int:
        """The function's, in bytes."""
        return self._function.peak_memory if self._function else 0

    def invoke(self, payload: bytes) -> tuple[bytes, bool]:
        """Invoke the function; return what it answers, and whether that is an error."""
        if self._function is None:
            self._function = self._start()
            self._function.wait_until_ready()
        self._function.send(json.loads(payload))
        done = self._function.wait_until_done()
        return json.dumps(done.get("error", done.get("result"))).encode(), "error" in done

    def close(self) -> None:
        """End the function and the endpoint."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        if self._function is not None:
            self._function.end()


class _Server(ThreadingHTTPServer):
    endpoint: InvokeEndpoint
    daemon_threads = True
    block_on_close = False  # the SDK keeps its connection open

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a process that is killed hangs up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        payload = self.rfile.read(int(self.headers["Content-Length"]))
        body, failed = self.server.endpoint.invoke(payload)
        self.send_response(200)
        if failed:
            self.send_header("X-Amz-Function-Error", "Unhandled")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is the base class's
        """Print nothing."""
