"""The questions of ./scripts/verify: each is named by its switch, whose default is what the local cloud assumes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localcloud.rekognition import Switches

if TYPE_CHECKING:
    from _verify import Trial

ASSUMED: dict[str, Any] = {
    **Switches().as_dict(),
    # Facts without a switch.
    "stale_revision": "InvalidPolicyRevisionIdException",
    "absent_policy": "ResourceNotFoundException",
    "absent_version": "no_versions",
    "sid": "accepted",
    "id": "accepted",
    "organization": "accepted",
    "output_form": "as_given",
}
NOT_ASKED = {
    "starting_time": "a model that is started is charged by the hour",
    "starting_ends": "nothing makes a start fail",
    "denied_by_organization": "for tests",
    "calls_per_second": "documented",
    "running_versions": "documented",
    "projects_per_account": "documented",
}


@dataclass(frozen=True)
class Group:
    """Questions that one sequence of calls answers, if the command line has an option."""

    ask: Callable[[Trial], None]
    questions: Mapping[str, str]
    needs: str


GROUPS: list[Group] = []


def asks(needs: str = "", /, **questions: str) -> Callable[[Callable[[Trial], None]], None]:
    """Name the questions that a function answers."""
    return lambda ask: GROUPS.append(Group(ask, questions, needs))


def document(account: str, **changes: Any) -> str:  # noqa: ANN401 - any JSON
    """Return a document that allows this account only, but for the changes of its statement."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": [account]},
        "Action": ["rekognition:CopyProjectVersion"],
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement | changes]})


@asks(
    list_lag="How many seconds late does ListProjectPolicies show a put?",
    returned_form="Does a document come back as it was given?",
    end_of_list="Does the last page have a NextToken?",
    clock_behind="How many seconds is the service's clock behind this machine's?",
)
def _a_policy_in_its_list(trial: Trial) -> None:
    trial.put("a")
    trial.found("list_lag", trial.watch(lambda: trial.list()["ProjectPolicies"] != []))
    listed = trial.list()
    (policy,) = listed["ProjectPolicies"]
    same = policy["PolicyDocument"] == document(trial.account)
    trial.found("returned_form", "as_given" if same else "normalized", policy["PolicyDocument"])
    trial.found("end_of_list", "empty_token" if "NextToken" in listed else "no_token")
    behind = round(trial.changed_at - policy["CreationTimestamp"].timestamp())
    trial.found("clock_behind", behind if abs(behind) > 3 else 0)


@asks(
    put_existing_without_revision="What does a put of an existing policy do without its revision?",
    stale_revision="Which error does a put with an outdated revision get?",
)
def _a_put_of_an_existing_policy(trial: Trial) -> None:
    first = trial.put("a")
    code = trial.code(trial.put, "a")
    results = {"": "overwrite", "ResourceAlreadyExistsException": "reject"}
    trial.found("put_existing_without_revision", results.get(code, code))
    trial.code(trial.put, "a", PolicyRevisionId=first)
    trial.found("stale_revision", trial.code(trial.put, "a", PolicyRevisionId=first) or "accepted")


@asks(
    put_revision_absent="Which error does a put with a revision get if the policy doesn't exist?",
    absent_policy="Which error does the deletion of a policy get that doesn't exist?",
    absent_version="What does DescribeProjectVersions return for a name that no model version has?",
)
def _what_does_not_exist(trial: Trial) -> None:
    trial.found("put_revision_absent", trial.code(trial.put, "b", PolicyRevisionId="0" * 32) or "accepted")
    trial.found("absent_policy", trial.code(trial.delete, "absent") or "accepted")
    trial.found("absent_version", trial.code(trial.versions, VersionNames=["absent"]) or "no_versions")


@asks(
    sid="Is a Sid accepted?",
    id="Is an Id accepted?",
    organization='Is Principal "*" with the condition aws:PrincipalOrgID accepted?',
)
def _what_a_document_may_have(trial: Trial) -> None:
    made_up = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}  # and the project is empty
    for name, text in {
        "sid": document(trial.account, Sid="Sid1"),
        "id": json.dumps({"Id": "Id1", **json.loads(document(trial.account))}),
        "organization": document(trial.account, Principal="*", Condition=made_up),
    }.items():
        trial.found(name, trial.code(trial.put, name, PolicyDocument=text) or "accepted")
        trial.clear()


@asks(
    policies_per_project="How many policies may a project have?",
    quota_error="Which error does one too many get?",
)
def _one_policy_too_many(trial: Trial) -> None:
    for number in range(20):  # the quota can be raised
        code = trial.code(trial.put, f"p{number}")
        if code:
            trial.found("quota_error", code)
            trial.found("policies_per_project", number)
            break


@asks("--throttle", throttled_calls_count="Does a throttled call use up the quota of calls as well?")
def _throttled_calls(trial: Trial) -> None:
    began, passed = trial.now(), []
    for number in range(100):
        trial.sleep(max(0.0, began + number / 10 - trial.now()))
        passed.append(not trial.code(trial.list, paced=False))
    if not all(passed):  # of the last 50, half pass, or hardly any
        trial.found("throttled_calls_count", sum(passed[50:]) < 10)


@asks(
    "--model-version",
    versions_lag="How many seconds late does DescribeProjectVersions show a copy?",
    tags_lag="How many seconds late does ListTagsForResource show a copy's tags?",
    output_form="Is a copy's OutputConfig described as it was given?",
    key_form="Is the copy's KMS key described as it was given?",
    delete_while_copying="What does DeleteProjectVersion do to a copy in progress?",
    copying_time="How many seconds does copying take?",
    copying_ends="What is the copy's status then?",
    deleting_time="How many seconds is a deleted copy still listed?",
)
def _a_copy(trial: Trial) -> None:
    trial.watch(lambda: trial.list()["ProjectPolicies"] == [])  # so that no policy shares the copy
    arn = trial.copy("a")
    lag = trial.watch(lambda: arn in trial.versions())
    trial.found("versions_lag", lag)
    trial.found("tags_lag", trial.watch(lambda: trial.call("list_tags_for_resource", ResourceArn=arn)["Tags"] != {}))
    described, began = trial.versions()[arn], trial.changed_at
    output = described["OutputConfig"]
    trial.found("output_form", "as_given" if output == trial.output else "other", json.dumps(output))
    if trial.key:
        trial.found("key_form", "as_given" if described["KmsKeyId"] == trial.key else "arn", described["KmsKeyId"])
    if described["Status"] == "COPYING_IN_PROGRESS":
        code = trial.code(trial.call, "delete_project_version", ProjectVersionArn=trial.copy("b"))
        trial.found("delete_while_copying", {"": "delete", "ResourceInUseException": "reject"}.get(code, code))
    trial.changed_at = began
    seconds = trial.watch(lambda: trial.versions()[arn]["Status"] != "COPYING_IN_PROGRESS", every=5, most=7200)
    trial.found("copying_time", _beyond(lag, seconds))
    ended = trial.versions()[arn]
    trial.found("copying_ends", ended["Status"], ended.get("StatusMessage", ""))
    trial.change("delete_project_version", ProjectVersionArn=arn)
    seconds = trial.watch(lambda: arn not in trial.versions(), every=5, most=3600)
    trial.found("deleting_time", _beyond(lag, seconds))


def _beyond(lag: float, seconds: float) -> float:
    """Return what is left of seconds beyond a lag, 0 if that is less than what is between two looks."""
    return seconds - lag if seconds > lag + 5 else 0
