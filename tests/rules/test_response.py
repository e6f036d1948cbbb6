"""Sending a response: within CloudFormation's limits, retried in time, its secret URL in no log."""

from __future__ import annotations

import json
import logging

import pytest

from custom_resource import response
from custom_resource.errors import ResponseLostError
from custom_resource.request import Request
from custom_resource.resource import CustomResource
from custom_resource.run import Clock, Outcome, Run
from tests.endpoint import ResponseEndpoint
from tests.rules.support import STARTED, VirtualTime
from tests.rules.toy import ATTRIBUTES, TYPE, Context, event

BODY = b'{"Status": "SUCCESS"}'


def send(endpoint: ResponseEndpoint, time: VirtualTime, *, seconds: float = 60.0, url: str = "") -> None:
    """Send a response that has so many seconds to arrive."""
    response.send(url or endpoint.signed_url(), BODY, clock=time.clock, deadline=time.now + seconds)


@pytest.mark.parametrize("trouble", [99, 199, 300, 307, 400, 408, 429, 500, 503, None])
def test_is_retried_after_trouble(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime, caplog: pytest.LogCaptureFixture, trouble: int | None
) -> None:
    """Any status but 2xx, a lost connection and what isn't HTTP (99) are retried; crhelper would take each for sent."""
    endpoint.meets = [trouble, trouble]
    send(endpoint, virtual_time)
    assert endpoint.responses == [json.loads(BODY)]
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    if trouble and trouble > 99:
        assert f"HTTP status {trouble}" in caplog.text


def test_one_over_http_is_delivered(virtual_time: VirtualTime) -> None:
    """Emulators without TLS give such a URL; the stack would hang if its response went out over TLS."""
    endpoint = ResponseEndpoint()
    send(endpoint, virtual_time)
    endpoint.close()
    assert endpoint.responses == [json.loads(BODY)]


def test_nothing_is_sent_to_the_machine_itself_in_lambda(
    virtual_time: VirtualTime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The runtime listens there over http, so whoever may invoke the function could reach it by a ResponseURL."""
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")
    endpoint = ResponseEndpoint()
    with pytest.raises(ResponseLostError, match="leads to the machine that the function runs on, so nothing was sent"):
        send(endpoint, virtual_time)
    endpoint.close()
    assert (endpoint.requests, virtual_time.slept) == ([], [])


@pytest.mark.parametrize("scheme", ["file", "gopher", "ftp"])
def test_a_url_of_another_scheme_is_rejected_at_once(scheme: str) -> None:
    """Nobody could receive a response, so nothing is done for the request."""
    done: list[str] = []

    def respond(request: Request, _run: Run) -> Outcome:
        done.append(request.type)
        return Outcome("toy-1")

    with pytest.raises(ValueError, match="ResponseURL of this event isn't an https URL"):
        CustomResource(TYPE, respond, attributes=ATTRIBUTES)(
            event(ResponseURL=f"{scheme}://localhost/x"), Context(60, VirtualTime())
        )
    assert done == []


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_delivered(endpoint: ResponseEndpoint, virtual_time: VirtualTime, status: int) -> None:
    """One request is enough."""
    endpoint.meets = [status]
    send(endpoint, virtual_time)
    assert len(endpoint.requests) == 1


def test_one_that_is_rejected_is_given_up(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime, caplog: pytest.LogCaptureFixture
) -> None:
    """A URL that has expired takes no response from anybody, so that is logged and not retried."""
    endpoint.meets = [403]
    send(endpoint, virtual_time)
    assert len(endpoint.requests) == 1
    says = "CloudFormation rejected the response with HTTP status 403; not sent again"
    assert caplog.record_tuples == [("custom_resource.response", logging.ERROR, says)]


def test_an_endpoint_that_hangs_is_left(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket without a byte is given up after a while; crhelper would wait forever."""
    monkeypatch.setattr(response, "RESPONSE_TIMEOUT", 0.2)
    endpoint.meets = [endpoint.HANGS]
    send(endpoint, virtual_time)
    assert len(endpoint.responses) == 1


def test_pauses_double_up_to_four_seconds_with_full_jitter(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime
) -> None:
    """Functions that failed together spread out: any pause up to the longest may be drawn."""
    longest: list[float] = []

    def half(limit: float) -> float:
        longest.append(limit)
        return limit / 2

    clock = Clock(now=virtual_time, sleep=virtual_time.sleep, jitter=half)
    endpoint.meets = [503] * 6
    response.send(endpoint.signed_url(), BODY, clock=clock, deadline=STARTED + 60)
    assert longest == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]
    assert virtual_time.slept == [each / 2 for each in longest]
    assert all(0 <= Clock().jitter(0.25) <= 0.25 for _ in range(9))


@pytest.mark.parametrize(("seconds", "tries"), [(5.5, 1), (5.6, 2)])
def test_no_try_begins_that_could_end_after_the_deadline(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime, seconds: float, tries: int
) -> None:
    """After the last one the invocation fails, so that Lambda delivers the event again."""
    endpoint.meets = [503] * 9
    with pytest.raises(ResponseLostError, match=rf"in {tries} tries; the last: HTTP status 503"):
        send(endpoint, virtual_time, seconds=seconds)
    assert len(endpoint.requests) == tries


@pytest.mark.parametrize("url", ["https://localhost:1/a b?X-Amz-Signature=5ec2e7", "https://[?X-Amz-Signature=5ec2e7"])
def test_what_is_raised_or_logged_doesnt_hold_the_url(
    endpoint: ResponseEndpoint, virtual_time: VirtualTime, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    """Python names a URL with a space in its exception's text."""
    with pytest.raises((ResponseLostError, ValueError)) as raised:
        send(endpoint, virtual_time, url=url)
    assert "5ec2e7" not in f"{raised.value}{caplog.text}"


def test_a_lost_response_fails_the_invocation(endpoint: ResponseEndpoint, virtual_time: VirtualTime) -> None:
    """The deadline is one try before the function's end."""
    endpoint.meets = [503] * 99
    lost = CustomResource(TYPE, lambda *_: Outcome("toy-1"), attributes=ATTRIBUTES, clock=virtual_time.clock)
    with pytest.raises(ResponseLostError, match="didn't reach CloudFormation"):
        lost(event(ResponseURL=endpoint.signed_url()), Context(61.51, virtual_time))
    assert virtual_time.now == STARTED + 51.5


def made(reason: str, data: str) -> dict[str, object]:
    """Return a response with a reason and an attribute."""
    return {"Status": "FAILED", "Reason": reason, "PhysicalResourceId": "i" * 1000, "Data": {"Arn": data}}


def test_one_of_4096_bytes_is_sent_whole_and_a_longer_one_without_data() -> None:
    """CloudFormation rejects what is longer; the ID, without which nothing can be deleted, stays."""
    room = 4096 - len(json.dumps(made("No.", "")))
    assert json.loads(response.body(made("No.", "a" * room))) == made("No.", "a" * room)
    assert json.loads(response.body(made("No.", "a" * (room + 1)))) == made("No.", "") | {"Data": {}}


def test_even_the_longest_characters_fit() -> None:
    """A character may take twelve bytes; the log stream at the end is kept."""
    log = " CloudWatch Log Stream: 2026/01/31/[$LATEST]4f0c5d6e7f8091a2b3c4d5e6f7081920"
    cut = response.body(made("😀" * 1000 + log, "a" * 4000))
    assert len(cut) <= 4096
    assert json.loads(cut)["Reason"].startswith("😀" * 50)
    assert json.loads(cut)["Reason"].endswith(log)
