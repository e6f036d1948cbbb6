"""Asks the real Rekognition what the local cloud assumes; `./scripts/verify --help` says how."""

from __future__ import annotations

import argparse
import json
import re
import secrets
import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import boto3
from _questions import ASSUMED, GROUPS, Group, document
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from localcloud.rekognition.models import CUSTOM_LABELS_REGIONS

PAUSE = 0.25  # the quotas are five calls a second
THROTTLED = ("ThrottlingException", "ProvisionedThroughputExceededException")


class VerifyError(Exception):
    """Nothing could be asked, or nothing was seen; the message says why."""


# A response that isn't as assumed is no reason to lose the other answers.
Problem = (BotoCoreError, ClientError, LookupError, ValueError, VerifyError)


class Trial:
    """A project of its own, in which the questions are asked, and their answers."""

    def __init__(self, client: Any, account: str, options: argparse.Namespace, clock: Clock) -> None:  # noqa: ANN401
        self.name = f"rekognition-verify-{secrets.token_hex(6)}"
        self.account, self.region = account, client.meta.region_name
        self.project, self.may_exist = "", False
        self.key = options.kms_key
        self.output = {"S3Bucket": options.bucket, "S3KeyPrefix": self.name}
        self.now, self.sleep = clock
        self.changed_at = 0.0
        """When the last change was asked for."""
        self.answers: dict[str, tuple[Any, str]] = {}
        """What was found, and the service's words for it, by the question's name."""
        self._client, self._source = client, options.model_version
        self._policies: set[str] = set()
        self._said = ""

    def call(self, operation: str, *, paced: bool = True, **parameters: Any) -> Any:  # noqa: ANN401 - any JSON
        """Call an operation after a pause, and again where it was throttled."""
        for _ in range(20 if paced else 1):
            self.sleep(PAUSE if paced else 0)
            try:
                return getattr(self._client, operation)(**parameters)
            except ClientError as error:
                if _code(error) not in THROTTLED or not paced:
                    raise
                self.sleep(1)
        raise VerifyError(f"{operation} was throttled 20 times.")

    def change(self, operation: str, **parameters: Any) -> Any:  # noqa: ANN401 - any JSON
        """Call an operation whose effect may be watched."""
        response = self.call(operation, **parameters)
        self.changed_at = self.now()
        return response

    def code(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> str:  # noqa: ANN401
        """Return the code of the error that a call gets, an empty one without an error."""
        self._said = ""
        try:
            method(*arguments, **named)
        except ClientError as error:
            if _code(error) == "AccessDeniedException" or _may_have_worked(error):
                raise
            self._said = str(error)
            return _code(error)
        return ""

    def watch(self, shows: Callable[[], bool], every: float = 0.5, most: float = 60) -> float:
        """Return how many seconds after the last change something shows, 0 if it does at the first look."""
        looked = False
        while not _shown(shows):
            if self.now() > self.changed_at + most:
                raise VerifyError(f"Not seen within {most:.0f} seconds. {self._said}")
            self.sleep(every)
            looked = True
        return round(self.now() - self.changed_at, 1) if looked else 0

    def found(self, name: str, answer: Any, said: str = "") -> None:  # noqa: ANN401 - any JSON
        """Keep an answer, with the service's words for it: if none are given, those of the last error."""
        self.answers[name] = (answer, said or self._said)
        self._said = ""

    def put(self, name: str, **more: str) -> str:
        """Put a policy, and return its revision."""
        self._policies.add(name)
        parameters = {"PolicyDocument": document(self.account), **more}
        response = self.change("put_project_policy", ProjectArn=self.project, PolicyName=name, **parameters)
        return str(response["PolicyRevisionId"])

    def delete(self, name: str) -> None:
        """Delete a policy."""
        self.call("delete_project_policy", ProjectArn=self.project, PolicyName=name)

    def list(self, *, paced: bool = True) -> Any:  # noqa: ANN401 - any JSON
        """List the policies."""
        return self.call("list_project_policies", paced=paced, ProjectArn=self.project)

    def clear(self) -> None:
        """Delete what was put."""
        for name in sorted(self._policies):
            self.code(self.delete, name)
        self._policies.clear()

    def copy(self, name: str) -> str:
        """Begin to copy the model version, and return the copy's ARN."""
        names = [self._source.split("/")[1]]
        (source,) = self.call("describe_projects", ProjectNames=names)["ProjectDescriptions"]
        response = self.change(
            "copy_project_version",
            SourceProjectArn=source["ProjectArn"],
            SourceProjectVersionArn=self._source,
            DestinationProjectArn=self.project,
            VersionName=name,
            OutputConfig=self.output,
            Tags={"verify": "1"},
            **({"KmsKeyId": self.key} if self.key else {}),
        )
        return str(response["ProjectVersionArn"])

    def versions(self, **which: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        """Return the descriptions of the project's model versions by their ARNs."""
        listed = self.call("describe_project_versions", ProjectArn=self.project, **which)["ProjectVersionDescriptions"]
        return {each["ProjectVersionArn"]: each for each in listed}

    def ask(self, groups: Sequence[Group]) -> None:
        """Create the project, and ask; what gets no answer has the reason instead."""
        self.may_exist = True
        try:
            self.project = self.change("create_project", ProjectName=self.name)["ProjectArn"]
        except ClientError as error:
            self.may_exist = _may_have_worked(error)
            raise
        self.watch(lambda: [each["Status"] for each in self._projects()] == ["CREATED"])
        for group in groups:
            print(".", end="", flush=True)
            self._said = ""
            try:
                self.clear()
                group.ask(self)
            except Problem as problem:
                self.answers = {name: (None, str(problem)) for name in group.questions} | self.answers

    def clean_up(self) -> None:
        """Delete the project with all that is in it, whether or not its creation had a response."""
        if self.may_exist:
            self.sleep(0 if self.project else 2)
            self.changed_at = self.now()
            self.watch(self._is_gone, every=5, most=7200 if self._source else 120)

    def _is_gone(self) -> bool:
        # What is being copied can't be deleted yet, and neither can its project.
        for project in self._projects():
            self.project = project["ProjectArn"]
            for arn in self.versions():
                self.code(self.call, "delete_project_version", ProjectVersionArn=arn)
            self.code(self.call, "delete_project", ProjectArn=self.project)
        return not self._projects()

    def _projects(self) -> Sequence[Any]:
        listed = self.call("describe_projects", ProjectNames=[self.name])["ProjectDescriptions"]
        return [each for each in listed if each["Status"] != "DELETING"]


Clock = tuple[Callable[[], float], Callable[[float], None]]
"""What returns the time, and what waits."""


def main(
    arguments: Sequence[str] | None = None,
    client: Callable[..., Any] = boto3.client,
    clock: Clock = (time.time, time.sleep),
) -> int:
    """Ask what the command line says; return the exit code: 0, 1 for a failure, 130 where it was interrupted."""
    options = _parse(arguments)
    try:
        trial = _announced(options, client, clock)
        if not options.yes and input("Continue? [y/N] ").strip().lower() not in ("y", "yes"):
            raise VerifyError("")
    except (EOFError, KeyboardInterrupt, *Problem) as problem:
        print(f"Nothing was created. {problem}", file=sys.stderr)
        return 1
    code = 0
    try:
        given = {"": True, "--throttle": options.throttle, "--model-version": options.model_version}
        trial.ask([group for group in GROUPS if given[group.needs]])
    except KeyboardInterrupt:
        code = 130
        print("\nInterrupted. Deleting what was created …", file=sys.stderr)
    except Problem as problem:
        code = 1
        elsewhere = "" if trial.region in CUSTOM_LABELS_REGIONS else " Rekognition Custom Labels isn't there."
        print(f"\nNo project in {trial.region} could be used.{elsewhere} {problem}", file=sys.stderr)
    finally:
        code = _clean_up(trial) or code
    if trial.answers:
        _report(trial, options)
    return code


def _clean_up(trial: Trial) -> int:
    try:
        trial.clean_up()
    except (KeyboardInterrupt, *Problem) as problem:
        print(f"\nLeft in {trial.region}: perhaps the project {trial.name}. {problem}", file=sys.stderr)
        print("Delete what `aws rekognition describe-projects` shows of that name.", file=sys.stderr)
        return 1
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./scripts/verify", add_help=False)
    for name in ("model-version", "bucket", "kms-key"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--output", type=Path, default=Path("verification.json"))
    parser.add_argument("--throttle", action="store_true")
    parser.add_argument("--yes", action="store_true")
    options = parser.parse_args(arguments)
    if bool(options.model_version) != bool(options.bucket) or (options.kms_key and not options.bucket):
        parser.error("--model-version and --bucket need each other, and --kms-key needs both")
    if not options.output.absolute().parent.is_dir():
        parser.error(f"{options.output.parent} isn't a folder")
    return options


def _announced(options: argparse.Namespace, client: Callable[..., Any], clock: Clock) -> Trial:
    """Find out where to ask, and say what is going to be done there."""
    # A call that boto3 repeats could meet what it has done itself.
    rekognition, sts = (
        client(service, config=Config(retries={"total_max_attempts": 1})) for service in ("rekognition", "sts")
    )
    trial = Trial(rekognition, sts.get_caller_identity()["Account"], options, clock)
    print(f"Account {trial.account}, Region {trial.region}. This creates the project {trial.name} and policies of it,")
    print("which cost nothing and share nothing, because it is empty, and deletes it. It changes nothing else.")
    if options.throttle:
        print("For ten seconds others who call ListProjectPolicies there may be throttled.")
    if options.model_version:
        if f":{trial.region}:{trial.account}:project/" not in options.model_version:
            raise VerifyError(f"{options.model_version} isn't of this account and Region.")
        print(f"It copies {options.model_version} twice, for which AWS publishes no price, and deletes the copies.")
        print(f"What Rekognition writes to s3://{options.bucket}/{trial.name} stays, and S3 charges for it.")
    if options.kms_key:
        print(f"Rekognition creates grants on the key {options.kms_key}, which may stay.")
    return trial


def _shown(shows: Callable[[], bool]) -> bool:
    try:
        return shows()
    except VerifyError:
        return False
    except ClientError as error:
        if _code(error) == "ResourceNotFoundException" or _may_have_worked(error):
            return False
        raise


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def _may_have_worked(error: ClientError) -> bool:
    """Return whether the service failed inside, which says nothing about what was asked."""
    return error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500 and _code(error) not in THROTTLED


def _report(trial: Trial, options: argparse.Namespace) -> None:
    """Print the answers, and write them without account IDs."""
    facts = []
    print(f"\n  {'':<31}{'the local cloud':<34}here")
    for name in (name for group in GROUPS for name in group.questions):
        answer, said = trial.answers.get(name, (None, ""))
        assumed, here = (str(each).removesuffix(".0") for each in (ASSUMED[name], answer))
        mark = "  " if answer in (None, ASSUMED[name]) else "! "
        print(f"{mark}{name:<31}{assumed:<34}{'not known' if answer is None else here}")
        facts.append({"fact": name, "assumed": assumed, "found": answer, "differs": mark == "! ", "said": said})
    when = datetime.now(timezone.utc).date().isoformat()
    report = {"date": when, "region": trial.region, "boto3": boto3.__version__, "facts": facts}
    options.output.write_text(_masked(json.dumps(report, indent=2), options) + "\n")
    print(f"\nWritten to {options.output}, without account IDs. Please attach it to an issue of this project.")


def _masked(text: str, options: argparse.Namespace) -> str:
    """Return what the service said without names of this account."""
    for given in filter(None, (options.model_version, options.bucket, options.kms_key)):
        text = text.replace(given, "…")
    text = re.sub(r"arn:[\w-]+:(iam|sts)::\d{12}:(user|role|assumed-role|federated-user)/[^\s\"\\]+", "ARN", text)
    return re.sub(r"\d{12,}", "…", text)


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    sys.exit(main())
