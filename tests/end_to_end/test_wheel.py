"""The built wheel: alone, in another folder, it does what the checkout does."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
import tarfile
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

import cdk_rekognition_project_policy
from tests.end_to_end.conftest import QUIET, bare_environment, run, tracked
from tests.packaging import ROOT

LAMBDA = ROOT / "lambda"
EXAMPLE = ROOT / "examples" / "trusting-account"


def test_holds_the_construct_and_the_handler_and_nothing_else(wheel: Path) -> None:
    """Typed, licensed, byte for byte what the checkout has, and of its version; no tests, local cloud or caches."""
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    package = ROOT / "constructs" / "cdk_rekognition_project_policy"
    construct = {path.name: path.read_bytes() for path in package.iterdir() if path.is_file()}
    handler = {f"_lambda/{path.relative_to(LAMBDA).as_posix()}": path.read_bytes() for path in LAMBDA.rglob("*.py")}
    papers = [name for name in files if name.split("/")[0].endswith(".dist-info")]
    assert any(name.endswith("/licenses/LICENSE") for name in papers)
    for name in papers:
        del files[name]
    assert files == {f"{package.name}/{name}": content for name, content in (construct | handler).items()}
    assert "cdk_rekognition_project_policy/py.typed" in files
    assert wheel.name.split("-")[1] == cdk_rekognition_project_policy.__version__


def test_pins_what_the_asset_is_made_of(wheel: Path) -> None:
    """The version of crhelper is exact, so that the asset's hash depends on nothing of the user's; the CDK is not."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA"))
    required = re.findall(r"^Requires-Dist: (.*)$", metadata, re.MULTILINE)
    assert [each for each in required if "==" in each] == [f"crhelper=={version('crhelper')}"]
    assert {re.split(r"[<>=]", each)[0] for each in required} == {"aws-cdk-lib", "constructs", "crhelper"}


def test_the_sdist_holds_what_the_wheel_is_built_from_and_nothing_else(dist: Path) -> None:
    """The construct, the handler, and the papers; neither tests nor tools."""
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    papers = {"hatch_build.py", "README.md", "CHANGELOG.md", "LICENSE", "PKG-INFO", "pyproject.toml", ".gitignore"}
    assert names == {*tracked("constructs", "lambda")} | papers


@pytest.mark.full  # it builds everything once more
def test_the_same_sources_make_the_same_bytes(dist: Path, tmp_path: Path) -> None:
    """Built in another folder, later, with other modes and something left lying about, everything is the same."""
    copy, again = tmp_path / "copy", tmp_path / "again"
    ignore = shutil.ignore_patterns(".*", "node_modules", "dist", "__pycache__")
    shutil.copytree(ROOT, copy, ignore=ignore, copy_function=shutil.copyfile)
    (copy / "lambda" / "index.py.swp").write_text("left behind")
    (copy / "lambda" / "notes.txt").write_text("left behind")
    shutil.copy(ROOT / ".gitignore", copy)
    environment = bare_environment(tmp_path) | QUIET | {"PYTHONPATH": str(copy / "constructs")}
    run(sys.executable, copy / "scripts" / "_package.py", "--output", again, cwd=tmp_path, environment=environment)
    made = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in again.iterdir()}
    assert made == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in dist.iterdir()}


def test_types_reach_a_users_strict_mypy(installed: Path, tmp_path: Path) -> None:
    """A user's mypy finds the types, and wrong arguments, before anything runs."""
    more = """
from cdk_rekognition_project_policy import IProvider, ProjectPolicyProvider, ProjectVersionCopy
stack = Stack(app, "More")
policy = ProjectPolicy(stack, "Sharing", project="")
policy.grant_copy(iam.AccountPrincipal("111122223333"), versions=7)
reveal_type(policy.policy_name)
provider: IProvider = ProjectPolicyProvider(stack, "Provider", memory_size="large")
ProjectPolicy(stack, "Another", project="", provider="provider")
ProjectVersionCopy(stack, "NoCopy", source_project="", source_version_arn="", destination_project="")
"""
    (tmp_path / "app.py").write_text((EXAMPLE / "app.py").read_text() + more)
    # Reading the whole CDK would take a minute and say nothing about these types.
    (tmp_path / "mypy.ini").write_text(
        "[mypy]\nstrict = true\ndisallow_subclassing_any = false\n[mypy-aws_cdk.*]\nfollow_imports = skip\n"
    )
    said = run(sys.executable, "-m", "mypy", "--python-executable", installed, "app.py", cwd=tmp_path, fails=True)
    told = said.replace("builtins.str", "str")
    found = [line.split(": ", 2)[2] for line in told.splitlines()[:-1] if ": error: " in line or "Revealed" in line]
    assert [re.split(r";|  \[| matches argument", line)[0] for line in found] == [
        'Argument "versions" to "grant_copy" of "ProjectPolicy" has incompatible type "int"',
        'Revealed type is "str"',
        'Argument "memory_size" to "ProjectPolicyProvider" has incompatible type "str"',
        'Argument "provider" to "ProjectPolicy" has incompatible type "str"',
        'Missing named argument "output_bucket" for "ProjectVersionCopy"',
    ]
