"""Amazon Rekognition Custom Labels project policies for the AWS CDK."""

from ._policy import ProjectPolicy
from ._provider import IProjectPolicyProvider, ProjectPolicyProvider

__all__ = ["IProjectPolicyProvider", "ProjectPolicy", "ProjectPolicyProvider"]
