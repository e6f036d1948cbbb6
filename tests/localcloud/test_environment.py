"""The local cloud's own virtual environment, and the ministack in it."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from queue import Queue
from types import SimpleNamespace

import pytest

from localcloud import virtual_environment
from localcloud.virtual_environment import SetupError, ensure_virtual_environment, only_one_at_a_time


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the environments made, which are only pretended."""
    made: list[Path] = []

    def make(folder: Path, python: Path, _requirements: Path) -> None:
        made.append(folder)
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()

    monkeypatch.setattr(virtual_environment, "_make", make)
    return made


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    """Requirements."""
    (tmp_path / "requirements.txt").write_text("a==1")
    return tmp_path / "requirements.txt"


def test_is_made_once(tmp_path: Path, made: list[Path], requirements: Path) -> None:
    """Several at once make it once, later there is nothing to do, and other requirements make it anew."""
    threads = [
        threading.Thread(target=ensure_virtual_environment, args=(tmp_path / "venv", requirements)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    requirements.write_text("a==2")
    ensure_virtual_environment(tmp_path / "venv", requirements)
    assert len(made) == 2


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


def test_a_half_made_one_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: list[Path], requirements: Path
) -> None:
    """After an installation that failed, the next start tries again."""

    def fail(_folder: Path, python: Path, _requirements: Path) -> None:
        python.parent.mkdir(parents=True)
        python.touch()
        raise SetupError("no network")

    with monkeypatch.context() as broken:
        broken.setattr(virtual_environment, "_make", fail)
        with pytest.raises(SetupError):
            ensure_virtual_environment(tmp_path / "venv", requirements)
    ensure_virtual_environment(tmp_path / "venv", requirements)
    assert len(made) == 1


def test_shows_what_a_command_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, requirements: Path) -> None:
    """If one fails, the message has the command and its output: Debian's Python names the package that is missing."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho apt install python3-venv\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(virtual_environment, "_base_python", lambda: str(python))
    with pytest.raises(SetupError) as caught:
        ensure_virtual_environment(tmp_path / "venv", requirements)
    assert str(caught.value) == f"This failed: {python} -m venv {tmp_path / 'venv'}\napt install python3-venv"
