"""The report of `./scripts/verify`: whole, valid, without names of the account, and not lost."""

from __future__ import annotations

import io
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

SECRETS = {
    "123456789012": "NUMBER",
    "1234abcd-12ab-34cd-56ef-1234567890ab": "ID",
    "mrk-1234abcd12ab34cd56ef1234567890ab": "ID",
    "AKIAIOSFODNN7EXAMPLE": "ID",
    "arn:aws:sts::123456789012:assumed-role/Ann.Smith@example.com/session,1": "ARN",
    "arn%3Aaws%3Aiam%3A%3A123456789012%3Auser%2Fann": "ARN",
    "found": "NAME",
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
    """IDs, ARNs and names as words of their own are replaced by what they are, and what is around them stays."""
    masked = facts.mask(f'Denied: "{secret}" on foundry-{secret}.', ["found", ""])
    assert masked == f'Denied: "<{kind}>" on foundry-<{kind}>.'


def test_a_report_of_an_emulator_says_so_in_its_first_line(aws: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """It also has the options, version and commit, and each call. The screen says it before anything is created."""
    report = aws.run("--yes", "--throttle", *aws.copying)
    emulator, text = f"NOT AWS: answered by an emulator, {aws.service.endpoint_url}", aws.output.read_text()
    assert text.splitlines()[0] == f'{{"answered_by": "{emulator}",'
    assert capsys.readouterr().out.splitlines()[0] == emulator
    said = [report[name] for name in ("region", "options", "ended", "version")]
    assert said == ["us-east-1", "--throttle --model-version --kms-key", "complete", "0.1.0"]
    assert re.fullmatch("[0-9a-f]{40}(-dirty)?|not a git checkout", report["commit"])
    assert re.search(r"\d{12}|training|results|secret|users|v7|rekognition-verify-", text) is None
    assert "CreateProject x 1: ok" in report["calls"][0]
    assert any("PutProjectPolicy x 1: InvalidPolicyRevisionIdException: " in each for each in report["calls"])


@pytest.mark.parametrize(
    ("endpoint", "is_aws"),
    [
        ("https://rekognition-fips.us-east-1.amazonaws.com", True),
        ("https://rekognition.us-east-1.api.aws", True),
        ("http://rekognition.us-east-1.amazonaws.com", False),
        ("https://amazonaws.com.example.org", False),
        ("https://notamazonaws.com", False),
    ],
)
def test_an_emulator_is_told_by_its_address(endpoint: str, is_aws: bool) -> None:
    """Only an address of AWS, over TLS, is AWS."""
    assert account_module.is_aws(endpoint) == is_aws


def test_a_file_that_exists_is_kept(aws: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default takes another name, in the folder where the user is; a name that was given is rejected at once."""
    monkeypatch.chdir(tmp_path)
    for name in ("verification.json", "verification-1.json"):
        Path(name).write_text("mine")
    assert verify.main(["--yes"], aws.client, aws.clock, aws.journals) == 0
    assert json.loads(Path("verification-2.json").read_text())["ended"] == "complete"
    before = len(aws.service.calls)
    for name in ("verification.json", str(tmp_path), "no/folder.json"):
        with pytest.raises(SystemExit):
            verify.main(["--yes", "--output", name], aws.client, aws.clock, aws.journals)
    assert Path("verification.json").read_text() == "mine"
    assert len(aws.service.calls) == before


def test_a_file_that_somebody_writes_meanwhile_is_kept(
    aws: Account, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report is on the screen then."""
    monkeypatch.setattr(verify, "as_json", lambda report: aws.output.write_text("1") and facts.as_json(report))
    assert aws.run("--yes") == 1
    assert '{"answered_by"' in capsys.readouterr().out
    aws.assert_clean()


def test_an_interrupted_run_reports_what_it_knows_before_the_cleanup(aws: Account) -> None:
    """It says that it was interrupted."""
    seen: list[Any] = []

    def before(operation: str, given: Any) -> None:
        if "Id1" in str(given):
            interrupt()
        if operation == "DeleteProject":
            seen.append(json.loads(aws.output.read_text()))

    aws.service.faults.before = before
    report = aws.run("--yes", code=130)
    assert seen == [report]
    assert report["ended"] == "interrupted"
    found = {each["fact"]: each["found"] for each in report["facts"]}
    assert (found["sid"], found["id"]) == ("accepted", None)
    aws.assert_clean()


def test_without_a_screen_the_report_is_written(aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """`| head` loses neither the report nor the cleanup."""
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "w") as screen:
        monkeypatch.setattr("sys.stdout", screen)
        assert len(aws.run("--yes")["facts"]) == len(facts.QUESTIONS)
    aws.assert_clean()


def test_a_full_disk_shows_the_report_in_ascii(aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """What doesn't fit isn't left by half, and a screen of ASCII shows any character."""

    def fsync(file: int) -> None:
        if os.fstat(file).st_size > 4096:  # it has room for the journal
            raise OSError(28, "No space left on device")

    denied, screen = (
        AwsError("AccessDeniedException", "L\u00e4uft nicht \u2026"),
        io.TextIOWrapper(io.BytesIO(), "ascii"),
    )
    aws.service.faults.before = lambda _, given: denied if "Sid1" in str(given) else None
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setattr(verify.signal, "signal", lambda *_: None)
    how = {"client": aws.client, "clock": aws.clock, "journals": aws.journals}
    assert verify.run_as_program(arguments=["--yes", "--output", str(aws.output)], **how) == 0
    told = screen.buffer.getvalue().decode()
    shown = json.JSONDecoder().raw_decode(told[told.index('{"answered_by"') :])[0]["facts"]
    assert {each["fact"]: each["said"] for each in shown}["sid"] == f"{denied.code}: L\u00e4uft nicht \u2026"
    assert "Not known: AccessDeniedException: L\\xe4uft nicht \\u2026" in told
    assert not aws.output.exists()
    aws.assert_clean()


def test_the_command_writes_where_the_user_is(tmp_path: Path) -> None:
    """A relative --output is relative to the user's folder, not to the checkout."""
    command = tmp_path / "verify"
    command.write_bytes((REPOSITORY / "scripts" / "verify").read_bytes())
    # As the set-up does, it goes to the checkout; the command is shown instead of run.
    (tmp_path / "_setup.sh").write_text('cd "${root:=/}"; set_up() { :; }; exec() { echo "$PWD" "$@"; }\n')
    done = subprocess.run(["bash", command, "--output", "a.json"], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == f"{tmp_path} python //scripts/_verify.py --output a.json\n", done.stderr
