"""The construct and the handler on the oldest and the newest Python that is supported and found here."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.end_to_end.conftest import bare_environment
from tests.packaging import ROOT

SUPPORTED = range(10, 15)
FOLDERS = ("tests/unit", "tests/rules", "tests/lifecycle")
"""What runs on other Pythons: what users import, and the rules that it shares with the function."""

EXAMPLES = "10"
"""How many of each property: what a rule finds in more of them doesn't depend on the Python."""

MAKE = """
import sys
from pathlib import Path
from localcloud.virtual_environment import ensure_virtual_environment
print(ensure_virtual_environment(Path(sys.argv[1]), Path(sys.argv[2])))
"""


@cache
def found() -> dict[str, Path]:
    """Return the interpreters beside this one, by version: those on the path, and pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    folders = [*pyenv.glob("3.*/bin"), *map(Path, os.environ["PATH"].split(os.pathsep))]
    working: dict[str, Path] = {}
    for minor in SUPPORTED:
        candidates = [folder / f"python3.{minor}" for folder in folders]
        if minor != sys.version_info.minor:
            # A shim may stand for no interpreter, and Debian's may lack what makes virtual environments.
            usable = (path for path in candidates if path.exists() and _answers(path))
            working |= {f"3.{minor}": path for path in usable}
    return working


def _answers(interpreter: Path) -> bool:
    return subprocess.run([interpreter, "-c", "import venv, ensurepip"], capture_output=True).returncode == 0


def oldest_and_newest() -> list[str]:
    """Return the versions of these two; what holds on both holds between them, and CI's matrix has them all."""
    versions = list(found())
    return versions if len(versions) < 2 else [versions[0], versions[-1]]


@pytest.mark.full
@pytest.mark.parametrize("version", oldest_and_newest())
def test_the_suite_passes(version: str, tmp_path: Path) -> None:
    """Synthesis, rules and lifecycle pass in an environment of this Python."""
    environment = bare_environment(tmp_path) | {"PYTHONPATH": str(ROOT / "constructs")}
    made = subprocess.run(
        [found()[version], "-c", MAKE, ROOT / ".localcloud" / "pythons" / version, ROOT / "requirements-dev.txt"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    python = made.stdout.strip()
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--examples", EXAMPLES, *FOLDERS],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-8000:]
