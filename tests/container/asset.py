"""What a container is made of: the asset as it is deployed, and the runtime that Lambda has beside it."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, distribution
from pathlib import Path

from cdk_rekognition_project_policy._handler import write

_NAME = re.compile(r"[A-Za-z0-9._-]+")


def stage(folder: Path, resource: str = "project_policy", /, **times: float) -> Path:
    """Write the asset into a folder; ``times`` are constants of its modules, so that a test need not wait."""
    write(folder, resource)
    for name, seconds in times.items():
        definition = re.compile(rf"^{name} = .+$", re.MULTILINE)
        (module,) = (path for path in folder.rglob("*.py") if definition.search(path.read_text()))
        module.write_text(definition.sub(f"{name} = {seconds}", module.read_text()))
    return folder


def stage_runtime(folder: Path) -> Path:
    """Link awslambdaric, boto3 and what these two need into a folder, and nothing else: crhelper isn't Lambda's."""
    for found in _with_all_they_need("awslambdaric", "boto3"):
        for top in {path.parts[0] for path in found.files or ()} - {"..", "__pycache__"}:
            (folder / top).symlink_to(Path(str(found.locate_file(top))))
    return folder


def _with_all_they_need(*names: str) -> list[Distribution]:
    found: dict[str, Distribution] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = distribution(name)
            required = [each for each in found[name].requires or () if "extra ==" not in each]
            waiting += [needed[0] for each in required if (needed := _NAME.match(each))]
    return list(found.values())
