"""The part of Amazon Rekognition that ministack lacks: Custom Labels projects, their model versions and their policies.

It knows nothing of this repository's handler or construct, and is written from AWS's documentation and
the service model that botocore ships.
"""

from localcloud.rekognition.authorization import Decision, Permission, Principal, RootKeys
from localcloud.rekognition.errors import AwsError
from localcloud.rekognition.server import LocalRekognition
from localcloud.rekognition.service import DROP, RekognitionService, Request
from localcloud.rekognition.switches import Switches

__all__ = [
    "DROP",
    "AwsError",
    "Decision",
    "LocalRekognition",
    "Permission",
    "Principal",
    "RekognitionService",
    "Request",
    "RootKeys",
    "Switches",
]
