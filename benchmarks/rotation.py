"""Whose turn it is: no variant is always the first, or always after the same other one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")


def rotated(variants: Sequence[_T], run: int) -> list[_T]:
    """Return the variants in the order of a run: each run begins with another, and every second one goes backwards."""
    start = run % len(variants)
    order = [*variants[start:], *variants[:start]]
    return order[::-1] if run % 2 else order
