"""What the tests of rules share: a clock that only moves when somebody sleeps, names, and events as JSON files."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from custom_resource.run import Clock
from rekognition.arns import Project

EVENTS = Path(__file__).parent / "events"
STARTED = 1_700_000_000.0
"""When the events' ResponseURL was signed: X-Amz-Date=20231114T221320Z."""
MADE_UP = "sharing-Sharing-1K7PM2Q3R4S5T"
STACK = "arn:aws:cloudformation:us-east-1:111122223333:stack/serving/4c5a3c60-95a3-11ef-8f2e-0affd8d4c1a5"
SOURCE = "arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815"
VERSION = "arn:aws:rekognition:us-east-1:123456789012:project/logos/version/v1/1690474772816"
DESTINATION = "arn:aws:rekognition:us-east-1:111122223333:project/copies/1690474772817"


def event_file(name: str) -> dict[str, Any]:
    """Return an event as CloudFormation sends it."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


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


def event_arn() -> str:
    """Return the project's ARN as the event files have it."""
    arn: str = event_file("create")["ResourceProperties"]["ProjectArn"]
    return arn


def project() -> Project:
    """Return the project of the event files."""
    return Project.parse(event_arn())


def signed_url(at: float) -> str:
    """Return a ResponseURL signed at a time."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
    return f"https://responses.example/id?X-Amz-Date={stamp}&X-Amz-Expires=7200&X-Amz-Signature=5ec2e7"
