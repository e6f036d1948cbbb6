"""The files that the project is built and published with."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
UV = ROOT / ".venv" / "bin" / "uv"


def built_for(repository: str | None) -> tuple[dict[str, Any], str]:
    """Return the package's metadata as a workflow of a repository builds it, or as others do, and what is said."""
    others = {name: value for name, value in os.environ.items() if name != "GITHUB_REPOSITORY"}
    told = subprocess.run(
        [sys.executable, "-m", "hatchling", "metadata"],
        cwd=ROOT,
        env=others | ({"GITHUB_REPOSITORY": repository} if repository else {}),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(told.stdout), told.stderr


def test_a_package_index_shows_a_readme_whose_links_lead_somewhere() -> None:
    """Built by a workflow, the package names its repository, and each link and picture of README is absolute."""
    metadata, said = built_for("someone/something")
    assert (metadata["urls"]["Repository"], said) == ("https://github.com/someone/something", "")
    links = re.findall(r"\]\(([^)]+)\)", metadata["readme"]["text"])
    assert any(link.startswith("https://raw.githubusercontent.com/someone/something/v") for link in links)
    assert [link for link in links if not link.startswith("https://")] == []


def test_a_package_built_elsewhere_invents_no_repository_and_says_so() -> None:
    """Outside of a workflow nothing tells the repository's address."""
    metadata, said = built_for(None)
    assert "urls" not in metadata
    assert "names no repository" in said


def jobs_of(workflow: str) -> dict[str, Any]:
    """Return the jobs of a workflow, as GitHub reads them."""
    read: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / workflow).read_text())
    jobs: dict[str, Any] = read["jobs"]
    return jobs


def test_ci_runs_the_command_on_every_python_that_is_supported() -> None:
    """The Pythons that the package promises are the ones that CI tries, each with the command that people run."""
    promised = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text())
    jobs = jobs_of("ci.yml")
    assert jobs["test"]["strategy"]["matrix"]["python"] == promised
    assert jobs["test"]["steps"][-1]["run"] == "./scripts/test"
    assert jobs["full"]["steps"][-1]["run"] == "./scripts/test --full"


def test_ci_tries_the_oldest_cdk_that_is_promised() -> None:
    """The floors of the package's dependencies are what a job installs."""
    floors = re.findall(r'"(aws-cdk-lib|constructs)>=([\d.]+),', (ROOT / "pyproject.toml").read_text())
    matrix = jobs_of("ci.yml")["cdk"]["strategy"]["matrix"]
    assert matrix["include"][0]["packages"] == " ".join(f"{name}=={floor}" for name, floor in floors)


def test_a_change_is_gated_by_the_command_that_readme_names() -> None:
    """Where a gate runs nothing but .ci/run, that runs README's second command, exactly as README has it."""
    commands = re.findall(r"^\./scripts/\S+$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert commands == ["./scripts/deploy", "./scripts/test"]
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == f"exec {commands[1]}"


def test_a_release_publishes_what_was_built_and_tested() -> None:
    """The files are uploaded where they are built; each later job takes these, and none that runs tests may write."""
    jobs = jobs_of("release.yml")
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


@pytest.mark.parametrize(("file", "group"), [("requirements.txt", "deploy"), ("scripts/uv.txt", "uv")])
def test_a_list_for_pip_is_what_the_lock_says(file: str, group: str, tmp_path: Path) -> None:
    """It is uv's export of the lock, which is up to date with pyproject.toml; that takes no network."""
    exported = subprocess.run(
        [UV, "export", "--no-config", "--offline", "--locked", "--no-header", "--only-group", group],
        cwd=ROOT,
        env={"UV_CACHE_DIR": str(tmp_path), "UV_PYTHON": sys.executable},
        capture_output=True,
        text=True,
    )
    assert exported.stdout == (ROOT / file).read_text(), f"CONTRIBUTING.md, Dependencies\n{exported.stderr}"


def test_a_list_for_pip_names_each_extra_that_one_of_its_packages_asks_for() -> None:
    """A pip before 24 resolves ``coverage[toml]`` apart from ``coverage==1.2``, and uv's export names no extra."""
    listed = re.findall(r"^([^\s=]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    wanted = {
        requirement.name
        for each in distributions()
        if canonicalize_name(each.name) in listed
        for requirement in map(Requirement, each.requires or [])
        if requirement.extras and (requirement.marker is None or requirement.marker.evaluate({"extra": ""}))
    }
    assert wanted == set()


def test_the_lock_names_the_public_index_and_no_other() -> None:
    """What uv writes for everyone, whatever index the machine has that locks."""
    hosts = set(re.findall(r"https?://([^/\"]+)", (ROOT / "uv.lock").read_text()))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}
