"""One container: a process of awslambdaric with the asset as its task root, and one event at a time."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.container.runtime_api import Event, Happened, RuntimeApi
from tests.documents import ACCOUNT, REGION

FUNCTION_NAME = "provider"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION_NAME}"

_INIT_PATIENCE = 60.0  # Lambda's is ten seconds; ten processes that start at once on two busy cores may need longer


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended."""

    kind: Literal["success", "error", "crash", "timeout", "init error"]
    told: str = ""
    """What the process posted, or the code it ended with."""


class Container:
    """A process that has been started; it is frozen whenever it has nothing to do, as Lambda does it."""

    def __init__(
        self,
        asset: Path,
        runtime: Path,
        environment: Mapping[str, str],
        printed: Callable[[str], None],
        handler: str = "index.handler",
    ) -> None:
        self.api = RuntimeApi()
        # -S: no site-packages, so that the process finds what is in the asset and the runtime, and nothing else.
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-m", "awslambdaric", handler],
            cwd=asset,
            env={
                **_lambda_environment(asset, runtime),
                **environment,
                "_HANDLER": handler,
                "AWS_LAMBDA_RUNTIME_API": self.api.address,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        self._printed = printed
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def initialize(self) -> Outcome | None:
        """Wait until the process asks for its first event; return how it failed, None where it did not."""
        happened = self._next(time.monotonic() + _INIT_PATIENCE)
        if happened is not None and happened.what == "ready":
            self._freeze()
            return None
        return Outcome("timeout") if happened is None else Outcome("init error", happened.told)

    def invoke(self, request_id: str, event: Mapping[str, Any], timeout: float) -> Outcome:
        """Give the process an event, and wait until it has responded and asks for the next one."""
        self._signal(signal.SIGCONT)
        ends = time.monotonic() + timeout
        self.api.events.put(Event(request_id, event, time.time() + timeout, FUNCTION_ARN))
        outcome = None
        while True:
            happened = self._next(ends)
            if happened is None:
                return Outcome("timeout")
            if happened.what == "exit":
                return outcome or Outcome("crash", happened.told)
            if happened.what == "ready" and outcome is not None:
                self._freeze()
                return outcome
            if happened.request_id != request_id:
                return Outcome("crash", f"responded {happened.request_id} instead of {request_id}")
            outcome = Outcome("success" if happened.what == "response" else "error", happened.told)

    def kill(self) -> None:
        """End the process, as Lambda does: at once."""
        self._signal(signal.SIGKILL)
        self._reader.join()
        self.api.close()

    def _next(self, ends: float) -> Happened | None:
        with suppress(queue.Empty):
            return self.api.happened.get(timeout=max(0.0, ends - time.monotonic()))
        return None

    def _freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def _signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)  # does nothing where the process has ended

    def _read(self) -> None:
        if self._process.stdout is None:
            raise AssertionError("the output goes through a pipe")
        with self._process.stdout as lines:
            for line in lines:
                self._printed(line)
        self.api.happened.put(Happened("exit", str(self._process.wait())))


def _lambda_environment(asset: Path, runtime: Path) -> dict[str, str]:
    """Return what Lambda sets, and nothing of this process's own environment but its PATH."""
    return {
        "PATH": os.environ["PATH"],
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PYTHONPATH": str(runtime),
        "LAMBDA_TASK_ROOT": str(asset),
        "LAMBDA_RUNTIME_DIR": str(runtime),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
        "AWS_LAMBDA_FUNCTION_NAME": FUNCTION_NAME,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{FUNCTION_NAME}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
    }
