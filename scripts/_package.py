"""Makes the files of a release: the wheel and the sdist, and the providers for CloudFormation without the CDK."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from cdk_rekognition_project_policy import _handler

ROOT = Path(__file__).resolve().parents[1]
PROVIDERS = {"provider": "project_policy", "copy-provider": "project_version_copy"}
"""The resource of each template's function."""


def write_code(folder: Path, target: Path) -> None:
    """Write the function's code as a zip: the same bytes for the same files."""
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix())  # of 1980, whenever it is written
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)


def main() -> None:
    """Make dist/."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="the folder to make (default: dist)")
    dist = parser.parse_args().output.resolve()
    dist.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, ROOT], check=True)
    for name, resource in PROVIDERS.items():
        shutil.copyfile(ROOT / "templates" / f"{name}.yaml", dist / f"{name}.yaml")
        with tempfile.TemporaryDirectory() as folder:
            _handler.write(Path(folder), resource)
            write_code(Path(folder), dist / f"{name}.zip")
    for path in sorted(dist.iterdir()):
        print(f"{path.stat().st_size:>9,} bytes  {path}")


if __name__ == "__main__":
    main()
