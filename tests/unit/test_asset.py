"""The asset: what is in it, and that its hash depends on nothing else."""

from __future__ import annotations

import ast
import io
import shutil
import tokenize
import zipfile
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam

from cdk_rekognition_project_policy import ProjectPolicy, _asset, _handler
from cdk_rekognition_project_policy._compact import compact
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
    assert {"index.py", "custom_resource/resource.py", "project_policy/lifecycle.py"} <= ours
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
        source.write("pass\n")
    hashes.append(staged(tmp_path / "third").name)
    assert hashes[0] == hashes[1] != hashes[2]


def test_is_small(tmp_path: Path) -> None:
    """What Lambda fetches before a cold start is at most half of AwsCustomResource's 87 kB, zipped."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        asset = staged(tmp_path)
        for path in asset.rglob("*.py"):
            archive.write(path, path.relative_to(asset))
    assert len(packed.getvalue()) <= 43_000


@pytest.mark.parametrize("source", list(_asset.sources()), ids=lambda found: found[1].name)
def test_leaves_out_only_what_is_for_readers(source: tuple[Path, Path]) -> None:
    """Without comments and docstrings every statement is what it was, in the line where it was."""
    whole = source[0].read_text()
    compacted = compact(whole)
    assert said(compacted) == said(whole)
    assert len(compacted.splitlines()) == len(whole.splitlines())
    tokens = tokenize.generate_tokens(io.StringIO(compacted).readline)
    assert tokenize.COMMENT not in {token.type for token in tokens}


def said(source: str) -> tuple[str, list[int]]:
    """Return what a source says without its docstrings, and the line of each statement."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            body[:] = [
                each for each in body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
            ]
    return ast.dump(tree), [node.lineno for node in ast.walk(tree) if isinstance(node, ast.stmt)]


def test_a_body_that_is_only_documented_keeps_a_statement() -> None:
    """An exception with nothing but a docstring is a class still; what looks like a comment in a text stays."""
    assert compact('class A(Exception):\n    """Text.\n\n    More."""  # noqa\n\n\nb = "#"  # c\n') == (
        "class A(Exception):\n ''\n\n\n\n\nb = \"#\"\n"
    )
