"""Only the user who started it reaches the local cloud."""

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
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from localcloud import cloud as cloud_module
from localcloud.clients import make_client
from localcloud.cloud import REPOSITORY, CloudError, LocalCloud
from localcloud.peers import listen, rejection, user_at_other_end
from tests.cloudformation import CloudFormation
from tests.localcloud.stacks import custom, function, project, role, template

ACCOUNT, NOBODY = "777788889999", 65534  # the kernel's overflowuid
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says whose a connection is")
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can connect as another user")

# What a stranger needs to be an account's root; it takes another user's id before it connects.
STRANGER = """
import encodings.idna, os, ssl, sys, urllib.request  # all at once: the other user may not be able to read it later
user, authority, *urls = sys.argv[1:]
opener = urllib.request.build_opener(
    urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=authority))
)
os.setuid(int(user))
for url in urls:
    service, target = ("rekognition", "DescribeProjects") if url.startswith("http:") else ("sts", "")
    credential = f"111122223333/20300101/us-east-1/{service}/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0",
        "X-Amz-Target": f"RekognitionService.{target}",
    }
    body = b"{}" if target else b"Action=GetCallerIdentity&Version=2011-06-15"
    try:
        print(opener.open(urllib.request.Request(url, body, headers), timeout=20).status)
    except OSError as error:
        print("rejected:", error)
"""


def statuses(cloud: LocalCloud, user: int) -> list[str]:
    """Call both servers as the root of an account, from a process of a user; return how each responded."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", STRANGER, str(user), cloud.authority, cloud.endpoint_url, cloud.rekognition_url],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@linux_only
@root_only
def test_another_user_is_rejected(local_cloud: LocalCloud) -> None:
    """Any access key of 12 digits is an account's root, who runs code by Lambda: only for the user who started it."""
    assert statuses(local_cloud, os.getuid()) == ["200", "200"]
    gateway, rekognition = statuses(local_cloud, NOBODY)
    assert gateway.startswith("rejected:")
    assert rekognition.startswith("rejected:")


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
@root_only
def test_a_socket_of_another_user_is_closed_unread() -> None:
    """The server goes on with the next connection."""
    with listen() as server:
        address = server.getsockname()
        with socket.create_connection(address) as foreign, socket.create_connection(address) as own:
            os.fchown(foreign.fileno(), NOBODY, -1)
            with pytest.raises(ConnectionAbortedError, match="another user"):
                server.accept()
            connection, peer = server.accept()
            connection.close()
            assert peer == own.getsockname()
            foreign.settimeout(10)
            assert foreign.recv(1) == b""


@linux_only
@root_only
def test_the_user_whom_the_kernel_shows_for_unknown_ones_proves_nothing() -> None:
    """In a user namespace everybody who isn't mapped has that id; as any other user, the kernel can be asked."""
    code = "import encodings.idna, os, sys; from localcloud.peers import knows_users\n"
    code += "os.setuid(int(sys.argv[1])); print(knows_users())"
    for user, known in ((NOBODY, "False"), (NOBODY - 1, "True")):
        command = [sys.executable, "-c", code, str(user)]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.strip() == known


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


def test_both_servers_reject_web_pages(local_cloud: LocalCloud) -> None:
    """They respond with 403 before they do anything, also to what asks a browser for permission first."""
    context = ssl.create_default_context(cafile=str(local_cloud.authority))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    for url in (f"{local_cloud.endpoint_url}/_ministack/health", f"{local_cloud.rekognition_url}/_localcloud/switches"):
        assert opener.open(url, timeout=20).status == 200
        for headers in ({"Origin": "https://example.com"}, {"Host": "example.com"}):
            with pytest.raises(urllib.error.HTTPError) as rejected:
                opener.open(urllib.request.Request(url, headers=headers), timeout=20)  # noqa: S310
            assert rejected.value.code == 403
            rejected.value.close()


@pytest.fixture
def cloud_with_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCloud]:
    """Run a cloud as on a machine that doesn't say whose a connection is, and return it as another process finds it."""
    monkeypatch.setattr(cloud_module, "knows_users", lambda: False)
    started = LocalCloud.attach_or_start(tmp_path / "state")
    try:
        found = LocalCloud.attach(tmp_path / "state")
        assert found is not None
        yield found
    finally:
        started.stop()


def test_elsewhere_clients_need_a_secret(cloud_with_secret: LocalCloud, tmp_path: Path) -> None:
    """Clients of the cloud, its functions and its environment have the secret, and nothing is heard without it."""
    cloud = cloud_with_secret
    cloudformation = CloudFormation(cloud.client("cloudformation", ACCOUNT))
    body = template(
        {"Listing": {"Fn::GetAtt": ["Custom", "Listing"]}},
        Role=role({"Effect": "Allow", "Action": "rekognition:ListProjectPolicies", "Resource": "*"}),
        Function=function("capture"),
        Project=project("secret"),
        Custom=custom(ProjectArn={"Fn::GetAtt": ["Project", "Arn"]}),
    )
    assert cloudformation.deploy("secret", body) == "CREATE_COMPLETE", cloudformation.reasons("secret")
    assert cloudformation.outputs("secret")["Listing"] == "allowed"

    code = "import boto3; boto3.client('sts').get_caller_identity(); boto3.client('rekognition').describe_projects()"
    subprocess.run([sys.executable, "-c", code], env=cloud.full_environment(ACCOUNT), cwd=tmp_path, check=True)
    assert cloud.set_switches(list_lag=1).list_lag == 1

    assert all("403" in status for status in statuses(cloud, os.getuid()))
    for wrong in (None, "0" * 40):
        given: Any = {"account": ACCOUNT, "region": "us-east-1", "secret": wrong, "verify": str(cloud.authority)}
        with pytest.raises(ResponseParserError, match="must have the secret"):
            make_client("sts", cloud.endpoint_url, **given).get_caller_identity()
        with pytest.raises(ClientError, match="403"):
            make_client("rekognition", cloud.rekognition_url, **given).describe_projects()


@pytest.mark.parametrize("existing", [False, True])
def test_the_state_folder_is_private(
    local_cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, existing: bool
) -> None:
    """Also where it was there before, with wider permissions."""
    assert stat.S_IMODE(local_cloud.state.stat().st_mode) == 0o700
    state = tmp_path / "state"
    if existing:
        state.mkdir()
        state.chmod(0o777)

    def fail(*_: Path) -> Path:
        raise CloudError("enough")

    monkeypatch.setattr(cloud_module, "ensure_virtual_environment", fail)
    with pytest.raises(CloudError, match="enough"):
        LocalCloud(state).start()
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


def test_a_state_folder_of_another_user_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner could exchange what is in it."""
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(CloudError, match="belongs to another user"):
        LocalCloud.attach_or_start(tmp_path)
    assert list(tmp_path.iterdir()) == []
