"""Lambda's Invoke on loopback: it keeps what is invoked asynchronously, and can reject the next calls."""

from __future__ import annotations

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


class LambdaEndpoint(ThreadingHTTPServer):
    """Takes asynchronous invocations, while the context lasts."""

    daemon_threads = True
    block_on_close = False  # clients keep their connections open: stopping doesn't wait for them

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.invoked: queue.Queue[tuple[str, str]] = queue.Queue()
        """The functions, by their ARNs, and their events (JSON)."""
        self.denied = 0
        """How many of the next calls are denied."""
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))

    def __enter__(self) -> LambdaEndpoint:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    @property
    def url(self) -> str:
        """What belongs in AWS_ENDPOINT_URL_LAMBDA."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: LambdaEndpoint

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["X-Amz-Invocation-Type"] != "Event":
            self._respond(400, "InvalidParameterValueException")
        elif self.server.denied:
            self.server.denied -= 1
            self._respond(403, "AccessDeniedException")
        else:
            self._respond(202)
            self.server.invoked.put((unquote(self.path.split("/")[3]), body.decode()))

    def _respond(self, status: int, error: str = "") -> None:
        encoded = json.dumps({"Message": "no"} if error else {}).encode()
        self.send_response(status)
        if error:
            self.send_header("x-amzn-ErrorType", error)
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, format: str, *args: object) -> None:
        """Keep tests quiet."""
