"""The command line of ./scripts/deploy, which reads it before it installs anything: the standard library is enough."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

# The rules of the functions need no package either.
sys.path.append(str(Path(__file__).resolve().parents[1] / "lambda"))
from rekognition.arns import Project

CONTEXT = {"trusted_account": "111122223333", "project_arn": ""}
"""What the application may be told, with its defaults; without a project's ARN it creates a project."""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; exit with 2 if it is wrong."""
    # scripts/deploy, which answers --help, describes them.
    parser = argparse.ArgumentParser(prog="./scripts/deploy", add_help=False)
    parser.add_argument("-c", "--context", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--destroy", action="store_true")
    parser.add_argument("--both-accounts", action="store_true")
    options = parser.parse_args(arguments)
    context = {}
    for given in options.context:
        key, _, value = given.partition("=")
        if key not in CONTEXT:
            parser.error(f'unknown key "{key}"; the application takes {" and ".join(CONTEXT)}')
        if not value:
            parser.error(f'"-c {given}" has no value. Specify {key}=VALUE')
        context[key] = value
    if context and options.destroy:
        parser.error("-c says what to deploy; --destroy deletes what is deployed, so leave it out")
    if context and options.both_accounts:
        parser.error("--both-accounts deploys another application, which takes no -c, so leave it out")
    options.context = CONTEXT | context
    account, project_arn = options.context["trusted_account"], options.context["project_arn"]
    if not re.fullmatch("[0-9]{12}", account):
        parser.error(f'trusted_account "{account}" is not an account ID. Specify its 12 digits')
    if project_arn:
        try:
            Project.parse(project_arn, given_as="project_arn")
        except ValueError as wrong:
            parser.error(str(wrong))
    return options


if __name__ == "__main__":
    parse(sys.argv[1:])
