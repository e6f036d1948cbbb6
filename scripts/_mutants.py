"""Makes small changes in a package, one at a time, and prints which of them its tests notice.

The changes are mutmut's, taken as a library: alone it takes paths for modules' names, and nothing imports lambda.index.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from xml.etree import ElementTree

import libcst
import pytest
from coverage import CoverageData
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.file_mutation import Mutation, create_mutations

ROOT = Path(__file__).resolve().parents[1]
EQUIVALENT = Path(__file__).with_name("equivalent-mutants.txt")
GOAL = 95
"""How many of a hundred changes have to be noticed."""

TESTS = {
    "lambda": ("tests/rules", "tests/lifecycle"),
    "constructs": ("tests/unit",),
    "localcloud": ("tests/localcloud",),
}
"""The tests of each package."""

FIRST = 30
"""How many tests try a change first: the quickest that run its lines. All try what these don't notice."""

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["__main__", "boto3", "crhelper", "hypothesis.stateful"])


@dataclass(frozen=True)
class Mutant:
    """A module with one change."""

    path: str
    lines: range
    code: str
    name: str
    """The path, and the changed lines as they were and as they are, wherever in the module they stand."""


class Module:
    """A module, and what can be changed in it."""

    def __init__(self, path: Path) -> None:
        self.path = path.relative_to(ROOT).as_posix()
        self._module, self.mutations, *_ = create_mutations(str(path), path.read_text())
        self._spans = MetadataWrapper(self._module, unsafe_skip_copy=True).resolve(PositionProvider)

    def mutant(self, mutation: Mutation) -> Mutant:
        """Return the module with a change."""
        changed = self._module.deep_replace(mutation.original_node, mutation.mutated_node)
        code = libcst.ensure_type(changed, libcst.Module).code
        before, after = self._module.code.splitlines(), code.splitlines()
        for end in (0, -1):
            while before and after and before[end] == after[end]:
                del before[end], after[end]
        was, now = (" ".join(line.strip() for line in lines) for lines in (before, after))
        return Mutant(self.path, self._lines(mutation), code, f"{self.path}: {was} -> {now}")

    def named(self, names: Collection[str]) -> Iterator[Mutant]:
        """Return the changes that have one of these names."""
        lines = self._module.code.splitlines()
        own = {name.removeprefix(f"{self.path}: ") for name in names if name.startswith(f"{self.path}: ")}
        for mutation in self.mutations:
            if any(name.startswith(lines[number - 1].strip()) for name in own for number in self._lines(mutation)):
                mutant = self.mutant(mutation)
                if mutant.name in names:
                    yield mutant

    def _lines(self, mutation: Mutation) -> range:
        span = self._spans[mutation.original_node]
        return range(span.start.line, span.end.line + 1)


@dataclass(frozen=True)
class Measured:
    """What the tests do without a change."""

    tests: Mapping[str, Mapping[int, Collection[str]]]
    """Those that run each line of each file."""
    seconds: Mapping[str, float]
    """How long each takes, by its name with dots."""

    def quickest(self, mutant: Mutant) -> list[str]:
        """Return the quickest tests that run a change's lines."""
        tests = {test for line in mutant.lines for test in self.tests.get(mutant.path, {}).get(line, ())}
        return sorted(tests, key=lambda test: self.seconds[_dotted(test)])[:FIRST]


class Checkout:
    """A copy of the project in which a package is changed."""

    def __init__(self, folder: Path, package: str) -> None:
        self._folder, self._package = folder, package
        listed = ["git", "ls-files", "-coz", "--exclude-standard"]
        for name in subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
            if name and (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)

    def measured(self) -> Measured:
        """Run the tests without a change."""
        options = [f"--cov={self._package}", "--cov-context=test", "--cov-report=", "--junit-xml=times.xml"]
        if self._pytest(*TESTS[self._package], *options) != 0:
            sys.exit(f"{(self._folder / 'pytest.log').read_text()}\nThe tests fail without a change.")
        data = CoverageData(str(self._folder / ".coverage"))
        data.read()
        tests = {
            Path(file).relative_to(self._folder).as_posix(): {
                line: {context.partition("|")[0].partition("[")[0] for context in contexts if context}
                for line, contexts in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        }
        seconds: defaultdict[str, float] = defaultdict(float)
        for case in ElementTree.parse(self._folder / "times.xml").iter("testcase"):  # noqa: S314 - pytest's own
            seconds[f"{case.get('classname')}.{case.get('name')}".partition("[")[0]] += float(case.get("time", 0))
        return Measured(tests, seconds)

    def notices(self, mutant: Mutant, measured: Measured) -> bool:
        """Return whether a test fails with a change, or takes far longer."""
        file = self._folder / mutant.path
        original = file.read_text()
        file.write_text(mutant.code)
        limit = 60 + 5 * sum(measured.seconds.values())
        first = measured.quickest(mutant)
        try:
            if first and self._pytest("-x", *first, timeout=limit) != 0:
                return True
            return self._pytest("-x", *TESTS[self._package], timeout=limit) != 0
        finally:
            file.write_text(original)

    def _pytest(self, *arguments: str, timeout: float | None = None) -> int | None:
        """Return pytest's exit code, None where it took too long."""
        process = FORKS.Process(target=_run_pytest, args=(self._folder, arguments))
        process.start()
        process.join(timeout)
        if process.exitcode is None and process.pid:
            os.killpg(process.pid, signal.SIGKILL)
        return process.exitcode


def _run_pytest(folder: Path, arguments: Sequence[str]) -> None:
    """Run pytest in a process that has imported all but the project."""
    os.setsid()
    os.chdir(folder)
    sys.path[:0] = [str(folder / "constructs"), str(folder)]
    sys.dont_write_bytecode = True  # Python would take it for a change's that has the same size and second
    with (folder / "pytest.log").open("w") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    usual = ["-q", "-n", "0", "-p", "no:cacheprovider", "-W", "ignore:Module already imported"]
    sys.exit(pytest.main([*usual, *arguments]))


def _dotted(test: str) -> str:
    return test.replace(".py::", ".").replace("::", ".").replace("/", ".")


def chosen(package: str, sample: int | None, seed: int, only: Path | None) -> list[Mutant]:
    """Return the changes to try."""
    modules = [Module(path) for path in sorted((ROOT / package).rglob("*.py"))]
    if only:
        names = {line.partition("  ")[2].strip() for line in only.read_text().splitlines()}
        return [mutant for module in modules for mutant in module.named(names)]
    places = [(module, mutation) for module in modules for mutation in module.mutations]
    # In any order, so that what an interrupted run has tried is a sample as well.
    shuffled = random.Random(seed).sample(places, min(sample or len(places), len(places)))  # noqa: S311 - no secret
    return [module.mutant(mutation) for module, mutation in shuffled]


def main() -> int:
    """Do what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(prog="./scripts/mutants", add_help=False)
    parser.add_argument("package", choices=TESTS)
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=Path)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    equivalent = EQUIVALENT.read_text().splitlines()
    mutants = chosen(options.package, options.sample, options.seed, options.only)
    found: Counter[str] = Counter()
    with ExitStack() as stack:
        idle: Queue[Checkout] = Queue()
        for _ in range(options.workers):
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            idle.put(Checkout(Path(folder).resolve(), options.package))
        checkout = idle.get()
        measured = checkout.measured()
        idle.put(checkout)

        def verdict(mutant: Mutant) -> str:
            if mutant.name in equivalent:
                return "equivalent"
            checkout = idle.get()
            try:
                return "killed" if checkout.notices(mutant, measured) else "survived"
            finally:
                idle.put(checkout)

        with ThreadPoolExecutor(options.workers) as pool:
            for mutant, said in zip(mutants, pool.map(verdict, mutants), strict=True):
                found[said] += 1
                print(f"{said:<10}  {mutant.name}", flush=True)
    tried = found["killed"] + found["survived"]
    score = 100 * found["killed"] / tried if tried else 0
    print(
        f"{options.package}: killed {found['killed']} of {tried}, {score:.1f} %; {found['equivalent']} are equivalent"
    )
    return int(score < GOAL)


if __name__ == "__main__":
    sys.exit(main())
