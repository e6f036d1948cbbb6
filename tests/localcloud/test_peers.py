"""Only the user who started it reaches the local cloud, and no web page does."""

from __future__ import annotations

import os
import ssl
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from localcloud import cloud as cloud_module
from localcloud.cloud import CloudError, LocalCloud
from localcloud.peers import SECRET_VARIABLE, rejection

ACCOUNT = "777788889999"
SIGNED = (
    f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20261202/us-east-1/cloudformation/aws4_request, SignedHeaders=host, "
    "Signature=0"
)


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
        ({"host": "localhost:8000", "sec-fetch-site": "cross-site"}, False),
    ],
)
def test_no_web_page_is_heard(headers: dict[str, str], heard: bool) -> None:
    """A page's name may resolve to 127.0.0.1, but `Host` tells it; from another site `Origin` or `Sec-Fetch-Site`."""
    assert (rejection(headers, 8000, None) is None) is heard


def statuses(cloud: LocalCloud, **headers: str) -> list[int]:
    """Return how both servers respond to requests with these headers."""
    headers = {"User-Agent": f"app/{cloud.environment()[SECRET_VARIABLE]}", "Authorization": SIGNED} | headers
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
        # Where a function sends its response, for which it needs no secret; this isn't one.
        status(f"{cloud.endpoint_url}/_ministack/cfn-response/x", "POST", b"Action=ListStacks&Version=2010-05-15"),
        status(f"{cloud.rekognition_url}/_localcloud/switches", "PUT", b"{}"),
    ]


def test_both_servers_reject_web_pages(local_cloud: LocalCloud) -> None:
    """They respond with 403 before they do anything."""
    assert statuses(local_cloud) == [200, 200, 200]
    assert statuses(local_cloud, Origin="https://example.com") == [403, 403, 403]
    assert statuses(local_cloud, Host="example.com") == [403, 403, 403]


def test_two_that_start_it_at_once_have_the_same(tmp_path: Path) -> None:
    """The second one waits, and finds it."""
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(LocalCloud.attach_or_start, [tmp_path / "state"] * 2)
    try:
        assert (one.pid, one.endpoint_url, one.environment()) == (other.pid, other.endpoint_url, other.environment())
    finally:
        one.stop()


def test_clients_need_the_secret(local_cloud: LocalCloud, tmp_path: Path) -> None:
    """Clients need nothing but the environment, whatever the user's own AWS is; nothing is heard without the secret."""
    cloud = local_cloud
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

    for agent in ("x", f"app/{'0' * 40}"):
        assert statuses(cloud, **{"User-Agent": agent}) == [403, 403, 403]


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
