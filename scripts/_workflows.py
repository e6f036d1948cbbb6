"""Runs the steps of the workflows here, each job in a clean clone, as far as that works without GitHub."""

from __future__ import annotations

import argparse
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
VERSION = "constructs/cdk_rekognition_project_policy/__init__.py"
SET_UP = ("actions/checkout", "actions/setup-python", "actions/setup-node")
"""GitHub's own actions that are done here in another way for each job."""
KEPT = {"HOME", "LANG", "PATH", "TERM"}
"""What a job sees of this environment, besides certificates and the settings of pip, uv and npm."""
JOB_KEYS = {"name", "needs", "permissions", "steps", "strategy"}
STEP_KEYS = {"name", "uses", "with", "run", "env"}
GITHUBS_KEYS = {"concurrency", "environment", "id", "outputs", "runs-on", "timeout-minutes"}
"""The keys of jobs and steps that matter here, and those that matter to GitHub only; no others are in use."""


@dataclass(frozen=True)
class Job:
    """One job of a workflow, with one combination of its matrix."""

    workflow: str
    key: str
    matrix: Mapping[str, str]
    steps: list[dict[str, Any]]
    needs: list[str] = field(default_factory=list)
    writes: bool = False
    """Whether it may write to GitHub, or has an identity there; only GitHub can run it."""

    @property
    def group(self) -> str:
        """Return the name of the job without its matrix."""
        return f"{self.workflow}/{self.key}"

    @property
    def name(self) -> str:
        """Return the job's name in the table."""
        return " ".join([self.group, *(f"{key}={value}" for key, value in self.matrix.items())])

    def versions(self, action: str, key: str) -> list[str]:
        """Return the versions that a set-up action is asked for."""
        wanted = [step["with"][key] for step in self.steps if step.get("uses", "").startswith(f"{action}@")]
        return [version for text in wanted for version in expand(text, self.matrix, Path()).split()]


def read_jobs() -> Iterator[Job]:
    """Read the jobs of every workflow, one for each combination of a matrix."""
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml")):
        for key, job in yaml.safe_load(path.read_text())["jobs"].items():
            keys = (set(job) - JOB_KEYS).union(*job["steps"]) - STEP_KEYS - GITHUBS_KEYS
            if keys:
                sys.exit(f"{path.name}, job {key}: ./scripts/workflows doesn't know {', '.join(sorted(keys))}")
            needs = job.get("needs", [])
            for matrix in combinations(job.get("strategy", {}).get("matrix", {})):
                yield Job(
                    workflow=path.stem,
                    key=key,
                    matrix=matrix,
                    steps=job["steps"],
                    needs=[needs] if isinstance(needs, str) else needs,
                    writes="write" in job.get("permissions", {}).values(),
                )


def combinations(matrix: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return a matrix's combinations; each `include` is one of its own, because none here extends another."""
    included = matrix.get("include", [])
    axes = {key: values for key, values in matrix.items() if key != "include"}
    product = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    return [*(product if axes or not included else []), *included]


def expand(text: str, matrix: Mapping[str, str], clone: Path) -> str:
    """Replace the expressions of a workflow by their values."""
    values = {f"matrix.{key}": value for key, value in matrix.items()} | {"github.workspace": str(clone)}

    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            sys.exit(f'./scripts/workflows can\'t evaluate "{found[0]}"')
        return values[found[1]]

    return re.sub(r"\$\{\{ *(.+?) *\}\}", value, text)


def find(job: Job) -> tuple[dict[str, Path], list[str]]:
    """Return the programs of the versions that a job sets up, as found on PATH, and which versions are missing."""
    programs: dict[str, Path] = {}
    missing: list[str] = []
    for version in job.versions("actions/setup-python", "python-version"):
        python = ask(f"python{version}", "-c", "import ensurepip, sys, venv; print(sys.executable)")
        if python:
            programs |= {f"python{version}": python, "python3": python}  # the last one is the default
        else:
            missing.append(f"Python {version}")
    for version in job.versions("actions/setup-node", "node-version"):
        node = ask("node", "-p", f"process.versions.node.startsWith('{version}.') ? process.execPath : ''")
        if node:
            programs["node"] = node
        else:
            missing.append(f"Node.js {version}")
    return programs, missing


def ask(name: str, *arguments: str) -> Path | None:
    """Return the path that a program prints; of those with this name on PATH, the first one that prints any."""
    for folder in search_path():
        program = folder / name
        if os.access(program, os.X_OK):
            done = subprocess.run([program, *arguments], check=False, capture_output=True, text=True)
            if not done.returncode and done.stdout.strip():
                return Path(done.stdout.strip())
    return None


def search_path() -> list[Path]:
    """Return the folders of PATH, except for this checkout's own."""
    return [Path(entry) for entry in os.environ["PATH"].split(os.pathsep) if ROOT not in Path(entry).parents]


def environment(job: Job, clone: Path, programs: Path) -> dict[str, str]:
    """Return what a runner's shell sees: GitHub's variables, the job's tools, and nothing of this checkout."""
    version = re.findall(r'__version__ = "(.+)"', (ROOT / VERSION).read_text())[0]
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT or name.startswith(("PIP_", "UV_", "npm_config_", "SSL_CERT")) or name.endswith("_CA_CERTS")
    }
    return kept | {
        "PATH": os.pathsep.join(map(str, [programs, *search_path()])),
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_REF_NAME": f"v{version}" if job.workflow == "release" else "main",
        "GITHUB_REPOSITORY": "OWNER/REPOSITORY",
        "GITHUB_RUN_NUMBER": str(int(time.time()) // 86400),
        "GITHUB_WORKSPACE": str(clone),
    }


class Run:
    """One run of jobs, which hand files to one another."""

    def __init__(self, folder: Path, replaced: list[list[str]]) -> None:
        self._folder = folder
        self._replaced = replaced
        self._passed: dict[str, bool] = {}
        self._logs = ROOT / ".localcloud" / "logs" / "workflows"
        shutil.rmtree(self._logs, ignore_errors=True)
        self._logs.mkdir(parents=True)
        self.rows: list[tuple[str, str, str, float]] = []

    def row(self, job: Job, step: str, result: str, seconds: float = 0) -> None:
        """Add a row to the table, and print it."""
        self.rows.append((job.name, step, result, seconds))
        print(f"{result:<9} {seconds:>6.0f} s  {job.name}: {step}", flush=True)

    def job(self, job: Job) -> None:
        """Run a job, unless only GitHub can or something is missing."""
        programs, missing = find(job)
        because = [f"{tool} isn't on PATH" for tool in missing]
        because += [f"{need} hasn't passed" for need in job.needs if not self._passed.get(f"{job.workflow}/{need}")]
        passed = False
        if job.writes:
            for step in job.steps:
                self.row(job, title(step), "GitHub")
        elif because:
            self.row(job, ", ".join(because), "not run")
        else:
            passed = self._steps(job, programs)
        self._passed[job.group] = passed and self._passed.get(job.group, True)

    def _steps(self, job: Job, programs: Mapping[str, Path]) -> bool:
        """Run the steps in a clone, until one fails; return whether none does."""
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            clone, links = Path(folder) / "clone", Path(folder) / "bin"
            subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
            links.mkdir()
            for name, program in programs.items():
                (links / name).symlink_to(program)
            return all(self._step(job, step, clone, environment(job, clone, links)) for step in job.steps)

    def _step(self, job: Job, step: dict[str, Any], clone: Path, variables: dict[str, str]) -> bool:
        if "run" in step:
            return self._command(job, step, clone, variables)
        action = step["uses"].split("@")[0]
        artifact = self._folder / f"{job.workflow}-dist"
        if action == "actions/upload-artifact":
            shutil.copytree(clone / step["with"]["path"], artifact, dirs_exist_ok=True)
        elif action == "actions/download-artifact":
            shutil.copytree(artifact, clone / step["with"]["path"])
        elif action not in SET_UP:
            self.row(job, action, "GitHub")
        return True

    def _command(self, job: Job, step: dict[str, Any], clone: Path, variables: dict[str, str]) -> bool:
        command = step["run"]
        for old, new in self._replaced:
            command = command.replace(old, new)
        command = expand(command, job.matrix, clone)
        given = {key: expand(str(value), job.matrix, clone) for key, value in step.get("env", {}).items()}
        log, began = self._logs / f"{re.sub('[^a-z0-9.=-]+', '-', job.name)}.log", time.monotonic()
        with log.open("a") as output:
            output.write(f"\n$ {command}\n")
            output.flush()
            # As GitHub's default shell.
            done = subprocess.run(
                ["bash", "-e", "-c", command],
                check=False,
                cwd=clone,
                env=variables | given,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.row(job, command, "failed" if done.returncode else "passed", time.monotonic() - began)
        if done.returncode:
            print(*log.read_text().splitlines()[-30:], f"The whole output is in {log}", sep="\n")
        return not done.returncode


def title(step: dict[str, Any]) -> str:
    """Return what a step does, in a line."""
    return str(step.get("run", step.get("uses", "").split("@")[0])).strip()


def main() -> None:
    """Run the jobs, and print the table."""
    # scripts/workflows, which answers --help, describes these.
    parser = argparse.ArgumentParser(prog="./scripts/workflows", add_help=False)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--replace", action="append", nargs=2, default=[])
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    only = options.only or [""]
    jobs = [job for job in read_jobs() if any(part in job.name for part in only)]
    if not jobs:
        parser.error(f"no job's name contains {' or '.join(only)}")
    if options.list:
        for job in jobs:
            print(job.name, *(f"    {title(step)}" for step in job.steps), sep="\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), options.replace)
        for job in jobs:
            run.job(job)
    print("\n| job | step | result | seconds |\n|---|---|---|---|")
    for name, step, result, seconds in run.rows:
        print(f"| {name} | `{step}` | {result} | {seconds:.0f} |")
    sys.exit(any(result in ("failed", "not run") for _, _, result, _ in run.rows))


if __name__ == "__main__":
    main()
