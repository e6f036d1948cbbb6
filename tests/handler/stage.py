"""What the handler's tests play on: a project in the local Rekognition, virtual time, and events kept as JSON files."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from custom_resource.request import Request
from custom_resource.run import Clock, Outcome, Run
from localcloud.rekognition import LocalRekognition
from project_policy.lifecycle import respond
from project_policy.policies import LivePolicy
from rekognition.arns import Project
from rekognition.client import CALL_RESERVE
from tests.documents import ACCOUNT, REGION, is_document

ROOT = Path(__file__).parents[2]
EVENTS = Path(__file__).parent / "events"
STARTED = 1_700_000_000.0
"""When the events' ResponseURL was signed: X-Amz-Date=20231114T221320Z."""
REQUEST_ID = "0b2e6f4c-6c5d-4b1a-9f0e-2d7f1c3a4b5c"
MARKER = f"not-created:Sharing:{REQUEST_ID}"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:provider"
MADE_UP = "sharing-Sharing-1K7PM2Q3R4S5T"


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


class Stage:
    """One project, one function, and what it is asked."""

    def __init__(self, rekognition: LocalRekognition, virtual_time: VirtualTime) -> None:
        self.rekognition = rekognition
        self.time = virtual_time
        self.client = rekognition.client(account=ACCOUNT, region=REGION)
        self.project_arn = self.client.create_project(ProjectName="logos")["ProjectArn"]
        self.announced: list[str] = []
        rekognition.calls.clear()

    @property
    def physical_id(self) -> str:
        """The ID of the policy that the events ask for."""
        return f"{self.project_arn}|sharing"

    @property
    def adopted(self) -> str:
        """The ID of that policy where it was adopted."""
        return f"{self.physical_id}|adopted"

    def put(self, wanted: Mapping[str, Any], name: str = "sharing", *, at: float | None = None) -> str:
        """Put a policy behind the handler's back, at a time of its own, and return its revision."""
        now, self.time.now = self.time.now, self.time.now if at is None else at
        live = self.live(name)
        policy = self.rekognition.store.put_policy(
            ACCOUNT, REGION, self.project_arn, name, json.dumps(wanted), live.revision_id if live else None
        )
        self.time.now = now
        return policy.revision

    def remove(self, name: str = "sharing") -> None:
        """Delete a policy behind the handler's back."""
        self.rekognition.store.delete_policy(ACCOUNT, REGION, self.project_arn, name)

    def live(self, name: str = "sharing") -> LivePolicy | None:
        """Return what is live, without the calls being counted."""
        for policy in self.rekognition.store.policies(ACCOUNT, REGION, self.project_arn):
            if policy.name == name:
                return LivePolicy(policy.revision, policy.document, policy.created, policy.updated)
        return None

    def live_is(self, document: Mapping[str, Any] | None, name: str = "sharing") -> bool:
        """Return whether the live policy has this document; None stands for no policy."""
        live = self.live(name)
        return is_document(live.document if live else None, document)

    def event(self, kind: str, physical_id: str = "", **properties: object) -> dict[str, Any]:
        """Return an event about this stage's project, with another ID or properties (None takes one away)."""
        written = (EVENTS / f"{kind}.json").read_text()
        event: dict[str, Any] = json.loads(written.replace(event_arn(), self.project_arn))
        wanted = event["ResourceProperties"] | properties
        event["ResourceProperties"] = {key: value for key, value in wanted.items() if value is not None}
        if physical_id:
            event["PhysicalResourceId"] = physical_id
        return event

    def send(self, event: Mapping[str, Any], *, time_left: float = 420.0) -> Outcome:
        """Deliver an event and return the outcome; its calls are counted in ``calls``."""
        deadline = self.time.now + time_left + CALL_RESERVE
        self.rekognition.calls.clear()
        run = Run(self.time.clock, deadline, FUNCTION_ARN, self.announced.append)
        return respond(Request.parse(event, self.time.now), run, self.client)

    @property
    def calls(self) -> list[str]:
        """The operations of the last event, in order."""
        return [operation for operation, _ in self.rekognition.calls]


def process_environment(rekognition: LocalRekognition, account: str, authority: Path) -> dict[str, str]:
    """Return the environment of a function in a process of its own, which trusts a response endpoint."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "lambda"),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL_REKOGNITION": rekognition.endpoint_url,
        "SSL_CERT_FILE": str(authority),
    }


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
