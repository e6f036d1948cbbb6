"""Makes small changes in a package, one at a time, and prints those that its tests don't notice.

The changes are mutmut's, taken as a library: alone it takes paths for modules' names, and nothing imports lambda.index.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

from coverage import CoverageData
from libcst.metadata import MetadataWrapper, WhitespaceInclusivePositionProvider
from mutmut.mutation.file_mutation import create_mutations

ROOT = Path(__file__).resolve().parents[1]
EQUIVALENT = Path(__file__).with_name("equivalent-mutants.txt")
LEAST = 85
"""How many of a hundred changes have to be noticed, so that the tests get no worse. The goal is 95."""

TESTS = {
    "lambda": ("tests/rules", "tests/lifecycle", "tests/docs/test_messages.py"),
    "constructs": ("tests/unit", "tests/templates", "tests/docs/test_messages.py"),
    "localcloud": ("tests/localcloud", "tests/lifecycle"),
}
"""The tests of each package."""

FIRST = 30
"""How many tests try a change first: those that run its lines and the fewest others. All try what these miss."""

FIRST_SECONDS = 120
"""How long these may take, a loaded machine included. All tests may take five times as long as they do alone."""

PROGRESS = 25
"""After how many changes a line says how many have been tried."""


@dataclass(frozen=True)
class Mutant:
    """A module with one change."""

    path: str
    lines: range
    """The lines of the expression or statement that is changed."""
    line: int
    """The first line that differs."""
    code: str
    change: str
    """The lines that differ, as they were and as they are."""

    @property
    def name(self) -> str:
        """The change wherever in the module it is, as ``equivalent-mutants.txt`` has it."""
        return f"{self.path}: {self.change}"

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.change}"


def mutants(path: Path) -> Iterator[Mutant]:
    """Return a module with each change that mutmut makes in it."""
    module, mutations, *_ = create_mutations(str(path), path.read_text())
    spans = MetadataWrapper(module, unsafe_skip_copy=True).resolve(WhitespaceInclusivePositionProvider)
    lines = module.code.splitlines(keepends=True)
    name = path.relative_to(ROOT).as_posix()
    for mutation in mutations:
        start, end = spans[mutation.original_node].start, spans[mutation.original_node].end
        before = lines[start.line - 1 : end.line]
        inside = module.code_for_node(mutation.mutated_node)
        changed = f"{before[0][: start.column]}{inside}{before[-1][end.column :]}"
        code = "".join((*lines[: start.line - 1], changed, *lines[end.line :]))
        was, now = ([line.strip() for line in each] for each in (before, changed.splitlines()))
        for side in (0, -1):
            while was and now and was[side] == now[side]:
                del was[side], now[side]
        pairs = enumerate(zip(code.splitlines(), module.code.splitlines(), strict=False), 1)
        line = next((number for number, (new, old) in pairs if new != old), start.line)
        yield Mutant(name, range(start.line, end.line + 1), line, code, f"{' '.join(was)} -> {' '.join(now)}")


def chosen(package: str, sample: int | None, seed: int, only: Path | None) -> list[Mutant]:
    """Return the changes to try, in any order, so that what an interrupted run has tried is a sample as well."""
    found = [mutant for path in sorted((ROOT / package).rglob("*.py")) for mutant in mutants(path)]
    if only:
        names = {re.sub(r"^(\w+ +)?([^ :]+)(:\d+)?: ", r"\2: ", line) for line in only.read_text().splitlines()}
        found = [mutant for mutant in found if mutant.name in names]
    return random.Random(seed).sample(found, min(sample or len(found), len(found)))  # noqa: S311 - no secret


@dataclass(frozen=True)
class Measured:
    """What the tests do without a change."""

    tests: Mapping[str, Mapping[int, set[str]]]
    """Those that run each line of each file."""
    runs: Mapping[str, int]
    """How many lines each test runs."""
    seconds: float

    def closest(self, mutant: Mutant) -> list[str]:
        """Return the tests that run a change's lines, or else the line before them, and the fewest others."""
        by_line = self.tests.get(mutant.path, {})
        tests = {test for line in mutant.lines for test in by_line.get(line, ())}
        before = (by_line[line] for line in range(mutant.lines.start, 0, -1) if by_line.get(line))
        return sorted(tests or next(before, set()), key=lambda test: self.runs[test])[:FIRST]


class Checkout:
    """A copy of the project in which a package is changed."""

    def __init__(self, folder: Path, package: str) -> None:
        self._folder, self._package = folder, package
        listed = ["git", "ls-files", "-coz", "--exclude-standard"]
        for name in subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
            if name and (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        for name in (".venv", "node_modules"):
            (folder / name).symlink_to(ROOT / name)

    def measured(self) -> Measured:
        """Run the tests without a change."""
        began = time.monotonic()
        options = [f"--cov={self._package}", "--cov-context=test", "--cov-report="]
        if not self._passes(*TESTS[self._package], *options):
            sys.exit(f"{(self._folder / 'pytest.log').read_text()}\nThe tests fail without a change.")
        seconds = time.monotonic() - began
        data = CoverageData(str(self._folder / ".coverage"))
        data.read()
        tests = {
            Path(file).relative_to(self._folder).as_posix(): {
                line: {context.partition("|")[0].partition("[")[0] for context in contexts if context}
                for line, contexts in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        }
        return Measured(
            tests, Counter(test for file in tests.values() for each in file.values() for test in each), seconds
        )

    def verdict(self, mutant: Mutant, measured: Measured) -> str:
        """Return whether a change was killed or survived, or is undecided.

        It is killed if a test that is close to it fails. Where more decides, a failure of the whole run or a run that
        isn't done in time, a loaded machine may be the cause: then the same tests have to pass without the change.
        """
        all_tests = TESTS[self._package]
        runs: list[tuple[Sequence[str], float]] = [(all_tests, FIRST_SECONDS + 5 * measured.seconds)]
        if closest := measured.closest(mutant):
            runs.insert(0, (closest, FIRST_SECONDS))
        for tests, limit in runs:
            with self._changed(mutant):
                passed = self._passes("-x", *tests, limit=limit)
            if passed is False and tests is closest:
                return "killed"
            if not passed:
                return "killed" if self._passes("-x", *tests, limit=limit) else "undecided"
        return "survived"

    @contextmanager
    def _changed(self, mutant: Mutant) -> Iterator[None]:
        file = self._folder / mutant.path
        original = file.read_text()
        file.write_text(mutant.code)
        try:
            yield
        finally:
            file.write_text(original)

    def _passes(self, *arguments: str, limit: float | None = None) -> bool | None:
        """Return whether tests pass, or None if they aren't done in time."""
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *arguments]
        environment = os.environ | {
            "PYTHONPATH": f"{self._folder}/constructs{os.pathsep}{self._folder}",
            # Not of changes: Python would take that of one for another's that has the same size and second.
            "PYTHONDONTWRITEBYTECODE": "" if limit is None else "1",
        }
        with (self._folder / "pytest.log").open("w") as log:
            process = subprocess.Popen(
                command, cwd=self._folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        try:
            return process.wait(limit) == 0
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


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
    tried = chosen(options.package, options.sample, options.seed, options.only)
    found: Counter[str] = Counter()
    print(f"{options.package}: {len(tried)} changes; these are not noticed:", flush=True)
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
                return checkout.verdict(mutant, measured)
            finally:
                idle.put(checkout)

        with ThreadPoolExecutor(options.workers) as pool:
            for number, (mutant, said) in enumerate(zip(tried, pool.map(verdict, tried), strict=True), 1):
                found[said] += 1
                if said in ("survived", "undecided"):
                    print(f"{said:<9}  {mutant}", flush=True)
                if number % PROGRESS == 0:
                    print(f"({number} of {len(tried)} tried)", flush=True)
    changes = found.total() - found["equivalent"]
    score = 100 * found["killed"] / changes if changes else 0
    print(
        f"{options.package}: killed {found['killed']} of {changes}, {score:.1f} %; survived {found['survived']}, "
        f"undecided {found['undecided']}, equivalent {found['equivalent']}"
    )
    return int(score < LEAST)


if __name__ == "__main__":
    sys.exit(main())
