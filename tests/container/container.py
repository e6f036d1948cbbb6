"""Lambda: processes that take one event at a time from the Runtime API, and a function that is retried."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.documents import ACCOUNT, REGION
from tests.endpoint import Endpoint, Reply, Request

FUNCTION_NAME = "provider"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION_NAME}"

_INIT_PATIENCE = 60.0  # Lambda's is ten seconds; many processes that start at once on two busy cores may need longer


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended: success, error, crash, timeout or init error. A process also gets ready, and exits."""

    kind: str
    told: str = ""
    """What the process posted, or the code it ended with."""


class Container:
    """A process that has been started; it is frozen whenever it has nothing to do, as Lambda does it."""

    def __init__(
        self,
        command: Sequence[str | Path],
        folder: Path,
        environment: Mapping[str, str],
        printed: Callable[[str], None],
    ) -> None:
        self._happened: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._events: queue.SimpleQueue[Reply | None] = queue.SimpleQueue()
        self._api = Endpoint(self._reply)
        self._printed = printed
        self.over = ExitStack()
        """What ends with the process."""
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={
                **lambda_environment(folder),
                **environment,
                "AWS_LAMBDA_RUNTIME_API": self._api.url.removeprefix("http://"),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def initialize(self) -> Outcome | None:
        """Wait until the process asks for its first event; return how it failed, or None."""
        happened = self._next(time.monotonic() + _INIT_PATIENCE)
        if happened is None:
            return Outcome("timeout")
        if happened.kind != "ready":
            return Outcome("init error", happened.told)
        self._process.send_signal(signal.SIGSTOP)
        return None

    def invoke(self, request_id: str, event: Mapping[str, Any], timeout: float) -> Outcome:
        """Give the process an event, and wait until it has responded and asks for the next one."""
        self._process.send_signal(signal.SIGCONT)
        ends = time.monotonic() + timeout
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + timeout) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": FUNCTION_ARN,
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
        }
        self._events.put(Reply(200, json.dumps(event).encode(), {"Content-Type": "application/json", **headers}))
        outcome: Outcome | None = None
        while happened := self._next(ends):
            if happened.kind == "exit":
                return outcome or Outcome("crash", happened.told)
            if happened.kind == "ready" and outcome:
                self._process.send_signal(signal.SIGSTOP)
                return outcome
            outcome = happened
        return Outcome("timeout")

    def kill(self) -> None:
        """End the process, as Lambda does: at once."""
        self._process.send_signal(signal.SIGKILL)  # does nothing if it has ended
        self._reader.join()
        self._events.put(None)
        self._api.close()
        self.over.close()

    def _reply(self, request: Request) -> Reply | None:
        """Act as the Runtime API."""
        if request.path.endswith("/invocation/next"):
            self._happened.put(Outcome("ready"))
            return self._events.get()
        kind = "success" if request.path.endswith("/response") else "error"
        self._happened.put(Outcome(kind, request.body.decode()))
        return Reply(202, b'{"status":"OK"}', {"Content-Type": "application/json"})

    def _next(self, ends: float) -> Outcome | None:
        with suppress(queue.Empty):
            return self._happened.get(timeout=max(0.0, ends - time.monotonic()))
        return None

    def _read(self) -> None:
        assert self._process.stdout is not None  # the output goes through a pipe
        with self._process.stdout as lines:
            for line in lines:
                self._printed(line)
        self._happened.put(Outcome("exit", str(self._process.wait())))


def python_command(handler: str, interpreter: str | Path = sys.executable) -> list[str | Path]:
    """Return what starts a Python function; -S, so that it finds its folder and the runtime, and nothing else."""
    return [interpreter, "-S", "-m", "awslambdaric", handler]


def lambda_environment(folder: Path) -> dict[str, str]:
    """Return what Lambda sets, and of this process's own environment only PATH."""
    return {
        "PATH": os.environ["PATH"],
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "LAMBDA_TASK_ROOT": str(folder),
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


@dataclass(frozen=True)
class Attempt:
    """One delivery of an event."""

    outcome: Outcome
    pid: int
    began: float
    """When the process was given the event, on the monotonic clock; a cold start comes before."""
    took: float


class Function:
    """A function that is invoked asynchronously, one event after another, while the context lasts.

    Each event goes to the process that is there, or to a new one. An attempt that ends in an error, a crash or after
    ``timeout`` seconds is repeated after each of ``retries``, which in AWS are one and two minutes.
    """

    def __init__(
        self, start: Callable[[Callable[[str], None]], Container], timeout: float, retries: Sequence[float] = (0.1, 0.2)
    ) -> None:
        self.container: Container | None = None
        self._start, self._timeout, self._retries = start, timeout, retries
        self._printed: list[str] = []

    def __enter__(self) -> Function:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> str:
        """End the process that is there, and return all that the processes have written."""
        if self.container is not None:
            self.container.kill()
            self.container = None
        return "".join(self._printed)

    def invoke(self, event: Mapping[str, Any]) -> list[Attempt]:
        """Deliver an event, and return the attempts."""
        attempts = [self._attempt(event)]
        for delay in self._retries:
            if attempts[-1].outcome.kind == "success":
                break
            time.sleep(delay)
            attempts.append(self._attempt(event))
        return attempts

    def _attempt(self, event: Mapping[str, Any]) -> Attempt:
        failure = None
        if self.container is None:
            self.container = self._start(self._printed.append)
            failure = self.container.initialize()
        container, began = self.container, time.monotonic()
        outcome = failure or container.invoke(str(uuid.uuid4()), event, self._timeout)
        took = time.monotonic() - began
        if outcome.kind not in ("success", "error"):
            self.stop()
        return Attempt(outcome, container.pid, began, took)
