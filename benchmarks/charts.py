"""Bar charts as SVG: without a script, readable on a phone, and in a light and a dark theme."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

_WIDTH, _MARGIN, _ROW = 440, 16, 52

_STYLE = """\
    rect.page { fill: #ffffff; }
    rect.other { fill: #8a93a3; }
    rect.ours { fill: #2c7a3d; }
    rect.rest { fill-opacity: 0.45; }
    text { font: 15px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #1c2128; }
    .title { font-weight: 700; }
    .value { text-anchor: end; }
    @media (prefers-color-scheme: dark) {
      rect.page { fill: #16181d; }
      rect.ours { fill: #6fce83; }
      text { fill: #e8eaee; }
    }"""


class Bar(NamedTuple):
    """A bar of a chart."""

    label: str
    parts: Sequence[float]
    """What the bar consists of, from left to right."""
    value: str
    """What is written beside the label."""
    ours: bool


def chart(title: str, bars: Sequence[Bar]) -> str:
    """Return an SVG with a title and one bar below the other, as long as their parts are great."""
    height = 2 * _MARGIN + 32 + _ROW * len(bars)
    scale = (_WIDTH - 2 * _MARGIN) / max(sum(bar.parts) for bar in bars)
    about = "; ".join(f"{bar.label}: {bar.value}" for bar in bars)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"',
        '    role="img" aria-labelledby="title about">',
        f'  <title id="title">{escape(title)}</title>',
        f'  <desc id="about">{escape(about)}.</desc>',
        f"  <style>\n{_STYLE}\n  </style>",
        f'  <rect class="page" width="{_WIDTH}" height="{height}" rx="8"/>',
        f'  <text x="{_MARGIN}" y="34" class="title">{escape(title)}</text>',
    ]
    for number, bar in enumerate(bars):
        top = _MARGIN + 32 + _ROW * number
        lines.append(f'  <text x="{_MARGIN}" y="{top + 18}">{escape(bar.label)}</text>')
        lines.append(f'  <text x="{_WIDTH - _MARGIN}" y="{top + 18}" class="value">{escape(bar.value)}</text>')
        left = float(_MARGIN)
        for part, length in enumerate(bar.parts):
            style = ("ours" if bar.ours else "other") + (" rest" if part else "")
            width = length * scale
            lines.append(
                f'  <rect x="{left:.1f}" y="{top + 26}" width="{width:.1f}" height="14" class="{style}"/>',
            )
            left += width
    return "\n".join([*lines, "</svg>\n"])
