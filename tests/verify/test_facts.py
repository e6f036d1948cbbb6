"""`./scripts/verify` tells answers apart: each fact, its subtler variants, and what answers nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from localcloud.cloud import REPOSITORY
from localcloud.rekognition import DROP, AwsError, Switches
from tests.verify.pretend import Account, Proceed, facts, questions, reasons, verdicts

LATE = 3.0
COPIES = {name for group in questions.GROUPS if group.needs == "--model-version" for name in group.questions}
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


@pytest.mark.parametrize(
    "switched",
    [
        {},
        {"put_existing_without_revision": "overwrite"},
        {"put_revision_absent": "ResourceNotFoundException"},
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
        {"throttled_calls_count": True},
        {"policies_per_project": 7},
        {"quota_error": "ServiceQuotaExceededException"},
        {"end_of_list": "empty_token"},
    ],
    ids=lambda switched: "+".join(switched) or "none",
)
def test_exactly_what_is_switched_is_found(aws: Account, switched: dict[str, Any]) -> None:
    """The other value of a switch is found, and nothing else, except for seconds between two looks."""
    aws.service.switches.change(switched)
    report = aws.run("--throttle", *aws.copying)
    found = verdicts(report, "DIFFERS")
    assert found.keys() == switched.keys()
    for name, value in switched.items():
        expected = pytest.approx(value, abs=6) if isinstance(value, float) else "yes" if value is True else value
        assert found[name] == expected
    is_over = not switched.get("copying_time")
    assert reasons(report).keys() == ({"delete_while_copying"} if is_over else set())
    aws.assert_clean()


def test_without_options_only_what_needs_none_is_asked(aws: Account) -> None:
    """Nothing is copied, nothing is throttled, and the report says what wasn't asked."""
    report = aws.run()
    assert reasons(report) == dict.fromkeys({*COPIES, "throttled_calls_count"}, "Not asked.")
    assert verdicts(report, "DIFFERS") == {}
    assert aws.calls("CopyProjectVersion") == []


# -- an AWS that answers otherwise than a switch has it ----------------------------------------------------------------


def late(is_meant: Callable[[str, dict[str, Any]], bool], read: str) -> Any:
    """Return a twist with which a read shows changes of a kind late, and other ones at once."""
    seen: dict[str, Any] = {"until": 0.0}

    def twist(aws: Account, operation: str, given: dict[str, Any], proceed: Proceed) -> dict[str, Any]:
        if operation == read:
            if aws.clock() >= seen["until"]:
                seen["last"] = proceed(given)
            return dict(seen["last"])
        if is_meant(operation, given):
            seen["until"] = aws.clock() + LATE
        return proceed(given)

    return twist


def flapping(aws: Account, operation: str, given: dict[str, Any], proceed: Proceed) -> dict[str, Any]:
    """Show an empty list now and then, as a replica that is behind does."""
    response = proceed(given)
    reads = len(aws.calls("ListProjectPolicies"))
    is_behind = operation == "ListProjectPolicies" and reads % 2 == 0 and aws.clock() < aws.started_at + 10
    return {"ProjectPolicies": []} if is_behind else response


def revision_of_content(aws: Account, operation: str, given: dict[str, Any], proceed: Proceed) -> dict[str, Any]:
    """Make revisions of documents: the same document has the same one."""
    known = aws.__dict__.setdefault("revisions", {})
    if operation != "PutProjectPolicy":
        return proceed(given)
    key = (given["PolicyName"], given.get("PolicyRevisionId"))
    response = proceed(given | ({"PolicyRevisionId": known[key]} if key in known else {}))
    for each in [each for each in known if each[0] == given["PolicyName"]]:
        del known[each]
    shown = hashlib.md5(given["PolicyDocument"].encode(), usedforsecurity=False).hexdigest()
    known[given["PolicyName"], shown] = response["PolicyRevisionId"]
    return {"PolicyRevisionId": shown}


def of_puts(act: Callable[[Account, dict[str, Any], Proceed, Any], dict[str, Any] | None]) -> Any:
    """Return a twist of puts of a policy that there is: what ``act`` returns, or what the local cloud does."""

    def twist(aws: Account, operation: str, given: dict[str, Any], proceed: Proceed) -> dict[str, Any]:
        if operation == "PutProjectPolicy":
            policies = next(each for each in projects(aws) if str(each.arn) == given["ProjectArn"]).policies
            live = policies.get(given["PolicyName"])
            response = act(aws, given, proceed, live) if live else None
            if response is not None:
                return response
        return proceed(given)

    return twist


def projects(aws: Account) -> Any:
    """Return all projects."""
    return aws.service.store.projects("123456789012", "us-east-1")


def idempotent(aws: Account, given: dict[str, Any], proceed: Proceed, live: Any) -> dict[str, Any] | None:
    """Accept the same document without a revision."""
    is_same = "PolicyRevisionId" not in given and given["PolicyDocument"] == live.document
    return {"PolicyRevisionId": live.revision} if is_same else None


def ignored(aws: Account, given: dict[str, Any], proceed: Proceed, live: Any) -> dict[str, Any] | None:
    """Accept whatever has no revision, and change nothing."""
    return None if "PolicyRevisionId" in given else {"PolicyRevisionId": live.revision}


def stale_accepted(aws: Account, given: dict[str, Any], proceed: Proceed, live: Any) -> dict[str, Any] | None:
    """Take any revision for the current one."""
    return proceed(given | {"PolicyRevisionId": live.revision}) if "PolicyRevisionId" in given else None


def stale_ignored(aws: Account, given: dict[str, Any], proceed: Proceed, live: Any) -> dict[str, Any] | None:
    """Accept an outdated revision, and change nothing."""
    is_stale = given.get("PolicyRevisionId", live.revision) != live.revision
    return {"PolicyRevisionId": live.revision} if is_stale else None


def token_after_a_full_page(aws: Account, operation: str, given: dict[str, Any], proceed: Proceed) -> dict[str, Any]:
    """Give a full last page a token, which leads to an empty page."""
    response = proceed(given)
    if operation == "ListProjectPolicies" and len(response["ProjectPolicies"]) == given.get("MaxResults", 5):
        response.setdefault("NextToken", "9")
    return response


def in_lists(name: str, change: Callable[[Any], Any]) -> Any:
    """Return a twist that changes an element of each listed policy or model version; None removes it."""

    def twist(aws: Account, operation: str, given: dict[str, Any], proceed: Proceed) -> dict[str, Any]:
        response = proceed(given)
        for each in [*response.get("ProjectPolicies", []), *response.get("ProjectVersionDescriptions", [])]:
            if name in each:
                each[name] = change(each[name])
                if each[name] is None:
                    del each[name]
        return response

    return twist


def any_version(aws: Account, operation: str, given: dict[str, Any], proceed: Proceed) -> dict[str, Any]:
    """Ignore for which model versions was asked."""
    return proceed({name: value for name, value in given.items() if name != "VersionNames"})


def quota_frees_late(aws: Account, operation: str, given: dict[str, Any], proceed: Proceed) -> dict[str, Any]:
    """Count a deleted policy for 20 seconds more."""
    deleted = aws.__dict__.setdefault("deleted_at", [])
    if operation == "DeleteProjectPolicy":
        deleted.append(aws.clock())
    if operation == "PutProjectPolicy":
        live = sum(len(each.policies) for each in projects(aws))
        if live + sum(at > aws.clock() - 20 for at in deleted) >= 5 and "PolicyRevisionId" not in given:
            raise AwsError("LimitExceededException", "Too many.")
    return proceed(given)


def rejects(operation: str, marks: str, code: str) -> Any:
    """Return a twist that rejects an operation with something in its parameters."""

    def twist(aws: Account, called: str, given: dict[str, Any], proceed: Proceed) -> dict[str, Any]:
        if called == operation and marks in str(given):
            raise AwsError(code, f"{code} of 123456789012.")
        return proceed(given)

    return twist


def delete_does_nothing(aws: Account, operation: str, given: dict[str, Any], proceed: Proceed) -> dict[str, Any]:
    """Accept the deletion of a copy in progress, and go on copying."""
    try:
        return proceed(given)
    except AwsError as error:
        if operation == "DeleteProjectVersion" and error.code == "ResourceInUseException":
            return {"Status": "DELETING"}
        raise


def edits_keep_the_revision(aws: Account, operation: str, given: dict[str, Any], proceed: Proceed) -> dict[str, Any]:
    """Return the revision that was given."""
    response = proceed(given)
    return response | ({"PolicyRevisionId": given["PolicyRevisionId"]} if "PolicyRevisionId" in given else {})


def no_last_page(aws: Account, operation: str, given: dict[str, Any], proceed: Proceed) -> dict[str, Any]:
    """Give each page a token."""
    if operation != "ListProjectPolicies" or "MaxResults" not in given:
        return proceed(given)
    return proceed({"ProjectArn": given["ProjectArn"]}) | {"NextToken": "1"}


def about(seconds: float) -> Any:
    """Return what equals about so many seconds."""
    return pytest.approx(seconds, abs=1)


IS_EDIT = ("PutProjectPolicy", "PolicyRevisionId")
PUT, LISTED = "PutProjectPolicy", "ListProjectPolicies"
COPY_NOT_KNOWN = COPIES - {"delete_while_copying"}


@pytest.mark.parametrize(
    ("twist", "differs", "not_known"),
    [
        (late(lambda name, given: name == PUT and "PolicyRevisionId" in given, LISTED), {"list_lag": about(LATE)}, {}),
        (late(lambda name, given: name == "DeleteProjectPolicy", LISTED), {"list_lag": about(LATE)}, {}),
        (flapping, {"list_lag": about(5)}, {}),
        (revision_of_content, {"same_document_again": "same_revision"}, {}),
        (edits_keep_the_revision, {}, dict.fromkeys(("same_document_again", "stale_revision"), "kept the revision")),
        (of_puts(idempotent), {"put_existing_without_revision": "idempotent"}, {}),
        (of_puts(ignored), {"put_existing_without_revision": "ignored"}, {}),
        (of_puts(stale_accepted), {"stale_revision": "accepted"}, {}),
        (of_puts(stale_ignored), {"stale_revision": "ignored"}, {}),
        (token_after_a_full_page, {"end_of_list": "token_to_empty_page"}, {}),
        (no_last_page, {}, {"end_of_list": "ListProjectPolicies has no last page."}),
        (in_lists("PolicyDocument", quote), {"returned_form": "normalized"}, {}),
        (
            in_lists("PolicyDocument", lambda text: text.replace("Copy", "Move")),
            {"returned_form": "not_equivalent"},
            {},
        ),
        (in_lists("CreationTimestamp", lambda at: at + 60), {"clock_behind": -60}, {}),
        (in_lists("CreationTimestamp", lambda _: None), {}, {"clock_behind": "has no 'CreationTimestamp'"}),
        (in_lists("OutputConfig", lambda _: None), {}, {"output_form": "has no 'OutputConfig'"}),
        (in_lists("OutputConfig", lambda given: {"S3Bucket": given["S3Bucket"]}), {"output_form": "other"}, {}),
        (in_lists("KmsKeyId", lambda _: None), {}, {"key_form": "has no 'KmsKeyId'"}),
        (any_version, {"absent_version": "other_versions"}, {}),
        (quota_frees_late, {}, {}),
        (rejects(PUT, "Sid1", "MalformedPolicyDocumentException"), {"sid": "MalformedPolicyDocumentException"}, {}),
        (rejects(PUT, "Id1", "InvalidParameterException"), {"id": "InvalidParameterException"}, {}),
        (
            rejects(PUT, "o-a1b2c3d4e5", "MalformedPolicyDocumentException"),
            {"organization": "MalformedPolicyDocumentException"},
            {},
        ),
        (rejects(PUT, "Sid1", "LimitExceededException"), {}, {"sid": "LimitExceededException: "}),
        (
            rejects("DeleteProjectPolicy", "absent", "InvalidParameterException"),
            {"absent_policy": "InvalidParameterException"},
            {},
        ),
        (
            rejects("DescribeProjectVersions", "absent", "ResourceNotFoundException"),
            {"absent_version": "ResourceNotFoundException"},
            {},
        ),
        (
            rejects("ListTagsForResource", "", "ResourceNotFoundException"),
            {"tags_lag": "at least 60"},
            {},
        ),
        (rejects("CopyProjectVersion", "", "AccessDeniedException"), {}, dict.fromkeys(COPIES, "AccessDeniedExc")),
    ],
)
def test_a_variant_is_told_from_what_it_looks_like(
    aws: Account, twist: Any, differs: dict[str, Any], not_known: dict[str, str]
) -> None:
    """What is otherwise is found, and nothing else; what isn't known has its reason."""
    aws.service.twist = lambda *given: twist(aws, *given)
    report = aws.run(*aws.copying)
    assert verdicts(report, "DIFFERS") == differs
    why = reasons(report)
    assert why.pop("throttled_calls_count") == "Not asked."
    if "delete_while_copying" not in not_known:
        assert why.pop("delete_while_copying") == "The copy was over at the first look."
    assert why.keys() == not_known.keys()
    assert all(not_known[name] in said for name, said in why.items())
    aws.assert_clean()


def test_a_deletion_that_is_accepted_and_ignored_is_told(aws: Account) -> None:
    """A copy that goes on in spite of its deletion isn't deleted."""
    aws.service.switches.change({"copying_time": 90})
    aws.service.twist = lambda *given: delete_does_nothing(aws, *given)
    assert verdicts(aws.run(*aws.copying), "DIFFERS")["delete_while_copying"] == "ignored"
    aws.assert_clean()


def test_a_quota_beyond_what_is_tried_is_a_lower_bound(aws: Account) -> None:
    """The number is `at least`, and why the error isn't known is said."""
    aws.service.switches.change({"policies_per_project": 40})
    report = aws.run()
    assert verdicts(report, "DIFFERS") == {"policies_per_project": "at least 20"}
    assert reasons(report)["quota_error"] == "20 policies were accepted, and more weren't tried."
    aws.assert_clean()


def test_without_throttling_it_is_not_known_whether_throttled_calls_count(aws: Account) -> None:
    """A quota beyond what is tried says nothing about throttled calls; asking takes less than two minutes."""
    aws.service.switches.change({"calls_per_second": 0})
    assert "throttled_calls_count" in reasons(aws.run("--throttle"))
    assert aws.clock() - aws.started_at < 120
    aws.assert_clean()


@pytest.mark.parametrize(("counts", "found"), [(False, "no"), (True, "yes")])
def test_a_raised_quota_takes_a_higher_rate(aws: Account, *, counts: bool, found: str) -> None:
    """It is raised until some calls are throttled."""
    aws.service.switches.change({"calls_per_second": 15, "throttled_calls_count": counts})
    (fact,) = (each for each in aws.run("--throttle")["facts"] if each["fact"] == "throttled_calls_count")
    assert fact["found"] == found
    assert fact["said"].startswith("Of 20 calls a second, ")


def test_what_settles_nothing_is_asked_again_at_a_higher_rate(aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """If some calls pass that may have slipped through, twice as many are made."""
    shares = iter([0.5, 0.15, 0.4, 0.02])
    monkeypatch.setattr(questions.Trial, "passing", lambda *_: next(shares))
    (fact,) = (each for each in aws.run("--throttle")["facts"] if each["fact"] == "throttled_calls_count")
    assert (fact["found"], fact["said"]) == ("yes", "Of 20 calls a second, 2% passed.")


def failing(code: str, status: int = 400) -> AwsError:
    """Return an error of the service with a status."""
    error = AwsError(code, "It is as it is.")
    error.status = status
    return error


@pytest.mark.parametrize(
    "problem",
    [
        failing("ExpiredTokenException"),
        failing("UnrecognizedClientException"),
        failing("InvalidSignatureException", 403),
        failing("TooManyRequests", 429),
        failing("ThrottlingException"),
        failing("InternalServerError", 500),
        failing("ServiceUnavailable", 503),
        DROP,
    ],
    ids=lambda problem: getattr(problem, "code", "DROP"),
)
def test_what_goes_wrong_elsewhere_answers_nothing(
    aws: Account, problem: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the first put on, nothing is known, nothing differs, and the reason is told once."""
    has_begun = []

    def before(operation: str, given: Any) -> Any:
        has_begun.extend(["put"] if operation == "PutProjectPolicy" else [])
        return problem if has_begun and not operation.startswith("Delete") else None

    aws.service.faults.before = before
    report = aws.run()
    assert verdicts(report, "DIFFERS") == {}
    why = reasons(report)
    assert why.keys() == facts.QUESTIONS.keys()
    causes = set(why.values()) - {"Not asked."}
    assert len(causes) == 1
    assert capsys.readouterr().out.count(causes.pop()) == 1


@pytest.mark.parametrize("operation", ["PutProjectPolicy", "ListProjectPolicies", "DeleteProjectPolicy"])
def test_a_call_that_was_throttled_is_made_again(aws: Account, operation: str) -> None:
    """Whatever the code is with which the service says so."""
    many = [failing("TooManyRequests", 429), failing("ThrottlingException", 500), failing("RequestLimitExceeded", 503)]
    aws.service.faults.inject(operation, *many)
    assert reasons(aws.run()).keys() == COPIES | {"throttled_calls_count"}


def test_a_read_without_a_response_is_made_again(aws: Account) -> None:
    """It changes nothing, so that it can be repeated; three times in all."""
    aws.service.faults.inject("ListProjectPolicies", DROP, failing("InternalServerError", 500))
    assert reasons(aws.run()).keys() == COPIES | {"throttled_calls_count"}


def test_an_account_that_may_not_be_named_is_one_cause(aws: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """If every document is rejected, no question about documents is answered."""
    twist = rejects("PutProjectPolicy", "", "MalformedPolicyDocumentException")
    aws.service.twist = lambda *given: twist(aws, *given)
    report = aws.run()
    assert verdicts(report, "DIFFERS") == {}
    assert capsys.readouterr().out.count("MalformedPolicyDocumentException of") == 1
    aws.assert_clean()


def test_each_differing_fact_says_what_depends_on_it(aws: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """The screen and the report have it, in the words of questions.yaml."""
    aws.service.switches.change({"put_existing_without_revision": "overwrite"})
    report = aws.run()
    question = facts.QUESTIONS["put_existing_without_revision"]
    (fact,) = (each for each in report["facts"] if each["fact"] == "put_existing_without_revision")
    assert (fact["depends"], fact["otherwise"]) == (question.depends, question.otherwise)
    shown = " ".join(capsys.readouterr().out.split())
    assert f"What depends on it: {question.depends} What to do: {question.otherwise}" in shown


def test_the_report_has_each_call(aws: Account) -> None:
    """Whoever reads it can follow what led to an answer."""
    calls = aws.run()["calls"]
    assert "CreateProject x 1: ok" in calls[0]
    assert any("PutProjectPolicy x 1: InvalidPolicyRevisionIdException: " in each for each in calls)
    assert sum(int(each.split(" x ")[1].split(":")[0]) for each in calls) <= len(aws.service.calls)
