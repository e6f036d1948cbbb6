"""CloudFormation's part: requests as it sends them, each with a signed URL of its own, and the responses to each."""

from __future__ import annotations

import json
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from tests.handler.stage import event_file
from tests.response_endpoint import Behavior, ResponseEndpoint


def nothing(event: Mapping[str, Any]) -> Behavior | None:
    """Let every response arrive."""
    return None


class CloudFormation(ResponseEndpoint):
    """A response endpoint that makes the requests too, so that it knows which response belongs to which."""

    def __init__(self) -> None:
        super().__init__()
        self.signature = secrets.token_hex(32)
        self.meet: Callable[[Mapping[str, Any]], Behavior | None] = nothing
        """Called when a response to an event comes; what it returns is done to it, None takes it."""
        self._events: dict[str, Mapping[str, Any]] = {}
        self._received: dict[str, list[dict[str, Any]]] = {}
        self._changed = threading.Condition()

    def create(self, project_arn: str, name: str, document: object, **properties: object) -> dict[str, Any]:
        """Return the request for a new policy."""
        event = event_file("create")
        event["ResourceProperties"] |= {"ProjectArn": project_arn, "PolicyName": name, "PolicyDocument": document}
        event["ResourceProperties"] |= properties
        return self._request(event, logical_id=f"Sharing{name.replace('-', '')}")

    def update(self, created: Mapping[str, Any], document: object) -> dict[str, Any]:
        """Return the request to edit the policy of an earlier request."""
        properties = created["ResourceProperties"]
        event = event_file("update") | {
            "OldResourceProperties": properties,
            "ResourceProperties": properties | {"PolicyDocument": document},
            "PhysicalResourceId": f"{properties['ProjectArn']}|{properties['PolicyName']}",
        }
        return self._request(event, created["LogicalResourceId"])

    def delete(self, created: Mapping[str, Any], physical_id: str = "") -> dict[str, Any]:
        """Return the request to delete what an earlier request made; without an ID, that policy."""
        properties = created["ResourceProperties"]
        event = event_file("delete") | {
            "ResourceType": created["ResourceType"],
            "ResourceProperties": properties,
            "PhysicalResourceId": physical_id or f"{properties['ProjectArn']}|{properties['PolicyName']}",
        }
        return self._request(event, created["LogicalResourceId"])

    def responses_to(self, event: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return every response to a request that was taken, in order."""
        with self._changed:
            return list(self._received.get(event["RequestId"], ()))

    def response_to(self, event: Mapping[str, Any], seconds: float = 60.0) -> dict[str, Any]:
        """Wait for the first response to a request and return it."""
        with self._changed:
            if not self._changed.wait_for(lambda: event["RequestId"] in self._received, seconds):
                raise TimeoutError(f"No response to {event['RequestId']} after {seconds} s")
        return self.responses_to(event)[0]

    def take(self, path: str, headers: dict[str, str], body: bytes) -> Behavior:
        """Take a response; its path says whose URL it came to."""
        request_id = path.split("?")[0].removeprefix("/")
        behavior = self.meet(self._events[request_id])
        if behavior is None:
            behavior = super().take(path, headers, body)
        if behavior == 200:
            with self._changed:
                self._received.setdefault(request_id, []).append(json.loads(body))
                self._changed.notify_all()
        return behavior

    def _request(self, event: dict[str, Any], logical_id: str) -> dict[str, Any]:
        request_id = str(uuid.uuid4())
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        query = f"X-Amz-Date={stamp}&X-Amz-Expires=7200&X-Amz-Signature={self.signature}"
        url = f"{self.url(request_id).split('?')[0]}?{query}"
        made = event | {"RequestId": request_id, "ResponseURL": url, "LogicalResourceId": logical_id}
        self._events[request_id] = made
        return made
