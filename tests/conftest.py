"""What several folders share: one local cloud for the session, and how many examples the property-based tests run."""

from __future__ import annotations

import os

# Before the first import of the CDK starts Node: no banner about its version, and no template validation, which costs
# seconds a stack; tests of whole templates turn it on for themselves.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
os.environ.setdefault("CDK_VALIDATION", "false")

import pytest
from hypothesis import settings

from localcloud.pytest_plugin import local_cloud, rekognition
from tests.packaging import dist

__all__ = ["dist", "local_cloud", "rekognition"]

FULL_EXAMPLES = 2000


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --full, which CI uses, and --examples, to search further."""
    parser.addoption(
        "--full",
        action="store_true",
        help="the same 2,000 examples of each property every time, and what takes minutes: other Pythons, checkov, …",
    )
    parser.addoption("--examples", type=int, default=100, help="how many new examples of each property without --full")


def pytest_configure(config: pytest.Config) -> None:
    """Choose which examples and which tests run; shared machines are slow at times, so no example has a deadline."""
    # What CI says is to be about the change: it draws no examples that the change's author hasn't met.
    settings.register_profile("full", max_examples=FULL_EXAMPLES, derandomize=True, database=None, deadline=None)
    settings.register_profile("plain", max_examples=config.getoption("--examples"), deadline=None)
    settings.load_profile("full" if config.getoption("--full") else "plain")
    config.addinivalue_line("markers", "full: takes about a minute and seldom tells anything new; only with --full")
    if not config.getoption("--full"):
        config.option.markexpr = " and ".join(filter(None, [config.option.markexpr, "not full"]))
