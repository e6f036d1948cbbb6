"""One execution environment of Lambda: a process that takes one event at a time from the Runtime API."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.container.endpoint import Endpoint, Reply, Request
from tests.documents import ACCOUNT, REGION

FUNCTION_NAME = "provider"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION_NAME}"

_INIT_PATIENCE = 60.0  # Lambda's is ten seconds; many processes that start at once on two busy cores may need longer
_POST = re.compile(r"/2018-06-01/runtime/(?:invocation/(?P<id>[^/]+)/(?P<kind>response|error)|init/error)")


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended."""

    kind: Literal["success", "error", "crash", "timeout", "init error"]
    told: str = ""
    """What the process posted, or the code it ended with."""


@dataclass(frozen=True)
class _Happened:
    """What a process did next."""

    what: Literal["ready", "success", "error", "init error", "exit"]
    told: str = ""
    request_id: str = ""


class Container:
    """A process that has been started; it is frozen whenever it has nothing to do, as Lambda does it."""

    def __init__(
        self,
        command: Sequence[str | Path],
        folder: Path,
        environment: Mapping[str, str],
        printed: Callable[[str], None],
    ) -> None:
        self._happened: queue.SimpleQueue[_Happened] = queue.SimpleQueue()
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
        if happened is not None and happened.what == "ready":
            self._process.send_signal(signal.SIGSTOP)
            return None
        return Outcome("timeout") if happened is None else Outcome("init error", happened.told)

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
            if happened.what == "exit":
                return outcome or Outcome("crash", happened.told)
            if happened.what == "ready" and outcome is not None:
                self._process.send_signal(signal.SIGSTOP)
                return outcome
            if happened.what not in ("success", "error") or happened.request_id != request_id:
                return Outcome("crash", f"{happened} instead of the result of {request_id}")
            outcome = Outcome(happened.what, happened.told)
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
        if request.path == "/2018-06-01/runtime/invocation/next":
            self._happened.put(_Happened("ready"))
            return self._events.get()
        match = _POST.fullmatch(request.path)
        if match is None:
            return Reply(404)
        what: Literal["success", "error", "init error"] = "init error"
        if match["id"]:
            what = "success" if match["kind"] == "response" else "error"
        self._happened.put(_Happened(what, request.body.decode(), match["id"] or ""))
        return Reply(202, b'{"status":"OK"}', {"Content-Type": "application/json"})

    def _next(self, ends: float) -> _Happened | None:
        with suppress(queue.Empty):
            return self._happened.get(timeout=max(0.0, ends - time.monotonic()))
        return None

    def _read(self) -> None:
        assert self._process.stdout is not None  # the output goes through a pipe
        with self._process.stdout as lines:
            for line in lines:
                self._printed(line)
        self._happened.put(_Happened("exit", str(self._process.wait())))


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
