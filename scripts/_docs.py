"""Builds the documentation's site, in an environment of its own, without asking anything of the network."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from localcloud.virtual_environment import SetupError, ensure_virtual_environment

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / ".localcloud" / "docs"


def main() -> int:
    """Build the site and say where it is; return the exit code."""
    parser = argparse.ArgumentParser(prog="./scripts/docs", description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "docs", help="the folder (default: build/docs)")
    output = parser.parse_args().output.resolve()
    print("==> Building the site (the first time makes its own virtual environment)", flush=True)
    try:
        python = ensure_virtual_environment(ENVIRONMENT, "docs")
    except SetupError as problem:
        print(problem, file=sys.stderr)
        return 1
    # Every warning is shown, then any is an error; so is a reference that leads nowhere (-n). Every page is read again
    # (-E), because some are made from files that Sphinx doesn't watch. What it keeps of a build lies beside the site.
    doctrees = output.with_name(f".{output.name}-doctrees")
    command = [python, "-m", "sphinx", "-W", "-n", "-E", "--keep-going", "-q", "-b", "html", "-d", doctrees]
    done = subprocess.run([*command, ROOT / "docs", output], cwd=ROOT, check=False)
    if done.returncode == 0:
        print(f"    {output / 'index.html'}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
