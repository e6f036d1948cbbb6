"""Documents are held to the rules that AWS documents for project policies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.rekognition import AwsError
from localcloud.rekognition.models import ProjectArn
from localcloud.rekognition.policies import check_document, merged
from tests.localcloud.support import document, statement

PROJECT = ProjectArn.parse("arn:aws:rekognition:us-east-1:123456789012:project/demo/1690474772815")
VERSIONS = "arn:aws:rekognition:us-east-1:123456789012:project/demo/version"
ACTION = "rekognition:CopyProjectVersion"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Effect": "Deny"},
        {"Sid": "one"},
        {"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}}},
        {"Condition": {"ForAnyValue:StringLikeIfExists": {"aws:PrincipalOrgPaths": ["o-1/*"]}}},
        {"Condition": {"Null": {"aws:PrincipalOrgID": False}, "DateLessThan": {"aws:EpochTime": 1800000000}}},
        {"Condition": {"arnnotlike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/x"}}},
        {"Principal": {"AWS": "*"}},
        {"Principal": {"AWS": "111122223333"}},
        {"Principal": {"AWS": ["111122223333", "arn:aws:iam::444455556666:role/path/copier"]}},
        {"Principal": {"AWS": "arn:aws:iam::111122223333:user/ann"}},
        {"Principal": {"AWS": "AROAEXAMPLEEXAMPLE12"}},
        {"Action": [ACTION]},
        {"Resource": f"{VERSIONS}/*"},
        {"Resource": f"{VERSIONS}/v.1/1690474772815"},
        {"Resource": [f"{VERSIONS}/v1/*", "*"]},
    ],
)
def test_accepts_what_is_documented(changes: dict[str, Any]) -> None:
    """Documents within the rules are accepted."""
    check_document(document(statement(**changes)), PROJECT)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"Version": "2008-10-17", "Id": "x", "Statement": [statement()]}),
        json.dumps({"Statement": statement()}),
        document(statement(), statement(Effect="Deny")),
    ],
)
def test_accepts_documents_of_every_shape(text: str) -> None:
    """A statement may stand alone, Version may be missing, and there may be several statements."""
    check_document(text, PROJECT)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"Effect": None}, "lacks the required element Effect"),
        ({"Principal": None}, "lacks the required element Principal"),
        ({"Action": None}, "lacks the required element Action"),
        ({"Resource": None}, "lacks the required element Resource"),
        ({"NotAction": ACTION}, "NotAction is prohibited"),
        ({"NotResource": "*"}, "NotResource is prohibited"),
        ({"NotPrincipal": "*"}, "NotPrincipal is prohibited"),
        ({"Effekt": "Allow"}, "unknown element: Effekt"),
        ({"Effect": "allow"}, "Allow or Deny"),
        ({"Effect": ["Allow"]}, "Allow or Deny"),
        ({"Action": "*"}, r"action \* is not supported"),
        ({"Action": "rekognition:*"}, "is not supported"),
        ({"Action": "rekognition:DetectLabels"}, "is not supported"),
        ({"Action": [ACTION, "s3:GetObject"]}, "s3:GetObject is not supported"),
        ({"Action": []}, "Action must be a string or a list"),
        ({"Action": {"a": 1}}, "Action must be a string or a list"),
        ({"Resource": str(PROJECT)}, "is not a model version"),
        ({"Resource": f"{VERSIONS}/"}, "is not a model version"),
        ({"Resource": f"{VERSIONS}/v1"}, "is not a model version"),
        ({"Resource": f"{VERSIONS.replace('/demo/', '/other/')}/*"}, "is not a model version"),
        ({"Resource": f"{VERSIONS.replace('us-east-1', 'eu-west-1')}/*"}, "is not a model version"),
        ({"Resource": f"{VERSIONS.replace('123456789012', '111122223333')}/*"}, "is not a model version"),
        ({"Resource": ["*", "arn:aws:s3:::bucket"]}, "is not a model version"),
        ({"Resource": 5}, "Resource must be a string or a list"),
        ({"Principal": "111122223333"}, "Principal must be"),
        ({"Principal": {}}, "Principal must be"),
        ({"Principal": {"Service": "lambda.amazonaws.com"}}, "Principal must be"),
        ({"Principal": {"AWS": "1111"}}, "Invalid principal in policy: 1111"),
        ({"Principal": {"AWS": []}}, "Principal must be a string or a list"),
        ({"Condition": "x"}, "Condition must be a JSON object"),
        ({"Condition": {"StringEqual": {"aws:PrincipalOrgID": "o-1"}}}, "Invalid condition operator: StringEqual"),
        ({"Condition": {"NullIfExists": {"aws:PrincipalOrgID": "true"}}}, "Invalid condition operator: NullIfExists"),
        ({"Condition": {"StringEquals": "x"}}, "condition StringEquals must be a JSON object"),
        ({"Condition": {"StringEquals": {"aws:PrincipalOrgID": {}}}}, "aws:PrincipalOrgID must have a string"),
        ({"Condition": {"StringEquals": {"aws:PrincipalOrgID": ["a", None]}}}, "must have a string or a list"),
        ({"Sid": 5}, "Sid must be a string"),
    ],
)
def test_rejects_what_is_not_documented(changes: dict[str, Any], problem: str) -> None:
    """A statement that breaks a rule makes the document malformed, and the message says which rule."""
    reject(document(statement(**changes)), problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not valid JSON"),
        ("x", "not valid JSON"),
        ("[" * 1900, "not valid JSON"),
        ('{"Statement": [], "Statement": []}', "duplicated"),
        ("[]", "must be a JSON object"),
        ('"text"', "must be a JSON object"),
        ("{}", "at least one statement"),
        ('{"Statement": []}', "at least one statement"),
        ('{"Statement": "x"}', "statement must be a JSON object"),
        (json.dumps({"Version": "2020-01-01", "Statement": [statement()]}), "Version must be one of"),
        (json.dumps({"Statements": [statement()]}), "unknown element: Statements"),
        (document(statement(), statement(Effect="No")), "Allow or Deny"),
    ],
)
def test_rejects_malformed_documents(text: str, problem: str) -> None:
    """Text that is no policy document is malformed."""
    reject(text, problem)


def test_several_documents_say_together_what_each_says() -> None:
    """The statements of all, in one list; without documents there are none."""
    texts = [document(statement(Sid="a"), statement(Sid="b")), json.dumps({"Statement": statement(Sid="c")})]
    together = json.loads(merged(texts, PROJECT))
    assert together["Statement"] == [statement(Sid="a"), statement(Sid="b"), statement(Sid="c")]
    assert json.loads(merged([], PROJECT))["Statement"] == []


@pytest.mark.parametrize(
    "wrong", ["{", "[" * 1900, '"x"', '{"Statement": 5}', document(statement(Condition={"StringEquals": "x"}))]
)
def test_one_document_that_is_not_in_order_denies_everything(wrong: str) -> None:
    """However it got there, and whatever the others allow."""
    together = json.loads(merged([document(), wrong], PROJECT))
    assert together["Statement"] == [statement(Effect="Deny", Principal="*")]


def reject(text: str, problem: str) -> None:
    """Expect a document to be malformed."""
    with pytest.raises(AwsError, match=problem) as caught:
        check_document(text, PROJECT)
    assert caught.value.code == "MalformedPolicyDocumentException"
