"""What the tests of rules share: a clock that only moves when somebody sleeps, names, and the end of a ResponseURL."""

from __future__ import annotations

import json
import re
import threading
import time
from functools import cache
from typing import Any

import trustme

from custom_resource.run import Clock
from rekognition.arns import Project
from tests.container.endpoint import Endpoint, Reply, Request

STARTED = 1_700_000_000.0
"""When ResponseURLs were signed."""
MADE_UP = "sharing-Sharing-1K7PM2Q3R4S5T"
STACK = "arn:aws:cloudformation:us-east-1:111122223333:stack/serving/4c5a3c60-95a3-11ef-8f2e-0affd8d4c1a5"
SOURCE = "arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815"
VERSION = "arn:aws:rekognition:us-east-1:123456789012:project/logos/version/v1/1690474772816"
DESTINATION = "arn:aws:rekognition:us-east-1:111122223333:project/copies/1690474772817"
PROJECT = Project.parse(SOURCE)


class VirtualTime:
    """A clock that moves only when somebody sleeps or sets it."""

    def __init__(self) -> None:
        self.now = STARTED
        self.slept: list[float] = []

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.slept.append(seconds)
        self.now += seconds

    @property
    def clock(self) -> Clock:
        """The handler's view of it; jitter is as long as it can be, so that runs repeat."""
        return Clock(now=self, sleep=self.sleep, jitter=lambda longest: longest)


def says(message: str, words: str) -> bool:
    """Return whether a message has these words, in this order; an ellipsis stands for what may be between them."""
    return re.search(".*".join(map(re.escape, words.split("…"))), message) is not None


def signed_url(at: float, base: str = "https://responses.example/id") -> str:
    """Return a ResponseURL signed at a time."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
    return f"{base}?X-Amz-Date={stamp}&X-Amz-Expires=7200&X-Amz-Signature=5ec2e7"


@cache
def authority() -> trustme.CA:
    """Return the authority of the responses' endpoints."""
    return trustme.CA()


class ResponseEndpoint(Endpoint):
    """CloudFormation's end of a ResponseURL: it keeps the responses that it has accepted."""

    HANGS = 0
    """In place of a status: no reply until the end."""

    def __init__(self, authority: trustme.CA | None = None) -> None:
        self.meets: list[int | None] = []
        """The statuses of the next replies, 200 when it is used up; None drops the connection."""
        self.responses: list[dict[str, Any]] = []
        self.requests: list[Request] = []
        self.arrived = threading.Event()
        self.over = threading.Event()
        super().__init__(self._take, authority)

    def signed_url(self, name: str = "response") -> str:
        """Return a ResponseURL of this endpoint."""
        return signed_url(STARTED, f"{self.url}/{name}")

    def _take(self, request: Request) -> Reply | None:
        self.requests.append(request)
        status = self.meets.pop(0) if self.meets else 200
        if status == 200:
            self.responses.append(json.loads(request.body))
        self.arrived.set()
        if status == self.HANGS:
            self.over.wait()
        return Reply(status) if status else None
