"""Only the user who started it reaches the local cloud, and no web page does."""

from __future__ import annotations

import os
import socket
import ssl
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.parsers import ResponseParserError

from localcloud import cloud as cloud_module
from localcloud import peers
from localcloud.clients import make_client
from localcloud.cloud import STATE, CloudError, LocalCloud
from localcloud.peers import knows_users, listen, rejection, user_at_other_end
from localcloud.rekognition import LocalRekognition
from localcloud.virtual_environment import ensure_virtual_environment
from tests.account import Account
from tests.localcloud.stacks import custom, function, project, role, template

ACCOUNT = "777788889999"
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says whose a connection is")


@pytest.fixture
def everybody_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the user who runs the tests for another one than the server's."""
    assert knows_users()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)


@linux_only
@pytest.mark.usefixtures("everybody_is_another")
def test_a_connection_of_another_user_is_closed_unread(rekognition: LocalRekognition) -> None:
    """Any access key of 12 digits is an account's root, who runs code by Lambda: only for the user who started it."""
    with listen() as server, socket.create_connection(server.getsockname()) as foreign:
        with pytest.raises(ConnectionAbortedError, match="another user"):
            server.accept()
        foreign.settimeout(10)
        assert foreign.recv(1) == b""
    for _ in range(2):  # the server goes on with the next connection
        with pytest.raises(ConnectionClosedError):
            rekognition.client().describe_projects()


AS_ANOTHER = """#!/bin/sh
shift 2
exec {python} -c "import runpy; from localcloud import peers; peers.knows_users(); peers.os.geteuid = lambda: {user}
runpy.run_module('localcloud.launcher', run_name='__main__')" "$@"
"""


@linux_only
def test_the_gateway_rejects_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cloud that takes itself for another user's isn't reached by the user who runs the tests."""
    wrapper = tmp_path / "python"
    python = ensure_virtual_environment(STATE / "venv")
    wrapper.write_text(AS_ANOTHER.format(python=python, user=os.getuid() + 1))
    wrapper.chmod(0o755)
    monkeypatch.setattr(cloud_module, "ensure_virtual_environment", lambda *_: wrapper)
    with pytest.raises(CloudError, match="did not respond"):
        LocalCloud(tmp_path / "state").start()


@linux_only
@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::ffff:127.0.0.1")])
def test_the_user_of_any_kind_of_socket_is_known(family: int, address: str) -> None:
    """An IPv6 socket can connect to an IPv4 address; once the other end is closed it has no user, not root."""
    with listen() as server, socket.socket(family) as client:
        client.connect((address, server.getsockname()[1]))
        connection, _ = server.accept()
        with connection:
            assert user_at_other_end(connection) == os.geteuid()
            client.close()
            connection.settimeout(10)
            assert connection.recv(1) == b""
            assert user_at_other_end(connection) is None


@linux_only
def test_the_user_whom_the_kernel_shows_for_unknown_ones_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a user namespace everybody who isn't mapped has that id; as any other user, the kernel can be asked."""
    for unknown, known in ((os.geteuid(), False), (os.geteuid() + 1, True)):
        monkeypatch.setattr(peers, "_user_of_unknown", lambda unknown=unknown: unknown)
        assert knows_users.__wrapped__() is known


@pytest.mark.parametrize(
    ("headers", "heard"),
    [
        ({"host": "127.0.0.1:8000"}, True),
        ({"host": "localhost:8000"}, True),
        ({"host": "bucket.localhost:8000"}, True),
        ({"host": "rebound.example.com:8000"}, False),
        ({"host": "localhost.example.com:8000"}, False),
        ({"host": "127.0.0.1"}, False),
        ({"host": "127.0.0.1:1"}, False),
        ({}, False),
        ({"host": "localhost:8000", "origin": "https://example.com"}, False),
        ({"host": "localhost:8000", "origin": "null"}, False),
        ({"host": "localhost:8000", "origin": "https://localhost:8000"}, False),
    ],
)
def test_no_web_page_is_heard(headers: dict[str, str], heard: bool) -> None:
    """A page's own name may resolve to 127.0.0.1, but then `Host` is that name; from another site it has an Origin."""
    assert (rejection(headers, 8000, None) is None) is heard


def statuses(cloud: LocalCloud, **headers: str) -> list[int]:
    """Return how both servers respond to a plain request with these headers."""
    context = ssl.create_default_context(cafile=str(cloud.authority))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))

    def status(url: str, method: str, body: bytes | None = None) -> int:
        request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310
        try:
            with opener.open(request, timeout=20) as response:
                return int(response.status)
        except urllib.error.HTTPError as rejected:
            rejected.close()
            return rejected.code

    return [
        status(f"{cloud.endpoint_url}/_ministack/health", "GET"),
        status(f"{cloud.rekognition_url}/_localcloud/switches", "PUT", b"{}"),
    ]


def test_both_servers_reject_web_pages(local_cloud: LocalCloud) -> None:
    """They respond with 403 before they do anything."""
    assert statuses(local_cloud) == [200, 200]
    assert statuses(local_cloud, Origin="https://example.com") == [403, 403]
    assert statuses(local_cloud, Host="example.com") == [403, 403]


@pytest.fixture
def cloud_with_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCloud]:
    """Run a cloud as on a machine that doesn't say whose a connection is; two start it at once, and have the same."""
    monkeypatch.setattr(cloud_module, "knows_users", lambda: False)
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(LocalCloud.attach_or_start, [tmp_path / "state"] * 2)
    try:
        assert (one.pid, one.endpoint_url) == (other.pid, other.endpoint_url)
        yield other
    finally:
        one.stop()


def test_elsewhere_clients_need_a_secret(cloud_with_secret: LocalCloud, tmp_path: Path) -> None:
    """Clients need nothing but the environment, whatever the user's own AWS is; nothing is heard without the secret."""
    cloud, account = cloud_with_secret, Account(cloud_with_secret, ACCOUNT)
    body = template(
        {"Listing": {"Fn::GetAtt": ["Custom", "Listing"]}},
        Role=role({"Effect": "Allow", "Action": "rekognition:ListProjectPolicies", "Resource": "*"}),
        Function=function("thing"),
        Project=project("secret"),
        Custom=custom(ProjectArn={"Fn::GetAtt": ["Project", "Arn"]}),
    )
    assert account.deploy("secret", body) == "CREATE_COMPLETE", account.reasons("secret")
    assert account.outputs("secret")["Listing"] == "allowed"

    users = {"AWS_PROFILE": "production", "AWS_SESSION_TOKEN": "secret", "HTTPS_PROXY": "http://127.0.0.1:1"}
    environment = cloud.full_environment(ACCOUNT, "eu-west-1", {**os.environ, **users})
    code = (
        "import boto3\n"
        "print(boto3.client('sts').get_caller_identity()['Account'])\n"
        "print(boto3.client('rekognition').create_project(ProjectName='env')['ProjectArn'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.startswith(f"{ACCOUNT}\narn:aws:rekognition:eu-west-1:{ACCOUNT}:project/env/"), done.stderr
    assert "AWS_PROFILE" not in environment
    for file in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        assert Path(environment[file]).read_text() == ""
    assert cloud.set_switches(list_lag=1).list_lag == 1

    assert statuses(cloud) == [403, 403]
    given: Any = {"account": ACCOUNT, "region": "us-east-1", "secret": "0" * 40, "verify": str(cloud.authority)}
    with pytest.raises(ResponseParserError, match="must have the secret"):
        make_client("sts", cloud.endpoint_url, **given).get_caller_identity()
    with pytest.raises(ClientError, match="403"):
        make_client("rekognition", cloud.rekognition_url, **given).describe_projects()


def test_the_state_folder_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It's private, also if it was there before; another user's isn't used, who could exchange what is in it."""
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o777)

    def fail(*_: Path) -> Path:
        raise CloudError("enough")

    monkeypatch.setattr(cloud_module, "ensure_virtual_environment", fail)
    with pytest.raises(CloudError, match="enough"):
        LocalCloud(state).start()
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(CloudError, match="belongs to another user"):
        LocalCloud.attach_or_start(state)
    assert list(state.iterdir()) == []
