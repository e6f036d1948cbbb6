"""The repository's rooms: what would break imports, or put into the wheel what does not belong there."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import cdk_rekognition_project_policy
import constructs

ROOT = Path(__file__).parents[2]


def test_constructs_is_the_package_from_pypi() -> None:
    """The folder of that name is a source root: with an __init__.py it would hide the package the CDK is built on."""
    assert not (ROOT / "constructs" / "__init__.py").exists()
    assert constructs.__file__ is not None
    assert "site-packages" in constructs.__file__
    assert hasattr(constructs, "Construct")


def test_the_public_names_are_the_intended_ones() -> None:
    """Nothing else is promised to users."""
    intended = ["CopyProjectVersionPolicy", "IProjectPolicyProvider", "ProjectPolicy", "ProjectPolicyProvider"]
    assert cdk_rekognition_project_policy.__all__ == intended
    public = {name for name in vars(cdk_rekognition_project_policy) if not name.startswith("_")}
    assert public == set(intended)


def test_arrows_point_one_way() -> None:
    """The handler knows neither crhelper nor the construct, the local cloud knows neither, the construct no handler."""
    forbidden = {
        "lambda/project_policy": {"crhelper", "boto3", "aws_cdk", "cdk_rekognition_project_policy", "localcloud"},
        "localcloud": {"project_policy", "index", "custom_resource", "cdk_rekognition_project_policy", "crhelper"},
        "constructs": {"index", "custom_resource", "crhelper", "boto3", "localcloud"},
    }
    for folder, names in forbidden.items():
        for source in (ROOT / folder).rglob("*.py"):
            assert not imported(source) & names, source


def imported(source: Path) -> set[str]:
    """Return the top-level names that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def test_document_rules_need_nothing_but_the_standard_library() -> None:
    """Synthesis loads them where neither boto3 nor crhelper need be importable."""
    for name in ("document", "identity", "errors", "request", "timing"):
        names = imported(ROOT / "lambda" / "project_policy" / f"{name}.py")
        assert names <= sys.stdlib_module_names, name
