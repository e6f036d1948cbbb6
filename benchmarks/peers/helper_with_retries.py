# mypy: ignore-errors
"""The same with a client that tries each call twelve times."""

import boto3
import policy
from botocore.config import Config
from helper import handler  # noqa: F401 - the function's entry

policy.rekognition = boto3.client("rekognition", config=Config(retries={"mode": "standard", "total_max_attempts": 12}))
