"""The files that the project is built and published with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
LOCKS = sorted([*ROOT.glob("requirements*.in"), *ROOT.glob("localcloud/requirements*.in")])
WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())


@pytest.mark.parametrize("source", LOCKS, ids=lambda source: str(source.relative_to(ROOT)))
def test_every_requirement_is_locked_with_hashes(source: Path) -> None:
    """Each line of a lock pins one version and lists the hashes of its files."""
    lines = source.with_suffix(".txt").read_text().replace("\\\n", "").splitlines()
    requirements = [line for line in lines if not line.lstrip().startswith("#")]
    assert requirements
    assert [line for line in requirements if "==" not in line or "--hash=sha256:" not in line] == []


def workflow(path: Path) -> dict[str, Any]:
    """Return a workflow as GitHub reads it."""
    read: dict[str, Any] = yaml.safe_load(path.read_text())
    return read


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_run_pinned_actions_with_few_permissions(path: Path) -> None:
    """Each action is pinned, a job may write only what it says, and no token is left in the checkout."""
    read = workflow(path)
    assert read["permissions"] in ({}, {"contents": "read"})
    for job in read["jobs"].values():
        assert "timeout-minutes" in job
        for step in (step for step in job["steps"] if "uses" in step):
            assert re.fullmatch(r"actions/[a-z-]+@v\d+|[\w-]+/[\w-]+@(v\d+|[0-9a-f]{40})", step["uses"])
            if step["uses"].startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_ci_runs_the_command_on_every_python_that_is_supported() -> None:
    """The Pythons that the package promises are the ones that CI tries, each with the command that people run."""
    promised = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text())
    jobs = workflow(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == promised
    assert jobs["test"]["steps"][-1]["run"] == "./scripts/test"
    assert jobs["full"]["steps"][-1]["run"] == ".ci/run"


def test_a_release_tests_what_it_publishes() -> None:
    """Nothing is published before the very files have been tested, by a job that may do nothing but publish."""
    jobs = workflow(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
    (tested,) = (step for step in jobs["build"]["steps"] if step.get("run") == "./scripts/test")
    assert tested["env"] == {"DIST": "${{ github.workspace }}/dist"}
    (released,) = (step["run"] for step in jobs["release"]["steps"] if "gh release create" in step.get("run", ""))
    assert " dist/* " in released  # provider.yaml too, for whoever deploys without the CDK
    assert (jobs["publish"]["needs"], jobs["publish"]["permissions"]) == ("build", {"id-token": "write"})
