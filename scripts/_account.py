"""All that ./scripts/verify does to an account: its calls, what it creates, and how it deletes that, and nothing else.

It deletes only what has an ARN that CreateProject or CopyProjectVersion returned to it. A journal keeps these ARNs, so
that a later run can go on where one was killed. What a name or a list says never adds to them.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.parsers import ResponseParserError

sys.path.append(str(Path(__file__).resolve().parents[1] / "lambda"))
from rekognition.errors import NOT_FOUND, THROTTLED, ServiceError

PAUSE = 0.25  # the quotas are five calls a second
TRIES = 20
READ_TRIES = 3
NOT_FOUND_TRIES = 3
LONGEST_COPY = 7200
IN_USE, LISTED = "ResourceInUseException", "It is still listed."


class NotKnownError(Exception):
    """Something couldn't be found out; the message says why."""


PROBLEMS = (ServiceError, NotKnownError, OSError, LookupError, ValueError)
"""What a call, or a response that isn't as documented, can raise."""


class Clock(NamedTuple):
    """What tells the time, what waits, and what makes several calls at once."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    executor: Callable[[int], Executor] = ThreadPoolExecutor


def reason(problem: BaseException) -> str:
    """Return what went wrong, in the same words for each call that one cause affects."""
    if isinstance(problem, ServiceError):
        return f"{problem.code}: {problem.message}"
    return f"A response has no {problem}." if isinstance(problem, LookupError) else str(problem)


def is_throttled(error: ServiceError) -> bool:
    """Return whether there were too many calls, which says nothing about this one."""
    return error.code in THROTTLED or error.status == 429


class Calls:
    """Calls of Rekognition, at the pace of its quotas."""

    def __init__(self, client: Any, clock: Clock) -> None:  # noqa: ANN401 - the SDK makes its clients' classes
        self.clock = clock
        self._log: list[list[Any]] = []  # an operation, its outcome, how often in a row, the second it began
        self._client, self._began = client, clock.now()

    def __call__(self, operation: str, **parameters: Any) -> Any:  # noqa: ANN401 - any JSON
        """Call an operation, again while it is throttled; a read three times if it gets no response of the service."""
        for attempt in range(1, TRIES + 1):
            self.clock.sleep(PAUSE if attempt == 1 else 1)
            try:
                response = self.once(operation, **parameters)
            except ServiceError as error:
                self._note(operation, reason(error))
                is_read = operation.startswith(("Describe", "List"))
                again = attempt < (READ_TRIES if is_read and error.status >= 500 else 0)
                if attempt == TRIES or not (is_throttled(error) or again):
                    raise
            else:
                self._note(operation, "ok")
                return response
        raise AssertionError

    def once(self, operation: str, **parameters: Any) -> Any:  # noqa: ANN401 - any JSON
        """Call an operation; a ServiceError's `may_have_worked` is false only if the call surely had no effect."""
        try:
            return getattr(self._client, xform_name(operation))(**parameters)
        except ClientError as error:
            said, metadata = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
            code, message = said.get("Code", ""), said.get("Message", "")
            raise ServiceError(operation, code, message, metadata.get("HTTPStatusCode", 500)) from error
        except (BotoCoreError, ResponseParserError) as error:
            # A connection that couldn't be opened carried no request.
            never_sent = isinstance(error, BotoCoreError) and not isinstance(error, HTTPClientError)
            status = 400 if never_sent else 500
            raise ServiceError(operation, type(error).__name__, str(error), status) from error

    def lines(self) -> list[str]:
        """Return the log as lines."""
        return [f"{at:.1f} s: {operation} x {count}: {outcome}" for operation, outcome, count, at in self._log]

    def _note(self, operation: str, outcome: str) -> None:
        if self._log and self._log[-1][:2] == [operation, outcome]:
            self._log[-1][2] += 1
        else:
            self._log.append([operation, outcome, 1, round(self.clock.now() - self._began, 1)])


@contextmanager
def interrupts(change: int) -> Iterator[None]:
    """Block SIGINT, SIGTERM and SIGHUP, so that they wait for the end (`signal.SIG_BLOCK`), or allow them there."""
    before = signal.pthread_sigmask(change, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Journal:
    """What a run has created, in a file that outlives it; while the run lasts, no other can open the file."""

    def __init__(self, path: Path) -> None:
        """Open or make a journal; raises BlockingIOError if its run isn't over."""
        self.place: dict[str, str] = {}
        """The account, Region and endpoint."""
        self.arns: list[str] = []
        """What isn't deleted yet."""
        self.doubts: dict[str, str] = {}
        """Each name for which a creation was called and no ARN came, with the operation."""
        self.why: dict[str, str] = {}
        """Why an ARN isn't deleted yet."""
        self._path = path
        path.parent.mkdir(exist_ok=True)
        self._file = path.open("a+", encoding="ascii")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise
        self._file.seek(0)
        for line in self._file:
            with suppress(ValueError):  # the last line, if the run died while it wrote: it called nothing then
                self._apply(json.loads(line))

    def note(self, **entry: Any) -> None:  # noqa: ANN401 - any JSON
        """Note what is so already."""
        self._apply(entry)
        self._write(entry)

    def _write(self, entry: Mapping[str, Any]) -> None:
        """Write a line, and wait until it is on the disk."""
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _apply(self, entry: Mapping[str, Any]) -> None:
        match entry:
            case {"place": place}:
                self.place = place
            case {"creating": name, "by": operation}:
                self.doubts[name] = operation
            case {"created": arn, "name": name}:
                del self.doubts[name]
                self.arns.append(arn)
            case {"settled": name}:
                del self.doubts[name]
            case {"deleted": arn}:
                self.arns.remove(arn)
                if not self.arns:  # the project goes last, and only if it has no model versions
                    self.doubts.clear()

    def create(self, calls: Calls, operation: str, element: str, name: str, **parameters: Any) -> str:  # noqa: ANN401
        """Create something, and return its ARN, which is in the journal then whatever happens."""
        with interrupts(signal.SIG_BLOCK):
            intent = {"creating": name, "by": operation}
            self._write(intent)  # what can't be written isn't called
            self._apply(intent)
            try:
                arn = str(calls(operation, **parameters)[element])
            except ServiceError as error:
                if not error.may_have_worked:
                    self._forget(settled=name)
                raise
            own = f"{self.arns[0].rpartition('/')[0]}/version" if self.arns else "arn:.*:project"
            if re.fullmatch(rf"{own}/{re.escape(name)}/\d+", arn) is None:
                raise NotKnownError(f"{operation} returned {arn} for the name {name}.")
            self.note(created=arn, name=name)
        return arn

    def _forget(self, **entry: str) -> None:
        """Note that something isn't there; if that can't be written, the next run finds it out again."""
        with suppress(OSError):
            self.note(**entry)

    def clean_up(self, calls: Calls) -> None:
        """Delete what has one of the ARNs, until it is gone, or doesn't go."""
        clock, seen, pause = calls.clock, dict[str, int](), 1
        self.why = dict.fromkeys(self.arns, "")
        went_at = clock.now()
        while self.arns:
            for arn in sorted(self.arns, key=_is_project):
                try:
                    self.why[arn] = self._delete(calls, arn, seen)
                except PROBLEMS as problem:
                    self.why[arn] = reason(problem)
                if not self.why[arn]:
                    self._forget(deleted=arn)
                    went_at, pause = clock.now(), 1
            # What is being copied can't be deleted yet, and neither can its project.
            takes_long = any(self.why[arn].startswith((IN_USE, LISTED)) for arn in self.arns if not _is_project(arn))
            if clock.now() > went_at + (LONGEST_COPY if takes_long else 120):
                return
            if self.arns:
                clock.sleep(pause)
                pause = min(2 * pause, 15)

    def _delete(self, calls: Calls, arn: str, seen: dict[str, int]) -> str:
        """Delete what has this very ARN; return why it isn't gone, an empty string if it is."""
        try:
            if _is_project(arn):
                calls("DeleteProject", ProjectArn=arn)
            else:
                calls("DeleteProjectVersion", ProjectVersionArn=arn)
        except ServiceError as error:
            if error.code != NOT_FOUND:
                raise
            seen[arn] = seen.get(arn, 0) + 1  # what is new may not be known everywhere yet
            return "" if seen[arn] > NOT_FOUND_TRIES else reason(error)
        seen[arn] = NOT_FOUND_TRIES
        if _is_project(arn):
            listed = calls("DescribeProjects", ProjectNames=[arn.split("/")[1]])["ProjectDescriptions"]
            return LISTED if any(each["ProjectArn"] == arn and each["Status"] != "DELETING" for each in listed) else ""
        listed = calls("DescribeProjectVersions", ProjectArn=self.arns[0])["ProjectVersionDescriptions"]
        return LISTED if any(each["ProjectVersionArn"] == arn for each in listed) else ""

    def settle(self, calls: Calls) -> None:
        """Forget each project whose creation had no response a while ago, if none of its name is listed."""
        if time.time() < self._path.stat().st_mtime + 60:  # it may be listed late
            return
        for name in [name for name, operation in self.doubts.items() if operation == "CreateProject"]:
            with suppress(*PROBLEMS):
                listed = calls("DescribeProjects", ProjectNames=[name])["ProjectDescriptions"]
                if not any(f"/{name}/" in each["ProjectArn"] for each in listed):
                    self._forget(settled=name)

    def close(self) -> None:
        """Close the file, and remove it if nothing is left."""
        if not self.arns and not self.doubts:
            self._path.unlink(missing_ok=True)
        self._file.close()

    def left(self) -> str:
        """Return what is left, with the commands that look for it and delete it; an empty string if nothing is."""
        if not self.arns and not self.doubts:
            return ""
        where, endpoint = f"--region {self.place['region']}", self.place["endpoint"]
        where += "" if is_aws(endpoint) else f" --endpoint-url {endpoint}"
        lines = []
        for arn in sorted(self.arns, key=_is_project):
            what = "project" if _is_project(arn) else "project-version"
            lines += [f"  {arn}", f"    {self.why.get(arn, '')}".rstrip()]
            lines += [f"    aws rekognition delete-{what} {where} --{what}-arn {arn}"]
        for name, operation in self.doubts.items():
            lines += [f"  {name}, perhaps: {operation} had no usable response. Look for this very name:"]
            if operation == "CreateProject":
                look, what = f"describe-projects {where} --project-names {name}", "project"
            else:
                look = f"describe-project-versions {where} --project-arn {self.arns[0]} --version-names {name}"
                what = "project-version"
            lines += [f"    aws rekognition {look}", "  and if it is there, delete it by the ARN that this shows:"]
            lines += [f"    aws rekognition delete-{what} {where} --{what}-arn ARN"]
        heading = f"Left in {self.place['region']}, account {self.place['account']}:"
        return "\n".join([heading, *filter(str.strip, lines)])


def _is_project(arn: str) -> bool:
    return "/version/" not in arn


def answered_by(endpoint: str) -> str:
    """Return who answers, for the reader of an answer."""
    return f"Answered by AWS: {endpoint}" if is_aws(endpoint) else f"NOT AWS: answered by an emulator, {endpoint}"


def is_aws(endpoint: str) -> bool:
    """Return whether this is the address of AWS, and not that of an emulator."""
    url = urlsplit(endpoint)
    return url.scheme == "https" and f"{url.hostname}".endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws"))
