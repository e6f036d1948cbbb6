"""`./scripts/verify` harms no account: it deletes what it has created, and nothing else, however it ends."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Mapping
from typing import Any

import pytest

from localcloud.rekognition import DROP, AwsError, LocalRekognition
from tests.verify.pretend import Account, Proceed, facts, interrupt, verify

CREATIONS, DELETIONS = ("CreateProject", "CopyProjectVersion"), ("DeleteProject", "DeleteProjectVersion")
READS = ("DescribeProjects", "DescribeProjectVersions", "ListProjectPolicies", "ListTagsForResource")
DENIED = AwsError("AccessDeniedException", "arn:aws:iam::123456789012:user/ann isn't authorized.")
UNKNOWN = AwsError("ResourceNotFoundException", "")
FAILED = AwsError("ServiceUnavailable", "Try again.")
FAILED.status = 503


def deleted(aws: Account) -> set[str]:
    """Return the ARNs of all that was asked to be deleted."""
    return {arn for given in aws.calls(*DELETIONS) for arn in given.values()}


# -- what is deleted ---------------------------------------------------------------------------------------------------


def test_only_arns_that_this_run_was_given_are_deleted(aws: Account) -> None:
    """Lists that ignore names, and show everything of the account, delete nothing more."""
    made: set[str] = set()

    def shows_everything(operation: str, given: dict[str, Any], proceed: Proceed) -> dict[str, Any]:
        given = {name: value for name, value in given.items() if name not in ("ProjectNames", "VersionNames")}
        response = proceed(given)
        if operation in CREATIONS:
            made.update(response.values())
        if operation == "DescribeProjectVersions":
            response["ProjectVersionDescriptions"].append({"ProjectVersionArn": aws.version, "Status": "STOPPED"})
        return response

    aws.service.twist = shows_everything
    aws.run("--yes", *aws.copying)
    assert deleted(aws) == made
    aws.assert_clean()


@pytest.mark.parametrize("operation", CREATIONS)
def test_an_arn_of_something_else_is_not_deleted(aws: Account, operation: str) -> None:
    """A creation that returns the user's own project, or own model version of that name, has created nothing."""
    own = {
        "ProjectArn": aws.version.partition("/version/")[0] + "/1700000000000",
        "ProjectVersionArn": aws.version.replace("/v7/", "/a/"),
    }
    aws.service.twist = lambda name, given, proceed: own if name == operation else proceed(given)
    aws.run("--yes", *aws.copying, code=None)
    assert deleted(aws).isdisjoint(own.values())
    assert aws.state() == aws.users


@pytest.mark.parametrize(
    ("operation", "faults"),
    [
        ("DeleteProject", [DROP, DROP, FAILED, UNKNOWN]),
        ("DeleteProject", [DENIED] * 3),
        ("DeleteProject", [UNKNOWN] * 2),  # what is new isn't known everywhere yet
        ("DescribeProjects", [DENIED]),
    ],
)
def test_the_cleanup_goes_on(aws: Account, operation: str, faults: list[Any]) -> None:
    """Whatever a call meets, it is tried again, and a list isn't needed to delete what has an ARN."""
    due = iter(faults)
    aws.service.faults.before = lambda name, _: (
        next(due, None) if name == operation and (deleted(aws) or name == "DeleteProject") else None
    )
    aws.run("--yes")
    assert next(due, None) is None
    aws.assert_clean()


def test_what_cannot_be_deleted_is_told_and_offered_to_the_next_run(
    aws: Account, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands have the whole ARN; only the same account's credentials and a yes delete it; pauses grow."""
    aws.service.faults.before = lambda name, _: DENIED if name == "DeleteProjectVersion" else None
    aws.run("--yes", *aws.copying, code=1)
    aws.service.faults.before = lambda *_: None
    (project,) = (str(each.arn) for each in aws.created())
    told, version = capsys.readouterr().err, aws.calls("DeleteProjectVersion")[0]["ProjectVersionArn"]
    endpoint = f"--region us-east-1 --endpoint-url {aws.service.endpoint_url}"
    assert f"aws rekognition delete-project {endpoint} --project-arn {project}\n" in told
    assert f"aws rekognition delete-project-version {endpoint} --project-version-arn {version}\n" in told
    assert "AccessDeniedException: arn:aws:iam::123456789012:user/ann isn't authorized." in told
    calls = len(aws.calls(*DELETIONS))
    assert calls < 40
    aws.region = "eu-west-1"
    aws.run("--clean-up", code=1)
    assert project in capsys.readouterr().out
    aws.region, answers = "us-east-1", iter(["", "n", "y", "n"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    aws.run(code=1)
    assert len(aws.calls(*DELETIONS)) == calls
    aws.run(code=1)
    assert next(answers, None) is None
    aws.assert_clean()


@pytest.mark.parametrize(("fault", "why"), [(DENIED, "AccessDenied"), (None, "EndpointConnectionError: Could not")])
def test_what_surely_was_not_created_is_not_told(
    aws: Account, fault: Any, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A creation that was rejected, or a Region without the endpoint, leaves nothing."""
    with LocalRekognition() as closed:
        service = aws.service if fault else closed
    aws.service.faults.before = lambda *_: fault
    aws.run("--yes", code=1, client=lambda name, config: service.client(config=config) if name != "sts" else aws)
    told = capsys.readouterr()
    assert f"No project could be used. {why}" in told.out
    assert told.err == ""
    aws.assert_clean()


# -- creations without a response --------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [DROP, FAILED])
def test_a_project_without_an_arn_is_named_and_not_deleted(
    aws: Account, fault: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name and the commands are told, again by the next run, until no project of that name is listed."""
    aws.service.faults.inject("CreateProject", fault, when="after")
    assert aws.run("--yes", code=1) is None
    told = capsys.readouterr().err
    arn = aws.created()[0].arn
    assert f"--project-names {arn.name}\n" in told
    assert "aws rekognition delete-project --region us-east-1" in told
    aws.run("--clean-up", code=1)
    assert f"--project-names {arn.name}\n" in capsys.readouterr().out
    assert deleted(aws) == set()
    aws.service.client().delete_project(ProjectArn=str(arn))
    aws.run("--clean-up", code=1)  # it may be listed late
    (journal,) = aws.journals.glob("*")
    os.utime(journal, (0, 0))
    aws.run("--clean-up")
    aws.assert_clean()


def test_a_copy_without_an_arn_is_named_and_not_deleted(aws: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """It keeps its project, which is named as well, until somebody has deleted it."""
    aws.service.faults.inject("CopyProjectVersion", DROP, when="after")
    aws.run("--yes", *aws.copying, code=1)
    (project,) = aws.created()
    told = capsys.readouterr().err
    assert f"--project-arn {project.arn} --version-names a\n" in told
    assert f"--project-arn {project.arn}\n" in told
    (copy,) = aws.service.client().describe_project_versions(ProjectArn=str(project.arn))["ProjectVersionDescriptions"]
    aws.service.client().delete_project_version(ProjectVersionArn=copy["ProjectVersionArn"])
    aws.run("--clean-up")
    aws.assert_clean()


# -- the journal -------------------------------------------------------------------------------------------------------


def test_each_creation_is_in_the_journal_before_it_is_called(aws: Account) -> None:
    """Its name is on the disk when the call arrives, and its ARN when the next one does."""
    seen: list[tuple[str, Any, str]] = []

    def before(operation: str, given: Mapping[str, Any]) -> None:
        (journal,) = aws.journals.glob("*.jsonl")
        seen.append((operation, given, journal.read_text().splitlines()[-1]))

    aws.service.faults.before = before
    aws.run("--yes", *aws.copying)
    creations = [pair for pair in itertools.pairwise(seen) if pair[0][0] in CREATIONS]
    assert len(creations) == 2
    for (operation, given, line), (_, _, next_line) in creations:
        assert json.loads(line) == {"creating": given.get("ProjectName") or given["VersionName"], "by": operation}
        assert json.loads(next_line)["created"].startswith("arn:")


def test_without_a_journal_nothing_is_created(aws: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """If it can't be written, that is said before anything is called."""
    aws.journals.write_text("a file in its place")
    aws.run("--yes", code=1)
    assert "Nothing was created." in capsys.readouterr().err
    assert aws.state() == aws.users


def test_what_the_disk_no_longer_takes_is_deleted_all_the_same(aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the ARN can't be written, this run knows it."""
    writes = itertools.count(1)

    def fsync(_: int) -> None:
        if next(writes) == 3:  # the place, the name, the ARN
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    aws.run("--yes", code=1)
    aws.assert_clean()


def test_a_run_that_goes_on_is_left_alone(aws: Account) -> None:
    """Another run neither names nor deletes what the first one has created."""
    others: list[tuple[int, int]] = []

    def before(operation: str, _: Any) -> None:
        if operation == "DeleteProjectPolicy" and not others:
            code = verify.main(["--clean-up"], aws.client, aws.clock, aws.journals)
            others.append((code, len(aws.created())))

    aws.service.faults.before = before
    aws.run("--yes")
    assert others == [(0, 1)]
    aws.assert_clean()


def test_a_line_that_was_not_finished_is_ignored(aws: Account) -> None:
    """A run that died while it wrote a line had called nothing after it."""
    aws.journals.mkdir()
    (aws.journals / "a.jsonl").write_text('{"creat')
    aws.run("--clean-up")
    aws.assert_clean()


# -- interrupts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("operation", "is_cleaning"),
    [
        *(
            (name, False)
            for name in (*CREATIONS, "DeleteProjectVersion", *READS, "PutProjectPolicy", "DeleteProjectPolicy")
        ),
        *((name, True) for name in (*DELETIONS, "DescribeProjects", "DescribeProjectVersions")),
    ],
)
def test_an_interrupt_leaves_nothing(aws: Account, operation: str, is_cleaning: bool, when: str) -> None:
    """While it creates, it waits for the ARN; when it deletes already, it tells what is left, for the next run."""
    due = [operation]

    def hook(called: str, _: Any) -> None:
        if called in due and aws.output.exists() == is_cleaning:
            due.remove(called)
            interrupt()

    setattr(aws.service.faults, when, hook)
    aws.service.switches.change({"copying_time": 30.0, "deleting_time": 10.0})
    aws.run("--yes", *aws.copying, code=None if is_cleaning else 130)
    assert due == []
    if is_cleaning:
        aws.run("--clean-up")
    aws.assert_clean()


def test_a_second_interrupt_tells_what_is_left(aws: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """It ends the cleanup, and prints the list with its commands."""

    def interrupts(name: str, given: dict[str, Any], proceed: Proceed) -> dict[str, Any]:
        if name in ("PutProjectPolicy", "DeleteProject"):
            interrupt()
        return {"Status": "DELETING"} if name == "DeleteProject" else proceed(given)

    aws.service.twist = interrupts
    aws.run("--yes", code=1)
    told = capsys.readouterr().err
    assert told.startswith("Interrupted.\n")
    assert f"--project-arn {aws.created()[0].arn}\n" in told
    assert len(aws.calls("DescribeProjects")) == 3  # until it was created


def test_an_interrupt_while_it_reports_does_not_end_the_cleanup(aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """It means the questions, and they are over."""

    def as_json(report: Any) -> str:
        interrupt()
        return str(facts.as_json(report))

    monkeypatch.setattr(verify, "as_json", as_json)
    assert aws.run("--yes") is not None
    aws.assert_clean()


def test_a_fault_of_the_command_itself_leaves_nothing(aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is shown, after the cleanup."""
    monkeypatch.setattr(verify.Trial, "outcome", None)
    with pytest.raises(TypeError):
        aws.run("--yes")
    aws.assert_clean()
