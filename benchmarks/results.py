"""Everything that a run has measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.crowd import Phase
from benchmarks.scale import Scale
from benchmarks.sequences import Verdict
from benchmarks.speed import Speed
from benchmarks.summary import Summary
from benchmarks.syntheses import Synthesis


@dataclass
class Results:
    """What was measured; what a run leaves out stays empty."""

    machine: Mapping[str, str]
    date: str
    command: str
    assets: Mapping[str, int]
    """Bytes of each function's zipped code."""
    minutes: float = 0.0
    speed: Mapping[str, Speed] = field(default_factory=dict)
    parts: Mapping[str, Summary] = field(default_factory=dict)
    syntheses: Mapping[str, Synthesis] = field(default_factory=dict)
    crowds: Mapping[str, list[Phase]] = field(default_factory=dict)
    """How the crowd of each function went, by its key; ``ours, 450`` is the larger one."""
    scale: Scale | None = None
    sequences: Mapping[str, Mapping[str, Verdict]] = field(default_factory=dict)
