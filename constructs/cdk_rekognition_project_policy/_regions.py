"""Where Custom Labels is offered; elsewhere the service answers AccessDenied, as for a missing permission."""

from __future__ import annotations

from aws_cdk import Annotations

from constructs import Construct

CUSTOM_LABELS = frozenset(
    {
        "us-east-1",
        "us-east-2",
        "us-west-2",
        "eu-west-1",
        "eu-west-2",
        "eu-central-1",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-northeast-1",
        "ap-northeast-2",
    }
)
"""The Regions of Custom Labels (AWS General Reference, Amazon Rekognition endpoints and quotas)."""


def warn_elsewhere(policy: Construct, region: str | None) -> None:
    """Warn of a Region that is not known to have Custom Labels; AWS may have added it since."""
    if region is not None and region not in CUSTOM_LABELS:
        Annotations.of(policy).add_warning_v2(
            "cdk-rekognition-project-policy:region",
            f"Rekognition Custom Labels is not known to be in Region {region}, where this policy is put. Deploy the "
            "stack in the Region of the project.",
        )
