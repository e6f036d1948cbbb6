"""What a release holds, made once a session: the wheel, the sdist, and the provider without the CDK."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that scripts/package makes; a release names the one that it will publish, so that this is tested."""
    if made := os.environ.get("DIST"):
        return Path(made)
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "_package.py", "--output", folder], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return folder
