"""The report of `./scripts/verify`: whole, valid, without names of the account, and not lost."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.cloud import REPOSITORY
from localcloud.rekognition import AwsError
from tests.verify.pretend import Account, account_module, facts, interrupt, verify
from tests.verify.process import Process

SECRETS = {
    "123456789012": "NUMBER",
    "1234abcd-12ab-34cd-56ef-1234567890ab": "ID",
    "mrk-1234abcd12ab34cd56ef1234567890ab": "ID",
    "AKIAIOSFODNN7EXAMPLE": "ID",
    "arn:aws:sts::123456789012:assumed-role/Ann.Smith@example.com/session,1": "ARN",
    "arn%3Aaws%3Aiam%3A%3A123456789012%3Auser%2Fann": "ARN",
}
NAMES = st.text(st.sampled_from("abcz019.-"), min_size=3, max_size=12) | st.sampled_from(
    ["found", "fact", "arn", "aws", "said", "accepted", "rekognition", "ARN", "<", "(", "logs-123456789012"]
)


@given(
    said=st.lists(st.text() | st.sampled_from([*SECRETS, ":", "/", ' "', "-", "\\"])).map("".join),
    names=st.lists(NAMES, max_size=4),
    found=st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(["accepted", "at least 60"]),
)
def test_a_report_is_valid_and_keeps_its_keys_and_numbers(said: str, names: list[str], found: Any) -> None:
    """Whatever the service says and the names are: values are masked, and nothing else is changed."""
    said += " ".join(f"/{name}/" for name in names)
    answers = {name: facts.Answer(found, said) for name in facts.QUESTIONS}
    plain = facts.report({"answered_by": "AWS", "region": "us-east-1"}, answers, ["call"], [])
    report = json.loads(facts.as_json(facts.report({"answered_by": said, "region": said}, answers, [said], names)))
    assert list(report) == list(plain)
    assert len(report["facts"]) == len(facts.QUESTIONS)
    for each, other in zip(report["facts"], plain["facts"], strict=True):
        assert {**each, "said": ""} == {**other, "said": ""}
    for text in (report["answered_by"], report["region"], report["facts"][0]["said"], report["calls"][0]):
        assert re.search(r"\d{12}", text) is None
        assert "arn:aws" not in text
        for name in names:
            assert f"/{name}/" not in text
    assert facts.as_text(report)


@pytest.mark.parametrize(("secret", "kind"), SECRETS.items())
def test_what_the_service_says_is_masked(secret: str, kind: str) -> None:
    """IDs and ARNs are replaced by what they are, and the sentence around them stays."""
    assert facts.mask(f'Denied: "{secret}" on {secret}.', []) == f'Denied: "<{kind}>" on <{kind}>.'


def test_names_are_masked_as_words_only() -> None:
    """A name within another word isn't one; one between hyphens is."""
    said = "ResourceNotFoundException: EvaluationResultSummary-users-v7.json in s3://found/x isn't found"
    masked = facts.mask(said, ["users", "found", "v7", ""])
    summary = "EvaluationResultSummary-<NAME>-<NAME>.json in s3://<NAME>/x isn't <NAME>"
    assert masked == f"ResourceNotFoundException: {summary}"


def test_a_report_of_an_emulator_says_so_in_its_first_line(aws: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """It also says where, with which options, version and commit. The screen says it before anything is created."""
    report = aws.run("--throttle", *aws.copying)
    emulator = f"NOT AWS: answered by an emulator, {aws.service.endpoint_url}"
    assert aws.output.read_text().splitlines()[0] == f'{{"answered_by": "{emulator}",'
    assert capsys.readouterr().out.splitlines()[0] == emulator
    assert report["region"] == "us-east-1"
    assert report["options"] == "--throttle --model-version --kms-key"
    assert report["ended"] == "complete"
    assert report["version"] == "0.1.0"
    assert re.fullmatch("[0-9a-f]{40}(-dirty)?|not a git checkout", report["commit"])
    text = aws.output.read_text()
    assert re.search(r"\d{12}|training|results|secret|users|v7|rekognition-verify-", text) is None


@pytest.mark.parametrize(
    ("endpoint", "is_aws"),
    [
        ("https://rekognition.us-east-1.amazonaws.com", True),
        ("https://rekognition-fips.us-east-1.amazonaws.com", True),
        ("https://vpce-1.rekognition.us-east-1.vpce.amazonaws.com", True),
        ("https://rekognition.us-east-1.api.aws", True),
        ("http://rekognition.us-east-1.amazonaws.com", False),
        ("https://amazonaws.com.example.org", False),
        ("https://notamazonaws.com", False),
        ("http://127.0.0.1:4566", False),
    ],
)
def test_an_emulator_is_told_by_its_address(endpoint: str, *, is_aws: bool) -> None:
    """Only an address of AWS, over TLS, is AWS."""
    assert account_module.is_aws(endpoint) == is_aws


def test_a_file_that_exists_is_kept(aws: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default takes another name, in the folder where the user is; a name that was given is rejected at once."""
    monkeypatch.chdir(tmp_path)
    for name in ("verification.json", "verification-1.json"):
        Path(name).write_text("mine")
    clock = account_module.Clock(aws.clock, aws.clock.sleep)
    run = verify.main
    assert run(["--yes"], aws.client, clock, aws.journals) == 0
    assert json.loads(Path("verification-2.json").read_text())["ended"] == "complete"
    before = len(aws.service.calls)
    for name in ("verification.json", str(tmp_path), "no/folder.json"):
        with pytest.raises(SystemExit):
            run(["--yes", "--output", name], aws.client, clock, aws.journals)
    assert Path("verification.json").read_text() == "mine"
    assert len(aws.service.calls) == before


def shown(told: str) -> Any:
    """Return the report that the screen shows."""
    return json.JSONDecoder().raw_decode(told[told.index('{"answered_by"') :])[0]


@pytest.mark.parametrize("obstacle", ["folder gone", "name taken"])
def test_what_cannot_be_written_is_shown(aws: Account, obstacle: str, capsys: pytest.CaptureFixture[str]) -> None:
    """If the folder vanishes, or somebody writes a file of that name meanwhile, the report is on the screen."""
    folder = aws.output.parent / "folder"
    folder.mkdir()
    aws.output = folder / "report.json"

    def before(operation: str, _: Any) -> None:
        if operation == "DeleteProjectPolicy":
            if obstacle == "name taken":
                aws.output.write_text("theirs")
            elif folder.exists():
                folder.rmdir()

    aws.service.faults.before = before
    assert aws.result("--yes") == 0
    assert len(shown(capsys.readouterr().out)["facts"]) == len(facts.QUESTIONS)
    assert not aws.output.exists() or aws.output.read_text() == "theirs"
    aws.assert_clean()


def test_the_report_is_written_before_the_cleanup(aws: Account) -> None:
    """Whatever becomes of the cleanup, the answers are there."""
    seen: list[bool] = []

    def before(operation: str, _: Any) -> None:
        if operation == "DeleteProject":
            seen.append(len(json.loads(aws.output.read_text())["facts"]) == len(facts.QUESTIONS))

    aws.service.faults.before = before
    aws.run()
    assert seen == [True]


def test_an_interrupted_run_reports_what_it_knows(aws: Account) -> None:
    """It says that it was interrupted."""

    def before(_: str, given: Any) -> None:
        if "Id1" in str(given):
            interrupt()

    aws.service.faults.before = before
    report = aws.run(code=130)
    assert report["ended"] == "interrupted"
    found = {each["fact"]: each["found"] for each in report["facts"]}
    assert (found["sid"], found["id"]) == ("accepted", None)
    aws.assert_clean()


def closed_pipe() -> int:
    """Return the end of a pipe that nobody reads."""
    reads, writes = os.pipe()
    os.close(reads)
    return writes


@pytest.mark.parametrize("stdout", ["closed", "full"])
def test_without_a_screen_the_report_is_written(process: Process, stdout: str) -> None:
    """`| head` and a full disk behind the screen lose neither the report nor the cleanup."""
    screen = closed_pipe() if stdout == "closed" else os.open("/dev/full", os.O_WRONLY)
    running = process.start("--yes", stdout=screen)
    os.close(screen)
    assert running.wait(timeout=60) == 0
    assert len(json.loads((process.folder / "verification.json").read_text())["facts"]) == len(facts.QUESTIONS)
    assert process.projects() == []


def test_a_full_disk_shows_the_report_in_ascii(process: Process) -> None:
    """What doesn't fit isn't left by half, and a screen of ASCII shows any character."""
    denied = AwsError("AccessDeniedException", "L\u00e4uft nicht \u2026")
    process.service.faults.before = lambda _, given: denied if "Sid1" in str(given) else None
    environment = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    running = process.start("--yes", environment=environment, limit=4096)
    told, _ = running.communicate(timeout=60)
    assert running.returncode == 0, told
    assert {each["fact"]: each["said"] for each in shown(told)["facts"]}["sid"] == (
        "AccessDeniedException: L\u00e4uft nicht \u2026"
    )
    assert "Not known: AccessDeniedException: L\\xe4uft nicht \\u2026" in told
    assert not (process.folder / "verification.json").exists()
    assert process.projects() == []


def test_the_command_writes_where_the_user_is(tmp_path: Path) -> None:
    """A relative --output is relative to the user's folder, not to the checkout."""
    scripts, tools, here = tmp_path / "scripts", tmp_path / "bin", tmp_path / "here"
    for folder in (scripts, tools, here):
        folder.mkdir()
    (scripts / "verify").write_text((REPOSITORY / "scripts" / "verify").read_text())
    (scripts / "_setup.sh").write_text(
        'root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)\ncd "$root"\nset_up() { :; }\n'
    )
    (tools / "python").write_text('#!/bin/sh\necho "$PWD" "$@"\n')
    (tools / "python").chmod(0o755)
    done = subprocess.run(
        ["bash", scripts / "verify", "--output", "a.json"],
        cwd=here,
        env={"PATH": f"{tools}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"{here} {scripts}/_verify.py --output a.json\n", done.stderr
