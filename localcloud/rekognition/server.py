"""The service over HTTP on loopback, in AWS's json 1.1 protocol, and the route that shows and sets its switches."""

from __future__ import annotations

import json
import logging
import re
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

from localcloud.clients import make_client
from localcloud.peers import IDLE_SECONDS, listen, rejection
from localcloud.rekognition.authorization import Authorizer, RootKeys
from localcloud.rekognition.errors import AwsError, ConnectionDroppedError, internal_error
from localcloud.rekognition.service import RekognitionService, Request
from localcloud.rekognition.switches import Switches

if TYPE_CHECKING:
    from botocore.config import Config
    from mypy_boto3_rekognition import RekognitionClient

SWITCHES_ROUTE = "/_localcloud/switches"

_MOST_BYTES = 8 * 2**20  # an image may have 5 MB, in base64

_log = logging.getLogger("localcloud.rekognition")


class LocalRekognition(RekognitionService):
    """Rekognition's projects, model versions and project policies on loopback, while the context lasts.

    With a secret, only clients that send it are heard (see `localcloud.peers`).
    """

    def __init__(
        self,
        switches: Switches | None = None,
        clock: Callable[[], float] = time.time,
        authorizer: Authorizer | None = None,
        secret: str | None = None,
    ) -> None:
        super().__init__(switches or Switches(), clock, authorizer or RootKeys())
        self._secret = secret
        self._server = _Server(self, secret)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> LocalRekognition:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def endpoint_url(self) -> str:
        """Where clients find it: what belongs in AWS_ENDPOINT_URL_REKOGNITION."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def client(
        self, account: str = "123456789012", region: str = "us-east-1", config: Config | None = None
    ) -> RekognitionClient:
        """Make a boto3 client for an account and Region; without a config it tries each request only once."""
        client = make_client("rekognition", self.endpoint_url, account, region, config, self._secret)
        return cast("RekognitionClient", client)


class _Server(ThreadingHTTPServer):
    """Listens on a free port of 127.0.0.1, with a thread for each connection."""

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


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept, as the SDKs expect
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS
    server: _Server

    def parse_request(self) -> bool:
        """Reject what a web page sends, what lacks the secret, and a body whose end can't be told or is too far."""
        if not super().parse_request():
            return False
        problem = rejection(self._named(), self.server.server_address[1], self.server.secret)
        length = ",".join(self.headers.get_all("Content-Length", ["0"]))
        if problem is not None:
            self.send_error(403, problem)
        elif "Transfer-Encoding" in self.headers or re.fullmatch("[0-9]{1,20}", length) is None:
            self.send_error(411, "A body needs one Content-Length, and no Transfer-Encoding.")
        elif int(length) > _MOST_BYTES:
            self.send_error(413, f"The body may have at most {_MOST_BYTES} bytes.")
        else:
            return True
        return False

    def do_POST(self) -> None:
        request = Request(self._named(), self._body())
        try:
            status, response, error = 200, self.server.service.respond(request), None
        except AwsError as rejected:
            status, error = rejected.status, rejected.code
            response = {"__type": rejected.code, "message": rejected.message, "Message": rejected.message}
        except ConnectionDroppedError:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        except Exception:  # noqa: BLE001 - like AWS, respond with 500 rather than break the connection
            _log.exception("the local Rekognition failed")
            status, error, response = 500, internal_error().code, {"__type": internal_error().code}
        self._send(status, response, "application/x-amz-json-1.1", error)

    def do_PUT(self) -> None:
        changes = self._body()
        if self.path != SWITCHES_ROUTE:
            self._send(404, {"message": f"There is nothing at {self.path}."})
            return
        try:
            self.server.service.switches.change(json.loads(changes))
        except (ValueError, AttributeError, RecursionError) as problem:
            self._send(400, {"message": str(problem)})
        else:
            self._send(200, self.server.service.switches.as_dict())

    def _named(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def _send(
        self, status: int, response: dict[str, Any], kind: str = "application/json", error: str | None = None
    ) -> None:
        body = json.dumps(response).encode()
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
