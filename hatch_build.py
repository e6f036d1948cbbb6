"""Completes the package's metadata by the repository that a workflow builds it in: URLs, and README's links to it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class RepositoryHook(MetadataHookInterface):
    """Makes README's links absolute, because relative ones lead nowhere on a package index."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the fields that pyproject.toml calls dynamic."""
        readme, repository = (Path(self.root) / "README.md").read_text(), os.environ.get("GITHUB_REPOSITORY")
        metadata["urls"] = {}
        if repository:
            release = f"v{metadata['version']}"
            pages = f"https://github.com/{repository}/blob/{release}/"
            pictures = f"https://raw.githubusercontent.com/{repository}/{release}/"
            readme = re.sub(r"(!\[[^]]*\]\()(?!https?:)", rf"\g<1>{pictures}", readme)
            readme = re.sub(r"((?<!!)\[[^]]*\]\()(?!https?:|#)", rf"\g<1>{pages}", readme)
            metadata["urls"] = {
                "Repository": f"https://github.com/{repository}",
                "Documentation": f"{pages}docs/index.md",
                "Changelog": f"{pages}CHANGELOG.md",
                "Security": f"{pages}SECURITY.md",
            }
        else:
            sys.stderr.write("GITHUB_REPOSITORY isn't set, so the package's metadata names no repository.\n")
        metadata["readme"] = {"content-type": "text/markdown", "text": readme}
