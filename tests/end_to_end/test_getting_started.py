"""The page 'Getting started': its own blocks, run in order in two accounts, print what the page says they print."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from localcloud.cloud import LocalCloud
from tests.account import Account
from tests.end_to_end.conftest import CLI, QUIET, bare_environment, run
from tests.packaging import ROOT

PAGE = (ROOT / "docs" / "getting-started.md").read_text()
TRUSTING, TRUSTED = "151515151515", "161616161616"
"""In place of the page's accounts: nobody else's, so that nothing of these tests is in another's way."""

ACCOUNTS = {"123456789012": TRUSTING, "111122223333": TRUSTED}
NUMBERS = {"PROJECT_ARN": "1690474772815", "VERSION_ARN": "1690475000000"}
"""What the page's ARNs end in, by the variable that has the real one."""

BLOCK = re.compile(r"(?:^Save this as `(?P<file>[^`]+)`[^\n]*\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```", re.M | re.S)
DONE_ALREADY = "pip install"
"""The one block that does not run: the fixture ``installed`` has done what it says, but for boto3."""

WITH_BOTO3 = ("python3 PATH_TO_THE_CHECKOUT", f"'{sys.executable}' '{ROOT}'")
"""What runs in place of the reader's Python where that needs boto3."""


NPX = """#!/bin/sh
# npx, with the CLI that is installed here, and a reader who says yes.
[ "$1" = aws-cdk@2.1148.1 ] || exit 1
command=$2
shift 2
case $command in deploy) set -- "$@" --require-approval never ;; destroy) set -- "$@" --force ;; esac
exec {cli} "$command" "$@" --no-notices --no-color --ci
"""


@dataclass(frozen=True)
class Block:
    """A block of the page."""

    kind: str
    """What follows the fence: shell to run, python to save, or text that the last command before prints."""
    text: str
    file: str | None = None


def blocks() -> list[Block]:
    """Return the page's blocks, for the accounts of this test."""
    page = PAGE
    for on_page, here in ACCOUNTS.items():
        page = page.replace(on_page, here)
    return [Block(found["kind"], found["text"], found["file"]) for found in BLOCK.finditer(page)]


@dataclass(frozen=True)
class Reader:
    """A reader with a shell in an empty folder, who does what the page says."""

    folder: Path
    environment: dict[str, str]

    def run(self, block: str) -> str:
        """Run a block as the next lines of one shell; return what it printed."""
        shell = f"set -euo pipefail -a; . ../variables; trap 'export -p > ../variables' EXIT\n{block}"
        return run("bash", "-c", shell, cwd=self.folder, environment=self.environment)

    def save(self, file: str, text: str) -> None:
        """Save a file, with the numbers of the real ARNs in place of the page's."""
        for variable, number in NUMBERS.items():
            text = text.replace(number, self.run(f'printf %s "${variable}"').rpartition("/")[2])
        (self.folder / file).write_text(text)


@pytest.fixture
def reader(local_cloud: LocalCloud, installed: Path, tmp_path: Path) -> Reader:
    """A reader who has the two profiles, and the construct, the AWS CLI and the CDK CLI installed."""
    (tmp_path / "variables").touch()
    profiles = [
        f"[profile {name}]\naws_access_key_id = {account}\naws_secret_access_key = local\nregion = us-east-1\n"
        for name, account in (("trusting", TRUSTING), ("trusted", TRUSTED))
    ]
    (tmp_path / "config").write_text("\n".join(profiles))
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "aws").symlink_to(Path(sys.executable).with_name("aws"))
    (tools / "npx").write_text(NPX.format(cli=CLI))
    (tools / "npx").chmod(0o755)
    folder, bare = tmp_path / "reader", bare_environment(tmp_path) | QUIET
    folder.mkdir()
    (folder / "image.jpg").write_bytes(b"an image")
    of_profiles = re.compile("AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|REGION|DEFAULT_REGION)")
    cloud = {name: value for name, value in local_cloud.environment().items() if not of_profiles.fullmatch(name)}
    path = os.pathsep.join([str(tools), str(installed.parent), bare["PATH"]])
    return Reader(folder, bare | cloud | {"AWS_CONFIG_FILE": str(tmp_path / "config"), "PATH": path})


def masked(text: str) -> str:
    """Return a text without what no two runs have in common: revisions and time stamps."""
    return re.sub(r"\b\d{13}\b", "TIME", re.sub(r"\b[0-9a-f]{32}\b", "REVISION", text))


@pytest.mark.full  # README's app, which is smaller, is deployed each time
def test_the_page_does_what_it_says(reader: Reader, local_cloud: LocalCloud) -> None:
    """From a new project to a copied model and back to nothing, in the page's own words."""
    printed = ""
    for block in blocks():
        if block.file is not None:
            reader.save(block.file, block.text)
        elif block.kind == "text":
            assert masked(printed).strip().endswith(masked(block.text).strip())
        elif DONE_ALREADY not in block.text:
            assert block.kind == "shell", block.text
            printed = reader.run(block.text.replace(*WITH_BOTO3))
            assert "detect-custom-labels" not in block.text or '"CustomLabels": []' in printed
    for id_ in ACCOUNTS.values():
        account = Account(local_cloud, id_)
        assert account.projects() == {}
        stacks = account.client("cloudformation").describe_stacks()["Stacks"]
        assert [stack["StackName"] for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"] == ["CDKToolkit"]
