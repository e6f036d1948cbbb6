"""Amazon Rekognition Custom Labels project policies, and copies of model versions, for the AWS CDK."""

from ._copy_policy import CopyProjectVersionPolicy
from ._policy import ProjectPolicy
from ._provider import IProvider, ProjectPolicyProvider, ProjectVersionCopyProvider
from ._version_copy import ProjectVersionCopy

__version__ = "0.1.0"
__all__ = [
    "CopyProjectVersionPolicy",
    "IProvider",
    "ProjectPolicy",
    "ProjectPolicyProvider",
    "ProjectVersionCopy",
    "ProjectVersionCopyProvider",
]
