"""Processes of a session: found and ended together, so that none is left behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import psutil  # type: ignore[import-untyped,unused-ignore]


def command_line(pid: int) -> list[str] | None:
    """Return what a process was started with, nothing if that is not to be seen; None if it has ended."""
    try:
        return list(psutil.Process(pid).cmdline())
    except psutil.AccessDenied:
        return []
    except psutil.NoSuchProcess:  # a zombie, too
        return None


def in_session(leader: int) -> list[psutil.Process]:
    """Return the live processes of a session, its leader among them."""
    return [process for process in psutil.process_iter() if _session_of(process.pid) == leader]


def end_session(leader: int, grace: float) -> None:
    """Ask the leader to end, wait for it, then kill whatever of its session is left."""
    with suppress(ProcessLookupError):
        os.kill(leader, signal.SIGTERM)
    _wait_until(grace, lambda: _session_of(leader) is None)
    for process in in_session(leader):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _wait_until(grace, lambda: not in_session(leader))


def _wait_until(seconds: float, gone: Callable[[], bool]) -> None:
    # Not psutil's wait: that waits until a dead process is reaped as well, which in a container may take seconds.
    deadline = time.monotonic() + seconds
    while not gone():
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)


def _session_of(pid: int) -> int | None:
    """Return the session of a live process; None where it is dead, reaped or not."""
    try:
        return None if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE else os.getsid(pid)
    except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):
        return None
