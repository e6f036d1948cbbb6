"""The local cloud's own virtual environment, and the ministack in it."""

from __future__ import annotations

import base64
import hashlib
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import files
from pathlib import Path
from queue import Queue
from types import SimpleNamespace

import pytest

from localcloud import virtual_environment
from localcloud.virtual_environment import SetupError, ensure_virtual_environment, install, only_one_at_a_time


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock in place of the checkout's."""
    monkeypatch.setattr(virtual_environment, "LOCK", tmp_path / "uv.lock")
    (tmp_path / "uv.lock").write_text("a 1")
    return tmp_path / "uv.lock"


def test_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lock: Path) -> None:
    """A half-made one is made anew; several at once make it once, and another lock or group makes it anew."""
    made: list[Path] = []

    def make(folder: Path, python: Path, _group: str) -> None:
        made.append(folder)
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()
        if len(made) == 1:
            raise SetupError("no network")

    monkeypatch.setattr(virtual_environment, "_make", make)
    ensure = partial(ensure_virtual_environment, tmp_path / "venv")
    with pytest.raises(SetupError):
        ensure()
    with ThreadPoolExecutor(8) as pool:
        for started in [pool.submit(ensure) for _ in range(8)]:
            assert started.result().exists()
    assert len(made) == 2
    lock.write_text("a 2")
    ensure()
    assert len(made) == 3
    ensure("docs")
    assert len(made) == 4


def test_says_what_it_waits_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody should look at a silent terminal; where nothing is waited for, nothing is said."""
    said: Queue[str] = Queue()
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(write=said.put))
    with only_one_at_a_time(tmp_path / "lock", "a friend"):
        assert said.empty()
        waiting = threading.Thread(target=only_one_at_a_time(tmp_path / "lock", "a friend").__enter__)
        waiting.start()
        assert said.get(timeout=20) == f"Waiting for a friend (it holds {tmp_path / 'lock'}) …\n"
    waiting.join()


def test_shows_what_a_command_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If one fails, the message has the command and its output: Debian's Python names the package that is missing."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho apt install python3-venv\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(virtual_environment, "_base_python", lambda: str(python))
    with pytest.raises(SetupError) as caught:
        ensure_virtual_environment(tmp_path / "venv")
    assert (
        str(caught.value)
        == f"This failed: {python} -m venv --without-pip {tmp_path / 'venv'}\napt install python3-venv"
    )


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which a stand-in of uv writes its environment, and what it is told to install."""
    written, told = tmp_path / "written", tmp_path / "pip"
    scripts = {
        "uv": f'case "$*" in export*no-emit*) echo cdk 1;; export*) echo cdk 2;; *) {{ env; cat; }} >>{written};; esac',
        "python": f"cat {told}",
    }
    for name, script in scripts.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    told.touch()
    monkeypatch.setattr(virtual_environment, "CHECKOUT", tmp_path)
    return written


def test_says_what_installs_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the local cloud with a Python of their own may lack what the commands make."""
    monkeypatch.setattr(virtual_environment, "CHECKOUT", tmp_path)
    with pytest.raises(SetupError, match=r"uv is missing\. Run \./scripts/deploy or \./scripts/test"):
        install(tmp_path / "venv" / "bin" / "python", "localcloud")


def test_the_cdk_is_installed_last(tmp_path: Path, uv: Path) -> None:
    """Whatever uv installs first of what it is given at once, its file of a name that two packages have stays."""
    install(tmp_path / "venv" / "bin" / "python", "deploy")
    assert re.findall("^cdk .$", uv.read_text(), re.MULTILINE) == ["cdk 1", "cdk 2"]


def test_the_cdks_own_file_is_installed() -> None:
    """Of two packages that bring a file of one name, aws-cdk-lib has the newer one."""
    (file,) = (each for each in files("aws-cdk-lib") or [] if str(each) == "aws_cdk/cloud_assembly_schema/__init__.py")
    digest = base64.urlsafe_b64encode(hashlib.sha256(file.read_binary()).digest()).decode().rstrip("=")
    assert file.hash
    assert file.hash.value == digest


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("global.index-url='https://a/simple'", "UV_DEFAULT_INDEX=https://a/simple"),
        (
            ":env:.index-url='https://b'\nglobal.index-url='https://a'\ninstall.index-url='https://c'",
            "UV_DEFAULT_INDEX=https://b",
        ),
        ("global.index-url='https://a'\ninstall.index-url='https://c'", "UV_DEFAULT_INDEX=https://c"),
        ("global.extra-index-url='\\nhttps://a\\nhttps://b'", "UV_INDEX=https://a https://b"),
        ("global.find-links='/a /b'", "UV_FIND_LINKS=/a,/b"),
        ("global.no-index='true'", "UV_OFFLINE=true"),
        ("global.trusted-host='a'", "UV_INSECURE_HOST=a"),
        ("global.cert='/a'", "SSL_CERT_FILE=/a"),
        ("", "SSL_CERT_FILE=/requests"),
        ("global.client-cert='/a'", "SSL_CLIENT_CERT=/a"),
        ("global.proxy='http://a:1'", "ALL_PROXY=http://a:1"),
        ("", "UV_CACHE_DIR=/cache"),
        ("", "UV_PYTHON_DOWNLOADS=never"),
    ],
)
def test_uv_downloads_as_pip_does(
    told: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uv: Path
) -> None:
    """Pip's index, proxy and certificates hold, the narrowest setting first; of uv's own, only where its cache is."""
    (tmp_path / "pip").write_text(told)
    users = {"UV_CACHE_DIR": "/cache", "UV_EXCLUDE_NEWER": "2020-01-01", "REQUESTS_CA_BUNDLE": "/requests"}
    for name, value in users.items():
        monkeypatch.setenv(name, value)
    install(tmp_path / "venv" / "bin" / "python", "deploy")
    assert expected in uv.read_text().splitlines()
    assert "UV_EXCLUDE_NEWER" not in uv.read_text()
