"""The apps whose templates the scanners read."""

from __future__ import annotations

from pathlib import Path

from tests.packaging import ROOT

APPS = {
    "app.py": ROOT / "app.py",
    "gallery": Path(__file__).with_name("gallery.py"),
    **{path.parent.name: path for path in sorted((ROOT / "examples").glob("*/app.py"))},
}
