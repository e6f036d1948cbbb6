"""What several folders share: one local cloud for the session, and how many examples the property-based tests run."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

# Before the first import of the CDK starts Node: no banner about its version, and no template validation, which costs
# seconds a stack; tests of whole templates turn it on for themselves.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
os.environ.setdefault("CDK_VALIDATION", "false")

import pytest
from hypothesis import HealthCheck, settings

from localcloud.pytest_plugin import local_cloud, rekognition
from tests.packaging import dist

__all__ = ["dist", "local_cloud", "rekognition"]

PLAIN_EXAMPLES, FULL_EXAMPLES = 100, 2000


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --full, which CI uses, and --examples, to search further."""
    parser.addoption(
        "--full",
        action="store_true",
        help="the same 2,000 examples of each property every time, and what takes minutes: other Pythons, …",
    )
    parser.addoption("--examples", type=int, help="so many new examples of each property, drawn at random")


@pytest.fixture(autouse=True)
def _loggers_as_they_were() -> Iterator[None]:
    """Crhelper sets the root logger's level, and others', for the whole process; that ends with the test."""
    levels = {name: logging.getLogger(name).level for name in (None, "boto", "boto3", "botocore", "urllib3")}
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def pytest_configure(config: pytest.Config) -> None:
    """Choose which examples and which tests run; shared machines are slow at times, so no example has a deadline."""
    # Without --examples they are the same every time, with CI set or not: a failure is about the change.
    examples = config.getoption("--examples")
    usual = FULL_EXAMPLES if config.getoption("--full") else PLAIN_EXAMPLES
    settings.register_profile(
        "project",
        max_examples=examples or usual,
        derandomize=not examples,
        print_blob=True,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("project")
    config.addinivalue_line("markers", "full: takes long and seldom tells anything new; only with --full or --examples")
    if not (config.getoption("--full") or examples):
        config.option.markexpr = " and ".join(filter(None, [config.option.markexpr, "not full"]))
