"""Requests are held to the service model, as AWS's own front end holds them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from localcloud.rekognition import AwsError, LocalRekognition
from localcloud.rekognition.validation import check_request
from tests.localcloud.support import document, rejected

ARN = "arn:aws:rekognition:us-east-1:123456789012:project/demo/1690474772815"

PUT = {"ProjectArn": ARN, "PolicyName": "share", "PolicyDocument": document()}
LIST = {"ProjectArn": ARN}
DELETE = {"ProjectArn": ARN, "PolicyName": "share"}


def signature(access_key_id: str = "123456789012", service: str = "rekognition") -> str:
    """Return the header of a signed request; nobody looks at the signature itself."""
    credential = f"{access_key_id}/20231114/us-east-1/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"


ROOT = signature()


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("PutProjectPolicy", PUT),
        ("PutProjectPolicy", {**PUT, "PolicyName": "n" * 128}),
        ("PutProjectPolicy", {**PUT, "PolicyName": "A-z_0.9"}),
        ("PutProjectPolicy", {**PUT, "PolicyRevisionId": "aA0" + "f" * 61}),
        ("PutProjectPolicy", {**PUT, "PolicyDocument": "\t\n\r ÿ" + "x" * 1995}),
        (
            "PutProjectPolicy",
            {**PUT, "ProjectArn": f"arn:aws-cn:rekognition:cn-north-1:123456789012:project/{'n' * 255}/1"},
        ),
        ("ListProjectPolicies", {**LIST, "MaxResults": 5, "NextToken": "t" * 1024}),
        ("ListProjectPolicies", {**LIST, "MaxResults": None, "NextToken": None}),
        ("DeleteProjectPolicy", {**DELETE, "PolicyRevisionId": "0"}),
        ("CreateProject", {"ProjectName": "n" * 255, "Feature": "CUSTOM_LABELS", "Tags": {"team": "vision"}}),
        ("DescribeProjects", {"ProjectNames": ["a"] * 10, "MaxResults": 100}),
    ],
)
def test_accepts_what_the_model_allows(operation: str, parameters: dict[str, Any]) -> None:
    """Everything up to the limits of the model is accepted."""
    check_request(operation, parameters)


@pytest.mark.parametrize(
    ("operation", "parameters", "constraint"),
    [
        ("PutProjectPolicy", {}, "'projectArn' failed to satisfy constraint: Member must not be null"),
        ("PutProjectPolicy", {**PUT, "PolicyName": ""}, "length greater than or equal to 1"),
        ("PutProjectPolicy", {**PUT, "PolicyName": "n" * 129}, "length less than or equal to 128"),
        ("PutProjectPolicy", {**PUT, "PolicyName": "a b"}, r"regular expression pattern: [a-zA-Z0-9_.\-]+"),
        ("PutProjectPolicy", {**PUT, "PolicyName": "a\n"}, r"regular expression pattern: [a-zA-Z0-9_.\-]+"),
        ("PutProjectPolicy", {**PUT, "PolicyName": 5}, "must be of type string"),
        ("PutProjectPolicy", {**PUT, "PolicyRevisionId": "xyz"}, "regular expression pattern: [0-9A-Fa-f]+"),
        ("PutProjectPolicy", {**PUT, "PolicyDocument": "x" * 2001}, "length less than or equal to 2000"),
        ("PutProjectPolicy", {**PUT, "PolicyDocument": "\u0100"}, "regular expression pattern"),
        ("PutProjectPolicy", {**PUT, "PolicyDocument": {"Statement": []}}, "must be of type string"),
        ("PutProjectPolicy", {**PUT, "Revision": "1"}, "Member must be known"),
        ("PutProjectPolicy", {**PUT, "ProjectArn": ARN + "/x"}, "regular expression pattern"),
        ("PutProjectPolicy", {**PUT, "ProjectArn": ARN.replace("123456789012", "12345678901")}, "regular expression"),
        ("PutProjectPolicy", {**PUT, "ProjectArn": ARN.replace("/demo/", "/demo/version/v1/")}, "regular expression"),
        ("ListProjectPolicies", {**LIST, "MaxResults": 0}, "value greater than or equal to 1"),
        ("ListProjectPolicies", {**LIST, "MaxResults": 6}, "value less than or equal to 5"),
        ("ListProjectPolicies", {**LIST, "MaxResults": True}, "must be of type integer"),
        (
            "CreateProject",
            {"ProjectName": "a", "Feature": "OTHER"},
            "enum value set: [CONTENT_MODERATION, CUSTOM_LABELS]",
        ),
        ("CreateProject", {"ProjectName": "a", "Tags": {"": "x"}}, "'tags.key' failed to satisfy constraint"),
        ("DescribeProjects", {"ProjectNames": ["a", "b c"]}, "'projectNames.2.member' failed to satisfy constraint"),
    ],
)
def test_rejects_what_the_model_forbids(operation: str, parameters: dict[str, Any], constraint: str) -> None:
    """Each kind of constraint in the model: InvalidParameterException, which says which one is broken."""
    with pytest.raises(AwsError) as caught:
        check_request(operation, parameters)
    assert caught.value.code == "InvalidParameterException"
    assert constraint in caught.value.message
    assert "validation error" in caught.value.message


def test_counts_all_problems() -> None:
    """All that is wrong with a request is reported at once."""
    with pytest.raises(AwsError, match=r"2 validation errors detected: Value .*; Value "):
        check_request("DeleteProjectPolicy", {"ProjectArn": ARN, "PolicyName": "a b", "PolicyRevisionId": "x"})


def test_checks_requests_before_anything_happens(rekognition: LocalRekognition) -> None:
    """A request that breaks the model is neither done nor recorded, unlike one that is rejected later."""
    body = json.dumps({**PUT, "PolicyName": ""}).encode()
    status, response, headers = send(rekognition, "RekognitionService.PutProjectPolicy", body)
    assert status == 400
    assert response["__type"] == headers["x-amzn-errortype"] == "InvalidParameterException"
    assert response["message"] == response["Message"]
    assert headers["Content-Type"] == "application/x-amz-json-1.1"
    assert rekognition.calls == []
    with rejected("ResourceNotFoundException"):
        rekognition.client().delete_project_policy(**DELETE)
    assert rekognition.calls == [("DeleteProjectPolicy", DELETE)]


@pytest.mark.parametrize(
    ("target", "body", "code"),
    [
        ("RekognitionService.DetectLabels", b"{}", "UnknownOperationException"),
        ("CreateProject", b"{}", "UnknownOperationException"),
        ("RekognitionService.CreateProject", b"{", "SerializationException"),
        ("RekognitionService.CreateProject", b"[]", "SerializationException"),
    ],
)
def test_rejects_malformed_requests(rekognition: LocalRekognition, target: str, body: bytes, code: str) -> None:
    """An operation that isn't there, and a body that isn't a JSON object, are rejected by AWS's codes."""
    status, response, _ = send(rekognition, target, body)
    assert (status, response["__type"]) == (400, code)


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("", "MissingAuthenticationTokenException"),
        (signature("12345678901"), "UnrecognizedClientException"),
        (signature("AKIAIOSFODNN7EXAMPLE"), "UnrecognizedClientException"),
        (signature(service="s3"), "InvalidSignatureException"),
        ("AWS4-HMAC-SHA256 Credential=123456789012", "IncompleteSignatureException"),
        ("Basic eDp5", "IncompleteSignatureException"),
    ],
)
def test_rejects_what_is_not_signed_for_rekognition(
    rekognition: LocalRekognition, authorization: str, code: str
) -> None:
    """A signature must be a whole one, for Rekognition, and by default of an account's 12 digits."""
    status, response, _ = send(rekognition, "RekognitionService.DescribeProjects", b"{}", authorization)
    assert (status, response["__type"]) == (400, code)


def send(rekognition: LocalRekognition, target: str, body: bytes, authorization: str = ROOT) -> tuple[int, Any, Any]:
    """Send a request that boto3 itself wouldn't send; return its status, its response and its headers."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target, "Authorization": authorization}
    request = urllib.request.Request(rekognition.endpoint_url, body, headers)  # noqa: S310 - always loopback
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as response:
            return response.status, json.load(response), response.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error), error.headers
