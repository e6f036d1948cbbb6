"""Reject other users of this machine and web pages, because who can use the local cloud can run code as its user.

Clients prove themselves by a secret that is made at each start and that only this user can read. They send it as the
SDKs' application id (`AWS_SDK_UA_APP_ID`), which boto3, the AWS CLI and cdk repeat in their User-Agent.
"""

from __future__ import annotations

import hmac
import socket
from collections.abc import Mapping

SECRET_VARIABLE = "AWS_SDK_UA_APP_ID"  # noqa: S105 - the name of a variable

IDLE_SECONDS = 75
"""How long both servers wait for a client that says nothing, or not all of what it began."""


def listen() -> socket.socket:
    """Return a socket that listens on a free port of 127.0.0.1."""
    return socket.create_server(("127.0.0.1", 0), backlog=128)  # a burst of functions must not be rejected


def rejection(headers: Mapping[str, str], port: int, secret: str | None) -> str | None:
    """Return why a server on this port doesn't hear a request with these headers (names in lower case), or None.

    A web page can't use the server: neither under a name of its own that resolves to 127.0.0.1 (Host), nor from
    another site (Origin, or Sec-Fetch-Site where it loads an image). With a secret, clients must send it.
    """
    host, _, given_port = headers.get("host", "").rpartition(":")
    # The SDKs put a bucket's name before the host.
    if given_port != str(port) or not (host in ("127.0.0.1", "localhost") or host.endswith(".localhost")):
        return "Host must be the address of this server."
    if "origin" in headers or "sec-fetch-site" in headers:
        return "This server isn't for web pages: a request must have neither Origin nor Sec-Fetch-Site."
    words = headers.get("user-agent", "").encode("utf-8", "replace").split()
    if secret is not None and not any(hmac.compare_digest(word, f"app/{secret}".encode()) for word in words):
        return "User-Agent must have the secret of this server."
    return None
