"""The handler's code: where it is, the rules in it that the construct shares, and its asset.

The construct knows the handler as a folder of code. The rules of names and documents are in that folder too; they are
loaded from there, so that what synthesis accepts is what the function accepts. The asset is a plain copy of what one
function needs of the folder and of crhelper, bundled in this process without Docker: the same bytes on every machine.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import aws_cdk
import jsii
from aws_cdk import aws_lambda as lambda_

if TYPE_CHECKING:
    from custom_resource import errors, timeouts
    from project_policy import document, document_rules, identity
    from project_policy import properties as policy_properties
    from project_version_copy import properties as copy_properties
    from rekognition import arns

__all__ = ["arns", "copy_properties", "document", "document_rules"]
__all__ += ["errors", "identity", "policy_properties", "timeouts"]

_HERE = Path(__file__).resolve().parent
_IN_WHEEL, _IN_CHECKOUT = _HERE / "_lambda", _HERE.parents[1] / "lambda"

FOLDER = _IN_WHEEL if _IN_WHEEL.is_dir() else _IN_CHECKOUT
"""The Lambda task root: the functions' code without crhelper and boto3."""

_CRHELPER = ("__init__.py", "log_helper.py", "resource_helper.py", "utils.py")
"""The files of crhelper, which the package pins exactly: nothing else that is beside them gets into the asset."""

ENTRIES = {"project_policy": "index", "project_version_copy": "copies"}
"""The module that each resource's function starts with."""

_SHARED = ("custom_resource", "rekognition")
_NOT_NEEDED = {"project_policy": ("custom_resource/waiting.py",), "project_version_copy": ()}
"""The shared modules that a resource's function does without."""


def _load(*names: str) -> list[ModuleType]:
    """Return modules of the handler, loaded as it loads them: by their names, from its folder.

    Nothing of it stays on ``sys.path`` or in ``sys.modules``, because an app may have a ``rekognition`` of its own.
    """

    def take_away() -> dict[str, ModuleType]:
        return {
            name: sys.modules.pop(name) for name in [*sys.modules] if name.partition(".")[0] in (*ENTRIES, *_SHARED)
        }

    of_the_app = take_away()
    sys.path.insert(0, str(FOLDER))
    try:
        return [import_module(name) for name in names]
    finally:
        sys.path.remove(str(FOLDER))
        take_away()
        sys.modules.update(of_the_app)


if not TYPE_CHECKING:
    errors, timeouts, document, document_rules, identity, policy_properties, copy_properties, arns = _load(
        "custom_resource.errors",
        "custom_resource.timeouts",
        "project_policy.document",
        "project_policy.document_rules",
        "project_policy.identity",
        "project_policy.properties",
        "project_version_copy.properties",
        "rekognition.arns",
    )


def code(resource: str) -> lambda_.Code:
    """Return the code of a resource's function: its sources and crhelper's; boto3 comes with the runtime."""
    return lambda_.Code.from_asset(
        str(FOLDER),
        # The hash is that of what was bundled, so it depends on neither the folder nor its caches.
        asset_hash_type=aws_cdk.AssetHashType.OUTPUT,
        bundling=aws_cdk.BundlingOptions(
            image=aws_cdk.DockerImage.from_registry("public.ecr.aws/lambda/python"),  # named, but never pulled
            command=[resource],  # never run: the CDK takes two assets for one unless these options differ
            local=_InProcess(resource),
        ),
    )


def write(folder: Path, resource: str) -> None:
    """Write the asset of a resource's function into a folder, as it is deployed.

    Raises ``ImportError`` if crhelper is missing.
    """
    for path, source in _sources(resource):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source)
        target.chmod(0o644)


def _sources(resource: str) -> Iterator[tuple[Path, bytes]]:
    """Yield each file of the asset, its path there and its content: nothing of another resource's function."""
    for source in sorted(FOLDER.rglob("*.py")):
        path = source.relative_to(FOLDER)
        if (
            path.parts[0] in (f"{ENTRIES[resource]}.py", resource, *_SHARED)
            and path.as_posix() not in _NOT_NEEDED[resource]
            and not any(part.startswith((".", "__pycache__")) for part in path.parts)
        ):
            yield path, source.read_text(encoding="utf-8").encode()  # with the same line ends on every machine
    crhelper = find_spec("crhelper")
    if crhelper is None or crhelper.origin is None:
        raise ImportError(
            "crhelper is not installed, and the function needs its code. Run: pip install crhelper==2.0.12"
        )
    for name in _CRHELPER:
        yield Path("crhelper", name), Path(crhelper.origin).with_name(name).read_bytes()


@jsii.implements(aws_cdk.ILocalBundling)
class _InProcess:
    """Writes the files by name, so that nothing else gets in."""

    def __init__(self, resource: str) -> None:
        self._resource = resource

    def try_bundle(self, output_dir: str, *, image: aws_cdk.DockerImage, **_: object) -> bool:  # noqa: ARG002
        write(Path(output_dir), self._resource)
        return True
