"""Clients that stall, send too much, or send what isn't HTTP: they are closed or rejected, and others are served."""

from __future__ import annotations

import socket
import ssl
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from itertools import repeat

import pytest

from localcloud import cloud as cloud_module
from localcloud.cloud import REPOSITORY, STATE, LocalCloud
from localcloud.peers import SECRET_VARIABLE
from localcloud.virtual_environment import ensure_virtual_environment

CONNECTIONS = 450  # a process may often have no more than 1,024 open files
GIGABYTE = 2**30
IMPATIENT = """#!{python}
import asyncio.constants, runpy, sys
sys.path.insert(0, {repository!r})
from localcloud import peers
peers.IDLE_SECONDS = 2
asyncio.constants.SSL_SHUTDOWN_TIMEOUT = 0.1
del sys.argv[:2]
runpy.run_module("localcloud.launcher", run_name="__main__", alter_sys=True)
"""
"""The launcher, but less patient."""
GATEWAY, REKOGNITION = "endpoint_url", "rekognition_url"
RESPONSE = "PUT /_ministack/cfn-response/x"
CHUNKED = "Transfer-Encoding: chunked"
CLOSES_TLS = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="Python 3.10's asyncio waits without end for a client to shut its TLS down"
)


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """Run a cloud that closes idle connections soon."""
    folder = tmp_path_factory.mktemp("impatient")
    python = folder / "python"
    real = ensure_virtual_environment(STATE / "venv")
    python.write_text(IMPATIENT.format(python=real, repository=str(REPOSITORY)))
    python.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cloud_module, "ensure_virtual_environment", lambda _: python)
        with LocalCloud(folder / "state") as cloud:
            yield cloud


def connected(cloud: LocalCloud, url: str) -> socket.socket:
    """Return a connection, with TLS where the server speaks it."""
    plain = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=60)
    if url.startswith("http:"):
        return plain
    return ssl.create_default_context(cafile=str(cloud.authority)).wrap_socket(plain, server_hostname="localhost")


def head(cloud: LocalCloud, url: str, *headers: str, start: str = "POST /", secret: bool = True) -> bytes:
    """Return the beginning of a request, without the empty line that ends its headers."""
    agent = [f"User-Agent: app/{cloud.environment()[SECRET_VARIABLE]}"] if secret else []
    return "".join(
        f"{line}\r\n" for line in (f"{start} HTTP/1.1", f"Host: {url.rpartition('/')[2]}", *agent, *headers)
    ).encode()


def received(connection: socket.socket) -> bytes:
    """Return what a server sends until it closes the connection."""
    parts = []
    with suppress(ConnectionError, ssl.SSLError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def status(cloud: LocalCloud, url: str, parts: Iterable[bytes]) -> int:
    """Return how a server responds to these bytes, of which it needn't take all."""
    with connected(cloud, url) as connection:
        with suppress(ConnectionError, ssl.SSLError):
            for part in parts:
                connection.sendall(part)
        return int(received(connection).split()[1])


def assert_serves(cloud: LocalCloud) -> None:
    """Assert that both servers serve others."""
    with connected(cloud, cloud.endpoint_url) as connection:
        connection.settimeout(30)
        connection.sendall(head(cloud, cloud.endpoint_url, start="GET /_ministack/health") + b"\r\n")
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
    cloud.set_switches()


@CLOSES_TLS
def test_a_client_that_does_not_go_on_is_closed(impatient: LocalCloud) -> None:
    """With nothing sent, half a request, half a body, or a connection kept; the log has no traceback."""
    stalled = []
    for url in (impatient.endpoint_url, impatient.rekognition_url):
        whole = head(impatient, url, "Content-Length: 9") + b"\r\n"
        for sent in (b"", b"POST / HT", whole[:-2], whole + b"{", whole + b"123456789"):
            connection = connected(impatient, url)
            connection.sendall(sent)
            # Without TLS, so that nothing is said when the server shuts it down.
            stalled.append(socket.socket(fileno=connection.detach()))
            stalled[-1].settimeout(60)
    for connection in stalled:
        with connection:
            received(connection)
    assert_serves(impatient)
    assert "Traceback" not in impatient.log.read_text()


@pytest.mark.parametrize(
    ("server", "headers", "body", "expected"),
    [
        (GATEWAY, [f"Content-Length: {GIGABYTE}"], b"", 413),
        (GATEWAY, [f"Content-Length: {GIGABYTE}"], b"x" * 65536, 413),
        (GATEWAY, [CHUNKED], b"10000\r\n" + b"x" * 65536 + b"\r\n", 413),
        (GATEWAY, ["Content-Length: -1"], b"", 400),
        (GATEWAY, ["Content-Length: 2", "Content-Length: 3"], b"", 400),
        pytest.param(GATEWAY, ["X: "], b"x" * 65536, 431, marks=CLOSES_TLS),
        (REKOGNITION, [f"Content-Length: {GIGABYTE}"], b"", 413),
        (REKOGNITION, [f"Content-Length: {GIGABYTE}"], b"x" * 65536, 413),
        (REKOGNITION, [CHUNKED], b"10000\r\n" + b"x" * 65536 + b"\r\n", 411),
        (REKOGNITION, ["Content-Length: -1"], b"", 411),
        (REKOGNITION, ["Content-Length: 2", "Content-Length: 3"], b"", 411),
        (REKOGNITION, ["X: "], b"x" * 65536, 431),
    ],
)
def test_a_body_without_a_near_end_is_rejected(
    local_cloud: LocalCloud, server: str, headers: list[str], body: bytes, expected: int
) -> None:
    """Whether its length is announced or not, too long or wrong; no server takes a gigabyte."""
    url = getattr(local_cloud, server)
    end = b"" if headers == ["X: "] else b"\r\n"
    begin = head(local_cloud, url, *headers).removesuffix(b"\r\n" if not end else b"")
    assert status(local_cloud, url, [begin + end, *repeat(body, GIGABYTE // 65536)]) == expected
    assert_serves(local_cloud)


@pytest.mark.parametrize(
    ("start", "announced", "expected"),
    [(RESPONSE, "Content-Length: 65537", 413), (RESPONSE, CHUNKED, 413), ("POST /", CHUNKED, 403)],
)
def test_who_lacks_the_secret_sends_little(local_cloud: LocalCloud, start: str, announced: str, expected: int) -> None:
    """A response to CloudFormation has 64 KiB at most; of what is rejected nothing is kept, in pieces however small."""
    url = local_cloud.endpoint_url
    begin = head(local_cloud, url, announced, start=start, secret=False) + b"\r\n"
    assert status(local_cloud, url, [begin, *repeat(b"1\r\nx\r\n" * 10000, 10)]) == expected
    assert_serves(local_cloud)


@pytest.mark.parametrize("server", [GATEWAY, REKOGNITION])
def test_many_connections_at_once(local_cloud: LocalCloud, server: str) -> None:
    """Those that say nothing don't keep others from being served, nor does what isn't TLS or HTTP."""
    url = getattr(local_cloud, server)
    with ExitStack() as stack:
        for _ in range(CONNECTIONS):
            stack.enter_context(socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=60))
        garbage = stack.enter_context(socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=60))
        garbage.sendall(bytes(range(1, 256)) * 100)
        assert b"200 OK" not in received(garbage)
        assert_serves(local_cloud)
