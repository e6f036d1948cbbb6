"""Runs a Python function as Lambda does, with nothing on top: imports it, reports that, then handles one event a line.

    python launch.py HANDLER REPORT_TO

Events are lines of JSON on the standard input, results lines of JSON on the file descriptor REPORT_TO.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from typing import Any


class Context:
    """What functions read from Lambda's context object."""

    function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    invoked_function_arn = os.environ["BENCHMARK_FUNCTION_ARN"]
    log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
    log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
    aws_request_id = "8f5b5a54-5a5c-4c3e-8a57-1c1d5d1f2e3a"

    def __init__(self) -> None:
        self._ends = time.monotonic() + float(os.environ["BENCHMARK_TIMEOUT"])

    def get_remaining_time_in_millis(self) -> int:
        """Return how long this invocation may still run."""
        return max(0, int((self._ends - time.monotonic()) * 1000))


def main(name: str, report_to: int) -> None:
    """Import the function and hand it every event of the standard input."""
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]  # in place of this file's folder

    def report(**what: Any) -> None:  # noqa: ANN401 - whatever the function returns
        os.write(report_to, json.dumps(what).encode() + b"\n")

    module, _, function = name.rpartition(".")
    handler = getattr(importlib.import_module(module), function)
    report(ready=True)
    for line in sys.stdin.buffer:
        try:
            result = handler(json.loads(line), Context())
        except Exception as error:  # noqa: BLE001, PERF203 - Lambda reports every exception
            report(error={"errorType": type(error).__name__, "errorMessage": str(error)})
        else:
            report(result=result)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
