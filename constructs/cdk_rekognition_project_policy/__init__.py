"""Amazon Rekognition Custom Labels project policies for the AWS CDK."""

from ._copying import CopyProjectVersionPolicy
from ._policy import ProjectPolicy
from ._provider import IProjectPolicyProvider, ProjectPolicyProvider

__all__ = ["CopyProjectVersionPolicy", "IProjectPolicyProvider", "ProjectPolicy", "ProjectPolicyProvider"]
