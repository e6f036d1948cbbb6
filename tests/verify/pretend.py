"""An account of a pretend AWS, which answers otherwise than the local cloud where a test says so."""

from __future__ import annotations

import importlib
import json
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from localcloud.cloud import REPOSITORY
from localcloud.rekognition import LocalRekognition, Request
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

    def __enter__(self) -> PretendAws:
        super().__enter__()
        return self

    def respond(self, request: Request) -> dict[str, Any]:
        """Respond as the twist has it."""

        def proceed(given: dict[str, Any]) -> dict[str, Any]:
            return super(PretendAws, self).respond(replace(request, body=json.dumps(given).encode()))

        return self.twist(request.headers["x-amz-target"].rpartition(".")[2], json.loads(request.body), proceed)


class SameThread(Executor):
    """Makes each call at once, because virtual time has one thread."""

    def submit(self, call: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """Call it."""
        future: Future[Any] = Future()
        future.set_result(call(*arguments, **named))
        return future


class Account:
    """An account with a project of its user's, and `./scripts/verify` in it, on virtual time."""

    def __init__(self, service: PretendAws, time: VirtualTime, folder: Path) -> None:
        self.service, self.time, self.region, self.started_at = service, time, REGION, time()
        self.clock = account_module.Clock(time, time.sleep, lambda _: SameThread())
        self.journals, self.output = folder / "journals", folder / "report.json"
        client = service.client()
        project = client.create_project(ProjectName="users")["ProjectArn"]
        given: Any = {"ProjectArn": project, "VersionName": "v7", "OutputConfig": {"S3Bucket": "training"}}
        self.version = client.create_project_version(**given)["ProjectVersionArn"]
        self.copying = ["--model-version", self.version, "--bucket", "results", "--kms-key", "alias/secret"]
        self.users = self.state()

    def state(self) -> str:
        """Return what there is in the account."""
        return repr(self.service.store.projects(ACCOUNT, REGION))

    def created(self) -> list[Any]:
        """Return the trial projects that are live."""
        return [each for each in self.service.store.projects(ACCOUNT, REGION) if each.arn.name != "users"]

    def run(self, *arguments: str, code: int | None = 0, client: Callable[..., Any] | None = None) -> Any:
        """Run the command, which ends with a code; return its report, None if it wrote none."""
        self.output.unlink(missing_ok=True)
        options = [*arguments, "--output", str(self.output)]
        self.ended = verify.main(options, client or self.client, self.clock, self.journals)
        assert code in (self.ended, None)
        return json.loads(self.output.read_text()) if self.output.exists() else None

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


def having(report: Any, verdict: str, element: str = "found") -> dict[str, Any]:
    """Return an element of each fact with this verdict."""
    return {each["fact"]: each[element] for each in report["facts"] if each["verdict"] == verdict}


def interrupt() -> None:
    """Send SIGINT to the thread that runs the command."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
