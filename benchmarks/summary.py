"""Numbers of many runs as one: the median and the quartiles."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Summary:
    """The median of several runs, and where the middle half of them lies."""

    median: float
    lower: float
    upper: float
    runs: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Summary:
        """Summarise the values of at least two runs."""
        lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, lower, upper, len(values))

    def text(self, digits: int = 0) -> str:
        """Return ``median (lower-upper)``."""
        return f"{self.median:,.{digits}f} ({self.lower:,.{digits}f}-{self.upper:,.{digits}f})"


def ratio(one: Summary, other: Summary) -> float:
    """Return how many times the other's median the one's is."""
    return one.median / other.median
