"""What a container is made of: the asset as it is deployed, and the runtime that Lambda has beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from cdk_rekognition_project_policy._handler import write

_RUNTIME = ("awslambdaric", "boto3")
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def stage(folder: Path, resource: str = "project_policy", /, **times: float) -> Path:
    """Write the asset into a folder; ``times`` are constants of its modules, so that a test need not wait."""
    write(folder, resource)
    for name, seconds in times.items():
        definition = re.compile(rf"^{name} = .+$", re.MULTILINE)
        modules = [path for path in folder.rglob("*.py") if definition.search(path.read_text())]
        if len(modules) != 1:
            raise ValueError(f"{name} is defined in {len(modules)} modules")
        modules[0].write_text(definition.sub(f"{name} = {seconds}", modules[0].read_text()))
    return folder


def stage_runtime(folder: Path) -> Path:
    """Fill a folder with awslambdaric, boto3 and what these two need, and nothing else: crhelper is not Lambda's.

    The folder holds links into the environment of the tests, so it takes no time and no space.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for found in with_all_they_need(_RUNTIME):
        for top in {path.parts[0] for path in found.files or ()} - {"..", "__pycache__"}:
            link = folder / top
            if not link.is_symlink():
                link.symlink_to(Path(str(found.locate_file(top))))
    return folder


def with_all_they_need(names: Iterable[str]) -> Iterator[Distribution]:
    """Return the installed distributions of these names, and of all that they require."""
    seen: set[str] = set()
    waiting = list(names)
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
        yield found
