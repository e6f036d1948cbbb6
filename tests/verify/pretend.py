"""An account of a pretend AWS, which answers otherwise than the local cloud where a test says so."""

from __future__ import annotations

import importlib
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from localcloud.cloud import REPOSITORY
from localcloud.rekognition import LocalRekognition, Request, Switches
from tests.rules.support import VirtualTime

ACCOUNT, REGION = "123456789012", "us-east-1"

sys.path.append(str(REPOSITORY / "scripts"))
account_module = importlib.import_module("_account")
facts = importlib.import_module("_facts")
questions = importlib.import_module("_questions")
verify = importlib.import_module("_verify")

Proceed = Callable[[dict[str, Any]], dict[str, Any]]
Twist = Callable[[str, dict[str, Any], Proceed], dict[str, Any]]
"""Returns the response to an operation with these parameters; the last argument is what the local cloud does."""


class PretendAws(LocalRekognition):
    """A local Rekognition with a twist."""

    twist: Twist = staticmethod(lambda operation, given, proceed: proceed(given))

    def respond(self, request: Request) -> dict[str, Any]:
        """Respond as the twist has it."""

        def proceed(given: dict[str, Any]) -> dict[str, Any]:
            return super(PretendAws, self).respond(replace(request, body=json.dumps(given).encode()))

        return self.twist(request.headers["x-amz-target"].rpartition(".")[2], json.loads(request.body), proceed)


class SameThread(Executor):
    """Makes each call at once, because virtual time has one thread."""

    def __init__(self, threads: int) -> None:
        del threads

    def submit(self, call: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """Call it."""
        future: Future[Any] = Future()
        try:
            future.set_result(call(*arguments, **named))
        except Exception as problem:  # noqa: BLE001 - as any executor
            future.set_exception(problem)
        return future


class Account:
    """An account with a project of its user's, and `./scripts/verify` in it, on virtual time."""

    def __init__(self, service: PretendAws, clock: VirtualTime, folder: Path) -> None:
        self.service, self.clock, self.region, self.started_at = service, clock, REGION, clock()
        self.journals, self.output = folder / "journals", folder / "report.json"
        client = service.client()
        project = client.create_project(ProjectName="users")["ProjectArn"]
        output: Any = {"S3Bucket": "training"}
        self.version = client.create_project_version(ProjectArn=project, VersionName="v7", OutputConfig=output)[
            "ProjectVersionArn"
        ]
        self.copying = ["--model-version", self.version, "--bucket", "results", "--kms-key", "alias/secret"]
        self.users = self.state()

    def state(self) -> str:
        """Return what there is in the account."""
        return repr(self.service.store.projects(ACCOUNT, REGION))

    def run(self, *arguments: str, code: int = 0, yes: bool = True, client: Callable[..., Any] | None = None) -> Any:
        """Run the command, which ends with a code; return its report, None if it wrote none."""
        assert self.result(*arguments, *(["--yes"] if yes else []), client=client) == code
        return json.loads(self.output.read_text()) if self.output.exists() else None

    def result(self, *arguments: str, client: Callable[..., Any] | None = None) -> int:
        """Run the command, and return its code."""
        self.output.unlink(missing_ok=True)
        clock = account_module.Clock(self.clock, self.clock.sleep, SameThread)
        code = verify.main([*arguments, "--output", str(self.output)], client or self.client, clock, self.journals)
        return int(code)

    def client(self, service: str, config: Any) -> Any:
        """Return a client of Rekognition, or this as one of STS."""
        return self.service.client(ACCOUNT, self.region, config) if service == "rekognition" else self

    def get_caller_identity(self) -> dict[str, str]:
        """Return the account, as STS does."""
        return {"Account": ACCOUNT}

    def calls(self, *operations: str) -> list[dict[str, Any]]:
        """Return the parameters of each call of these operations so far."""
        return [given for operation, given in self.service.calls if operation in operations]

    def assert_clean(self) -> None:
        """Hold what there is to what there was at first, and that the journal is gone."""
        assert self.state() == self.users
        assert list(self.journals.glob("*")) == []


@contextmanager
def account(folder: Path, **switches: Any) -> Iterator[Account]:
    """Provide an account whose local Rekognition has these switches."""
    folder.mkdir(exist_ok=True)
    clock = VirtualTime()
    # A suite that runs in the background may ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    service = PretendAws(Switches(**{"calls_per_second": 5, **switches}), clock)
    try:
        with service:
            yield Account(service, clock, folder)
    finally:
        signal.signal(signal.SIGINT, before)


def verdicts(report: Any, verdict: str) -> dict[str, Any]:
    """Return what was found of the facts with this verdict."""
    return {each["fact"]: each["found"] for each in report["facts"] if each["verdict"] == verdict}


def reasons(report: Any) -> dict[str, str]:
    """Return why a fact isn't known."""
    return {each["fact"]: each["said"] for each in report["facts"] if each["verdict"] == "not known"}


def interrupt() -> None:
    """Send SIGINT to the thread that runs the command."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
