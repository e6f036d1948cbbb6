"""Asks the real Rekognition what the local cloud assumes; `./scripts/verify --help` says how."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
from _account import PROBLEMS, Calls, Clock, Journal, NotKnownError, answered_by, interrupts, reason
from _facts import ROOT, Answer, as_json, as_text, report
from _questions import Trial
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from localcloud.rekognition.models import CUSTOM_LABELS_REGIONS

# A call that boto3 repeats could meet what it has done itself.
CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 1})
HOW_TO_CLEAN_UP = "./scripts/verify --clean-up, with this account's credentials, deletes what has an ARN here."


def main(
    arguments: Sequence[str] | None = None,
    client: Callable[..., Any] = boto3.client,
    clock: Clock = Clock(),  # noqa: B008 - it has no state
    journals: Path = ROOT / ".verify",
) -> int:
    """Ask what the command line says; return the exit code: 0, 1 for a failure, 130 after an interrupt."""
    options = _parse(arguments)
    try:
        rekognition, sts = (client(service, config=CONFIG) for service in ("rekognition", "sts"))
        calls = Calls(rekognition, clock)
        account = str(Calls(sts, clock).once("GetCallerIdentity")["Account"])
        about = rekognition.meta
        place = {"account": account, "region": about.region_name, "endpoint": about.endpoint_url}
        is_clean = _offer_to_clean_up(journals, calls, place, options)
        if options.clean_up:
            return 0 if is_clean else 1
        name = f"rekognition-verify-{secrets.token_hex(6)}"
        _announce(options, place, name)
        if not options.yes and not _agrees("Continue?"):
            raise NotKnownError("Without a terminal, --yes agrees.")
        journal = Journal(journals / f"{name}.jsonl")
        journal.note(place=place)
    except (KeyboardInterrupt, BotoCoreError, *PROBLEMS) as problem:
        _say(f"Nothing was created. {problem}", to=sys.stderr)
        return 1
    with interrupts(signal.SIG_BLOCK):
        return _ask(Trial(calls, journal, place["account"], name), journal, options)


def _ask(trial: Trial, journal: Journal, options: argparse.Namespace) -> int:
    """Ask, report, and delete what was created, each whatever became of the one before; return the exit code."""
    given = ["--throttle"] * options.throttle + ["--model-version"] * bool(options.model_version)
    given += ["--kms-key"] * bool(options.kms_key)
    trial.source, trial.key, trial.output["S3Bucket"] = options.model_version, options.kms_key, options.bucket
    answers: dict[str, Answer] = {}
    code, ended = 0, "complete"
    try:
        with interrupts(signal.SIG_UNBLOCK):
            trial.run(given, answers, lambda: _say(".", end=""))
    except KeyboardInterrupt:
        code, ended = 130, "interrupted"
    except PROBLEMS as problem:
        is_here = journal.place["region"] in CUSTOM_LABELS_REGIONS
        code, ended = 1, f"No project could be used. {'' if is_here else 'Custom Labels is not in this Region. '}"
        ended += reason(problem)
    finally:
        try:
            _say("", *([] if ended == "complete" else [f"Ended: {ended}"]))
            if answers:
                about = {"answered_by": answered_by(journal.place["endpoint"]), "region": journal.place["region"]}
                about |= {"options": " ".join(given), "ended": ended}
                names = [trial.name, options.bucket, *options.model_version.split("/")[1:-1:2], options.kms_key]
                names += [options.model_version, options.kms_key.rpartition("/")[2]]
                _publish(report(about, answers, trial.calls.lines(), names), options.output)
        finally:
            code = _clean_up(journal, trial.calls) or code
    return code


def _clean_up(journal: Journal, calls: Calls) -> int:
    """Delete what was created, and say what is left; return the exit code."""
    if journal.arns:
        _say("Deleting what was created. Ctrl-C ends that, and says what is left.")
    for early in signal.sigpending():  # it came when all was asked, and so it didn't mean this
        signal.sigwait({early})
    try:
        with interrupts(signal.SIG_UNBLOCK):
            journal.clean_up(calls)
    except KeyboardInterrupt:
        _say("Interrupted.", to=sys.stderr)
    left = journal.left()
    journal.close()
    if left:
        _say("", left, HOW_TO_CLEAN_UP, to=sys.stderr)
    return 1 if left else 0


def _offer_to_clean_up(folder: Path, calls: Calls, place: Mapping[str, str], options: argparse.Namespace) -> bool:
    """Name what earlier runs have left, and delete it if the user agrees; return whether nothing is left."""
    is_clean = True
    for path in sorted(folder.glob("*.jsonl")):
        try:
            journal = Journal(path)
        except BlockingIOError:  # its run isn't over
            continue
        if journal.place == place:
            journal.settle(calls)
        if left := journal.left():
            _say("An earlier run has left something.", left)
            is_asked = journal.place == place and not options.clean_up and not options.yes
            if (journal.place == place and options.clean_up) or (is_asked and _agrees("Delete what has an ARN here?")):
                is_clean = _clean_up(journal, calls) == 0 and is_clean
                continue
            _say(HOW_TO_CLEAN_UP, f"Its journal is {path}.")
            is_clean = False
        journal.close()
    if options.clean_up and is_clean:
        _say("Nothing is left of earlier runs.")
    return is_clean


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./scripts/verify", add_help=False)
    for name in ("model-version", "bucket", "kms-key"):
        parser.add_argument(f"--{name}", default="")
    for name in ("throttle", "yes", "clean-up"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args(arguments)
    if bool(options.model_version) != bool(options.bucket) or (options.kms_key and not options.bucket):
        parser.error("--model-version and --bucket need each other, and --kms-key needs both")
    names = (Path(f"verification{number}.json") for number in ("", *map("-{}".format, range(1, 1000))))
    options.output = options.output or next(name for name in names if not name.exists())
    if options.output.exists():
        parser.error(f"{options.output} exists. Specify another file")
    if not options.output.absolute().parent.is_dir():
        parser.error(f"{options.output.parent} isn't a folder")
    return options


def _announce(options: argparse.Namespace, place: Mapping[str, str], name: str) -> None:
    """Say what is going to be done, where, and what it costs."""
    account, region, source = place["account"], place["region"], options.model_version
    _say(
        answered_by(place["endpoint"]),
        f"Account {account}, Region {region}: this creates the project {name} and up to 20",
        "policies of it, and deletes them again. They cost nothing, and share nothing, because the project is empty.",
        "It changes nothing else, and takes about two minutes.",
    )
    if options.throttle:
        _say(
            "--throttle calls ListProjectPolicies ten times a second for 15 seconds; if that settles nothing, up to 40",
            "times a second for up to 30 seconds more. Others who call it there may be throttled as well meanwhile.",
        )
    if source:
        if f":{region}:{account}:project/" not in source or "/version/" not in source:
            raise NotKnownError(f"{source} isn't the ARN of a model version in this account and Region.")
        _say(
            f"It copies {source} at most twice, and deletes the copies, as long",
            "as that takes. AWS publishes no price for copying. The copies are never started.",
            f"What Rekognition writes to s3://{options.bucket}/{name} stays, and S3 charges for it.",
        )
    if options.kms_key:
        _say(f"Rekognition creates grants on the key {options.kms_key}, which may stay.")


def _agrees(question: str) -> bool:
    """Ask on a terminal; return whether the user agrees."""
    try:
        return bool(sys.stdin and sys.stdin.isatty()) and input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _say(*lines: str, to: Any = None, end: str = "\n") -> None:  # noqa: ANN401 - any stream
    """Print, if anybody still reads it."""
    stream = to or sys.stdout
    try:
        print(*lines, sep="\n", end=end, file=stream, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _publish(report: Any, path: Path) -> None:  # noqa: ANN401 - any JSON
    """Write the report to a new file, or, if that fails, to the screen; and show the answers."""
    text = as_json(report)
    try:
        with path.open("x", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        told = f"The report is in {path}."
    except OSError as problem:
        if not isinstance(problem, FileExistsError):
            with suppress(OSError):
                path.unlink()  # half of a report is none
        told = f"{text}\nThis is the report, because it couldn't be written: {problem}"
    _say(
        as_text(report),
        "",
        told,
        "It has no account IDs and no names. Please attach it to an issue of this project.",
        "",
    )


def run_as_program(**how: Any) -> int:  # noqa: ANN401 - as main has them
    """Handle signals and characters as a program does, then do what the command line says."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup has it
            signal.signal(number, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    return main(**how)


if __name__ == "__main__":
    sys.exit(run_as_program())
