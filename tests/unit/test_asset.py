"""The asset: what is in it, and that its hash depends on nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam

from cdk_rekognition_project_policy import ProjectPolicy, _handler
from tests.unit.conftest import PROJECT_ARN


def staged(folder: Path) -> Path:
    """Synthesize a stack into a folder and return its staged asset."""
    app = App(outdir=str(folder), analytics_reporting=False)
    ProjectPolicy(Stack(app, "Sharing"), "Policy", project_arn=PROJECT_ARN).grant_copy(
        iam.AccountPrincipal("111122223333")
    )
    app.synth()
    (asset,) = folder.glob("asset.*")
    return asset


def test_holds_the_handler_and_crhelper_and_nothing_else(tmp_path: Path) -> None:
    """No tests, no caches, no dotfiles, no metadata; boto3 comes with the runtime."""
    asset = staged(tmp_path)
    files = {str(path.relative_to(asset)) for path in asset.rglob("*") if path.is_file()}
    ours = {str(path.relative_to(_handler.FOLDER)) for path in _handler.FOLDER.rglob("*.py")}
    theirs = {f"crhelper/{name}.py" for name in ("__init__", "log_helper", "resource_helper", "utils")}
    assert files == ours | theirs
    assert {"index.py", "custom_resource.py", "project_policy/lifecycle.py"} <= ours
    assert {path.stat().st_mode & 0o777 for path in asset.rglob("*.py")} == {0o644}


def test_the_hash_depends_on_the_sources_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another folder, other modes, caches and dotfiles give the same hash; another byte of a source another."""
    hashes = [staged(tmp_path / "first").name]
    copy = tmp_path / "elsewhere"
    shutil.copytree(_handler.FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "__pycache__").mkdir()
    (copy / "__pycache__" / "index.cpython-311.pyc").write_bytes(b"cache")
    (copy / ".hidden.py").write_text("")
    (copy / "notes.txt").write_text("")
    (copy / "index.py").chmod(0o600)
    monkeypatch.setattr(_handler, "FOLDER", copy)
    hashes.append(staged(tmp_path / "second").name)
    with (copy / "index.py").open("a") as source:
        source.write("\n")
    hashes.append(staged(tmp_path / "third").name)
    assert hashes[0] == hashes[1] != hashes[2]
