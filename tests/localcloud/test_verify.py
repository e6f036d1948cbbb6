"""`./scripts/verify` against the local Rekognition: it finds each switch, and leaves nothing behind."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from localcloud.cloud import REPOSITORY
from localcloud.rekognition import DROP, AwsError, LocalRekognition, Switches
from tests.rules.support import VirtualTime

ACCOUNT, REGION = "123456789012", "us-east-1"


class Aws:
    """An account of the local Rekognition, and `./scripts/verify` in it, on virtual time."""

    def __init__(self, service: LocalRekognition, clock: VirtualTime, verify: Any, output: Path) -> None:
        self.service, self.clock, self.region = service, clock, REGION
        self._main, self._output = verify.main, output
        client = service.client()
        project = client.create_project(ProjectName="users")["ProjectArn"]
        output_config: Any = {"S3Bucket": "training"}
        version = client.create_project_version(ProjectArn=project, VersionName="v1", OutputConfig=output_config)
        self.arguments = ["--output", str(output), "--yes", "--throttle", "--bucket", "results", "--kms-key", "alias/x"]
        self.arguments += ["--model-version", version["ProjectVersionArn"]]
        self._users = self.state()

    def state(self) -> str:
        """Return what there is."""
        return repr(self.service.store.projects(ACCOUNT, REGION))

    def verify(self, client: Callable[..., Any] | None = None, code: int = 0) -> dict[str, Any]:
        """Run it; return what it found other than assumed, by the fact's name."""
        assert self._main(self.arguments, client or self.client, (self.clock, self.clock.sleep)) == code
        if not self._output.exists():
            return {}
        text = self._output.read_text()
        assert re.search(r"\d{12}|training|results|alias/x|users|user/ann", text) is None
        return {each["fact"]: each["found"] for each in json.loads(text)["facts"] if each["differs"]}

    def assert_clean(self) -> None:
        """Hold what there is to what was there before."""
        assert self.state() == self._users

    def client(self, service: str, config: Any) -> Any:
        """Return a client of Rekognition, or this as one of STS."""
        return self.service.client(ACCOUNT, self.region, config) if service == "rekognition" else self

    def get_caller_identity(self) -> dict[str, str]:
        """Return the account."""
        return {"Account": ACCOUNT}


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the questions."""
    monkeypatch.syspath_prepend(REPOSITORY / "scripts")
    return importlib.import_module("_questions")


@pytest.fixture
def aws(questions: Any, tmp_path: Path) -> Iterator[Aws]:
    """An account with a model version."""
    clock = VirtualTime()
    with LocalRekognition(Switches(calls_per_second=5), clock) as service:
        yield Aws(service, clock, importlib.import_module("_verify"), tmp_path / "verification.json")


def test_every_switch_is_a_question(questions: Any) -> None:
    """A new switch needs a question, or a reason why it isn't asked; and the page has each question."""
    asked = {name: question for group in questions.GROUPS for name, question in group.questions.items()}
    assert asked.keys() | questions.NOT_ASKED.keys() == questions.ASSUMED.keys() >= Switches().as_dict().keys()
    assert asked.keys().isdisjoint(questions.NOT_ASKED)
    page = (REPOSITORY / "docs" / "compatibility.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| `([\w.]+)` \| ", page, re.MULTILINE)
    assert rows == [
        (name, question, str(questions.ASSUMED[name]).removesuffix(".0")) for name, question in asked.items()
    ]


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
def test_exactly_what_is_switched_is_found(aws: Aws, switched: dict[str, Any]) -> None:
    """The other value of a switch is found, and nothing else, except for seconds between two looks."""
    aws.service.switches.change(switched)
    found = aws.verify()
    assert found.keys() == switched.keys()
    for name, value in switched.items():
        assert found[name] == (pytest.approx(value, abs=6) if isinstance(value, float) else value)
    aws.assert_clean()


MALFORMED = AwsError("MalformedPolicyDocumentException", "Malformed policy of 123456789012.")


@pytest.mark.parametrize(
    ("fact", "operation", "marks", "error"),
    [
        ("sid", "PutProjectPolicy", "Sid1", MALFORMED),
        ("id", "PutProjectPolicy", "Id1", MALFORMED),
        ("organization", "PutProjectPolicy", "o-a1b2c3d4e5", MALFORMED),
        ("absent_policy", "DeleteProjectPolicy", "absent", AwsError("InvalidParameterException", "")),
        ("absent_version", "DescribeProjectVersions", "absent", AwsError("ResourceNotFoundException", "")),
    ],
)
def test_facts_without_a_switch_are_found(aws: Aws, fact: str, operation: str, marks: str, error: AwsError) -> None:
    """What the local cloud accepts or rejects is found to be otherwise where it is."""
    aws.service.faults.before = lambda name, given: error if name == operation and marks in str(given) else None
    assert aws.verify() == {fact: error.code}


def test_an_interruption_leaves_nothing(aws: Aws, questions: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever question it comes in, with what has been made for it; nor does a fault of the command itself."""
    aws.service.switches.change({"copying_time": 30, "deleting_time": 30, "calls_per_second": 5})
    trial = importlib.import_module("_verify").Trial
    for interrupted in [name for group in questions.GROUPS for name in group.questions]:

        def found(_: Any, name: str, *__: Any, interrupted: str = interrupted) -> None:
            if name == interrupted:
                raise KeyboardInterrupt

        monkeypatch.setattr(trial, "found", found)
        aws.verify(code=130)
        aws.assert_clean()
    monkeypatch.setattr(trial, "found", None)
    with pytest.raises(TypeError):
        aws.verify()
    aws.assert_clean()


def test_a_project_whose_creation_had_no_response_is_deleted(aws: Aws) -> None:
    """It is found by its name."""
    aws.service.faults.inject("CreateProject", DROP, when="after")
    assert aws.verify(code=1) == {}
    aws.assert_clean()


def test_what_is_not_as_assumed_loses_no_other_answer(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped project of the model version, and others who use up the quota: that is no answer, either."""
    aws.arguments[-1] = aws.arguments[-1].replace(":project/users", ":project/user")
    throttled = AwsError("ThrottlingException", "Slow down.")
    aws.service.faults.before = lambda name, given: throttled if "Sid1" in str(given) else None
    assert aws.verify() == {}
    assert re.search(r"^  copying_time +0 +not known$", capsys.readouterr().out, re.MULTILINE)
    aws.assert_clean()


def test_a_project_is_deleted_whatever_the_service_is_unable_to_do_first(aws: Aws) -> None:
    """An error of the service itself may have had its effect, and may end."""
    failed = AwsError("ServiceUnavailableException", "Try again.")
    failed.status = 503
    aws.service.faults.inject("CreateProject", failed, when="after")
    aws.service.faults.inject("DeleteProject", failed)
    assert aws.verify(code=1) == {}
    aws.assert_clean()


@pytest.mark.parametrize(
    ("operation", "code", "said"),
    [
        ("CreateProject", 1, "No project in us-east-1 could be used. An error occurred (AccessDeniedException)"),
        ("PutProjectPolicy", 0, ""),
        ("DeleteProject", 1, "Left in us-east-1: perhaps the project rekognition-verify-"),
    ],
)
def test_what_is_denied_is_said(
    aws: Aws, operation: str, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What can't be asked isn't known, and what can't be deleted is named."""
    denied = AwsError("AccessDeniedException", "arn:aws:iam::123456789012:user/ann isn't authorized.")
    aws.service.faults.before = lambda name, _: denied if name == operation else None
    assert aws.verify(code=code) == {}
    told = capsys.readouterr().err
    assert said in told
    assert ("Left" in told) is (operation == "DeleteProject")
    if operation != "DeleteProject":
        aws.assert_clean()


def test_where_nothing_can_be_asked(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    """Bad credentials, no Region, no answer to the question, a Region without Custom Labels: one sentence each."""

    def fail(problem: Exception) -> Callable[..., Any]:
        def client(*_: Any, **__: Any) -> Any:
            raise problem

        return client

    expired = ClientError({"Error": {"Code": "ExpiredToken", "Message": "It is expired."}}, "GetCallerIdentity")
    for problem in (NoCredentialsError(), expired):
        aws.verify(fail(problem), code=1)
        assert f"Nothing was created. {problem}" in capsys.readouterr().err
    aws.region = "eu-north-1"
    del aws.arguments[4:]
    aws.verify(code=1)
    assert "Rekognition Custom Labels isn't there." in capsys.readouterr().err
    aws.arguments.remove("--yes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.input", lambda _: "")
        aws.verify(code=1)
    assert "Nothing was created." in capsys.readouterr().err
    aws.assert_clean()
