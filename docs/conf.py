"""How Sphinx builds the site from the pages beside this file; ./scripts/docs runs it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
VERSION = ROOT / "constructs" / "cdk_rekognition_project_policy" / "__init__.py"

project = "Rekognition project policies"
release = re.findall(r'__version__ = "(.+)"', VERSION.read_text())[0]
html_title = f"{project} {release}"
extensions = ["myst_parser", "sphinx_copybutton", "docs._extensions.site_pages"]
exclude_patterns = ["_extensions"]
smartquotes_action = "D"  # dashes; a quotation mark is what is to be typed, or what was said

myst_heading_anchors = 4

html_theme = "furo"
html_static_path = ["_static"]
html_favicon = "_static/icon.svg"
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_show_copyright = html_show_sphinx = html_copy_source = html_show_sourcelink = False

if repository := os.environ.get("GITHUB_REPOSITORY"):  # the one whose workflow builds the site
    html_theme_options = {
        "source_repository": f"https://github.com/{repository}/",
        "source_branch": "main",
        "source_directory": "docs/",
    }
