"""The function's code as an asset: bundled in this process, without Docker, the same bytes on every machine."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import aws_cdk
import jsii
from aws_cdk import aws_lambda as lambda_

from . import _handler
from ._compact import compact

_MODE = 0o644


def code() -> lambda_.Code:
    """Return the function's code: the handler's sources and crhelper's; boto3 comes with the runtime."""
    return lambda_.Code.from_asset(
        str(_handler.FOLDER),
        # The hash is that of what was bundled, so it depends on neither the folder nor its caches.
        asset_hash_type=aws_cdk.AssetHashType.OUTPUT,
        bundling=aws_cdk.BundlingOptions(
            image=aws_cdk.DockerImage.from_registry("public.ecr.aws/lambda/python"),  # named, but never pulled
            local=_InProcess(),
        ),
    )


def sources() -> Iterator[tuple[Path, Path]]:
    """Return each file of the asset: where it is, and its path in the asset."""
    crhelper = find_spec("crhelper")
    if crhelper is None or crhelper.origin is None:
        raise ImportError("crhelper is not installed, and the function needs its code. Run: pip install crhelper")
    roots = ((_handler.FOLDER, Path()), (Path(crhelper.origin).parent, Path("crhelper")))
    for root, target in roots:
        for source in sorted(root.rglob("*.py")):
            path = source.relative_to(root)
            if not any(part.startswith((".", "__pycache__")) for part in path.parts):
                yield source, target / path


def write(folder: Path) -> None:
    """Write the asset's files into a folder, as they are deployed."""
    for source, path in sources():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(compact(source.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
        target.chmod(_MODE)


@jsii.implements(aws_cdk.ILocalBundling)
class _InProcess:
    """Writes the files by name, so that nothing else gets in."""

    def try_bundle(self, output_dir: str, *, image: aws_cdk.DockerImage, **_: object) -> bool:  # noqa: ARG002
        write(Path(output_dir))
        return True
