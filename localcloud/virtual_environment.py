"""The virtual environments of this checkout: their packages are exactly those of a group of uv.lock.

The local cloud's is separate because functions run in it: they must find what Lambda's runtime has, and nothing else
(no crhelper). uv is in .venv, which the commands of scripts/ make.
"""

from __future__ import annotations

import ast
import fcntl
import hashlib
import json
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "uv.lock"
CHECKOUT = ROOT / ".venv" / "bin"

PIP_SETTINGS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_OFFLINE",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
}
"""How pip reaches an index, and how uv is told that."""


class SetupError(Exception):
    """The virtual environment couldn't be made; the message says what to do."""


def ensure_virtual_environment(folder: Path, group: str = "localcloud") -> Path:
    """Return the path of the environment's Python; make the environment first where it is missing or out of date.

    Only one process at a time makes it, the others wait and then use it.
    """
    python = folder / "bin" / "python"
    with only_one_at_a_time(folder.with_suffix(".lock"), f"another process, which makes {folder}"):
        stamp, wanted = folder / "made-from.json", _stamp(group)
        if not (python.exists() and stamp.exists() and stamp.read_text() == wanted):
            _make(folder, python, group)
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


def _stamp(group: str) -> str:
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    return json.dumps({"group": group, "lock": digest, "python": sys.version, "base": sys.base_prefix}, indent=2)


def _make(folder: Path, python: Path, group: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _run([_base_python(), "-m", "venv", "--without-pip", str(folder)])
    install(python, group)


def install(python: Path, group: str) -> None:
    """Install a group of uv.lock for a Python, from where pip would download it."""
    if not (CHECKOUT / "uv").exists():
        raise SetupError(f"{CHECKOUT / 'uv'} is missing. Run ./scripts/deploy or ./scripts/test, which install it.")
    uv, settings = str(CHECKOUT / "uv"), _settings()
    only_this = ["--no-config", "--quiet", "--python", str(python)]
    # Not `uv sync`, which takes the addresses in the lock even where pip is told of a mirror (astral-sh/uv#19625).
    export = [uv, "export", *only_this, "--project", str(ROOT), "--frozen", "--only-group", group]
    # The lock is whole, so nothing is resolved. Wheels only: to build another kind of package, uv would install build
    # tools that have no hash here.
    exactly = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", "-"]
    # aws-cdk-lib comes last: another package has an older file of the same name (aws/aws-cdk#38482), and uv installs
    # side by side.
    for held_back in (["--no-emit-package", "aws-cdk-lib"], []):
        lock = _run([*export, *held_back], environment=settings)
        _run([uv, "pip", "install", *only_this, *exactly], given=lock, environment=settings)


def install_checkout() -> None:
    """Install the construct in .venv, as it is here, by the build back end that is there."""
    command = [str(CHECKOUT / "uv"), "pip", "install", "--no-config", "--quiet", "--python", str(CHECKOUT / "python")]
    exactly = ["--offline", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    _run([*command, *exactly], environment=_without_users_uv())


def _without_users_uv() -> dict[str, str]:
    """Return this environment without what a user tells uv, except for where its cache is."""
    return {name: value for name, value in os.environ.items() if name == "UV_CACHE_DIR" or not name.startswith("UV_")}


def _settings() -> dict[str, str]:
    """Return uv's environment: it downloads from where and how pip does, which has brought uv."""
    own = {"UV_PYTHON_DOWNLOADS": "never", "UV_INDEX_STRATEGY": "unsafe-best-match"}  # any index, because of the hashes
    if _has_certificates():
        own["UV_SYSTEM_CERTS"] = "true"
    for name in ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        if os.environ.get(name):
            own["SSL_CERT_FILE"] = os.environ[name]
    listed = _run([str(CHECKOUT / "python"), "-I", "-m", "pip", "config", "list"])
    told = dict(line.split("=", 1) for line in listed.splitlines())
    for name, theirs in PIP_SETTINGS.items():
        for key in (f"global.{name}", f"install.{name}", f":env:.{name}"):  # the last one wins
            if key in told:
                separator = "," if name == "find-links" else " "
                own[theirs] = separator.join(ast.literal_eval(told[key]).split())
    return _without_users_uv() | own


def _has_certificates() -> bool:
    """Return whether the system has certificates to trust: without any, uv would not fall back on its own."""
    paths = ssl.get_default_verify_paths()
    return bool(paths.cafile or sys.platform == "darwin" or (paths.capath and any(Path(paths.capath).iterdir())))


def _base_python() -> str:
    """Return the interpreter below this one's virtual environment, which may be made anew while the cloud runs."""
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    return str(base) if base.exists() else sys.executable


def _run(command: list[str], *, given: str = "", environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, check=False, capture_output=True, input=given, text=True, env=environment)
    if done.returncode != 0:
        raise SetupError(f"This failed: {' '.join(command)}\n{(done.stdout + done.stderr).strip()}")
    return done.stdout


if __name__ == "__main__":
    try:
        install(CHECKOUT / "python", sys.argv[1])
        install_checkout()
    except SetupError as problem:
        sys.exit(str(problem))
