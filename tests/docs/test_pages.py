"""The pages as a repository host shows them: links lead somewhere, code fits, and numbers are the code's own."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from cdk_rekognition_project_policy import _permissions, _provider
from custom_resource import timeouts, waiting
from project_policy import document, identity
from project_version_copy import properties as copies
from project_version_copy import versions
from rekognition import client
from tests.docs.conftest import blocks, markdown
from tests.packaging import ROOT

_FENCE = re.compile(r"^(```+).*?^\1$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?:\]\(|^\[[^\]]+\]: )(?!\w+:)([^)\s]+)", re.MULTILINE)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)

WIDEST = 97
"""Columns of code that the site shows without wrapping."""

LAST_RESPONSE = (timeouts.MAXIMUM_EVENT_AGE + timeouts.FUNCTION_TIMEOUT) // 60
LAST_RESPONSE_OF_A_COPY = (timeouts.WAITING_SERVICE_TIMEOUT - waiting.RESPOND_BEFORE) // 60
MOST_AT_ONCE = 5 * (timeouts.FUNCTION_TIMEOUT - 60)

NUMBERS = [
    ("limits", f"| {document.MAX_SIZE:,} characters a document |"),
    ("limits", f"| about {MOST_AT_ONCE:,} policies at once "),
    ("limits", f"| {copies.MAX_TAGS} tags a copy |"),
    ("limits", f"the role takes {_permissions.INLINE_QUOTA:,} characters of inline policies and ten managed policies"),
    ("reference", f"with at most {document.MAX_SIZE} characters"),
    ("reference", f"*Maximum*: `{identity.MAX_POLICY_NAME_LENGTH}`"),
    ("reference", f"Use `{timeouts.SERVICE_TIMEOUT}`, which"),
    ("reference-copy", f"Give `{timeouts.WAITING_SERVICE_TIMEOUT}`, the default"),
    ("reference-copy", f"longer than about {LAST_RESPONSE_OF_A_COPY - 1} minutes fails"),
    ("how-to/without-cdk", f"**`ServiceTimeout: {timeouts.SERVICE_TIMEOUT}`**"),
    ("how-to/without-cdk", f"`ServiceTimeout: {timeouts.WAITING_SERVICE_TIMEOUT}`"),
    ("how-to/without-cdk", f"A denied copy is retried for {versions.GRANT_PATIENCE // 60} minutes"),
    ("troubleshooting", f"response comes after {LAST_RESPONSE} minutes at the latest"),
    ("troubleshooting", f"response comes after {LAST_RESPONSE_OF_A_COPY} minutes at the latest"),
    ("troubleshooting", f"a policy's for {client.PERMISSION_PATIENCE} seconds, CopyProjectVersion for two minutes"),
    ("api", f"| `memory_size` | {_provider.MEMORY_SIZE} |"),
    ("faq", f"at {_provider.MEMORY_SIZE} MiB"),
    ("maintainers/lifecycle", f"(maximum event age) | {timeouts.MAXIMUM_EVENT_AGE} |"),
    ("maintainers/lifecycle", f"(timeout) | {timeouts.FUNCTION_TIMEOUT} |"),
    ("maintainers/copy-lifecycle", f"a run | {timeouts.WAITING_RUN} |"),
    ("maintainers/copy-lifecycle", f"(timeout) | {timeouts.WAITING_FUNCTION_TIMEOUT} |"),
    ("maintainers/copy-lifecycle", f"(maximum event age) | {timeouts.WAITING_MAXIMUM_EVENT_AGE} |"),
]
"""What a page says, with the number from the code."""


def prose(page: Path) -> str:
    """Return a page's text without its blocks of code."""
    return _FENCE.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """Return what links to a page's headings end with: small letters, digits, hyphens for spaces."""
    headings = (re.sub(r"[`*]", "", heading).lower() for heading in _HEADING.findall(prose(page)))
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", markdown(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Each link's file is there, and where it names a heading, that heading is."""
    broken = []
    for link in _LINK.findall(prose(page)):
        path, _, fragment = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        found = target.exists() and target.is_relative_to(ROOT)
        if not found or (fragment and fragment not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_code_fits_its_column() -> None:
    """A line of code can be read without scrolling."""
    code = blocks("python", "shell", "json", "yaml", "typescript", "hcl")
    assert [f"{block}: {line}" for block in code for line in block.text.splitlines() if len(line) > WIDEST] == []


@pytest.mark.parametrize(("page", "said"), NUMBERS)
def test_numbers_are_the_codes_own(page: str, said: str) -> None:
    """A limit or a timeout that changes in the code changes in the pages that name it."""
    assert said in " ".join((ROOT / "docs" / f"{page}.md").read_text().split())
