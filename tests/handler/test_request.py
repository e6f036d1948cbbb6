"""Bad input: each property that breaks a rule fails before any call, with the id the request came with."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_resource.request import Request, time_of
from custom_resource.response import REASON_LIMIT
from tests.documents import ACCOUNT, MINE
from tests.handler.stage import STARTED, Stage, event_file, signed_url

MARKER = "not-created:Sharing:0b2e6f4c-6c5d-4b1a-9f0e-2d7f1c3a4b5c"
ELSEWHERE = "arn:aws:rekognition:{region}:{account}:project/logos/1690474772815"
PUBLIC = {**MINE, "Statement": [{**MINE["Statement"][0], "Principal": "*"}]}

BAD = [
    ({"PolicyName": "a b"}, 'PolicyName "a b" is not valid'),
    ({"PolicyName": "n" * 129}, "1 to 128"),
    ({"PolicyName": ""}, "PolicyName is missing"),
    ({"PolicyName": None}, "PolicyName is missing"),
    ({"PolicyName": ["a"]}, "PolicyName must be a string"),
    ({"ProjectArn": None}, "ProjectArn is missing"),
    ({"ProjectArn": "arn:aws:s3:::bucket"}, "is not the ARN of a Custom Labels project"),
    ({"ProjectArn": ELSEWHERE.format(region="us-east-1", account="999988887777")}, "account 999988887777"),
    ({"ProjectArn": ELSEWHERE.format(region="eu-west-1", account=ACCOUNT)}, "Region eu-west-1"),
    ({"PolicyDocument": None}, "PolicyDocument is missing"),
    ({"PolicyDocument": "{"}, "is not JSON"),
    ({"PolicyDocument": {"Version": "2012-10-17"}}, "no Statement"),
    ({"PolicyDocument": PUBLIC}, "shares the model with every AWS account"),
    ({"PolicyDocument": {**MINE, "Id": "x" * 2000}}, "characters without white space"),
    ({"PolicyDocment": "x"}, 'Property "PolicyDocment" is not one of Custom::RekognitionProjectPolicy'),
    ({"AdoptExisting": "yes"}, 'AdoptExisting is "yes"'),
    ({"BlockPublicPolicy": "0"}, 'BlockPublicPolicy is "0"'),
]


@pytest.mark.parametrize(("properties", "rule"), BAD, ids=[rule for _, rule in BAD])
@pytest.mark.parametrize("event", ["create", "update"])
def test_bad_input_changes_nothing(stage: Stage, event: str, properties: dict[str, Any], rule: str) -> None:
    """The sentence names the rule; nothing is called but, for a document that may be live already, the list."""
    outcome = stage.send(stage.event(event, **properties))
    assert rule in outcome.failure
    assert len(outcome.failure) <= REASON_LIMIT
    assert outcome.physical_id == (MARKER if event == "create" else stage.physical_id)
    assert stage.calls in ([], ["ListProjectPolicies"] if event == "update" and "PolicyDocument" in properties else [])


def test_everybody_may_be_asked_for_by_name(stage: Stage) -> None:
    """With BlockPublicPolicy false, delivered as text, a policy for everybody is put."""
    assert stage.send(stage.event("create", PolicyDocument=PUBLIC, BlockPublicPolicy="false")).failure == ""
    assert stage.live_is(PUBLIC)


def test_a_document_is_put_minified(stage: Stage) -> None:
    """Text in any layout is sent without white space, so that it does not count against the 2000 characters."""
    stage.send(stage.event("create", PolicyDocument=json.dumps(MINE, indent=200)))
    live = stage.live()
    assert live is not None
    assert live.document == json.dumps(MINE, separators=(",", ":"))


@given(st.integers(0, 2**32))
def test_a_signed_url_tells_its_time(at: int) -> None:
    """X-Amz-Date is read to the second."""
    assert time_of(signed_url(at)) == at


def test_the_older_form_tells_its_time() -> None:
    """Expires is two hours after the request."""
    assert time_of("https://responses.example/x?AWSAccessKeyId=A&Expires=1700007200&Signature=s") == STARTED


@pytest.mark.parametrize("url", ["", "https://responses.example/x", "https://[", "?X-Amz-Date=soon", "?Expires=soon"])
def test_a_url_without_a_time_tells_none(url: str) -> None:
    """What cannot be read is no time, never a wrong one."""
    assert time_of(url) is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda each: st.lists(each) | st.dictionaries(st.text(), each),
        max_leaves=8,
    )
)
def test_any_properties_are_refused_in_words(given_properties: object) -> None:
    """Whatever stands where properties should, reading it never crashes."""
    event = event_file("create") | {"ResourceProperties": given_properties}
    assert Request.parse(event, STARTED).type == "Create"
