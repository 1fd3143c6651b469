"""Charts as inline SVG of a fixed size in pixels, so that their text is never scaled. Colours come
from the style sheet of the page, which has a light and a dark scheme.

Not matplotlib's SVG: a dot takes 120 bytes there instead of 10 and an empty chart 10 kB, so that a
page with a dozen outputs exceeds 1 MB; its colours are fixed; and its style sheet would apply to
the whole page. Its ticks are used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np

from unrelu.numerics.arrays import Array
from unrelu.report.images import density
from unrelu.report.phrases import number, superscript

Range = tuple[float, float]

MOST_DOTS = 1200
"""Dots that are drawn one by one, 10 bytes each; more become an image of their density."""

CELL = 3
"""Pixels of a cell of that image."""

WIDEST_BAR = 24
"""Pixels, so that a few weights are drawn close together."""


def scatter(
    x: Array, y: Array, labels: tuple[str, str], description: str, *, side: int, line: str = ""
) -> str:
    """Dots at (x, y). `line`: "equal" for y = x, "zero" for y = 0. `description`: in words."""
    across, up = _range(x), _range(y)
    if line == "equal":
        across = up = min(across[0], up[0]), max(across[1], up[1])
    frame = _Frame(side, across, up)
    shapes = []
    if line:
        ends = across if line == "equal" else (0.0, 0.0)
        shapes.append(frame.line((across[0], ends[0]), (across[1], ends[1])))
    if len(x) <= MOST_DOTS * (side / 320) ** 2:
        shapes.append(frame.dots(x, y))
    else:
        cells = frame.inner // CELL
        counts, _, _ = np.histogram2d(-y, x, cells, ((-up[1], -up[0]), across))
        shapes.append(frame.image(density(counts)))
    return frame.drawn(shapes, labels, description)


def histogram(values: Array, labels: tuple[str, str], description: str, *, side: int) -> str:
    """How many of the values lie in each of 41 intervals."""
    across = _range(values)
    counts, edges = np.histogram(values, 41, across)
    frame = _Frame(side, across, (0.0, 1.08 * float(counts.max(initial=1))))
    steps = [f"M{frame.x(edges[0]):.1f} {frame.y(0):.1f}"]
    steps += [
        f"V{frame.y(count):.1f}H{frame.x(edge):.1f}"
        for count, edge in zip(counts, edges[1:], strict=True)
    ]
    bars = f'<path class="area" d="{"".join(steps)}V{frame.y(0):.1f}z"/>'
    return frame.drawn([bars], labels, description)


def by_unit(
    values: Array, labels: tuple[str, str], description: str, *, side: int, log: bool
) -> str:
    """A dot for each unit. On a logarithmic scale, values that are not positive are omitted."""
    units = np.arange(len(values), dtype=np.float64)
    across = -0.5, len(values) - 0.5
    if log:
        units, values = units[values > 0], np.log10(values[values > 0])
    frame = _Frame(side, across, _range(values) if log else (0.0, 1.0))
    return frame.drawn([frame.dots(units, values)], labels, description, log=log)


def sides(quantiles: Array, reach: float) -> str:
    """On which side of a unit's edge the samples lie: a line from the 5th to the 95th percentile, a
    box for the middle half, and the edge. `reach`: the largest distance shown."""
    width, height = 120, 18
    low, first, middle, third, high = (
        float(np.clip((q / reach + 1) * width / 2, 1, width - 1)) for q in quantiles
    )
    return (
        f'<svg class="sides" width="{width}" height="{height}" aria-hidden="true">'
        f'<path class="grid" d="M{width / 2} 0v{height}"/>'
        f'<path class="thread" d="M{low:.1f} 9H{high:.1f}"/>'
        f'<rect class="box" x="{first:.1f}" y="5" width="{max(third - first, 1):.1f}" height="8"/>'
        f'<path class="middle" d="M{middle:.1f} 4v10"/></svg>'
    )


def bars(values: Array, description: str, *, width: int, height: int) -> str:
    """Bars up and down from zero, scaled by the largest. If there is no room for all, neighbours
    share a bar: the one that is largest in size."""
    while len(values) > width // 2:
        pairs = np.append(values, np.zeros(len(values) % 2)).reshape(-1, 2)
        values = pairs[np.arange(len(pairs)), np.abs(pairs).argmax(axis=1)]
    largest, middle = float(np.abs(values).max(initial=0.0)) or 1.0, height / 2
    step = min(width / max(1, len(values)), WIDEST_BAR)
    gap = 1 if step >= 4 else 0
    paths = []
    for kind, chosen in (("warm", values > 0), ("cold", values < 0)):
        steps = [
            f"M{i * step:.1f} {middle:g}v{-values[i] / largest * (middle - 1):.1f}"
            f"h{step - gap:.1f}V{middle:g}z"
            for i in np.flatnonzero(chosen)
        ]
        paths.append(f'<path class="{kind}" d="{"".join(steps)}"/>')
    return (
        f'<svg class="bars" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(description)}">'
        f'<path class="grid" d="M0 {middle:g}h{width}"/>{"".join(paths)}</svg>'
    )


class _Frame:
    """A square with axes, and the places of numbers in it."""

    def __init__(self, side: int, across: Range, up: Range) -> None:
        self.side, self.across, self.up = side, across, up
        self.left, self.top, self.bottom = 54, 10, 44
        self.inner = side - self.left - 12

    def x(self, value: float) -> float:
        low, high = self.across
        return self.left + (value - low) / (high - low) * self.inner

    def y(self, value: float) -> float:
        low, high = self.up
        return self.top + (high - value) / (high - low) * self.inner

    def line(self, start: tuple[float, float], end: tuple[float, float]) -> str:
        return (
            f'<path class="guide" d="M{self.x(start[0]):.1f} {self.y(start[1]):.1f}'
            f'L{self.x(end[0]):.1f} {self.y(end[1]):.1f}"/>'
        )

    def dots(self, x: Array, y: Array) -> str:
        places = zip(x.tolist(), y.tolist(), strict=True)
        path = "".join(f"M{self.x(a):.1f} {self.y(b):.1f}h0" for a, b in places)
        return f'<path class="{"dots" if len(x) > 60 else "dots large"}" d="{path}"/>'

    def image(self, uri: str) -> str:
        return (
            f'<image x="{self.left}" y="{self.top}" width="{self.inner}" height="{self.inner}" '
            f'preserveAspectRatio="none" href="{uri}"/>'
        )

    def drawn(
        self, shapes: Sequence[str], labels: tuple[str, str], description: str, *, log: bool = False
    ) -> str:
        width, height = self.side, self.top + self.inner + self.bottom
        floor, right = self.top + self.inner, self.left + self.inner
        parts, heads = [], list(labels)
        for axis, span in enumerate((self.across, self.up)):
            logs = log and axis == 1
            ticks = _log_ticks(span) if logs else _ticks(span, 4 if self.inner > 150 else 2)
            power = 0 if logs else _power(ticks)
            if power:
                heads[axis] += f" × 10{superscript(power)}"
            for tick in ticks:
                at = tick / 10.0**power
                text = number(10.0**tick, 2) if logs else number(at or 0.0, 6)
                if axis:
                    y = self.y(tick)
                    parts.append(f'<path class="grid" d="M{self.left} {y:.1f}H{right}"/>')
                    parts.append(f'<text x="{self.left - 6}" y="{y + 4:.1f}" class="end">{text}')
                else:
                    x = self.x(tick)
                    parts.append(f'<path class="grid" d="M{x:.1f} {self.top}V{floor}"/>')
                    parts.append(f'<text x="{x:.1f}" y="{floor + 16}" class="mid">{text}')
                parts.append("</text>")
        middle = self.left + self.inner / 2
        if heads[0]:
            parts.append(
                f'<text x="{middle:g}" y="{floor + 36}" class="mid head">{escape(heads[0])}</text>'
            )
        caption = f'<p class="up">{escape(heads[1])}</p>' if heads[1] else ""
        return (
            f'{caption}<svg width="{width}" height="{height}" role="img" '
            f'aria-label="{escape(description)}">{"".join(parts)}{"".join(shapes)}</svg>'
        )


def _range(values: Array) -> Range:
    """From the smallest to the largest value, with a margin; never empty."""
    if not len(values):
        return -1.0, 1.0
    low, high = float(values.min()), float(values.max())
    room = 0.04 * (high - low)
    if room <= 1e-12 * max(abs(low), abs(high)):
        room = 0.1 * abs(high) or 1.0
    return low - room, high + room


def _ticks(span: Range, most: int) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    places = MaxNLocator(most, steps=[1, 2, 5, 10]).tick_values(*span)
    return [float(place) for place in places if span[0] <= place <= span[1]]


def _log_ticks(span: Range) -> list[float]:
    """At most half a dozen of the numbers 1, 2 and 5 times a power of ten, or of the powers."""
    powers = range(math.floor(span[0]), math.ceil(span[1]) + 1)
    for factors in ((1, 2, 5), (1,)):
        places = [power + math.log10(factor) for power in powers for factor in factors]
        ticks = [place for place in places if span[0] <= place <= span[1]]
        if len(ticks) <= 6:
            break
    return ticks[:: max(1, len(ticks) // 5)]


def _power(ticks: Sequence[float]) -> int:
    """The power of ten that is divided out of the ticks."""
    largest = max(map(abs, ticks), default=0.0)
    power = math.floor(math.log10(largest)) if largest else 0
    return 0 if -3 < power < 5 else power
