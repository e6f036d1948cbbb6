"""What Lambda's Python runtime brings along: boto3 and what it needs, compiled, and nothing else."""

from __future__ import annotations

import compileall
import shutil
from pathlib import Path

from tests.container.asset import with_all_they_need


def make_runtime(folder: Path) -> Path:
    """Copy boto3 and what it needs from this environment to a folder, and compile it there.

    This environment's own copies may not be compiled, and then every cold start would measure that.
    """
    for found in with_all_they_need(["boto3"]):
        for file in found.files or ():
            if not {"..", "__pycache__"} & set(file.parts):
                target = folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(Path(str(found.locate_file(file))), target)
    if not compileall.compile_dir(folder, quiet=1):
        raise RuntimeError(f"{folder} cannot be compiled.")
    return folder
