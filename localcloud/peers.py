"""Reject connections of other users of this machine, because who can use the local cloud can run code as its user.

On Linux the kernel says which user holds the other end of a connection (sock_diag). Where it can't be asked, clients
prove themselves by a secret that is made at each start and that only this user can read. They send it as the SDKs'
application id (`AWS_SDK_UA_APP_ID`), which boto3, the AWS CLI and cdk repeat in their User-Agent.
"""

from __future__ import annotations

import functools
import hmac
import os
import socket
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SECRET_VARIABLE = "AWS_SDK_UA_APP_ID"  # noqa: S105 - the name of a variable

_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, _TCP_ESTABLISHED = 4, 20, 1, 1
_HEADER = struct.Struct("=IHHII")  # nlmsghdr
_REQUEST = struct.Struct("=BBBxI")  # inet_diag_req_v2 up to its socket id
_SOCKET_ID = struct.Struct("!HH4s12x4s12x4x8s")  # inet_diag_sockid for IPv4, with a cookie
_ANY_COOKIE = b"\xff" * 8
_FOUND = struct.Struct("=BBBB48xIIIII")  # inet_diag_msg


class OwnersSocket(socket.socket):
    """A listening socket that accepts only connections of the user who runs this process."""

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection. Close one of another user, with an error on which asyncio and socketserver go on."""
        connection, address = super().accept()
        if knows_users() and user_at_other_end(connection) != os.geteuid():
            connection.close()
            raise ConnectionAbortedError("The connection was closed: it belongs to another user.")
        return connection, address


def listen() -> OwnersSocket:
    """Return a socket that listens on a free port of 127.0.0.1."""
    listening = OwnersSocket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)  # a burst of functions must not be rejected
    return listening


@functools.cache
def knows_users() -> bool:
    """Return whether the kernel says whose connections are; it is tried with one of this process's own."""
    if sys.platform != "linux" or os.geteuid() == _user_of_unknown():
        return False
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        connection, _ = server.accept()
        with connection:
            return user_at_other_end(connection) == os.geteuid()


def user_at_other_end(connection: socket.socket) -> int | None:
    """Return the id of the user who holds the other end of an IPv4 connection within this machine.

    It is None where that end isn't open, because the kernel counts the remains of closed sockets as root's.
    """
    try:
        here, there = connection.getsockname(), connection.getpeername()
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
            kernel.send(_query(there, here))
            reply = kernel.recv(4096)
    except OSError:
        return None
    # An IPv6 socket with a mapped address is found as well, and a socket that listens there where none is connected.
    if _HEADER.unpack_from(reply)[1] != _SOCK_DIAG_BY_FAMILY:
        return None
    _, state, _, _, _, _, _, user, inode = _FOUND.unpack_from(reply, _HEADER.size)
    return user if state == _TCP_ESTABLISHED and inode != 0 else None


def rejection(headers: Mapping[str, str], port: int, secret: str | None) -> str | None:
    """Return why a server on this port doesn't hear a request with these headers (names in lower case), or None.

    A web page can't use the server: neither under a name of its own that resolves to 127.0.0.1 (Host), nor from
    another site (Origin). With a secret, clients must send it.
    """
    host, _, given_port = headers.get("host", "").rpartition(":")
    # The SDKs put a bucket's name before the host.
    if given_port != str(port) or not (host in ("127.0.0.1", "localhost") or host.endswith(".localhost")):
        return "Host must be the address of this server."
    if "origin" in headers:
        return "This server isn't for web pages: a request must have no Origin."
    words = headers.get("user-agent", "").encode("utf-8", "replace").split()
    if secret is not None and not any(hmac.compare_digest(word, f"app/{secret}".encode()) for word in words):
        return "User-Agent must have the secret of this server."
    return None


def _user_of_unknown() -> int:
    """Return the id that the kernel shows for every user who has none in this user namespace."""
    return int(Path("/proc/sys/kernel/overflowuid").read_text())


def _query(source: tuple[str, int], destination: tuple[str, int]) -> bytes:
    """Ask for the one TCP socket that is bound to the source and connected to the destination."""
    addresses = [socket.inet_aton(host) for host, _ in (source, destination)]
    socket_id = _SOCKET_ID.pack(source[1], destination[1], *addresses, _ANY_COOKIE)
    body = _REQUEST.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 0xFFFFFFFF) + socket_id
    return _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 0, 0) + body
