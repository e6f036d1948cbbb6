"""CloudFormation's part: requests as it sends them, each with a signed URL of its own, and the responses to each."""

from __future__ import annotations

import json
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import trustme

from tests.container.endpoint import Endpoint, Reply, Request
from tests.documents import ACCOUNT, REGION

STACK_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/sharing/4c5a3c60-95a3-11ef-8f2e-0affd8d4c1a5"


@dataclass(frozen=True)
class Received:
    """A response, and when it arrived on the monotonic clock."""

    at: float
    body: Mapping[str, Any]


class CloudFormation:
    """Makes requests, and receives the responses over TLS while the context lasts."""

    def __init__(self) -> None:
        self.authority = trustme.CA()
        self.signature = secrets.token_hex(32)
        self.meet: Callable[[Mapping[str, Any]], int | None] = lambda _event: 200
        """Called with the event when a response to it comes; returns a status, or None to drop the connection."""
        self._events: dict[str, Mapping[str, Any]] = {}
        self._received: dict[str, list[Received]] = {}
        self._changed = threading.Condition()
        self._endpoint = Endpoint(self._take, self.authority)
        self.port: int = self._endpoint.server_address[1]

    def __enter__(self) -> CloudFormation:
        return self

    def __exit__(self, *_: object) -> None:
        self._endpoint.close()

    def request(
        self,
        kind: str,
        properties: Mapping[str, Any],
        physical_id: str = "",
        old_properties: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return a request for a function."""
        event: dict[str, Any] = {
            "RequestType": kind,
            "StackId": STACK_ID,
            "LogicalResourceId": "Sharing",
            "ResourceType": "Custom::RekognitionProjectPolicy",
            "ResourceProperties": properties,
        }
        if physical_id:
            event["PhysicalResourceId"] = physical_id
        if old_properties is not None:
            event["OldResourceProperties"] = old_properties
        return self.receive(event)

    def receive(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return an event with a RequestId and a ResponseURL of its own."""
        request_id = str(uuid.uuid4())
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        query = f"X-Amz-Date={stamp}&X-Amz-Expires=7200&X-Amz-Signature={self.signature}"
        self._events[request_id] = made = {
            **event,
            "RequestId": request_id,
            "ResponseURL": f"{self._endpoint.url}/{request_id}?{query}",
        }
        return made

    def responses_to(self, event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return every response to a request that was accepted, in order."""
        with self._changed:
            return [each.body for each in self._received.get(event["RequestId"], ())]

    def response_to(self, event: Mapping[str, Any], seconds: float = 60.0) -> Received:
        """Wait for the first response to a request and return it."""
        with self._changed:
            if not self._changed.wait_for(lambda: event["RequestId"] in self._received, seconds):
                raise TimeoutError(f"No response to {event['RequestId']} after {seconds} s")
            return self._received[event["RequestId"]][0]

    def _take(self, request: Request) -> Reply | None:
        at = time.monotonic()
        request_id = request.path.split("?")[0].removeprefix("/")
        status = self.meet(self._events[request_id])
        if status == 200:
            with self._changed:
                self._received.setdefault(request_id, []).append(Received(at, json.loads(request.body)))
                self._changed.notify_all()
        return None if status is None else Reply(status)
