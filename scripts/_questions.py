"""The calls with which ./scripts/verify answers its questions."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from _account import IN_USE, LONGEST_COPY, PROBLEMS, NotKnownError, is_throttled, reason
from _facts import QUESTIONS, Answer
from _project import GONE, MOST_POLICIES, QUOTA_ERRORS, Project

sys.path.append(str(Path(__file__).resolve().parents[1] / "lambda"))
from project_policy.document import are_equivalent
from rekognition.errors import NOT_FOUND, ServiceError

ACCEPTED, EXISTS = "accepted", "ResourceAlreadyExistsException"
COPYING, DELETING = "COPYING_IN_PROGRESS", "DELETING"


class Trial(Project):
    """A project in which the questions are asked, and their answers."""

    answer: Any = None
    """The answer to the question that is asked."""
    said = ""
    """The service's words for it."""

    def run(self, options: Collection[str], answers: dict[str, Answer], progress: Callable[[], None]) -> None:
        """Create the project, and ask what these options of the command line are for, and what needs none."""
        self.answers = answers
        self.create()
        self.watch(lambda: self.described(self.name, self.arn).get("Status") == "CREATED")
        for group in GROUPS:
            if group.needs in ("", *options):
                progress()
                try:
                    self._clear()
                    group.ask(self)
                except PROBLEMS as problem:
                    for name in group.questions:
                        answers.setdefault(name, Answer(None, reason(problem)))

    @contextmanager
    def question(self, name: str) -> Iterator[None]:
        """Keep what becomes `answer` meanwhile, or why there is no answer."""
        self.answer, self.said = None, ""
        try:
            yield
            if not QUESTIONS[name].allows(self.answer):
                raise NotKnownError(self.said or f"{self.answer} doesn't answer the question.")
            self.answers[name] = Answer(self.answer, self.said)
        except PROBLEMS as problem:
            self.answers[name] = Answer(None, reason(problem))

    def outcome(self, call: Callable[..., Any], *arguments: Any, **named: Any) -> str:  # noqa: ANN401
        """Return `accepted`, or the code of the error; one that doesn't answer a question is none of its answers."""
        self.said = ""
        try:
            call(*arguments, **named)
        except ServiceError as error:
            self.said = reason(error)
            return error.code
        return ACCEPTED

    def lag(self, shows: Callable[[], bool], every: float = 0.5, most: float = 60, stays: int = 3) -> float:
        """Return how many seconds after the last change something shows, and for so many looks: 0 from the first one.

        It is infinity if it isn't shown.
        """
        looks, streak, first = 0, 0, 0.0
        while streak < stays:
            self.sleep(every if looks else 0)
            try:
                is_shown = shows()
            except ServiceError as error:
                if error.code != NOT_FOUND:
                    raise
                is_shown, self.said = False, reason(error)
            looks, streak, since = looks + 1, streak + 1 if is_shown else 0, self.now() - self.changed_at
            if streak == 1 and looks > 1:
                first = since
            if not is_shown and since > most:
                return math.inf
        return round(first, 1)

    def watch(self, shows: Callable[[], bool]) -> None:
        """Wait until something shows and stays."""
        if self.lag(shows) == math.inf:
            raise NotKnownError(f"A change wasn't shown within 60 seconds. {self.said}".strip())

    def longest(self, most: float = 60, **lags: float) -> Any:  # noqa: ANN401 - a number or words
        """Return the longest of some lags as an answer, and keep them all."""
        self.said = ", ".join(f"{what}: {each:g}" for what, each in lags.items())
        return f"at least {most:.0f}" if math.inf in lags.values() else round(max(lags.values()), 1)

    def lag_of(self, name: str, before: str = "") -> float:
        """Return the lag with which the list shows a document of this name other than the one before."""
        return self.lag(lambda: self.shown(name) not in ("", before))

    def _clear(self) -> None:
        """Delete what was put, and wait until nothing is listed."""
        for name in sorted(self.put_policies):
            self.outcome(self.delete, name)
        self.put_policies.clear()
        self.watch(lambda: not self.policies())

    def passing(self, rate: int, seconds: int) -> float:
        """Return the share of calls that aren't throttled at a rate: reads, which change nothing."""

        def passes() -> bool:
            try:
                self.calls.once("ListProjectPolicies", ProjectArn=self.arn)
            except ServiceError as error:
                if not is_throttled(error):
                    raise
                return False
            return True

        began, called = self.now(), []
        with self.calls.clock.executor(16) as executor:
            for number in range(rate * seconds):
                self.sleep(max(0.0, began + number / rate - self.now()))
                called.append(executor.submit(passes))
        return sum(each.result() for each in called) / len(called)


# -- the questions -----------------------------------------------------------------------------------------------------


class Group(NamedTuple):
    """Questions that one sequence of calls answers, if the command line has an option (an empty one always)."""

    ask: Callable[[Trial], None]
    questions: tuple[str, ...]
    needs: str


GROUPS: list[Group] = []


def asks(*questions: str, needs: str = "") -> Callable[[Callable[[Trial], None]], None]:
    """Name the questions that a function answers."""
    return lambda ask: GROUPS.append(Group(ask, questions, needs))


@asks("list_lag", "returned_form", "end_of_list", "clock_behind")
def _a_policy_in_its_list(trial: Trial) -> None:
    given, revision, put_at = trial.document(), trial.put("a"), trial.changed_at
    put = trial.lag_of("a")
    policy = trial.policies().get("a", {})
    with trial.question("returned_form"):
        trial.said = policy["PolicyDocument"]
        other = "normalized" if are_equivalent(trial.said, given) else "not_equivalent"
        trial.answer = "as_given" if trial.said == given else other
    with trial.question("end_of_list"):
        ends = set()
        for *others, last in (trial.pages(), trial.pages(MaxResults=1)):  # a page that has room, and a full one
            is_empty = others and not last["ProjectPolicies"]
            ends.add("token_to_empty_page" if is_empty else "empty_token" if "NextToken" in last else "no_token")
        trial.answer = max(ends, key=QUESTIONS["end_of_list"].answers.index)
    with trial.question("clock_behind"):
        behind = round(put_at - policy["CreationTimestamp"].timestamp())
        trial.answer = behind if abs(behind) > 3 else 0
    with trial.question("list_lag"):
        before = trial.shown("a")
        trial.put("a", trial.document("Deny"), PolicyRevisionId=revision)
        edit = trial.lag_of("a", before)
        trial.delete("a")
        trial.answer = trial.longest(put=put, edit=edit, deletion=trial.lag(lambda: trial.shown("a") == ""))


@asks("put_existing_without_revision")
def _a_put_of_an_existing_policy(trial: Trial) -> None:
    trial.put("a")
    trial.watch(lambda: trial.shown("a") != "")
    with trial.question("put_existing_without_revision"):
        before = trial.shown("a")
        code = trial.outcome(trial.put, "a", trial.document("Deny"))
        if code == ACCEPTED:
            trial.answer = "overwrite" if trial.lag_of("a", before) < math.inf else "ignored"
        else:
            again = trial.outcome(trial.put, "a") if code == EXISTS else code
            trial.answer = {ACCEPTED: "idempotent", EXISTS: "reject"}.get(again, again)


@asks("same_document_again", "stale_revision")
def _an_edit(trial: Trial) -> None:
    first = trial.put("a")
    trial.watch(lambda: trial.shown("a") != "")
    before, denies = trial.shown("a"), trial.document("Deny")
    revisions = [trial.put("a", denies, PolicyRevisionId=first)]
    if revisions == [first]:
        raise NotKnownError("An edit kept the revision.")
    trial.watch(lambda: trial.shown("a") not in ("", before))
    with trial.question("same_document_again"):
        code = trial.outcome(lambda: revisions.append(trial.put("a", denies, PolicyRevisionId=revisions[0])))
        kind = "same_revision" if revisions[-1:] == revisions[:1] else "new_revision"
        trial.answer = kind if code == ACCEPTED else code
    with trial.question("stale_revision"):
        before = trial.shown("a")
        code = trial.outcome(trial.put, "a", trial.document(version="v1"), PolicyRevisionId=first)
        trial.answer = "ignored" if code == ACCEPTED and trial.lag_of("a", before) == math.inf else code


@asks("put_revision_absent", "absent_policy", "absent_version")
def _what_does_not_exist(trial: Trial) -> None:
    revision = trial.put("b")
    trial.watch(lambda: trial.shown("b") != "")
    trial.delete("b")
    trial.watch(lambda: trial.shown("b") == "")
    with trial.question("put_revision_absent"):
        trial.answer = trial.outcome(trial.put, "b", PolicyRevisionId=revision)
    with trial.question("absent_policy"):
        trial.answer = trial.outcome(trial.delete, "absent")
    _absent_version(trial)


def _absent_version(trial: Trial) -> None:
    with trial.question("absent_version"):
        found: dict[str, Any] = {}
        code = trial.outcome(lambda: found.update(trial.versions(VersionNames=["absent"])))
        trial.answer = code if code != ACCEPTED else "other_versions" if found else "no_versions"


@asks("sid", "id", "organization")
def _what_a_document_may_have(trial: Trial) -> None:
    trial.put("plain")  # if even this is rejected, it isn't for what is asked
    made_up = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}  # and the project is empty
    for name, document in {
        "sid": trial.document(Sid="Sid1"),
        "id": json.dumps({"Id": "Id1", **json.loads(trial.document())}),
        "organization": trial.document(Principal="*", Condition=made_up),
    }.items():
        with trial.question(name):
            trial.answer = trial.outcome(trial.put, name, document)


@asks("policies_per_project", "quota_error")
def _one_policy_too_many(trial: Trial) -> None:
    count, code = 0, ACCEPTED
    while code == ACCEPTED and count < MOST_POLICIES:
        code = trial.outcome(trial.put, f"p{count}")
        count += code == ACCEPTED
    said = trial.said
    with trial.question("quota_error"):
        trial.answer, trial.said = code, said or f"{count} policies were accepted, and more weren't tried."
    with trial.question("policies_per_project"):
        trial.said = said
        if count and code in QUOTA_ERRORS:
            trial.answer = count
        elif code == ACCEPTED:
            trial.answer = f"at least {count}"


@asks("throttled_calls_count", needs="--throttle")
def _throttled_calls(trial: Trial) -> None:
    with trial.question("throttled_calls_count"):
        trial.said = "40 calls a second weren't throttled."
        for rate in (10, 20, 40):
            if trial.answer is None and trial.passing(rate, 10) < 1:
                share = trial.passing(rate, 5)  # if throttled calls count, none passes while there are too many
                trial.said = f"Of {rate} calls a second, {share:.0%} passed."
                trial.answer = "yes" if share < 0.1 else "no" if share > 0.2 else None


@asks(
    *("versions_lag", "tags_lag", "output_form", "key_form"),
    *("delete_while_copying", "copying_time", "copying_ends", "deleting_time"),
    needs="--model-version",
)
def _a_copy(trial: Trial) -> None:
    arn, began = trial.copy("a"), trial.changed_at
    shown = trial.lag(lambda: trial.status(arn) != GONE, stays=1)  # then for its tags, without delay
    if shown == math.inf:
        raise NotKnownError("DescribeProjectVersions hasn't shown the copy within 60 seconds.")
    with trial.question("tags_lag"):
        tags = trial.lag(lambda: trial.calls("ListTagsForResource", ResourceArn=arn)["Tags"] != {})
        trial.answer = trial.longest(tags=tags)
    described = trial.versions().get(arn, {})
    with trial.question("output_form"):
        trial.said = json.dumps(described["OutputConfig"])
        trial.answer = "as_given" if described["OutputConfig"] == trial.output else "other"
    with trial.question("key_form"):
        trial.said = described["KmsKeyId"] if trial.key else "Not asked, because --kms-key wasn't given."
        trial.answer = None if not trial.key else "as_given" if trial.said == trial.key else "arn"
    _delete_while_copying(trial, arn)
    with trial.question("copying_time"):
        trial.changed_at = began
        ended = trial.lag(lambda: trial.status(arn) not in (COPYING, GONE), every=5, most=LONGEST_COPY)
        trial.answer = trial.longest(LONGEST_COPY, copying=max(0, ended - shown))
    with trial.question("copying_ends"):
        ended_as = trial.versions()[arn]
        trial.answer, trial.said = ended_as["Status"], ended_as.get("StatusMessage", "")
    _absent_version(trial)  # again, now that there is another one
    trial.delete_version(arn)
    deleting = trial.lag(lambda: trial.status(arn) in (DELETING, GONE))
    with trial.question("versions_lag"):
        trial.answer = trial.longest(copy=shown, deletion=deleting)
    with trial.question("deleting_time"):
        gone = trial.lag(lambda: trial.status(arn) == GONE, every=5, most=LONGEST_COPY)
        trial.answer = trial.longest(LONGEST_COPY, deleting=max(0, gone - deleting))


def _delete_while_copying(trial: Trial, arn: str) -> None:
    with trial.question("delete_while_copying"):
        if trial.status(arn) != COPYING:
            raise NotKnownError("The copy was over at the first look.")
        other = trial.copy("b")
        trial.watch(lambda: trial.status(other) != GONE)
        code = trial.outcome(trial.delete_version, other)
        if code == ACCEPTED:
            is_deleted = trial.lag(lambda: trial.status(other) in (DELETING, GONE)) < math.inf
            code = "delete" if is_deleted else "ignored"
        trial.answer = "reject" if code == IN_USE else code
