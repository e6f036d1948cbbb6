"""The part of Amazon Rekognition that ministack lacks: Custom Labels projects, their model versions and their policies.

It knows nothing of this repository's handler or construct, and is written from AWS's documentation and
the service model that botocore ships.
"""

from localcloud.rekognition.authorization import Authorizer, Decision, Permission, Principal, ResourcePolicy, RootKeys
from localcloud.rekognition.errors import AwsError
from localcloud.rekognition.models import Store
from localcloud.rekognition.server import LocalRekognition
from localcloud.rekognition.service import DROP, Faults, RekognitionService, Request, no_fault
from localcloud.rekognition.switches import Switches

__all__ = [
    "DROP",
    "Authorizer",
    "AwsError",
    "Decision",
    "Faults",
    "LocalRekognition",
    "Permission",
    "Principal",
    "RekognitionService",
    "Request",
    "ResourcePolicy",
    "RootKeys",
    "Store",
    "Switches",
    "no_fault",
]
