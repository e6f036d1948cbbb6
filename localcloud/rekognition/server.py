"""The service over HTTP on loopback, in AWS's json 1.1 protocol, and the route that shows and sets its switches."""

from __future__ import annotations

import json
import logging
import socket
import sys
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from localcloud.peers import listen, sends_secret
from localcloud.rekognition.errors import AwsError, internal_error
from localcloud.rekognition.service import ConnectionDropped, RekognitionService, Request

SWITCHES_ROUTE = "/_localcloud/switches"

_log = logging.getLogger("localcloud.rekognition")


class RekognitionServer(ThreadingHTTPServer):
    """Listens on a free port of 127.0.0.1, for the user who runs it, with a thread for each connection."""

    daemon_threads = True
    block_on_close = False  # clients keep their connections open: stopping doesn't wait for them

    def __init__(self, service: RekognitionService, secret: str | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listen()
        self.server_address = self.socket.getsockname()
        self.service = service
        self.secret = secret

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002 - as the base class has it
        """Note a client that went away in the middle, such as a function that was ended, without a traceback."""
        _log.info("A connection from %s broke: %s", client_address, sys.exc_info()[1])

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept, as the SDKs expect
    disable_nagle_algorithm = True
    server: RekognitionServer

    def parse_request(self) -> bool:
        """Reject what a web page sends that was given this address under another name, and what lacks the secret."""
        if not super().parse_request():
            return False
        secret, port = self.server.secret, self.server.server_address[1]
        if self.headers.get("Host") not in (f"127.0.0.1:{port}", f"localhost:{port}"):
            self.send_error(403, "Host must be the address of this server")
        elif secret is not None and not sends_secret(self.headers.get("User-Agent", ""), secret):
            self.send_error(403, "User-Agent must have the secret of this server")
        else:
            return True
        return False

    def do_POST(self) -> None:
        try:
            status, answer = 200, self.server.service.answer(self._request())
            error = None
        except AwsError as refused:
            status, error = refused.status, refused.code
            answer = {"__type": refused.code, "message": refused.message, "Message": refused.message}
        except ConnectionDropped:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        except Exception:  # noqa: BLE001 - like AWS, answer 500 rather than break the connection
            _log.exception("the local Rekognition failed")
            status, error, answer = 500, internal_error().code, {"__type": internal_error().code}
        self._reply(status, answer, "application/x-amz-json-1.1", error)

    def do_GET(self) -> None:
        if self.path == SWITCHES_ROUTE:
            self._reply(200, self.server.service.switches.as_dict())
        else:
            self._reply(404, {"message": f"There is nothing at {self.path}."})

    def do_PUT(self) -> None:
        body = self._request().body
        if self.path != SWITCHES_ROUTE:
            self._reply(404, {"message": f"There is nothing at {self.path}."})
            return
        try:
            self.server.service.switches.change(json.loads(body))
        except (ValueError, AttributeError) as problem:
            self._reply(400, {"message": str(problem)})
        else:
            self._reply(200, self.server.service.switches.as_dict())

    def _request(self) -> Request:
        length = int(self.headers.get("Content-Length", "0"))
        return Request({name.lower(): value for name, value in self.headers.items()}, self.rfile.read(length))

    def _reply(
        self, status: int, answer: dict[str, Any], kind: str = "application/json", error: str | None = None
    ) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
        if error is not None:
            self.send_header("x-amzn-errortype", error)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the signature is the base class's
        _log.debug(format, *args)
