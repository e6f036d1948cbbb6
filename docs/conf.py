"""How Sphinx builds the site from the pages beside this file; ./scripts/docs runs it."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from unittest.mock import patch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "constructs"), str(ROOT / "lambda"), str(ROOT)]
import_module("aws_cdk")  # first, for what it loads is not made for this:
with patch("typing.TYPE_CHECKING", new=True):  # signatures name types that nothing else needs to be loaded
    package = import_module("cdk_rekognition_project_policy")

project = "Rekognition project policies"
release = package.__version__
html_title = f"{project} {release}"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton", "docs._extensions.site_pages"]
exclude_patterns = ["_extensions"]
smartquotes_action = "D"  # dashes; a quotation mark is what is to be typed, or what was said

myst_heading_anchors = 4

autoclass_content = "both"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 90
python_use_unqualified_type_names = True
add_module_names = False
# The CDK's types lead to AWS's own reference; these, and what is private, lead nowhere.
nitpick_ignore_regex = [("py:.*", r"(collections\.abc|pathlib|typing|cdk_rekognition_project_policy\._\w+)\..*")]

html_theme = "furo"
html_static_path = ["_static"]
html_favicon = "_static/icon.svg"
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_show_copyright = html_show_sphinx = html_copy_source = html_show_sourcelink = False
