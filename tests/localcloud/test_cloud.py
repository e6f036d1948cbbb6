"""The local cloud as a whole: its processes, its ports, its environment, its state."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped,unused-ignore]
import pytest

from localcloud import cloud as cloud_module
from localcloud.cloud import REPOSITORY, CloudError, LocalCloud
from localcloud.processes import in_session
from tests.account import Account
from tests.localcloud.stacks import custom, function, role, template

ACCOUNT = "555566667777"
_SECONDS = 20


@pytest.fixture
def another_cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    """Return a cloud of the test's own, which it may start and stop."""
    cloud = LocalCloud(tmp_path / "state")
    yield cloud
    cloud.stop()


def run_function(cloud: LocalCloud) -> Account:
    """Deploy a stack whose function runs, so that there is a process for it, and return the account."""
    account = Account(cloud, ACCOUNT)
    ended = account.deploy("function", template(Role=role(), Function=function(), Custom=custom()))
    assert ended == "CREATE_COMPLETE", account.reasons("function")
    return account


def start_stuck_function(cloud: LocalCloud) -> None:
    """Let a function never end, and take no notice of SIGTERM, and wait until it has begun."""
    lambda_ = run_function(cloud).client("lambda")
    (function,) = lambda_.list_functions()["Functions"]
    lambda_.invoke(FunctionName=function["FunctionName"], InvocationType="Event")
    deadline = time.monotonic() + _SECONDS
    while not (cloud.state / "tmp" / "stuck").exists():
        assert time.monotonic() < deadline, "the function did not start"
        time.sleep(0.05)


def test_listens_on_loopback_only(local_cloud: LocalCloud) -> None:
    """Whatever the cloud's processes listen on is on 127.0.0.1, a free port, and the two that it names."""
    run_function(local_cloud)
    processes = in_session(local_cloud.pid)
    assert len(processes) >= 2
    sockets = [socket for process in processes for socket in process.net_connections("inet")]
    listening = {socket.laddr for socket in sockets if socket.status == psutil.CONN_LISTEN}
    datagrams = [socket for socket in sockets if socket.type.name == "SOCK_DGRAM"]
    assert datagrams == []
    assert {address.ip for address in listening} == {"127.0.0.1"}
    named = {int(url.rpartition(":")[2]) for url in (local_cloud.endpoint_url, local_cloud.rekognition_url)}
    assert {address.port for address in listening} == named


@pytest.mark.parametrize("killed", [False, True])
def test_stop_leaves_no_process_and_no_secret(another_cloud: LocalCloud, killed: bool) -> None:
    """The cloud and its functions are gone, also those that outlived it; only the log and empty files are left."""
    another_cloud.start()
    assert (another_cloud.state / "tls" / "server.key").stat().st_mode & 0o077 == 0
    leader = another_cloud.pid
    start_stuck_function(another_cloud)
    if killed:
        psutil.Process(leader).kill()
    another_cloud.stop()
    assert in_session(leader) == []
    assert not another_cloud.is_running
    assert sorted(path.name for path in another_cloud.state.iterdir()) == [
        "cloud.log",
        "no-aws-config",
        "no-aws-credentials",
    ]


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """A test run that is killed leaves neither a cloud nor its functions."""
    code = (
        "import pathlib, sys\n"
        "from tests.localcloud.test_cloud import LocalCloud, run_function\n"
        "cloud = LocalCloud(pathlib.Path(sys.argv[1]))\n"
        "cloud.start()\n"
        "run_function(cloud)\n"
        "print(cloud.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        processes = in_session(int(parent.stdout.readline()))
        assert len(processes) == 2
        parent.kill()
    _, alive = psutil.wait_procs(processes, timeout=_SECONDS)
    assert alive == []


def test_another_process_with_the_same_number_is_not_taken_for_it(tmp_path: Path) -> None:
    """A record left behind by a machine that went down names a process that is another one by now."""
    record = {"gateway_port": 1, "rekognition_url": "http://127.0.0.1:1", "secret": "x", "pid": os.getpid()}
    (tmp_path / "cloud.json").write_text(json.dumps(record))
    assert LocalCloud.attach(tmp_path) is None
    (tmp_path / "cloud.json").write_text("{")
    assert LocalCloud.attach(tmp_path) is None


def test_a_start_that_fails_shows_the_log(another_cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the log and ends with its last lines; nothing is left running."""
    # This Python has no ministack.
    monkeypatch.setattr(cloud_module, "ensure_virtual_environment", lambda *_: Path(sys.executable))
    with pytest.raises(CloudError, match="ended before it said where it listens") as caught:
        another_cloud.start()
    assert str(another_cloud.log) in str(caught.value)
    assert "No module named 'ministack'" in str(caught.value)
    assert not another_cloud.is_running


def test_every_stack_is_listed(local_cloud: LocalCloud) -> None:
    """Whoever stops the cloud asks for the stacks of all accounts and Regions."""
    account = Account(local_cloud, "989898989898", "eu-west-1")
    assert account.deploy("elsewhere", template(Role=role())) == "CREATE_COMPLETE"
    assert ("989898989898", "eu-west-1", "elsewhere") in local_cloud.stacks()
    account.delete("elsewhere")
    assert "elsewhere" not in {name for _, _, name in local_cloud.stacks()}
