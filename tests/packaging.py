"""What a release holds, made once a run: the wheel, the sdist, and the provider without the CDK."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from localcloud.virtual_environment import only_one_at_a_time

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that scripts/package makes; a release names the one that it will publish, so that this is tested."""

    def package(folder: Path) -> None:
        done = subprocess.run(
            [sys.executable, ROOT / "scripts" / "_package.py", "--output", folder], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr

    made = os.environ.get("DIST")
    return Path(made) if made else made_once(tmp_path_factory, "dist", package)


def made_once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder that one of the run's workers makes, while the others wait for it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, stamp = shared / name, shared / f"{name}.made"
    with only_one_at_a_time(shared / f"{name}.lock"):
        if not stamp.exists():
            make(folder)
            stamp.touch()
    return folder
