"""`./scripts/verify` tells answers apart: each fact, its subtler variants, and what answers nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from zlib import crc32

import pytest

from localcloud.cloud import REPOSITORY
from localcloud.rekognition import DROP, AwsError, Switches
from tests.verify.pretend import Account, Proceed, facts, having, questions

COPIES = {name for group in questions.GROUPS if group.needs == "--model-version" for name in group.questions}
POLICIES = facts.QUESTIONS.keys() - COPIES - {"throttled_calls_count", "absent_version"}
IGNORED = {"copying_time": 90.0, "delete_while_copying": "ignored"}
MORE = "20 policies were accepted, and more weren't tried."
NOT_ASKED = {
    "starting_time": "a model that is started is charged by the hour",
    "starting_ends": "nothing makes a start fail",
    "denied_by_organization": "for tests",
    "calls_per_second": "documented",
    "running_versions": "documented",
    "projects_per_account": "documented",
}
"""The switches without a question, and why."""


def test_every_switch_is_a_question() -> None:
    """A new switch needs a question, whose first answer is its default, or a reason why it isn't asked."""
    switches = Switches().as_dict()
    assert facts.QUESTIONS.keys().isdisjoint(NOT_ASKED)
    assert switches.keys() <= facts.QUESTIONS.keys() | NOT_ASKED.keys()
    assert sorted(facts.QUESTIONS) == sorted(name for group in questions.GROUPS for name in group.questions)
    words = {False: "no", True: "yes"}
    for name in switches.keys() & facts.QUESTIONS.keys():
        assert facts.assumed(name) == (words[switches[name]] if isinstance(switches[name], bool) else switches[name])


def test_the_page_has_every_question() -> None:
    """Its tables are what questions.yaml says."""
    page = (REPOSITORY / "docs" / "compatibility.md").read_text()
    for name, each in facts.QUESTIONS.items():
        others = ", ".join(f"`{answer}`" for answer in each.answers.split()[1:]) or "another number"
        assert f"| `{name}` | {each.question} | `{facts.assumed(name)}` | {others} | {each.in_aws} |\n" in page
        assert f"| `{name}` | {each.depends} | {each.otherwise} |\n" in page
    assert set(re.findall(r"^\| `(\w+)` \| .* \| .* \|", page, re.MULTILINE)) == facts.QUESTIONS.keys()


# -- an AWS that answers otherwise -------------------------------------------------------------------------------------

PUT, LISTED, DESCRIBED, REVISION = (
    "PutProjectPolicy",
    "ListProjectPolicies",
    "DescribeProjectVersions",
    "PolicyRevisionId",
)
ABSENT, INVALID, MALFORMED = (
    "ResourceNotFoundException",
    "InvalidParameterException",
    "MalformedPolicyDocumentException",
)
EXISTING, LATE = "put_existing_without_revision", 3.0
Given = dict[str, Any]


def of(operation: str, act: Callable[[Account, Given, Proceed], Given | None]) -> Any:
    """Return a twist of one operation: what `act` returns, or what the local cloud does if that is None."""

    def twist(aws: Account, called: str, given: Given, proceed: Proceed) -> Given:
        response = act(aws, given, proceed) if called == operation else None
        return proceed(given) if response is None else response

    return twist


def rejects(operation: str, marks: str, code: str) -> Any:
    """Return a twist that rejects an operation with something in its parameters."""

    def act(aws: Account, given: Given, proceed: Proceed) -> None:
        if marks in str(given):
            raise AwsError(code, "It is as it is.")

    return of(operation, act)


def shows(operation: str, change: Callable[[Any], Any]) -> Any:
    """Return a twist that changes each listed policy or model version."""

    def act(aws: Account, given: Given, proceed: Proceed) -> Given:
        response = proceed(given)
        for each in response["ProjectPolicies" if operation == LISTED else "ProjectVersionDescriptions"]:
            change(each)
        return response

    return of(operation, act)


def late(operation: str, marks: str) -> Any:
    """Return a twist that lists a kind of changes late, and other ones at once, with all that came before."""
    until, last = 0.0, Given()

    def twist(aws: Account, called: str, given: Given, proceed: Proceed) -> Given:
        nonlocal until, last
        if called in (PUT, "DeleteProjectPolicy"):
            until = aws.time() + LATE if called == operation and marks in given else 0.0
        if called == LISTED and aws.time() < until:
            return dict(last)
        response = proceed(given)
        last = dict(response) if called == LISTED else last
        return response

    return twist


def flapping(aws: Account, given: Given, proceed: Proceed) -> Given:
    """Show an empty list now and then, as a replica that is behind does."""
    response = proceed(given)
    is_behind = len(aws.calls(LISTED)) % 2 == 0 and aws.time() < aws.started_at + 10
    return {"ProjectPolicies": []} if is_behind else response


def accepts(is_meant: Callable[[str, str, Any], bool], *, puts: bool = False) -> Any:
    """Return a twist that accepts some puts, by revision, document and live policy, and puts it or changes nothing."""

    def act(aws: Account, given: Given, proceed: Proceed) -> Given | None:
        live = aws.created()[0].policies.get(given["PolicyName"])
        if live is None or not is_meant(given.get(REVISION, ""), given["PolicyDocument"], live):
            return None
        return proceed(given | {REVISION: live.revision}) if puts else {REVISION: live.revision}

    return of(PUT, act)


def revision_of_content(aws: Account, given: Given, proceed: Proceed) -> Given:
    """Make revisions of documents: the same document has the same one."""
    live = aws.created()[0].policies.get(given["PolicyName"])
    if live and given.get(REVISION) == f"{crc32(live.document.encode()):x}":
        given = given | {REVISION: live.revision}
    proceed(given)
    return {REVISION: f"{crc32(given['PolicyDocument'].encode()):x}"}


def edits_keep_the_revision(aws: Account, given: Given, proceed: Proceed) -> Given:
    """Return the revision that was given."""
    return proceed(given) | {name: value for name, value in given.items() if name == REVISION}


def token_after_a_full_page(aws: Account, given: Given, proceed: Proceed) -> Given:
    """Give a full last page a token, which leads to an empty page."""
    return ({"NextToken": "9"} if "MaxResults" in given and "NextToken" not in given else {}) | proceed(given)


def no_last_page(aws: Account, given: Given, proceed: Proceed) -> Given:
    """Give each page a token, if their size is given."""
    return proceed(given | {"NextToken": ""}) | {"NextToken": "0"} if "MaxResults" in given else proceed(given)


def ignores_a_deletion(aws: Account, given: Given, proceed: Proceed) -> Given:
    """Accept the deletion of a copy in progress, and go on copying."""
    try:
        return proceed(given)
    except AwsError:
        return {"Status": "DELETING"}


def quota_frees_late(aws: Account, given: Given, proceed: Proceed) -> Given:
    """Count the policies that were deleted in the last 20 seconds."""
    live = aws.created()[0].policies
    counted = aws.__dict__.setdefault("counted", {})
    counted.update(dict.fromkeys(live, aws.time()))
    still = [name for name, at in counted.items() if at > aws.time() - 20]
    if given["PolicyName"] not in live and len(still) >= 5:
        raise AwsError("LimitExceededException", "Too many.")
    return proceed(given)


SWITCHED: list[Given] = [
    {},
    {EXISTING: "overwrite"},
    {"put_revision_absent": ABSENT},
    {"list_lag": 2.0},
    {"returned_form": "normalized"},
    {"clock_behind": 60.0},
    {"copying_time": 60.0},
    {"copying_ends": "COPYING_FAILED"},
    {"deleting_time": 60.0},
    {"copying_time": 60.0, "delete_while_copying": "delete"},
    {"versions_lag": 2.0},
    {"key_form": "arn"},
    {"tags_lag": 2.0},
    {"policies_per_project": 7},
    {"quota_error": "ServiceQuotaExceededException"},
    {"end_of_list": "empty_token"},
]
OTHER_ANSWERS: list[tuple[Any, Given]] = [
    (late(PUT, REVISION), {"list_lag": LATE}),
    (late("DeleteProjectPolicy", "PolicyName"), {"list_lag": LATE}),
    (of(LISTED, flapping), {"list_lag": 5.0}),
    (of(PUT, revision_of_content), {"same_document_again": "same_revision"}),
    (accepts(lambda revision, document, live: not revision and document == live.document), {EXISTING: "idempotent"}),
    (accepts(lambda revision, *_: not revision), {EXISTING: "ignored"}),
    (accepts(lambda revision, *_: revision != "", puts=True), {"stale_revision": "accepted"}),
    (accepts(lambda revision, _, live: revision not in ("", live.revision)), {"stale_revision": "ignored"}),
    (of(LISTED, token_after_a_full_page), {"end_of_list": "token_to_empty_page"}),
    (
        shows(LISTED, lambda each: each.update(PolicyDocument=each["PolicyDocument"].replace("Copy", "Move"))),
        {"returned_form": "not_equivalent"},
    ),
    (shows(LISTED, lambda each: each.update(CreationTimestamp=each["CreationTimestamp"] + 60)), {"clock_behind": -60}),
    (shows(DESCRIBED, lambda each: each.update(OutputConfig={"S3Bucket": "results"})), {"output_form": "other"}),
    (of(DESCRIBED, lambda _, given, do: do({"ProjectArn": given["ProjectArn"]})), {"absent_version": "other_versions"}),
    (of(PUT, quota_frees_late), {}),
    (rejects(PUT, "Sid1", MALFORMED), {"sid": MALFORMED}),
    (rejects(PUT, "Id1", INVALID), {"id": INVALID}),
    (rejects(PUT, "o-a1b2c3d4e5", MALFORMED), {"organization": MALFORMED}),
    (rejects("DeleteProjectPolicy", "absent", INVALID), {"absent_policy": INVALID}),
    (rejects(DESCRIBED, "absent", ABSENT), {"absent_version": ABSENT}),
    (rejects("ListTagsForResource", "", ABSENT), {"tags_lag": "at least 60"}),
]
NOT_KNOWN: list[tuple[Any, Iterable[str], str]] = [
    (of(PUT, edits_keep_the_revision), ("same_document_again", "stale_revision"), "An edit kept the revision."),
    (of(LISTED, no_last_page), ["end_of_list"], "ListProjectPolicies has no last page."),
    (shows(DESCRIBED, lambda each: each.pop("OutputConfig")), ["output_form"], "A response has no 'OutputConfig'."),
    (rejects(PUT, "Sid1", "LimitExceededException"), ["sid"], "LimitExceededException: It is as it is."),
    (rejects("CopyProjectVersion", "", "Denied"), COPIES, "Denied: It is as it is."),
    (rejects(PUT, "", MALFORMED), POLICIES, f"{MALFORMED}: It is as it is."),  # an account that may not be named
]


@pytest.mark.parametrize(
    ("switched", "twist", "differs", "not_known"),
    [
        *((switched, None, switched, {}) for switched in SWITCHED),
        *(({}, twist, differs, {}) for twist, differs in OTHER_ANSWERS),
        *(({}, twist, {}, dict.fromkeys(names, said)) for twist, names, said in NOT_KNOWN),
        ({"throttled_calls_count": True}, None, {"throttled_calls_count": "yes"}, {}),
        ({"copying_time": 90.0}, of("DeleteProjectVersion", ignores_a_deletion), IGNORED, {}),
        ({"policies_per_project": 40}, None, {"policies_per_project": "at least 20"}, {"quota_error": MORE}),
    ],
)
def test_exactly_what_is_otherwise_is_found(
    aws: Account, capsys: pytest.CaptureFixture[str], switched: Any, twist: Any, differs: Any, not_known: Any
) -> None:
    """What differs says what depends on it, what isn't known has its reason, and each reason is told once."""
    aws.service.switches.change(switched)
    aws.service.twist = lambda *given: twist(aws, *given) if twist else given[2](given[1])
    report = aws.run("--yes", "--throttle", *aws.copying)
    told = " ".join(capsys.readouterr().out.split())
    assert having(report, "DIFFERS") == {
        name: pytest.approx(value, rel=0.1, abs=1) if isinstance(value, float) else value
        for name, value in differs.items()
    }
    for name, otherwise in having(report, "DIFFERS", "otherwise").items():
        question = facts.QUESTIONS[name]
        assert otherwise == question.otherwise
        assert f"What depends on it: {question.depends} What to do: {otherwise}" in told
    if "copying_time" not in switched:
        not_known = {"delete_while_copying": "The copy was over at the first look."} | not_known
    assert having(report, "not known", "said") == not_known
    assert all(told.count(f"Not known: {said}") == 1 for said in not_known.values())
    aws.assert_clean()


# -- what answers nothing ----------------------------------------------------------------------------------------------


def failing(code: str, status: int = 400) -> AwsError:
    """Return an error of the service with a status."""
    error = AwsError(code, "It is as it is.")
    error.status = status
    return error


@pytest.mark.parametrize(
    "problem", [failing("ExpiredTokenException"), failing("TooManyRequests", 429), failing("InternalError", 500), DROP]
)
def test_what_goes_wrong_elsewhere_answers_nothing(
    aws: Account, problem: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the first put on, nothing is known, nothing differs, and the reason is told once."""
    aws.service.faults.before = lambda operation, _: (
        problem if aws.calls(PUT) and not operation.startswith("Delete") else None
    )
    report = aws.run("--yes")
    why = having(report, "not known", "said")
    assert why.keys() == facts.QUESTIONS.keys()
    (cause,) = set(why.values()) - {"Not asked."}
    assert capsys.readouterr().out.count(cause) == 1


@pytest.mark.parametrize(
    ("operation", "faults"),
    [
        (PUT, [failing("TooManyRequests", 429), failing("ThrottlingException", 500)]),
        (LISTED, [DROP, failing("InternalError", 500)]),
    ],
)
def test_a_call_is_made_again(aws: Account, operation: str, faults: list[Any]) -> None:
    """One that was throttled, and a read without a response; what needs an option isn't asked."""
    aws.service.faults.inject(operation, *faults)
    report = aws.run("--yes")
    assert having(report, "not known", "said") == dict.fromkeys({*COPIES, "throttled_calls_count"}, "Not asked.")
    assert aws.calls("CopyProjectVersion") == []


def test_without_throttling_it_is_not_known_whether_throttled_calls_count(aws: Account) -> None:
    """Asking takes less than two minutes."""
    aws.service.switches.change({"calls_per_second": 0})
    said = having(aws.run("--yes", "--throttle"), "not known", "said")["throttled_calls_count"]
    assert said == "40 calls a second weren't throttled."
    assert aws.time() - aws.started_at < 120


def test_what_settles_nothing_is_asked_again_at_a_higher_rate(aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """If some calls pass that may have slipped through, twice as many are made."""
    shares = iter([0.5, 0.15, 0.4, 0.02])
    monkeypatch.setattr(questions.Trial, "passing", lambda *_: next(shares))
    report = aws.run("--yes", "--throttle")
    assert having(report, "DIFFERS", "said") == {"throttled_calls_count": "Of 20 calls a second, 2% passed."}
