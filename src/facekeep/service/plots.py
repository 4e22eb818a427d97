"""Small plots as inline SVG: lines, steps, points and bars on linear or logarithmic axes.

The reports are single files without scripts that can be opened years later, so plots are written directly. They
follow the colours of the page around them, light and dark; series differ by dashes too, not by colour alone; title
and description are there for screen readers. :data:`STYLE` belongs once into the page.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

STYLE = """
.plot { max-width: 100%; height: auto; font: 12px system-ui, sans-serif; --c0: #0b63b3; --c1: #b3470b; --c2: #1a7f4b;
  --c3: #7a3fa0; --c4: #6b6b00; --c5: #a8324f; }
@media (prefers-color-scheme: dark) { .plot { --c0: #6cb4ff; --c1: #ffab70; --c2: #6fd8a0; --c3: #cfa5f0; --c4: #d9d96a;
  --c5: #ff8fa8; } }
.plot text { fill: currentColor; }
.plot .grid { stroke: currentColor; stroke-opacity: .15; }
.plot .frame { stroke: currentColor; stroke-opacity: .6; fill: none; }
.plot .mark { stroke: currentColor; stroke-opacity: .6; stroke-dasharray: 2 3; }
.plot .series { fill: none; stroke-width: 2; }
.plot .bar { stroke: none; fill-opacity: .35; }
"""

_DASHES = ("", "7 3", "2 3", "10 3 2 3", "4 4", "1 4")
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 16, 28, 48


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis.

    Attributes:
        label: what it shows, with its unit.
        low: value at its beginning; above 0 on a logarithmic axis.
        high: value at its end, above ``low``.
        log: whether it is logarithmic.
    """

    label: str
    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError("an axis goes from a lower to a higher finite value")
        if self.log and self.low <= 0:
            raise ValueError("a logarithmic axis begins above 0")

    def fraction(self, value: float) -> float:
        """Where a value lies on the axis, 0 … 1; values beyond are moved to the end."""
        if self.log:
            share = math.log10(max(value, self.low) / self.low) / math.log10(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return min(max(share, 0.0), 1.0)

    def ticks(self) -> list[float]:
        """Values to write at: powers of ten, or five to ten round numbers."""
        if self.log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            every = max(1, math.ceil((last - first + 1) / 10))
            return [10.0**power for power in range(first, last + 1, every)]
        rough = (self.high - self.low) / 6
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class Series:
    """Values to draw.

    Attributes:
        label: for the legend.
        x: values; for bars and steps the left edges.
        y: as many values.
        style: how; bars reach from the bottom and are as wide as the distance to the next x.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    style: Literal["line", "step", "points", "bars"] = "line"

    def __post_init__(self) -> None:
        if len(self.x) != len(self.y):
            raise ValueError("a series has as many x as y")


@dataclass(frozen=True, slots=True)
class Mark:
    """A dotted upright line at x with a word beside it."""

    label: str
    x: float


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot.

    Attributes:
        title: its name, shown above it.
        description: what is to be seen, for those who do not see it.
        x: the horizontal axis.
        y: the vertical axis.
        series: at most six are told apart.
        marks: upright lines.
        width: in pixels of the drawing; the page scales it.
        height: likewise.
    """

    title: str
    description: str
    x: Axis
    y: Axis
    series: Sequence[Series]
    marks: Sequence[Mark] = ()
    width: int = 720
    height: int = 400

    def svg(self) -> str:
        """The plot as an ``<svg>`` element, all text escaped."""
        name = f"plot{zlib.crc32(f'{self.title}|{self.description}'.encode()):08x}"
        parts = [
            f'<svg class="plot" role="img" aria-labelledby="{name}t {name}d" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" xmlns="http://www.w3.org/2000/svg">',
            f'<title id="{name}t">{escape(self.title)}</title><desc id="{name}d">{escape(self.description)}</desc>',
            f'<text x="{_LEFT}" y="18" font-weight="bold">{escape(self.title)}</text>',
            *self._grid(),
            *(self._mark(mark) for mark in self.marks),
            *(self._draw(index, series) for index, series in enumerate(self.series)),
            *self._legend(),
            "</svg>",
        ]
        return "\n".join(parts)

    @property
    def _bottom(self) -> int:
        return self.height - _BOTTOM - 18 * math.ceil(len(self.series) / 3)

    def _at_x(self, value: float) -> float:
        return _LEFT + self.x.fraction(value) * (self.width - _LEFT - _RIGHT)

    def _at_y(self, value: float) -> float:
        return self._bottom - self.y.fraction(value) * (self._bottom - _TOP)

    def _grid(self) -> list[str]:
        right, bottom, middle = self.width - _RIGHT, self._bottom, (self._bottom + _TOP) / 2
        parts = []
        for tick in self.x.ticks():
            at = _number(self._at_x(tick))
            parts.append(
                f'<line class="grid" x1="{at}" x2="{at}" y1="{_TOP}" y2="{bottom}"/>'
                f'<text x="{at}" y="{bottom + 16}" text-anchor="middle">{_word(tick)}</text>'
            )
        for tick in self.y.ticks():
            at = _number(self._at_y(tick))
            parts.append(
                f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{at}" y2="{at}"/>'
                f'<text x="{_LEFT - 6}" y="{at}" dy=".35em" text-anchor="end">{_word(tick)}</text>'
            )
        return [
            *parts,
            f'<rect class="frame" x="{_LEFT}" y="{_TOP}" width="{right - _LEFT}" height="{bottom - _TOP}"/>',
            f'<text x="{(_LEFT + right) / 2}" y="{bottom + 34}" text-anchor="middle">{escape(self.x.label)}</text>',
            f'<text transform="translate(16 {middle}) rotate(-90)" text-anchor="middle">{escape(self.y.label)}</text>',
        ]

    def _mark(self, mark: Mark) -> str:
        at = _number(self._at_x(mark.x))
        return (
            f'<line class="mark" x1="{at}" x2="{at}" y1="{_TOP}" y2="{self._bottom}"/>'
            f'<text transform="translate({at} {_TOP + 4}) rotate(90)" dy="-.3em">{escape(mark.label)}</text>'
        )

    def _draw(self, index: int, series: Series) -> str:
        points = [
            (self._at_x(x), self._at_y(y))
            for x, y in zip(series.x, series.y, strict=True)
            if math.isfinite(x) and math.isfinite(y)
        ]
        colour = f"var(--c{index % 6})"
        if series.style == "points":
            dots = "".join(f'<circle cx="{_number(x)}" cy="{_number(y)}" r="2.5"/>' for x, y in points)
            return f'<g fill="{colour}">{dots}</g>'
        if not points:
            return ""
        if series.style != "line":
            points = _stairs(points)
        path = "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in points)
        dash = f' stroke-dasharray="{_DASHES[index % 6]}"' if _DASHES[index % 6] else ""
        line = f'<path class="series" stroke="{colour}"{dash} d="{path}"/>'
        if series.style != "bars":
            return line
        closed = f"{path}L{_number(points[-1][0])} {self._bottom}L{_number(points[0][0])} {self._bottom}Z"
        return f'<path class="bar" fill="{colour}" d="{closed}"/>{line}'

    def _legend(self) -> list[str]:
        parts = []
        column = (self.width - _LEFT - _RIGHT) / 3
        for index, series in enumerate(self.series):
            x, y = _LEFT + column * (index % 3), self._bottom + 54 + 18 * (index // 3)
            dash = f' stroke-dasharray="{_DASHES[index % 6]}"' if _DASHES[index % 6] else ""
            parts.append(
                f'<path class="series" stroke="var(--c{index % 6})"{dash} d="M{_number(x)} {y - 4}h28"/>'
                f'<text x="{_number(x + 34)}" y="{y}">{escape(series.label)}</text>'
            )
        return parts


def _stairs(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Each value holds up to the next x; the last one for as long as the one before it."""
    last = points[-1][0] + (points[-1][0] - points[-2][0] if len(points) > 1 else 0.0)
    edges = [x for x, _ in points[1:]] + [last]
    return [corner for (x, y), edge in zip(points, edges, strict=True) for corner in ((x, y), (edge, y))]


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _word(value: float) -> str:
    return "0" if abs(value) < 1e-12 else f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e").replace("-", "−")
