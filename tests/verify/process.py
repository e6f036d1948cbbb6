"""`./scripts/verify` as a process of its own, against a local Rekognition in another process."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localcloud.cloud import REPOSITORY
from localcloud.rekognition import LocalRekognition
from tests.endpoint import Endpoint, Reply
from tests.verify.pretend import ACCOUNT, REGION

_PROGRAM = """
import pathlib, sys, time
sys.path.insert(0, sys.argv.pop(1))
import _account, _verify
began = time.time()
clock = _account.Clock(lambda: began + 50 * (time.time() - began), lambda seconds: time.sleep(seconds / 50))
sys.exit(_verify.run_as_program(clock=clock, journals=pathlib.Path("journals")))
"""
"""The command, for which time passes 50 times as fast."""


def sts(_: Any) -> Reply:
    """Reply as GetCallerIdentity does."""
    result = f"<GetCallerIdentityResult><Account>{ACCOUNT}</Account></GetCallerIdentityResult>"
    return Reply(200, f"<GetCallerIdentityResponse>{result}</GetCallerIdentityResponse>".encode())


class Process:
    """The command, its folder, and its Rekognition."""

    def __init__(self, service: LocalRekognition, folder: Path, identity: Endpoint) -> None:
        self.service, self.folder = service, folder
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",  # with a limit, it would be cut off, and kept
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_REKOGNITION": service.endpoint_url,
            "AWS_ENDPOINT_URL_STS": identity.url,
        }

    def start(
        self,
        *arguments: str,
        stdout: int = subprocess.PIPE,
        environment: Mapping[str, str] | None = None,
        limit: int = 0,
    ) -> subprocess.Popen[str]:
        """Start it in the folder, with its journals there; with a limit of the bytes of a file."""

        def prepare() -> None:
            # A suite that runs in the background may ignore them, and so would all that it starts.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
            if limit:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        return subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(REPOSITORY / "scripts"), *arguments],
            cwd=self.folder,
            env={**self.environment, **(environment or {})},
            stdout=stdout,
            stderr=subprocess.STDOUT if stdout == subprocess.PIPE else stdout,
            text=True,
            preexec_fn=prepare,  # noqa: PLW1509 - it only sets what the child inherits
        )

    def projects(self) -> list[str]:
        """Return the ARNs of the projects that are live."""
        return [str(each.arn) for each in self.service.store.projects(ACCOUNT, REGION)]
