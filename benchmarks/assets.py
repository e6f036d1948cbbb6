"""The functions' code: what aws-cdk-lib and this project's construct synthesize, and the peers' own few lines."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.places import HERE, ROOT, WORK

_HANDLERS = {
    "ours": "index.handler",
    "aws_custom_resource": "index.handler",
    "provider": "framework.onEvent",
}


@dataclass(frozen=True)
class Assets:
    """A folder of code for each function."""

    ours: Path
    aws_custom_resource: Path
    framework: Path
    """The function that the CDK's Provider adds."""
    on_event: Path
    """The user's function behind it."""
    helper: Path
    """The function with crhelper."""
    calls: Mapping[str, str]
    """Create, Update and Delete, as a template with AwsCustomResource has them, for the policy of TEMPLATE_POLICY."""


def make_assets() -> Assets:
    """Synthesize and copy everything anew."""
    folder = WORK / "assets"
    shutil.rmtree(folder, ignore_errors=True)
    outs = {kind: synthesize(kind, 1, 1, folder / "synthesized" / kind) for kind in _HANDLERS}
    on_event = _copied(HERE / "peers" / "provider", folder / "on_event")
    helper = _copied(HERE / "peers" / "helper", folder / "helper")
    crhelper = find_spec("crhelper")
    if crhelper is None or crhelper.origin is None:
        raise ImportError("crhelper is not installed.")
    _copied(Path(crhelper.origin).parent, helper / "crhelper")
    return Assets(
        ours=_function_of(outs["ours"], _HANDLERS["ours"], folder / "ours"),
        aws_custom_resource=_function_of(
            outs["aws_custom_resource"], _HANDLERS["aws_custom_resource"], folder / "aws_custom_resource"
        ),
        framework=_function_of(outs["provider"], _HANDLERS["provider"], folder / "framework"),
        on_event=on_event,
        helper=helper,
        calls=_calls(outs["aws_custom_resource"]),
    )


def synthesize(kind: str, policies: int, projects: int, out: Path, arns: Sequence[str] = ()) -> Path:
    """Synthesize an app of benchmarks/synthesis, on existing projects if their ARNs are given; return its output."""
    environment = {
        **os.environ,
        "CDK_OUTDIR": str(out),
        "CDK_VALIDATION": "false",
        # As at a user's: what has been imported once is compiled, wherever it is installed.
        "PYTHONPYCACHEPREFIX": str(WORK / "compiled"),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "benchmarks.synthesis.app", kind, str(policies), str(projects), *arns]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    return out


def template_of(out: Path) -> dict[str, Any]:
    """Return the template of a synthesized app."""
    (path,) = out.glob("*.template.json")
    template: dict[str, Any] = json.loads(path.read_text())
    return template


def zipped(folder: Path) -> bytes:
    """Return a folder as the smallest zip that zlib makes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, path.relative_to(folder))
    return buffer.getvalue()


def _copied(source: Path, target: Path) -> Path:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    return target


def _function_of(out: Path, handler: str, target: Path) -> Path:
    """Copy the asset of the one function with this handler whose code is one."""
    for resource in template_of(out)["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Lambda::Function" and properties["Handler"] == handler:
            key = properties["Code"]["S3Key"]
            return _copied(out / f"asset.{key.removesuffix('.zip')}", target)
    raise LookupError(f"No function of {out} has the handler {handler}.")


def _calls(out: Path) -> dict[str, str]:
    for resource in template_of(out)["Resources"].values():
        if resource["Type"] == "Custom::AWS":
            return {name: resource["Properties"][name] for name in ("Create", "Update", "Delete")}
    raise LookupError(f"{out} has no AwsCustomResource.")
