"""The part of Amazon Rekognition that ministack lacks: Custom Labels projects, their versions and their policies.

It stands alone: it knows nothing of this repository's handler or construct, and is written from AWS's documentation and
the service model that botocore ships.
"""

from localcloud.rekognition.authorisation import Authoriser, Decision, Permission, Principal, ResourcePolicy, RootKeys
from localcloud.rekognition.errors import AwsError
from localcloud.rekognition.faults import DROP, Faults
from localcloud.rekognition.local import LocalRekognition
from localcloud.rekognition.store import Store
from localcloud.rekognition.switches import Switches

__all__ = [
    "DROP",
    "Authoriser",
    "AwsError",
    "Decision",
    "Faults",
    "LocalRekognition",
    "Permission",
    "Principal",
    "ResourcePolicy",
    "RootKeys",
    "Store",
    "Switches",
]
