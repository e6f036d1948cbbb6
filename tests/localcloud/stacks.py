"""Templates for the local cloud's CloudFormation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FUNCTION = Path(__file__).with_name("thing.py")


def template(outputs: dict[str, Any] | None = None, **resources: Any) -> str:
    """Return a template with these outputs and resources."""
    shown = {name: {"Value": value} for name, value in (outputs or {}).items()}
    return json.dumps({"Resources": resources, "Outputs": shown})


def project(name: str, **more: Any) -> dict[str, Any]:
    """Return a project resource."""
    return {"Type": "AWS::Rekognition::Project", "Properties": {"ProjectName": name, **more}}


def role() -> dict[str, Any]:
    """Return a role for functions, which may do nothing."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": document}}


def function() -> dict[str, Any]:
    """Return the function of thing.py, in the role with the logical id Role."""
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Code": {"ZipFile": FUNCTION.read_text()},
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Timeout": 30,
        },
    }


def custom(**properties: Any) -> dict[str, Any]:
    """Return a custom resource of the function with the logical id Function."""
    return {"Type": "Custom::Thing", "Properties": {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}, **properties}}


def policy(**properties: Any) -> dict[str, Any]:
    """Return a resource of the type of project policies, with any properties."""
    return {"Type": "Custom::RekognitionProjectPolicy", "Properties": properties}
