"""Every template that users meet: synthesized from the apps, packaged, or written by hand."""

from __future__ import annotations

import runpy
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from aws_cdk import App

from tests.packaging import ROOT
from tests.templates.apps import APPS

WRITTEN = sorted((ROOT / "examples").glob("**/*.yaml"))


@pytest.fixture(scope="session")
def apps() -> Iterator[dict[str, App]]:
    """Each app, after its synthesis into a folder that the CDK chose."""
    made: dict[str, App] = {name: runpy.run_path(str(path))["app"] for name, path in APPS.items()}
    yield made
    for app in made.values():
        shutil.rmtree(app.outdir)


@pytest.fixture(scope="session")
def templates(apps: dict[str, App], dist: Path) -> list[Path]:
    """The paths of all templates."""
    synthesized = [path for app in apps.values() for path in sorted(Path(app.outdir).glob("*.template.json"))]
    packaged = sorted(dist.glob("*.yaml"))
    return [*synthesized, *packaged, *WRITTEN]
