"""The pages as a repository host shows them: links lead somewhere, and numbers are the code's own."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from cdk_rekognition_project_policy import _provider
from custom_resource import decision as shared
from custom_resource import timeouts, waiting
from project_policy import document_rules, lifecycle
from project_version_copy import decision, versions
from project_version_copy import properties as copies
from rekognition import client
from tests.docs.conftest import markdown
from tests.packaging import ROOT

_FENCE = re.compile(r"^(```+).*?^\1$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?:\]\(|^\[[^\]]+\]: )(?!\w+:)([^)\s]+)", re.MULTILINE)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)

LAST_RESPONSE = (timeouts.MAXIMUM_EVENT_AGE + timeouts.FUNCTION_TIMEOUT) // 60
LAST_RESPONSE_OF_A_COPY = (timeouts.WAITING_SERVICE_TIMEOUT - waiting.RESPOND_BEFORE) // 60
SHOWN_WITHIN = decision.MAX_CALL_SECONDS + shared.LAG_SECONDS
MOST_AT_ONCE = 5 * (timeouts.FUNCTION_TIMEOUT - 60)

WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
"""Numbers in words."""

NUMBERS = [
    ("../README", f"a denied call for {client.PERMISSION_RETRY_SECONDS} seconds"),
    ("api", f"| `memory_size` | {_provider.MEMORY_SIZE} |"),
    ("faq", f"at {_provider.MEMORY_SIZE} MiB"),
    ("faq", f"Thirty minutes are {1800 * _provider.MEMORY_SIZE // 1024} GB-seconds"),
    ("faq", f"within {decision.MAX_START_SECONDS} seconds of their requests"),
    ("how-to/vpc", f"{WORDS[len(_provider._ON_INTERFACES)]} `ec2` actions"),
    ("how-to/who-may-copy", f"at most {document_rules.MAX_SIZE} characters"),
    ("how-to/without-cdk", f"**`ServiceTimeout: {timeouts.SERVICE_TIMEOUT}`**"),
    ("how-to/without-cdk", f"`ServiceTimeout: {timeouts.WAITING_SERVICE_TIMEOUT}`"),
    ("how-to/without-cdk", f"A denied copy is retried for {versions.GRANT_RETRY_SECONDS // 60} minutes"),
    ("index", f"takes longer than {LAST_RESPONSE_OF_A_COPY - 1} minutes"),
    ("limits", f"| {document_rules.MAX_SIZE:,} characters a document |"),
    ("limits", f"| about {MOST_AT_ONCE:,} policies at once "),
    ("limits", f"the function retries for {WORDS[timeouts.FUNCTION_TIMEOUT // 60 - 1]} minutes"),
    ("limits", f"| {LAST_RESPONSE_OF_A_COPY - 1} minutes a copy |"),
    ("limits", f"| {copies.MAX_TAGS} tags a copy |"),
    ("limits", f"older than {timeouts.MAXIMUM_EVENT_AGE} seconds are dropped"),
    ("reference", f"with at most {document_rules.MAX_SIZE} characters"),
    ("reference", f"Use `{timeouts.SERVICE_TIMEOUT}`, which"),
    ("reference", f"default is CloudFormation's, `{timeouts.DEFAULT_SERVICE_TIMEOUT}`"),
    ("reference-copy", f"Use `{timeouts.WAITING_SERVICE_TIMEOUT}`, the default"),
    ("reference-copy", f"longer than about {LAST_RESPONSE_OF_A_COPY - 1} minutes fails"),
    ("reference-copy", f"at most {copies.MAX_KEY_PREFIX} characters"),
    ("troubleshooting", f"response comes after {LAST_RESPONSE} minutes at the latest"),
    ("troubleshooting", f"response comes after {LAST_RESPONSE_OF_A_COPY} minutes at the latest"),
    ("troubleshooting", f"(a policy's for {client.PERMISSION_RETRY_SECONDS} seconds"),
    ("maintainers/lifecycle", f"reads and decides again, at most {WORDS[lifecycle._MAX_CONFLICTS - 1]} times"),
    ("maintainers/lifecycle", f"(maximum event age) | {timeouts.MAXIMUM_EVENT_AGE} |"),
    ("maintainers/lifecycle", f"(timeout) | {timeouts.FUNCTION_TIMEOUT} |"),
    ("maintainers/lifecycle", f"a denied call for {client.PERMISSION_RETRY_SECONDS} seconds"),
    ("maintainers/lifecycle", f"doesn't know, for {client.PROJECT_RETRY_SECONDS} seconds"),
    ("maintainers/copy-lifecycle", f"more than {decision.MAX_START_SECONDS} seconds after the request"),
    ("maintainers/copy-lifecycle", f"until {decision.MAX_START_SECONDS + SHOWN_WITHIN} seconds after the request"),
    ("maintainers/copy-lifecycle", f"read again until {SHOWN_WITHIN} seconds after the request, for"),
    ("maintainers/copy-lifecycle", f"within {shared.UNRECEIVED_RESPONSE_SECONDS} seconds of the request"),
    ("maintainers/copy-lifecycle", f"After {waiting.MAX_RUNS} runs"),
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


@pytest.mark.parametrize(("page", "said"), NUMBERS)
def test_numbers_are_the_codes_own(page: str, said: str) -> None:
    """A limit or a timeout that changes in the code changes in the pages that name it."""
    assert said in " ".join((ROOT / "docs" / f"{page}.md").read_text().split())
