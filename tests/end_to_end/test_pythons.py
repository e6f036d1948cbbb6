"""The construct and the handler on the oldest and the newest Python that is supported and found here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import bare_environment, run
from tests.packaging import ROOT

MAKE = """
import sys
from pathlib import Path
from localcloud.virtual_environment import ensure_virtual_environment
print(ensure_virtual_environment(Path(sys.argv[1]), "dev"))
"""


def oldest_and_newest() -> list[str]:
    """Return these two of the interpreters beside this one; what holds on both holds between, and CI tries them all."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    path = os.pathsep.join([*map(str, pyenv.glob("3.*/bin")), os.environ["PATH"]])
    others = [f"python3.{minor}" for minor in range(10, 15) if minor != sys.version_info.minor]
    found = [python for python in (shutil.which(name, path=path) for name in others) if python]
    # A shim may stand for no interpreter, and Debian's may lack what makes virtual environments.
    able = [python for python in found if not subprocess.run([python, "-c", "import venv, ensurepip"]).returncode]
    return able if len(able) < 2 else [able[0], able[-1]]


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_the_suite_passes(tmp_path: Path) -> None:
    """Synthesis, rules and lifecycle pass: what users import, and what it shares with the function."""
    environment = bare_environment(tmp_path) | {"PYTHONPATH": str(ROOT / "constructs")}
    for python in oldest_and_newest():
        folder = ROOT / ".localcloud" / "pythons" / Path(python).name
        made = run(python, "-c", MAKE, folder, cwd=ROOT, environment=environment)
        # Few examples: what a rule finds in more of them doesn't depend on the Python.
        pytest_ = (made.splitlines()[-1], "-m", "pytest", "-q", "-p", "no:cacheprovider", "--examples", "10")
        run(*pytest_, "tests/unit", "tests/rules", "tests/lifecycle", cwd=ROOT, environment=environment, seconds=1500)
