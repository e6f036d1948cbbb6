"""A custom resource's function that makes nothing and returns the ID that it is given. It runs in the cloud."""

from __future__ import annotations

import json
import urllib.request
from typing import Any


def handler(event: dict[str, Any], context: Any) -> None:
    """Respond to CloudFormation."""
    response = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    response |= {"Status": "SUCCESS", "PhysicalResourceId": event["ResourceProperties"]["Id"]}
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's own URL
        event["ResponseURL"], json.dumps(response).encode(), {"Content-Type": ""}, method="PUT"
    )
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
