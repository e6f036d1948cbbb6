"""A function that never ends, and doesn't want to be ended. It runs in the cloud."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any


def handler(event: Any, context: Any) -> None:
    """Wait for a signal that kills."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(os.environ["TMPDIR"], "stuck").touch()
    while True:
        signal.pause()
