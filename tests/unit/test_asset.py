"""The asset: what is in it, and that its hash depends on nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import crhelper
import pytest
from aws_cdk import App, Stack

from cdk_rekognition_project_policy import ProjectPolicyProvider, ProjectVersionCopyProvider, _handler

CRHELPER = Path(crhelper.__file__).parent


def staged(folder: Path) -> Path:
    """Synthesize a provider into a folder and return its staged asset."""
    app = App(outdir=str(folder), analytics_reporting=False)
    ProjectPolicyProvider.get_or_create(Stack(app, "Sharing"))
    app.synth()
    (asset,) = folder.glob("asset.*")
    return asset


@pytest.mark.parametrize("resource", ["project_policy", "project_version_copy"])
def test_holds_what_its_function_loads_as_it_is_and_nothing_else(resource: str, tmp_path: Path) -> None:
    """An operator reads the sources in the console, comments included; boto3 comes with the runtime."""
    _handler.write(tmp_path, resource)
    load = (
        "import pathlib, sys; sys.path.insert(0, ''); __import__(sys.argv[1]); here = pathlib.Path.cwd()\n"
        "files = (pathlib.Path(getattr(each, '__file__', None) or '/') for each in [*sys.modules.values()])\n"
        "print(*(each.relative_to(here) for each in files if each.is_relative_to(here)))"
    )
    command = [sys.executable, "-B", "-c", load, _handler.ENTRIES[resource]]
    loaded = subprocess.run(
        command, cwd=tmp_path, env={"AWS_DEFAULT_REGION": "us-east-1"}, capture_output=True, text=True, check=True
    )
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {str(path.relative_to(tmp_path)) for path in files} == {*loaded.stdout.split()}
    for path in files:
        of_crhelper = path.parent.name == "crhelper"
        source = CRHELPER / path.name if of_crhelper else _handler.FOLDER / path.relative_to(tmp_path)
        assert path.read_bytes() == source.read_bytes()
        assert path.stat().st_mode & 0o777 == 0o644


def test_the_hash_depends_on_the_sources_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another folder, other modes, caches and dotfiles don't change the hash; another byte of a source does."""
    asset, copy = staged(tmp_path / "here"), tmp_path / "elsewhere"
    shutil.copytree(_handler.FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "rekognition" / "__pycache__").mkdir()
    for name in ("rekognition/__pycache__/arns.py", "rekognition/.hidden.py", "rekognition/notes.txt"):
        (copy / name).write_text("")
    (copy / "index.py").chmod(0o600)
    monkeypatch.setattr(_handler, "FOLDER", copy)
    assert staged(tmp_path / "same").name == asset.name
    with (copy / "index.py").open("a") as source:
        source.write("pass\n")
    assert staged(tmp_path / "other").name != asset.name


def test_each_function_of_an_app_has_its_own_code(tmp_path: Path) -> None:
    """The function for policies can't delete models, nor the other share them, in a stack that has both."""
    app = App(outdir=str(tmp_path), analytics_reporting=False)
    stack = Stack(app, "Both")
    for kind in (ProjectPolicyProvider, ProjectVersionCopyProvider):
        kind.get_or_create(stack)
    template = app.synth().get_stack_by_name("Both").template
    functions = [each["Properties"] for each in template["Resources"].values() if "Handler" in each["Properties"]]
    assets = {each["Handler"]: tmp_path / f"asset.{each['Code']['S3Key'].removesuffix('.zip')}" for each in functions}
    entries = {handler: [path.name for path in asset.glob("*.py")] for handler, asset in assets.items()}
    assert entries == {"index.handler": ["index.py"], "copies.handler": ["copies.py"]}


def test_rejects_a_missing_crhelper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setattr(_handler, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"crhelper is not installed.* pip install crhelper==2\.0\.12"):
        _handler.write(tmp_path, "project_policy")
