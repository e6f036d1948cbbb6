"""Repeated measurements: whose turn it is, and their median."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True)
class Summary:
    """The median of several measurements and its quartiles."""

    median: float
    lower: float
    upper: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Summary:
        """Summarize at least two values."""
        lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, lower, upper)

    def text(self, digits: int = 0) -> str:
        """Return ``median (lower-upper)``."""
        return f"{self.median:,.{digits}f} ({self.lower:,.{digits}f}-{self.upper:,.{digits}f})"


def in_turn(variants: Sequence[_T], run: int) -> list[_T]:
    """Return the variants in the order of a run, so that none is always first or always follows the same other one."""
    start = run % len(variants)
    order = [*variants[start:], *variants[:start]]
    return order[::-1] if run % 2 else order
