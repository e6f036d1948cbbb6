"""`./scripts/verify` harms no account: it deletes what it has created, and nothing else, however it ends."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from localcloud.rekognition import DROP, AwsError, LocalRekognition
from tests.verify.pretend import ACCOUNT, REGION, Account, Proceed, account, account_module, facts, interrupt, verify
from tests.verify.process import Process

DELETIONS = ("DeleteProject", "DeleteProjectVersion")
DENIED = AwsError("AccessDeniedException", "arn:aws:iam::123456789012:user/ann isn't authorized.")


def deleted(aws: Account) -> set[str]:
    """Return the ARNs of all that was asked to be deleted."""
    return {arn for given in aws.calls(*DELETIONS) for arn in given.values()}


def created(aws: Account) -> list[str]:
    """Return the ARNs of the trial projects that are live."""
    return [str(each.arn) for each in aws.service.store.projects(ACCOUNT, REGION) if each.arn.name != "users"]


# -- what is deleted ---------------------------------------------------------------------------------------------------


def test_only_arns_that_this_run_was_given_are_deleted(aws: Account) -> None:
    """Lists that ignore names, and show everything of the account, delete nothing more."""
    made: set[str] = set()

    def shows_everything(operation: str, given: dict[str, Any], proceed: Proceed) -> dict[str, Any]:
        given = {name: value for name, value in given.items() if name not in ("ProjectNames", "VersionNames")}
        response = proceed(given)
        if operation in ("CreateProject", "CopyProjectVersion"):
            made.update(response.values())
        if operation == "DescribeProjectVersions":
            response["ProjectVersionDescriptions"].append({"ProjectVersionArn": aws.version, "Status": "STOPPED"})
        return response

    aws.service.twist = shows_everything
    aws.run(*aws.copying)
    assert deleted(aws) == made
    aws.assert_clean()


def test_an_arn_of_another_name_is_not_deleted(aws: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """A CreateProject that returns the user's own project has created nothing that may be deleted."""
    users = aws.version.partition("/version/")[0] + "/1700000000000"
    aws.service.twist = lambda name, given, proceed: (
        {"ProjectArn": users} if name == "CreateProject" else proceed(given)
    )
    aws.run(code=1)
    assert deleted(aws) == set()
    assert aws.state() == aws.users
    assert "aws rekognition describe-projects --region us-east-1" in capsys.readouterr().err


def test_a_model_version_of_another_project_is_not_deleted(aws: Account) -> None:
    """A CopyProjectVersion that returns the user's own model version of that name has copied nothing."""
    client = aws.service.client()
    users = client.create_project_version(
        ProjectArn=str(aws.service.store.projects(ACCOUNT, REGION)[0].arn),
        VersionName="a",
        OutputConfig={"S3Bucket": "training"},
    )
    before = aws.state()
    aws.service.twist = lambda name, given, proceed: (
        dict(users, ResponseMetadata=None) if name == "CopyProjectVersion" else proceed(given)
    )
    aws.run(*aws.copying)
    assert users["ProjectVersionArn"] not in deleted(aws)
    assert aws.state() == before


@pytest.mark.parametrize(
    ("operation", "faults"),
    [
        ("DeleteProject", [DROP, DROP, AwsError("InternalServerError", ""), AwsError("ResourceNotFoundException", "")]),
        ("DeleteProject", [AwsError("AccessDeniedException", "")] * 3),
        ("DeleteProject", [AwsError("ThrottlingException", "")] * 30),
        ("DescribeProjects", [AwsError("AccessDeniedException", "")] * 3),
    ],
    ids=["lost", "denied", "throttled", "unlisted"],
)
def test_the_cleanup_goes_on(aws: Account, operation: str, faults: list[Any]) -> None:
    """Whatever a call meets, it is tried again, and a list isn't needed to delete what has an ARN."""

    def inject(name: str, _: Any) -> None:
        if name == "DeleteProject" and not injected:
            injected.append(name)
            aws.service.faults.inject(operation, *faults)

    injected: list[str] = []
    aws.service.faults.before = inject
    aws.run()
    assert injected
    aws.assert_clean()


def test_a_project_that_is_not_known_everywhere_yet_is_deleted(aws: Account) -> None:
    """`Not found` right after it was created isn't gone."""
    aws.service.faults.inject("PutProjectPolicy", *[AwsError("ResourceNotFoundException", "")] * 100)
    aws.service.faults.inject("DeleteProject", *[AwsError("ResourceNotFoundException", "")] * 2)
    aws.run()
    aws.assert_clean()


@pytest.mark.parametrize("operation", DELETIONS)
def test_what_cannot_be_deleted_is_told_with_its_commands(
    aws: Account, operation: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The commands have the whole ARN, and the next run offers to delete it."""
    aws.service.faults.before = lambda name, _: DENIED if name == operation else None
    aws.run(*aws.copying, code=1)
    told = capsys.readouterr().err
    (project,) = created(aws)
    endpoint = f"--region us-east-1 --endpoint-url {aws.service.endpoint_url}"
    assert f"aws rekognition delete-project {endpoint} --project-arn {project}\n" in told
    assert "AccessDeniedException: arn:aws:iam::123456789012:user/ann isn't authorized." in told
    assert ("delete-project-version" in told) == (operation == "DeleteProjectVersion")
    aws.service.faults.before = lambda *_: None
    aws.run("--clean-up")
    assert project in capsys.readouterr().out
    aws.assert_clean()


def test_a_denied_creation_leaves_nothing_to_tell(aws: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """What was rejected isn't left."""
    aws.service.faults.before = lambda name, _: DENIED if name == "CreateProject" else None
    aws.run(code=1)
    told = capsys.readouterr()
    assert "No project could be used. AccessDeniedException: " in told.out
    assert told.err == ""
    aws.assert_clean()


# -- creations without a response --------------------------------------------------------------------------------------

FAILED = AwsError("ServiceUnavailable", "Try again.")
FAILED.status = 503


@pytest.mark.parametrize("fault", [DROP, FAILED], ids=["lost", "503"])
def test_a_project_without_an_arn_is_named_and_not_deleted(
    aws: Account, fault: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name and the commands are told, again by the next run, until no project of that name is listed."""
    aws.service.faults.inject("CreateProject", fault, when="after")
    assert aws.run(code=1) is None
    told = capsys.readouterr().err
    (project,) = created(aws)
    name = project.split("/")[1]
    assert f"--project-names {name}\n" in told
    assert "aws rekognition delete-project --region us-east-1" in told
    aws.run("--clean-up", code=1)
    assert f"--project-names {name}\n" in capsys.readouterr().out
    assert deleted(aws) == set()
    aws.service.client().delete_project(ProjectArn=project)
    aws.run("--clean-up", code=1)  # it may be listed late
    (journal,) = aws.journals.glob("*")
    os.utime(journal, (0, 0))
    aws.run("--clean-up")
    assert "Nothing is left of earlier runs." in capsys.readouterr().out
    aws.assert_clean()


def test_a_copy_without_an_arn_is_named_and_not_deleted(aws: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """It keeps its project, which is named as well, until somebody has deleted it."""
    aws.service.faults.inject("CopyProjectVersion", DROP, when="after")
    aws.run(*aws.copying, code=1)
    (project,) = created(aws)
    told = capsys.readouterr().err
    assert f"--project-arn {project} --version-names a\n" in told
    assert f"--project-arn {project}\n" in told
    client = aws.service.client()
    (copy,) = client.describe_project_versions(ProjectArn=project)["ProjectVersionDescriptions"]
    client.delete_project_version(ProjectVersionArn=copy["ProjectVersionArn"])
    aws.run("--clean-up")
    aws.assert_clean()


def test_a_region_without_the_endpoint_leaves_nothing_to_tell(aws: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """A connection that couldn't be opened has created nothing."""
    with LocalRekognition() as closed:
        pass

    def client(service: str, config: Config) -> Any:
        return closed.client(ACCOUNT, REGION, config) if service == "rekognition" else aws

    aws.run(code=1, client=client)
    told = capsys.readouterr()
    assert "No project could be used. Could not connect to the endpoint URL" in told.out.replace(
        "EndpointConnectionError: ", ""
    )
    assert told.err == ""
    aws.assert_clean()


# -- the journal -------------------------------------------------------------------------------------------------------


def test_each_creation_is_in_the_journal_before_it_is_called(aws: Account) -> None:
    """Its name is on the disk when the call arrives, and its ARN when the next one does."""
    seen: list[tuple[str, Any, str]] = []

    def before(operation: str, given: Mapping[str, Any]) -> None:
        (journal,) = aws.journals.glob("*.jsonl")
        seen.append((operation, given, journal.read_text().splitlines()[-1]))

    aws.service.faults.before = before
    aws.run(*aws.copying)
    creations = 0
    for (operation, given, line), (_, _, next_line) in itertools.pairwise(seen):
        if operation in ("CreateProject", "CopyProjectVersion"):
            creations += 1
            name = given.get("ProjectName") or given["VersionName"]
            assert json.loads(line) == {"creating": name, "by": operation}
            assert json.loads(next_line)["created"].startswith("arn:")
    assert creations == 2


def test_without_a_journal_nothing_is_created(aws: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """If it can't be written, that is said before anything is called."""
    aws.journals.write_text("a file in its place")
    aws.run(code=1)
    assert "Nothing was created." in capsys.readouterr().err
    assert aws.state() == aws.users


def test_what_the_disk_no_longer_takes_is_deleted_all_the_same(aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the ARN can't be written, this run knows it."""
    written: list[int] = []

    def fsync(file: int) -> None:
        written.append(file)
        if len(written) == 3:  # the place, the name, the ARN
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    aws.run(code=1)
    aws.assert_clean()


def test_a_run_that_goes_on_is_left_alone(aws: Account) -> None:
    """Another run neither names nor deletes what the first one has created."""
    clock = account_module.Clock(aws.clock, aws.clock.sleep)
    other: list[tuple[int, int]] = []

    def before(operation: str, _: Any) -> None:
        if operation == "DeleteProjectPolicy" and not other:
            code = verify.main(["--clean-up"], aws.client, clock, aws.journals)
            other.append((code, len(created(aws))))

    aws.service.faults.before = before
    aws.run()
    assert other == [(0, 1)]
    aws.assert_clean()


@pytest.mark.parametrize("half", ["", '{"creat', '{"creating": "a'])
def test_a_line_that_was_not_finished_is_ignored(aws: Account, half: str) -> None:
    """A run that died while it wrote a line had called nothing after it."""
    aws.journals.mkdir()
    (aws.journals / "a.jsonl").write_text(half)
    aws.run("--clean-up")
    aws.assert_clean()


def test_what_another_account_has_is_named_only(aws: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """With other credentials nothing is deleted."""
    aws.service.faults.before = lambda name, _: DENIED if name in DELETIONS else None
    aws.run(code=1)
    aws.service.faults.before = lambda *_: None
    (project,) = created(aws)
    aws.region = "eu-west-1"
    before = len(aws.calls(*DELETIONS))
    aws.run("--clean-up", code=1)
    assert project in capsys.readouterr().out
    assert len(aws.calls(*DELETIONS)) == before


@pytest.mark.parametrize(("said", "is_deleted"), [("y", True), ("", False)])
def test_on_a_terminal_it_asks(aws: Account, monkeypatch: pytest.MonkeyPatch, said: str, *, is_deleted: bool) -> None:
    """It deletes what an earlier run has left only after a yes."""
    aws.service.faults.before = lambda name, _: DENIED if name in DELETIONS else None
    aws.run(code=1)
    aws.service.faults.before = lambda *_: None
    answers = iter([said, "n"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    aws.run(yes=False, code=1)
    assert (created(aws) == []) == is_deleted


# -- interrupts --------------------------------------------------------------------------------------------------------


def points(folder: Path) -> list[int]:
    """Return the numbers of the calls of a whole run that are the first or the last of their operation."""
    with account(folder, copying_time=30.0, deleting_time=10.0) as aws:
        aws.run(*aws.copying)
        names = [name for name, _ in aws.service.calls]
    lasts = {name: number for number, name in enumerate(names, 1)}
    firsts = {name: len(names) - number for number, name in enumerate(reversed(names))}
    return sorted({*firsts.values(), *lasts.values()} - {1, 2})  # the account's own project and model version


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_interrupt_at_any_call_leaves_nothing(when: str, tmp_path: Path) -> None:
    """While it creates, it waits for the ARN; when it deletes already, it tells what is left, for the next run."""
    codes = set()
    for number in points(tmp_path):
        with account(tmp_path / f"{number}", copying_time=30.0, deleting_time=10.0) as aws:
            is_cleaning: list[bool] = []

            def hook(_: str, __: Any, aws: Account = aws, number: int = number, seen: list[bool] = is_cleaning) -> None:
                if len(aws.service.calls) >= number and not seen:  # a rejected call has no `after`
                    seen.append(aws.output.exists())
                    interrupt()

            setattr(aws.service.faults, when, hook)
            code = aws.result(*aws.copying, "--yes")
            if is_cleaning == [True]:
                aws.run("--clean-up")
            else:
                assert code == 130
            codes.add(code)
            aws.assert_clean()
    assert 130 in codes


def test_a_second_interrupt_tells_what_is_left(aws: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """It ends the cleanup, and prints the list with its commands."""

    def interrupts(name: str, given: dict[str, Any], proceed: Proceed) -> dict[str, Any]:
        if name in ("PutProjectPolicy", "DeleteProject"):
            interrupt()
        return {"Status": "DELETING"} if name == "DeleteProject" else proceed(given)

    aws.service.twist = interrupts
    aws.run(code=1)
    (project,) = created(aws)
    told = capsys.readouterr().err
    assert told.startswith("Interrupted.\n")
    assert f"--project-arn {project}\n" in told
    assert len(aws.calls("DescribeProjects")) == 3  # until it was created


def test_an_interrupt_while_it_reports_does_not_end_the_cleanup(aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """It means the questions, and they are over."""

    def as_json(report: Any) -> str:
        interrupt()
        return str(facts.as_json(report))

    monkeypatch.setattr(verify, "as_json", as_json)
    assert aws.run() is not None
    aws.assert_clean()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_each_signal_deletes_what_is_created_even_while_it_is(process: Process, number: signal.Signals) -> None:
    """It comes in the middle of CreateProject, and the project is deleted all the same."""
    started: list[subprocess.Popen[str]] = []

    def after(operation: str, _: Any) -> None:
        if operation == "CreateProject":
            started[0].send_signal(number)

    process.service.faults.after = after
    started.append(process.start("--yes"))
    told, _ = started[0].communicate(timeout=60)
    assert started[0].returncode == 130, told
    assert process.projects() == []
    assert list((process.folder / "journals").glob("*")) == []


def test_a_run_finds_what_a_killed_one_has_left(process: Process) -> None:
    """It names it, and deletes it with --clean-up."""
    started: list[subprocess.Popen[str]] = []

    def before(operation: str, _: Any) -> None:
        if operation == "PutProjectPolicy":
            started[0].kill()

    process.service.faults.before = before
    started.append(process.start("--yes"))
    started[0].communicate(timeout=60)
    process.service.faults.before = lambda *_: None
    (project,) = process.projects()
    cleaning = process.start("--clean-up")
    told, _ = cleaning.communicate(timeout=60)
    assert cleaning.returncode == 0, told
    assert project in told
    assert process.projects() == []


def test_a_fault_of_the_command_itself_leaves_nothing(aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is shown, after the cleanup."""
    monkeypatch.setattr(verify.Trial, "outcome", None)
    with pytest.raises(TypeError):
        aws.run()
    aws.assert_clean()
