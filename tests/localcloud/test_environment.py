"""The local cloud's own virtual environment, and the ministack in it."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import Queue
from types import SimpleNamespace

import pytest

from localcloud import virtual_environment
from localcloud.virtual_environment import SetupError, ensure_virtual_environment, only_one_at_a_time


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
