"""`python -m localcloud`: the local cloud from the shell."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from localcloud.cloud import ACCOUNT, REGION, STATE, CloudError, LocalCloud
from localcloud.virtual_environment import SetupError

NOT_RUNNING = 3  # as `systemctl status` has it


class _Parser(argparse.ArgumentParser):
    """Prints a command that fails where the command line is wrong."""

    def error(self, message: str) -> NoReturn:
        """Print it, so that what follows `eval … &&` doesn't run with the user's own credentials."""
        print("false")
        super().error(message)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit code: 0, 1 for a failure, 2 for misuse, 3 when none runs."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except (CloudError, SetupError, ValueError) as problem:
        print(problem, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m localcloud", description="A loopback AWS for trying and testing.")
    parser.add_argument(
        "--state",
        type=Path,
        default=STATE,
        help="the folder of its state and log; each cloud has its own",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    start = commands.add_parser("start", help="start it, unless it runs already")
    start.set_defaults(command=_start)
    stop = commands.add_parser("stop", help="stop it, with everything it started")
    stop.set_defaults(command=_stop)
    status = commands.add_parser("status", help="say whether and where it runs")
    status.set_defaults(command=_status)
    env = commands.add_parser("env", help='print the environment for clients: eval "$(python -m localcloud env)"')
    env.add_argument(
        "--account", default=ACCOUNT, type=_account, help="the account to act as, 12 digits (default: %(default)s)"
    )
    env.add_argument("--region", default=REGION, help="the Region (default: %(default)s)")
    env.set_defaults(command=_env)
    switches = commands.add_parser("switches", help="show the switches of the local Rekognition, or set some")
    switches.add_argument("changes", nargs="*", metavar="NAME=VALUE", help="for example list_lag=2")
    switches.set_defaults(command=_switches)
    return parser


def _account(given: str) -> str:
    if not re.fullmatch("[0-9]{12}", given):
        raise argparse.ArgumentTypeError(f'"{given}" is not an account ID. Specify its 12 digits')
    return given


def _start(options: argparse.Namespace) -> int:
    if LocalCloud.attach(options.state) is not None:
        print("The local cloud was running already.")
    else:
        print("Starting the local cloud (the first time makes its virtual environment) …")
    _describe(LocalCloud.attach_or_start(options.state))
    return 0


def _stop(options: argparse.Namespace) -> int:
    cloud = LocalCloud.attach(options.state)
    if cloud is None:
        print("The local cloud is not running.")
    else:
        cloud.stop()
        print("The local cloud is stopped.")
    return 0


def _status(options: argparse.Namespace) -> int:
    cloud = LocalCloud.attach(options.state)
    if cloud is None:
        print("The local cloud is not running.")
        return NOT_RUNNING
    _describe(cloud)
    return 0


def _env(options: argparse.Namespace) -> int:
    try:
        additions = _attached(options).environment(options.account, options.region)
    except CloudError:
        print("false")  # so that what follows `eval … &&` doesn't run with the user's own credentials
        raise
    for name in sorted(os.environ):
        if name.startswith("AWS_") and name not in additions:
            print(f"unset {name}")
    for name, value in additions.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _switches(options: argparse.Namespace) -> int:
    changes = dict(change.partition("=")[::2] for change in options.changes)
    for name, value in _attached(options).set_switches(**changes).as_dict().items():
        print(f"{name}={value}")
    return 0


def _attached(options: argparse.Namespace) -> LocalCloud:
    cloud = LocalCloud.attach(options.state)
    if cloud is None:
        raise CloudError("The local cloud is not running; start it with: python -m localcloud start")
    return cloud


def _describe(cloud: LocalCloud) -> None:
    print(f"Everything but Rekognition: {cloud.endpoint_url}")
    print(f"Rekognition:                {cloud.rekognition_url}")
    print(f"Process {cloud.pid}; log: {cloud.log}")


if __name__ == "__main__":
    sys.exit(main())
