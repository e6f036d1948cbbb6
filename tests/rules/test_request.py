"""Requests: each property of a policy that breaks a rule, when a request was made, and what its IDs tell."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_resource import timeouts
from custom_resource.errors import RejectedError
from custom_resource.request import Request, time_of
from project_policy.properties import Properties
from rekognition.arns import Environment
from tests.documents import ACCOUNT, MINE, REGION
from tests.endpoint import signed_url
from tests.rules import toy
from tests.rules.support import SOURCE, STARTED

ELSEWHERE = "arn:aws:rekognition:{region}:{account}:project/logos/1690474772815"
PUBLIC = {**MINE, "Statement": [{**MINE["Statement"][0], "Principal": "*"}]}
GOOD = {"ServiceTimeout": "900", "ProjectArn": SOURCE, "PolicyName": "sharing", "PolicyDocument": MINE}

BAD = [
    ({"PolicyName": "a b"}, 'PolicyName "a b" is not valid. Use 1 to 128 letters, digits, hyphens, underscores or'),
    ({"PolicyName": "n" * 129}, "1 to 128"),
    ({"PolicyName": ""}, "PolicyName is missing"),
    ({"PolicyName": None}, "PolicyName is missing"),
    ({"PolicyName": ["a"]}, "is not valid. Use 1 to 128 letters"),
    ({"Trigger": 7}, 'Trigger "7" is not valid. Specify a string.'),
    ({"ProjectArn": None}, "ProjectArn is missing"),
    ({"ProjectArn": "arn:aws:s3:::bucket"}, "is not the ARN of a Custom Labels project"),
    ({"ProjectArn": ELSEWHERE.format(region="us-east-1", account="999988887777")}, ". Deploy the stack where the"),
    (
        {"ProjectArn": ELSEWHERE.format(region="eu-west-1", account=ACCOUNT)},
        "Region eu-west-1, partition aws, but this stack",
    ),
    ({"ProjectArn": SOURCE.replace("arn:aws:", "arn:aws-cn:")}, "partition aws-cn, but this stack"),
    ({"PolicyDocument": None}, "PolicyDocument is missing"),
    ({"PolicyDocument": "{"}, "is not JSON"),
    ({"PolicyDocument": {"Version": "2012-10-17"}}, "no Statement"),
    ({"PolicyDocument": PUBLIC}, "shares the model with every AWS account"),
    ({"PolicyDocument": {**MINE, "Id": "x" * 2000}}, "characters without white space"),
    ({"PolicyDocment": "x"}, "of Custom::RekognitionProjectPolicy. Remove it; the properties are ProjectArn, "),
    ({"AdoptExisting": "yes"}, 'AdoptExisting is "yes"'),
    ({"BlockPublicPolicy": "0"}, 'BlockPublicPolicy is "0"'),
]


@pytest.mark.parametrize(("properties", "rule"), BAD, ids=[rule for _, rule in BAD])
def test_bad_properties_are_rejected(properties: dict[str, Any], rule: str) -> None:
    """The sentence names the rule, and the property or the place."""
    given = {name: value for name, value in (GOOD | properties).items() if value is not None}
    with pytest.raises(RejectedError, match=re.escape(rule)) as raised:
        raise RejectedError(Properties.parse(given, Environment(REGION, ACCOUNT)).violation)
    assert len(str(raised.value)) <= 1000


@given(st.integers(0, 2**32))
def test_a_signed_url_tells_its_time(at: int) -> None:
    """X-Amz-Date is read to the second."""
    assert time_of(signed_url(at)) == at


def test_a_physical_id_that_is_null_is_empty() -> None:
    """LocalStack sends one with an Update, which isn't the ID "None"."""
    event = {"RequestType": "Update", "RequestId": "r", "LogicalResourceId": "l", "PhysicalResourceId": None}
    assert Request.parse(event, STARTED).physical_id == ""


@pytest.mark.parametrize(
    "url", ["", "https://responses.example/x", "https://[", "?X-Amz-Date=soon", "?Expires=1700007200"]
)
def test_a_url_without_a_time_tells_none(url: str) -> None:
    """What cannot be read is no time, never a wrong one."""
    assert time_of(url) is None


MEGABYTE = 1_000_000
HUGE = {
    "wildcards": {**MINE, "Statement": [{**MINE["Statement"][0], "Resource": "*l" * (MEGABYTE // 2)}]},
    "spaces": " " * MEGABYTE,
    "statements": {"Statement": [MINE["Statement"][0]] * 8000},
    "keys": {f"k{number}": "" for number in range(MEGABYTE // 10)},
    "a list": ["a"] * (MEGABYTE // 5),
}


@pytest.mark.parametrize("value", HUGE.values(), ids=HUGE)
def test_a_huge_property_is_rejected_before_it_is_parsed(value: object) -> None:
    """Whichever it is: to read a megabyte of wildcards took nine seconds and half a gigabyte."""
    for name in (*GOOD, "AdoptExisting", "BlockPublicPolicy", "Trigger"):
        with pytest.raises(RejectedError, match=rf"Property {name} has [\d,]+ characters, more than 50,000"):
            Properties.parse(GOOD | {name: value}, Environment(REGION, ACCOUNT))


def test_the_size_of_a_document_is_checked_before_its_elements() -> None:
    """Of a document that is too large, nothing else is worth the time."""
    document = {**MINE, "Statement": [{**MINE["Statement"][0], "Resource": "*l" * 20_000}]}
    parsed = Properties.parse(GOOD | {"PolicyDocument": document}, Environment(REGION, ACCOUNT))
    assert "more than 2000" in parsed.violation


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=8), each, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*GOOD, "AdoptExisting", "BlockPublicPolicy", "Trigger", "Other"]), anything))
def test_any_properties_are_read_or_rejected_in_words(changed: dict[str, object]) -> None:
    """Whatever stands where a value should, reading it never crashes."""
    with suppress(RejectedError):
        Properties.parse(GOOD | changed, Environment(REGION, ACCOUNT))


@pytest.mark.parametrize("given_properties", [None, [], "text", 7])
def test_properties_that_arent_an_object_are_none(given_properties: object) -> None:
    """The rules then name what is missing."""
    request = Request.parse(toy.event("Update", ResourceProperties=given_properties), STARTED)
    assert request.properties == {}
    assert request.service_timeout is None


@pytest.mark.parametrize(
    ("given_timeout", "seconds"), [("1", 1), (900, 900), ("3600", 3600), ("36000", None), ("soon", None), ("-1", None)]
)
def test_a_service_timeout_is_read(given_timeout: object, seconds: int | None) -> None:
    """CloudFormation sends a number as a string."""
    request = Request("Create", "request", "Sharing", "", {"ServiceTimeout": given_timeout}, {}, STARTED)
    assert request.service_timeout == seconds
    assert [request.is_abandoned(STARTED + (seconds or 3600) + late) for late in (0, 1)] == [False, True]


@pytest.mark.parametrize(("ahead", "counts"), [(60, True), (61, False)])
def test_a_time_that_is_still_to_come_doesnt_count(ahead: int, counts: bool) -> None:
    """CloudFormation's clock may be a minute ahead of the function's; a time of the far future is none."""
    request = Request.parse(toy.event(ResponseURL=signed_url(STARTED + ahead)), STARTED)
    assert request.time == (STARTED + ahead if counts else None)


@pytest.mark.parametrize(
    ("physical_id", "doubted"),
    [
        ("in-doubt:Sharing:request:1700000000-1700000009", (1_700_000_000, 1_700_000_009)),
        ("in-doubt:a:1\n:b:2:0-7", (0, 7)),
        ("in-doubt:Sharing:request:1700000000", None),
        ("in-doubt:Sharing:request:-7", None),
        ("in-doubt:Sharing:request", None),
        ("in-doubt:Sharing:request:soon", None),
        ("in-doubt:Sharing:request:1-1234567890123", None),
        ("not-created:Sharing:request", None),
        ("arn:aws:rekognition:us-east-1:123456789012:project/logos/1|sharing", None),
    ],
)
def test_an_id_in_doubt_tells_when_its_create_ran(physical_id: str, doubted: tuple[float, float] | None) -> None:
    """What isn't exactly such an ID has no time."""
    assert Request("Delete", "request", "Sharing", physical_id, {}, {}, None).in_doubt_times == doubted


@pytest.mark.parametrize(("requested_at", "earliest"), [(STARTED, 1_700_000_000), (None, 1_699_996_409)])
def test_an_id_in_doubt_has_the_time_of_its_request(requested_at: float | None, earliest: int) -> None:
    """If the request tells none, it is the earliest at which CloudFormation can have sent it."""
    request = Request("Create", "request", "Sharing", "", {}, {}, requested_at)
    assert request.in_doubt_id(STARTED + 9.9) == f"in-doubt:Sharing:request:{earliest}-1700000009"


def test_the_times_fit_into_one_another() -> None:
    """A response comes before the function is ended, and the function ends before CloudFormation gives up."""
    assert timeouts.MAXIMUM_EVENT_AGE + timeouts.FUNCTION_TIMEOUT < timeouts.SERVICE_TIMEOUT
    assert timeouts.RESPONSE_RESERVE >= 3 * timeouts.RESPONSE_TIMEOUT
    assert timeouts.WAITING_RUN + 2 * timeouts.RESPONSE_RESERVE <= timeouts.WAITING_FUNCTION_TIMEOUT <= 900
    third_response = 3 * timeouts.WAITING_FUNCTION_TIMEOUT + 60 + 120
    assert third_response < timeouts.WAITING_SERVICE_TIMEOUT - 60
