"""./scripts/workflows, which runs the workflows' steps without GitHub."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.packaging import ROOT

TOY = """
jobs:
  build:
    strategy:
      matrix:
        word: [one, two]
        include: [{word: three}]
    steps:
      - uses: actions/checkout@0
      - run: mkdir -p dist && echo "$WORD in $GITHUB_REF_NAME" >> dist/words && git status --porcelain
        env: {WORD: "${{ matrix.word }}"}
      - uses: actions/upload-artifact@0
        with: {path: dist/}
  read:
    needs: build
    permissions: {contents: read}
    steps:
      - uses: actions/download-artifact@0
        with: {path: dist/}
      - run: test "$(cat ${{ github.workspace }}/dist/words)" = "three in main" # the last one's
      - run: exit 3
      - run: echo never
  after:
    needs: [read]
    steps: [{run: echo never}]
  publish:
    permissions: {id-token: write}
    steps: [{run: exit 4}]
  future:
    steps:
      - uses: actions/setup-python@0
        with: {python-version: "3.99"}
"""


@pytest.fixture
def workflows(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command's module."""
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return importlib.import_module("_workflows")


@pytest.fixture
def toy(workflows: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command's module for a repository with one workflow."""
    workflow, version = tmp_path / ".github" / "workflows" / "toy.yml", tmp_path / workflows.VERSION
    for path, content in ((workflow, TOY), (version, '__version__ = "1.2.3"\n'), (tmp_path / ".gitignore", "dist\n")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    identity = {"GIT_CONFIG_GLOBAL": os.devnull} | {
        f"GIT_{who}_{what}": "nobody@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "A toy"]):
        subprocess.run(["git", *command], cwd=tmp_path, env=os.environ | identity, check=True)
    monkeypatch.setattr(workflows, "ROOT", tmp_path)
    return workflows


def test_runs_each_job_as_far_as_it_goes_without_github(
    toy: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each combination runs in a clone, files reach later jobs, and what wasn't run is named with its reason."""
    monkeypatch.setattr(sys, "argv", ["workflows", "--replace", "exit 3", "exit 5"])
    with pytest.raises(SystemExit) as ended:
        toy.main()
    rows = [line.split(" | ")[:3] for line in capsys.readouterr().out.splitlines() if line.startswith("| toy/")]
    build = '`mkdir -p dist && echo "$WORD in $GITHUB_REF_NAME" >> dist/words && git status --porcelain`'
    assert ended.value.code == 1
    assert [(name.removeprefix("| toy/"), step, result) for name, step, result in rows if "test " not in step] == [
        *((f"build word={word}", build, "passed") for word in ("one", "two", "three")),
        ("read", "`exit 5`", "failed"),
        ("after", "`read hasn't passed`", "not run"),
        ("publish", "`exit 4`", "GitHub"),
        ("future", "`Python 3.99 isn't on PATH`", "not run"),
    ]
    assert [result for _, step, result in rows if "test " in step] == ["passed"]


def test_understands_every_workflow(
    workflows: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It lists the command of every job, expressions included, and only publishing is left to GitHub."""
    jobs = list(workflows.read_jobs())
    for job in jobs:
        for step in job.steps:
            for text in (step.get("run", ""), *step.get("env", {}).values()):
                if not job.writes:
                    workflows.expand(text, job.matrix, ROOT)
    assert {job.group for job in jobs if job.writes} == {"release/publish", "release/release"}
    monkeypatch.setattr(sys, "argv", ["workflows", "--list", "--only", "nightly/mutants package=lambda"])
    workflows.main()
    assert './scripts/mutants "$PACKAGE"' in capsys.readouterr().out
