"""What the tests of rules share: a clock that only moves when somebody sleeps, names, and an authority."""

from __future__ import annotations

import re
from functools import cache

import trustme

from custom_resource.run import Clock
from rekognition.arns import Project

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
    """Return whether a message is of whole sentences, and has these words in this order; an ellipsis may be any."""
    is_whole = re.fullmatch(r".[^A-Z].*[^.]\.", message)
    return is_whole is not None and re.search(".*".join(map(re.escape, words.split("…"))), message) is not None


@cache
def authority() -> trustme.CA:
    """Return the authority of the responses' endpoints."""
    return trustme.CA()
