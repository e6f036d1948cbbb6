"""A custom resource's function that makes nothing and returns the ID that it is given. It runs in the cloud.

With ``KeptBy``, its Delete fails until there is a file of this name in the temporary folder.
"""

from __future__ import annotations

import json
import os
import urllib.request
from pathlib import Path
from typing import Any


def handler(event: dict[str, Any], context: Any) -> None:
    """Respond to CloudFormation."""
    response = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    response |= {"Status": "SUCCESS", "PhysicalResourceId": event["ResourceProperties"]["Id"]}
    keeper = event["ResourceProperties"].get("KeptBy")
    if event["RequestType"] == "Delete" and keeper and not Path(os.environ["TMPDIR"], keeper).exists():
        response |= {"Status": "FAILED", "Reason": f"kept by {keeper}"}
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's own URL
        event["ResponseURL"], json.dumps(response).encode(), {"Content-Type": ""}, method="PUT"
    )
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
