"""Amazon Rekognition Custom Labels project policies for the AWS CDK."""

from ._policy import ProjectPolicy

__all__ = ["ProjectPolicy"]
