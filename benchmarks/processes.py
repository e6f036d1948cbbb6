"""One process of a function: started, handed events, watched, ended."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

_PATIENCE = 150.0


class FunctionEnded(Exception):
    """The process has ended, or was ended, before it had done what it was asked."""


class FunctionProcess:
    """A process of a launcher with a function in it; ``started`` is just before it was begun."""

    def __init__(self, command: Sequence[str | Path], task_root: Path, environment: Mapping[str, str]) -> None:
        reports, report_to = os.pipe()
        self.started = time.monotonic()
        # What functions print may hold a signed URL, so nobody keeps it.
        self._process = subprocess.Popen(
            [*command, str(report_to)],
            cwd=task_root,
            env={**environment, "LAMBDA_TASK_ROOT": str(task_root)},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[report_to],
        )
        os.close(report_to)
        self._reports = os.fdopen(reports, "rb")

    def wait_until_ready(self) -> float:
        """Wait until the function is imported; return when that was."""
        self._next_report(_PATIENCE)
        return time.monotonic()

    def send(self, event: Mapping[str, Any]) -> float:
        """Hand the function an event; return when."""
        line = json.dumps(event).encode() + b"\n"
        stdin = self._process.stdin
        if stdin is None:
            raise AssertionError("events go through a pipe")
        sent = time.monotonic()
        try:
            stdin.write(line)
            stdin.flush()
        except BrokenPipeError:
            raise FunctionEnded from None
        return sent

    def wait_until_done(self, seconds: float = _PATIENCE) -> dict[str, Any]:
        """Wait until the handler has returned or raised, and return which: ``result`` or ``error``."""
        return self._next_report(seconds)

    @property
    def peak_memory(self) -> int:
        """Bytes of memory that the process has had resident at the most (VmHWM)."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise LookupError("The kernel does not tell VmHWM.")

    def kill(self) -> None:
        """End the process at once, whatever it does; one that waits for its report is told."""
        self._process.kill()

    def end(self) -> None:
        """End the process and forget it."""
        self._process.kill()
        self._process.wait()
        with suppress(BrokenPipeError):
            cast("Any", self._process.stdin).close()
        self._reports.close()

    def _next_report(self, seconds: float) -> dict[str, Any]:
        ready, _, _ = select.select([self._reports], [], [], seconds)
        line = self._reports.readline() if ready else b""
        if not line:
            raise FunctionEnded(f"No report in {seconds} s" if not ready else "The process has ended")
        report: dict[str, Any] = json.loads(line)
        return report
