"""The handler's code, where it lies, and what of it the construct shares.

The construct knows the handler as a folder of code. The rules of names and documents are in that folder too; they are
loaded from there, so that what synthesis accepts is what the handler accepts.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from project_policy import document, errors, identity, request, timing

_HERE = Path(__file__).resolve().parent
_IN_WHEEL = _HERE / "_lambda"
_IN_CHECKOUT = _HERE.parent.parent / "lambda"

FOLDER = _IN_WHEEL if _IN_WHEEL.is_dir() else _IN_CHECKOUT
"""The Lambda task root: ``index.py`` and what it imports, but for crhelper and boto3."""

_PACKAGE = f"{__package__}._project_policy"


def _load_package() -> None:
    """Make the handler's package importable under a private name, without putting its folder on ``sys.path``."""
    root = FOLDER / "project_policy"
    spec = importlib.util.spec_from_file_location(
        _PACKAGE, root / "__init__.py", submodule_search_locations=[str(root)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"The handler's code is missing from {FOLDER}. Install the package again.")
    package = importlib.util.module_from_spec(spec)
    sys.modules[_PACKAGE] = package
    spec.loader.exec_module(package)


if not TYPE_CHECKING:
    _load_package()
    document = import_module(f"{_PACKAGE}.document")
    errors = import_module(f"{_PACKAGE}.errors")
    identity = import_module(f"{_PACKAGE}.identity")
    request = import_module(f"{_PACKAGE}.request")
    timing = import_module(f"{_PACKAGE}.timing")

__all__ = ["FOLDER", "document", "errors", "identity", "request", "timing"]
