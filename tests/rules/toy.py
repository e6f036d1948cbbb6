"""A resource that has nothing to do with policies, for the tests of what any resource needs."""

from __future__ import annotations

import json
from typing import Any

from tests.endpoint import signed_url
from tests.rules.support import STARTED, VirtualTime

TYPE = "Custom::Toy"
ATTRIBUTES = ("Arn", "Size")
FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:toys:live"
LOG_STREAM = "2023/11/14/[$LATEST]1"
IN_DOUBT = f"in-doubt:Toy:0b2e6f4c:{STARTED:.0f}-{STARTED:.0f}"


def event(kind: str = "Create", **changed: object) -> dict[str, Any]:
    """Return a request of CloudFormation; ``changed`` replaces its elements, None removes one."""
    made: dict[str, object] = {
        "RequestType": kind,
        "ResponseURL": signed_url(STARTED),
        "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/toys/4c5a3c60-95a3-11ef-8f2e-0affd8d4c1a5",
        "RequestId": "0b2e6f4c",
        "ResourceType": TYPE,
        "LogicalResourceId": "Toy",
        "ResourceProperties": {"ServiceToken": FUNCTION_ARN, "Color": "red"},
        **({} if kind == "Create" else {"PhysicalResourceId": "toy-1"}),
        **({"OldResourceProperties": {"ServiceToken": FUNCTION_ARN, "Color": "blue"}} if kind == "Update" else {}),
        **changed,
    }
    whole: dict[str, Any] = json.loads(json.dumps({name: value for name, value in made.items() if value is not None}))
    return whole


class Context:
    """A Lambda context with so many seconds left, on virtual time where that is given."""

    log_stream_name = LOG_STREAM
    invoked_function_arn = FUNCTION_ARN

    def __init__(self, seconds: float = 480.0, time: VirtualTime | None = None) -> None:
        self._time = time
        self._end = seconds + (time.now if time else 0)

    def get_remaining_time_in_millis(self) -> int:
        """Return the time left."""
        return int((self._end - (self._time.now if self._time else 0)) * 1000)
