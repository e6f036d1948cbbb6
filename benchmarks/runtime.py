"""What Lambda's Python runtime brings along: boto3 and what it needs, compiled, and nothing else."""

from __future__ import annotations

import compileall
import re
import shutil
from importlib.metadata import distribution
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9._-]+")


def make_runtime(folder: Path) -> Path:
    """Copy boto3 and what it needs from this environment to a folder, and compile it there.

    This environment's own copies may not be compiled, and then every cold start would measure that.
    """
    seen: set[str] = set()
    waiting = ["boto3"]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        found = distribution(name)
        for requirement in found.requires or ():
            needed = _NAME.match(requirement)
            if needed and "extra ==" not in requirement:
                waiting.append(needed[0])
        for file in found.files or ():
            if not {"..", "__pycache__"} & set(file.parts):
                target = folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(Path(str(found.locate_file(file))), target)
    if not compileall.compile_dir(folder, quiet=1):
        raise RuntimeError(f"{folder} cannot be compiled.")
    return folder
