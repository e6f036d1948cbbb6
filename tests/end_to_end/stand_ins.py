"""Stand-ins for STS and CloudFormation that record whose access key each client used."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

STACK = "RekognitionModelSharing"


class StandIns:
    """A server on a free port of loopback that answers for every service, and for several accounts at once.

    Everything that isn't needed to destroy a stack is denied.
    """

    def __init__(self, accounts: dict[str, str]) -> None:
        self.accounts = accounts
        """The account of each access key."""
        self.calls: list[tuple[str, str]] = []
        """What was called, as service:Action, with which access key."""
        self.stacks = {STACK, "CDKToolkit"}
        stand_ins = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                status, answer = stand_ins.answer(self.headers.get("Authorization", ""), body)
                self.send_response(status)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_PUT = do_HEAD = do_POST  # noqa: N815 - the names that http.server calls

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> StandIns:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, authorization: str, body: str) -> tuple[int, bytes]:
        """Record a request and return the status and body of its response."""
        scope = re.search(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/", authorization)
        key, service = scope.groups() if scope else ("nobody", "unsigned")
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        action, name = asked.get("Action", ""), asked.get("StackName", "").rpartition("/")[2]
        self.calls.append((f"{service}:{action}", key))
        if action == "GetCallerIdentity":
            account = self.accounts[key]
            return _result(
                action,
                f"<Account>{account}</Account><Arn>arn:aws:iam::{account}:user/{key}</Arn><UserId>{key}</UserId>",
            )
        if action == "DescribeStacks" and name in self.stacks:
            stack_id = f"arn:aws:cloudformation:us-east-1:{self.accounts[key]}:stack/{name}/{name}"
            return _result(
                action,
                f"<Stacks><member><StackId>{stack_id}</StackId><StackName>{name}</StackName>"
                "<CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus>"
                "</member></Stacks>",
            )
        if action == "DescribeStacks":
            return _error(400, "ValidationError", f"Stack with id {asked['StackName']} does not exist")
        if action == "DeleteStack":
            self.stacks.discard(name)
            return _result(action, "")
        if action == "DescribeStackEvents":
            return _result(action, "<StackEvents/>")
        return _error(403, "AccessDenied", f"{service}:{action} is denied here")


def _result(action: str, content: str) -> tuple[int, bytes]:
    return 200, f"<{action}Response><{action}Result>{content}</{action}Result></{action}Response>".encode()


def _error(status: int, code: str, message: str) -> tuple[int, bytes]:
    said = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
    return status, f"<ErrorResponse><Error><Type>Sender</Type>{said}</Error></ErrorResponse>".encode()
