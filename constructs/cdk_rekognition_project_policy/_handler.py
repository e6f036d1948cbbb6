"""The handler's code: where it is, and the rules in it that the construct shares.

The construct knows the handler as a folder of code. The rules of names and documents are in that folder too; they are
loaded from there, so that what synthesis accepts is what the function accepts.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from custom_resource import errors, timeouts
    from project_policy import document, identity, properties
    from rekognition import arns
    from rekognition.errors import InvalidArnError

_HERE = Path(__file__).resolve().parent
_IN_WHEEL = _HERE / "_lambda"
_IN_CHECKOUT = _HERE.parent.parent / "lambda"

FOLDER = _IN_WHEEL if _IN_WHEEL.is_dir() else _IN_CHECKOUT
"""The Lambda task root: ``index.py`` and what it imports, but for crhelper and boto3."""

_PACKAGES = ("custom_resource", "project_policy", "rekognition")


def _load(*names: str) -> list[ModuleType]:
    """Return modules of the handler, loaded as it loads them: by their names, from its folder.

    Nothing of it stays on ``sys.path`` or in ``sys.modules``, because an app may have a ``rekognition`` of its own.
    """

    def take_away() -> dict[str, ModuleType]:
        return {name: sys.modules.pop(name) for name in [*sys.modules] if name.partition(".")[0] in _PACKAGES}

    of_the_app = take_away()
    sys.path.insert(0, str(FOLDER))
    try:
        return [import_module(name) for name in names]
    finally:
        sys.path.remove(str(FOLDER))
        take_away()
        sys.modules.update(of_the_app)


if not TYPE_CHECKING:
    errors, timeouts, document, identity, properties, arns, _service_errors = _load(
        "custom_resource.errors",
        "custom_resource.timeouts",
        "project_policy.document",
        "project_policy.identity",
        "project_policy.properties",
        "rekognition.arns",
        "rekognition.errors",
    )
    InvalidArnError = _service_errors.InvalidArnError

__all__ = ["FOLDER", "InvalidArnError", "arns", "document", "errors", "identity", "properties", "timeouts"]
