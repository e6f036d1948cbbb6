"""The local cloud's own virtual environment, made on first use and made anew when its requirements change.

It is separate because functions run in it: they must find what Lambda's runtime has, and nothing else (no crhelper).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


class SetupError(Exception):
    """The virtual environment couldn't be made; the message says what to do."""


def ensure_virtual_environment(folder: Path, requirements: Path = REQUIREMENTS) -> Path:
    """Return the path of the environment's Python; make the environment first where it is missing or out of date.

    Only one process at a time makes it, the others wait and then use it.
    """
    python = folder / "bin" / "python"
    with only_one_at_a_time(folder.with_suffix(".lock"), f"another process, which makes {folder}"):
        stamp, wanted = folder / "made-from.json", _stamp(requirements)
        if not (python.exists() and stamp.exists() and stamp.read_text() == wanted):
            _make(folder, python, requirements)
            stamp.write_text(wanted)
    return python


@contextmanager
def only_one_at_a_time(lock: Path, holder: str = "another process") -> Iterator[None]:
    """Keep every other process that asks for the same lock waiting, after saying what for.

    The kernel frees the lock should this process die.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.stderr.write(f"Waiting for {holder} (it holds {lock}) …\n")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _stamp(requirements: Path) -> str:
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    return json.dumps({"requirements": digest, "python": sys.version, "base": sys.base_prefix}, indent=2)


def _make(folder: Path, python: Path, requirements: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _run([_base_python(), "-m", "venv", str(folder)])
    # -I keeps PYTHONPATH out; the user's pip configuration (an index, a proxy) stays in force.
    install = [str(python), "-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-compile"]
    # Wheels only: building another kind of package would install build tools that have no hash here.
    _run([*install, "--require-hashes", "--only-binary", ":all:", "--requirement", str(requirements)])


def _base_python() -> str:
    """Return the interpreter below this one's virtual environment, which may be made anew while the cloud runs."""
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    return str(base) if base.exists() else sys.executable


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PIP_USER": "0"},
    )
    if done.returncode != 0:
        raise SetupError(f"This failed: {' '.join(command)}\n{done.stdout.strip()}")
