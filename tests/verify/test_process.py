"""`./scripts/verify` as a process of its own, which signals end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from localcloud.cloud import REPOSITORY
from tests.endpoint import Endpoint, Reply
from tests.verify.pretend import ACCOUNT, REGION, Account

PROGRAM = """
import pathlib, sys, time
sys.path.insert(0, sys.argv.pop(1))
import _account, _verify
began = time.time()
clock = _account.Clock(lambda: began + 50 * (time.time() - began), lambda seconds: time.sleep(seconds / 50))
sys.exit(_verify.run_as_program(clock=clock, journals=pathlib.Path("journals")))
"""
"""The command, for which time passes 50 times as fast."""
IDENTITY = f"<R><GetCallerIdentityResult><Account>{ACCOUNT}</Account></GetCallerIdentityResult></R>".encode()


def listen() -> None:
    """Take the signals, which a suite in the background may ignore, and then all that it starts as well."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("number", "operation", "code"),
    [
        (signal.SIGINT, "CreateProject", 130),
        (signal.SIGTERM, "CreateProject", 130),
        (signal.SIGHUP, "CreateProject", 130),
        (signal.SIGKILL, "PutProjectPolicy", -signal.SIGKILL),
    ],
)
def test_a_signal_leaves_nothing(
    aws: Account, tmp_path: Path, number: signal.Signals, operation: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """One while it creates waits for the ARN; what a killed run has left, the next one names and deletes."""
    started: list[subprocess.Popen[str]] = []

    def after(called: str, _: Any) -> None:
        if called == operation:
            started[0].send_signal(number)

    aws.service.faults.after = after
    sts = Endpoint(lambda _: Reply(200, IDENTITY))
    environment = {"AWS_ENDPOINT_URL_REKOGNITION": aws.service.endpoint_url, "AWS_ENDPOINT_URL_STS": sts.url}
    environment |= {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": REGION}
    started.append(
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(REPOSITORY / "scripts"), "--yes"],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=listen,  # noqa: PLW1509 - it only sets what the child inherits
        )
    )
    told, _ = started[0].communicate(timeout=60)
    sts.close()
    assert started[0].returncode == code, told
    left = [str(each.arn) for each in aws.created()]
    assert len(left) == (number == signal.SIGKILL)
    aws.run("--clean-up")
    told = capsys.readouterr().out
    assert all(f"  {arn}\n" in told for arn in left)
    aws.assert_clean()
