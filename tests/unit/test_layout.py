"""The repository's modules: their imports, and the public names."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import cdk_rekognition_project_policy

ROOT = Path(__file__).parents[2]


def test_the_public_names_are_the_intended_ones() -> None:
    """Nothing else is promised to users."""
    intended = [
        *("CopyProjectVersionPolicy", "IProvider", "ProjectPolicy", "ProjectPolicyProvider"),
        *("ProjectVersionCopy", "ProjectVersionCopyProvider"),
    ]
    assert cdk_rekognition_project_policy.__all__ == intended
    public = {name for name in vars(cdk_rekognition_project_policy) if not name.startswith("_")}
    assert public == set(intended)


ENTRIES = {"copies", "index"}
RESOURCES = {"project_policy", "project_version_copy"}
SHARED = {"custom_resource", "rekognition"}


def test_imports_point_one_way() -> None:
    """An entry imports resources, a resource the shared packages, and these neither one another nor a resource."""
    outside = {"cdk_rekognition_project_policy", "aws_cdk", "localcloud"}
    forbidden = {
        "lambda/custom_resource": {"boto3", "botocore", "rekognition", *RESOURCES, *ENTRIES, *outside},
        "lambda/rekognition": {"crhelper", "custom_resource", *RESOURCES, *ENTRIES, *outside},
        **{f"lambda/{name}": {"crhelper", *(RESOURCES - {name}), *ENTRIES, *outside} for name in RESOURCES},
        "localcloud": {"cdk_rekognition_project_policy", "crhelper", "custom_resource", *RESOURCES, *ENTRIES},
        "constructs": {"boto3", "crhelper", "localcloud", *ENTRIES},
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


def test_what_the_construct_shares_needs_nothing_but_the_standard_library() -> None:
    """Synthesis loads these modules where neither boto3 nor crhelper need be importable."""
    shared = [
        *("custom_resource/errors", "custom_resource/properties", "custom_resource/timeouts"),
        "rekognition/arns",
        *(f"project_policy/{name}" for name in ("document", "document_rules", "identity", "properties")),
        *("project_version_copy/identity", "project_version_copy/properties"),
    ]
    for name in shared:
        names = imported(ROOT / "lambda" / f"{name}.py") - SHARED
        assert names <= sys.stdlib_module_names, name


def test_loading_the_handlers_rules_leaves_nothing_behind() -> None:
    """An app may have packages of the same names: the construct neither hides them nor is given them."""
    script = (
        "import sys, types; own = sys.modules['rekognition'] = types.ModuleType('rekognition'); path = [*sys.path]\n"
        "import cdk_rekognition_project_policy\n"
        "assert sys.modules['rekognition'] is own and sys.path == path\n"
        "assert not {'project_policy', 'custom_resource', 'rekognition.arns'} & {*sys.modules}\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
