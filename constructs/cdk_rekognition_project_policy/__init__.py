"""Amazon Rekognition Custom Labels project policies for the AWS CDK."""

from ._copy_policy import CopyProjectVersionPolicy
from ._policy import ProjectPolicy
from ._provider import IProjectPolicyProvider, ProjectPolicyProvider

__all__ = ["CopyProjectVersionPolicy", "IProjectPolicyProvider", "ProjectPolicy", "ProjectPolicyProvider"]
