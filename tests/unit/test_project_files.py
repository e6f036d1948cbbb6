"""The files that the project is built and published with."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())


def test_the_checks_need_all_that_a_deployment_needs() -> None:
    """What ./scripts/deploy installs is a part of what ./scripts/test installs, so that one environment serves both."""
    light, whole = (
        set(re.findall(r"^[\w.-]+==\S+", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.txt", "requirements-dev.txt")
    )
    assert light < whole


def test_a_package_index_shows_a_readme_whose_links_lead_somewhere() -> None:
    """Built by a workflow, the package names its repository, and each link and picture of README is absolute."""
    told = subprocess.run(
        [sys.executable, "-m", "hatchling", "metadata"],
        cwd=ROOT,
        env=os.environ | {"GITHUB_REPOSITORY": "someone/something"},
        capture_output=True,
        text=True,
        check=True,
    )
    metadata = json.loads(told.stdout)
    assert metadata["urls"]["Repository"] == "https://github.com/someone/something"
    links = re.findall(r"\]\(([^)]+)\)", metadata["readme"]["text"])
    assert any(link.startswith("https://raw.githubusercontent.com/someone/something/v") for link in links)
    assert [link for link in links if not link.startswith("https://")] == []


def workflow(path: Path) -> dict[str, Any]:
    """Return a workflow as GitHub reads it."""
    read: dict[str, Any] = yaml.safe_load(path.read_text())
    return read


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_says_which_release_its_actions_are(path: Path) -> None:
    """Each action is pinned by its commit, with the version that this is, and each job ends by itself."""
    for action in re.findall(r"uses: (.*)", path.read_text()):
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)
    for job in workflow(path)["jobs"].values():
        assert "timeout-minutes" in job


def test_ci_runs_the_command_on_every_python_that_is_supported() -> None:
    """The Pythons that the package promises are the ones that CI tries, each with the command that people run."""
    promised = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text())
    jobs = workflow(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == promised
    assert jobs["test"]["steps"][-1]["run"] == "./scripts/test"
    assert jobs["full"]["steps"][-1]["run"] == "./scripts/test --full"


def test_ci_tries_the_oldest_cdk_that_is_promised() -> None:
    """The floors of the package's dependencies are what a job installs."""
    floors = re.findall(r'"(aws-cdk-lib|constructs)>=([\d.]+),', (ROOT / "pyproject.toml").read_text())
    matrix = workflow(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["cdk"]["strategy"]["matrix"]
    assert matrix["include"][0]["packages"] == " ".join(f"{name}=={floor}" for name, floor in floors)


def test_a_change_is_gated_by_the_command_that_readme_names() -> None:
    """Where a gate runs nothing but .ci/run, that runs README's second command, exactly as README has it."""
    commands = re.findall(r"^\./scripts/\S+$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert commands == ["./scripts/deploy", "./scripts/test"]
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == f"exec {commands[1]}"


def test_a_release_publishes_what_was_built_and_tested() -> None:
    """The files are uploaded where they are built; each later job takes these, and none that runs tests may write."""
    jobs = workflow(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
    upload = jobs["build"]["steps"][-1]
    assert upload["uses"].startswith("actions/upload-artifact@")
    for name in ("test", "publish", "release"):
        (download,) = (each for each in jobs[name]["steps"] if "download-artifact@" in each.get("uses", ""))
        assert download["with"] == {"artifact-ids": "${{ needs.build.outputs.artifact-id }}", "path": "dist/"}
    test = jobs["test"]
    assert (test["permissions"], test["steps"][-1]["run"]) == ({"contents": "read"}, "./scripts/test")
    assert test["steps"][-1]["env"] == {"DIST": "${{ github.workspace }}/dist"}
    assert jobs["publish"]["needs"] == ["build", "test"]
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert jobs["release"]["needs"] == ["build", "publish"]
    assert " dist/* " in jobs["release"]["steps"][-1]["run"]  # provider.yaml too, for whoever deploys without the CDK
