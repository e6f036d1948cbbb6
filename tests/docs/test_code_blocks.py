"""The code in the pages: apps synthesize, templates pass the linter, commands are commands that there are."""

from __future__ import annotations

import ast
import json
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aws_cdk import App
from awscli.clidriver import create_clidriver
from cfnlint.decode import cfn_yaml

from tests.docs.conftest import Block, blocks
from tests.packaging import ROOT

FRAME = """
from aws_cdk import App, CfnOutput, Duration, Environment, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rekognition as rekognition
from aws_cdk import aws_s3 as s3
from cdk_rekognition_project_policy import CopyProjectVersionPolicy, ProjectPolicy, ProjectPolicyProvider
from cdk_rekognition_project_policy import ProjectVersionCopy, ProjectVersionCopyProvider

app = App()
stack = self = Stack(app, "Part")
project_arn = "arn:aws:rekognition:us-east-1:123456789012:project/logos/1690474772815"
version_arn = "arn:aws:rekognition:us-east-1:123456789012:project/logos/version/v1/1690475000000"
project = rekognition.CfnProject(stack, "FrameProject", project_name="copies")
provider = ProjectPolicyProvider(stack, "FrameProvider")
policy = ProjectPolicy(stack, "FramePolicy", project=project_arn, provider=provider)
policy.grant_copy(iam.AccountPrincipal("111122223333"))
bucket = s3.Bucket(stack, "FrameBucket")
role = iam.Role(stack, "FrameRole", assumed_by=iam.AccountRootPrincipal())
"""
"""What a block that is a part of an app may use."""

OTHERS = {
    *(".", "cd", "cp", "diff", "echo", "eval", "export", "for", "do", "done", "grep", "if", "then", "fi", "mkdir"),
    *("sha256sum", "sleep", "test", "unset"),
    *("aws", "cdk", "git", "npm", "npx", "pip", "python", "python3", "sam", "zip", "unzip"),
}
"""Commands that every reader has, or has installed by then."""

OF_THE_CLI_ITSELF = {("cloudformation", "deploy"), ("cloudformation", "package"), ("s3", "cp"), ("s3", "rm")}
"""Commands that can't be asked for a skeleton in place of being run."""

FUNCTION = re.compile(r"^(\w+)\(\) \{.*\}$", re.MULTILINE)
WHOLE = re.compile(r"\bApp\(")

ids = str


@pytest.mark.parametrize("block", blocks("python"), ids=ids)
def test_python_runs(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An app synthesizes as it stands, and a part of one does in an app; what is no app is valid Python."""
    if "aws_cdk" not in block.text and "boto3" in block.text:
        ast.parse(block.text)
        return
    code = block.text if WHOLE.search(block.text) else f"{FRAME}\n{block.text}\napp.synth()\n"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "block.py").write_text(code)
    apps = [each for each in runpy.run_path("block.py").values() if isinstance(each, App)]
    assert apps, "it makes an app, but keeps none"
    for app in apps:
        assert list(Path(app.outdir).rglob("*.template.json"))
        shutil.rmtree(app.outdir)


@pytest.mark.parametrize("block", blocks("json", "yaml"), ids=ids)
def test_data_is_what_it_says(block: Block) -> None:
    """A block of JSON or YAML can be copied as it stands."""
    assert json.loads(block.text) if block.language == "json" else cfn_yaml.loads(block.text)


def test_templates_pass_the_linter(tmp_path: Path) -> None:
    """CloudFormation's own linter has neither error nor warning for a block with resources."""
    templates = [
        block for block in blocks("json", "yaml") if re.search(r'^(Resources|  "Resources"):', block.text, re.MULTILINE)
    ]
    assert templates
    for number, block in enumerate(templates):
        (tmp_path / f"{block.page.stem}-{block.line}-{number}.{block.language}").write_text(block.text)
    linter = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([linter, *sorted(tmp_path.iterdir())], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def commands(text: str) -> list[list[str]]:
    """Return the words of each command of a shell block, those within ``$(...)`` included."""
    found = []
    text = FUNCTION.sub("", text)
    text = re.sub(r"\\\n\s*", " ", text)
    text = re.sub(r"<<\s*'?(\w+)'?\n.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    inner = re.findall(r"\$\(([^()]*)\)", text)
    for line in [*inner, *re.sub(r"\$\([^()]*\)", "VALUE", text).splitlines()]:
        words: list[str] = []
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;")
        lexer.whitespace_split = True
        for word in [*lexer, ";"]:
            if set(word) <= set("|&;"):
                while words and re.fullmatch(r"\w+=.*", words[0], re.DOTALL):
                    del words[0]
                found += [words] if words else []
                words = []
            else:
                words.append(word)
    return found


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[list[str]], int]]:
    """The AWS CLI, with the pages' profiles."""
    config = tmp_path_factory.mktemp("aws") / "config"
    config.write_text("[profile trusting]\n[profile trusted]\n")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_CONFIG_FILE", str(config))
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield create_clidriver().main


@pytest.mark.parametrize("block", blocks("shell"), ids=ids)
def test_commands_are_there(
    block: Block, aws: Callable[[list[str]], int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each command is one of this repository's, or one that every reader has; the AWS CLI takes its options."""
    monkeypatch.chdir(block.page.parent)  # where a command's files are
    own = FUNCTION.findall(block.text)
    for command, *arguments in commands(block.text):
        if command in own:
            continue
        if "/" in command:
            path = ROOT / command if command.startswith("./scripts/") else block.page.parent / command
            assert path.is_file(), command
            assert path.stat().st_mode & 0o100, command
        else:
            assert command in OTHERS, command
        if command == "aws" and tuple(arguments[:2]) not in OF_THE_CLI_ITSELF:
            given = [f"fileb://{__file__}" if word.startswith("fileb://") else word for word in arguments]
            assert aws([*given, "--generate-cli-skeleton", "input"]) == 0, capsys.readouterr().err
