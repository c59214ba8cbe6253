"""Small charts as SVG: one file each, no dependency, light and dark.

Colours are those of Okabe and Ito, which people with any colour vision can tell apart; series
differ in the shape of their points as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 18, 44, 52
_LEGEND_STEP, _LEGEND_MARK, _LEGEND_GAP = 19, 18, 14
_CHARACTER = 7.6  # about a character's width, in pixels
_TICKS = 5
_LIGHT = ("#0072b2", "#d55e00", "#009e73", "#aa4499", "#b07c00", "#3a9bd9")
_DARK = ("#56b4e9", "#f28e4b", "#2fc79a", "#e08fc0", "#e6b93c", "#9ad1f5")


def _colours(palette: Sequence[str]) -> str:
    return "".join(
        f".c{i} .l,.c{i} .i{{stroke:{colour}}}.c{i} .p{{fill:{colour}}}"
        for i, colour in enumerate(palette)
    )


_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#222}.t{font-weight:600;font-size:15px}"
    ".s{fill:#555}.g{stroke:#e2e2e2}.a,.r{stroke:#888}.r{stroke-dasharray:5 4}.b{fill:#fff}"
    f".l{{fill:none;stroke-width:2}}.i{{stroke-width:2}}{_colours(_LIGHT)}"
    "@media(prefers-color-scheme:dark){text{fill:#eee}.s{fill:#aaa}.g{stroke:#333}.b{fill:#181a1b}"
    f"{_colours(_DARK)}}}"
)


@dataclass(frozen=True, slots=True)
class Point:
    """One point, with an interval where it has one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """Points that belong together; ``joined`` by a line or not."""

    label: str
    points: Sequence[Point]
    joined: bool = True


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart.

    Args:
        categories: names of x = 0, 1, …; without them x is a number.
        reference: a dashed line at this height, and its label.
        percent: y values are shares, shown as percentages.
    """

    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    categories: Sequence[str] = ()
    reference: tuple[float, str] | None = None
    percent: bool = False


@dataclass(frozen=True, slots=True)
class _Axis:
    """A scale from values to pixels, with its ticks."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def svg(chart: Chart) -> str:
    """Return the chart as an SVG document without an XML declaration, fit to stand in HTML too."""
    places, rows = _legend_places([each.label for each in chart.series])
    top = _TOP + _LEGEND_STEP * rows
    height = _HEIGHT + _LEGEND_STEP * rows
    x = _x_axis(chart)
    y = _y_axis(chart, height - _BOTTOM, top)
    size = f'viewBox="0 0 {_WIDTH} {height}"'
    name = f'role="img" aria-label="{_text(chart.title)}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {name}>',
        f"<style>{_STYLE}</style>",
        f'<rect class="b" width="{_WIDTH}" height="{height}"/>',
        f'<text class="t" x="{_LEFT}" y="24">{_text(chart.title)}</text>',
        *_legend(chart, places),
        *_grid(chart, x, y),
        *(part for i, each in enumerate(chart.series) for part in _series(i, each, x, y)),
        "</svg>",
    ]
    return "\n".join(parts)


def nice_ticks(low: float, high: float, count: int = _TICKS) -> tuple[float, ...]:
    """Return about ``count`` round values.

    The first is not above ``low``, the last not below ``high``.
    """
    span = max(high - low, 1e-9)
    raw = span / count
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(s * magnitude for s in (1.0, 2.0, 2.5, 5.0, 10.0) if s * magnitude >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return tuple(round(i * step, 10) for i in range(first, last + 1))


def _x_axis(chart: Chart) -> _Axis:
    start, end = float(_LEFT), float(_WIDTH - _RIGHT)
    if chart.categories:
        n = len(chart.categories)
        return _Axis(-0.5, n - 0.5, start, end, tuple(map(float, range(n))))
    values = sorted({point.x for each in chart.series for point in each.points}) or [0.0, 1.0]
    low, high = values[0], values[-1]
    margin = (high - low) * 0.03 or 0.5
    whole = all(value == int(value) for value in values)
    ticks = tuple(values) if len(values) <= 10 and whole else nice_ticks(low, high, 8)
    ticks = tuple(tick for tick in ticks if low <= tick <= high)
    return _Axis(low - margin, high + margin, start, end, _apart(ticks, low, high))


def _apart(ticks: Sequence[float], low: float, high: float) -> tuple[float, ...]:
    """Return the ticks less those too near to the one before for their labels."""
    kept: list[float] = []
    for tick in ticks:
        if not kept or tick - kept[-1] >= (high - low) * 0.045:
            kept.append(tick)
    return tuple(kept)


def _y_axis(chart: Chart, bottom: float, top: float) -> _Axis:
    values = [
        value
        for each in chart.series
        for point in each.points
        for value in (point.y, point.low, point.high)
        if value is not None and math.isfinite(value)
    ]
    if chart.reference:
        values.append(chart.reference[0])
    ticks: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
    if not chart.percent or max(values, default=0.0) > 1.0:
        ticks = nice_ticks(0.0, max([*values, 1e-9]) * 1.02)
    return _Axis(ticks[0], ticks[-1], float(bottom), float(top), ticks)


def _legend_places(labels: Sequence[str]) -> tuple[list[tuple[float, float]], int]:
    """Return where each label's mark stands, side by side while they fit, and how many rows.

    A single series needs no label.
    """
    if len(labels) < 2:
        return [], 0
    places: list[tuple[float, float]] = []
    x, row = float(_LEFT), 0
    for label in labels:
        width = _LEGEND_MARK + _CHARACTER * len(label)
        if x + width > _WIDTH - _RIGHT and x > _LEFT:
            x, row = float(_LEFT), row + 1
        places.append((x + 6.0, float(_TOP + _LEGEND_STEP * row)))
        x += width + _LEGEND_GAP
    return places, row + 1


def _legend(chart: Chart, places: Sequence[tuple[float, float]]) -> Iterator[str]:
    for i, (x, y) in enumerate(places):
        yield f'<g class="c{i % 6}">{_mark(i, x, y - 4.5)}</g>'
        label = _text(chart.series[i].label)
        yield f'<text class="s" x="{_n(x + 12)}" y="{_n(y)}">{label}</text>'


def _grid(chart: Chart, x: _Axis, y: _Axis) -> Iterator[str]:
    left, right = x.start, x.end
    for tick in y.ticks:
        at = _n(y.at(tick))
        yield f'<line class="g" x1="{_n(left)}" x2="{_n(right)}" y1="{at}" y2="{at}"/>'
        shown = f"{tick * 100:g} %" if chart.percent else f"{tick:g}"
        yield f'<text class="s" x="{_n(left - 8)}" y="{at}" dy="4" text-anchor="end">{shown}</text>'
    for tick in x.ticks:
        shown = chart.categories[int(tick)] if chart.categories else f"{tick:g}"
        yield (
            f'<text class="s" x="{_n(x.at(tick))}" y="{_n(y.start + 19)}" text-anchor="middle">'
            f"{_text(_short(shown, (right - left) / max(len(x.ticks), 1)))}</text>"
        )
    foot = _n(y.start)
    yield f'<line class="a" x1="{_n(left)}" x2="{_n(right)}" y1="{foot}" y2="{foot}"/>'
    if chart.reference:
        at = _n(y.at(chart.reference[0]))
        yield f'<line class="r" x1="{_n(left)}" x2="{_n(right)}" y1="{at}" y2="{at}"/>'
        yield (
            f'<text class="s" x="{_n(right - 4)}" y="{at}" dy="-5" text-anchor="end">'
            f"{_text(chart.reference[1])}</text>"
        )
    middle = _n((left + right) / 2)
    yield (
        f'<text class="s" x="{middle}" y="{_n(y.start + 42)}" text-anchor="middle">'
        f"{_text(chart.x_label)}</text>"
    )
    yield (
        f'<text class="s" transform="translate(16 {_n((y.start + y.end) / 2)}) rotate(-90)"'
        f' text-anchor="middle">{_text(chart.y_label)}</text>'
    )


def _series(i: int, series: Series, x: _Axis, y: _Axis) -> Iterator[str]:
    yield f'<g class="c{i % 6}">'
    points = [(x.at(point.x), y.at(point.y), point) for point in series.points]
    if series.joined and len(points) > 1:
        path = " ".join(f"{_n(px)},{_n(py)}" for px, py, _ in points)
        yield f'<polyline class="l" points="{path}"/>'
    for px, py, point in points:
        if point.low is not None and point.high is not None:
            low, high = _n(y.at(point.low)), _n(y.at(point.high))
            yield f'<line class="i" x1="{_n(px)}" x2="{_n(px)}" y1="{low}" y2="{high}"/>'
            for end in (low, high):
                yield f'<line class="i" x1="{_n(px - 6)}" x2="{_n(px + 6)}" y1="{end}" y2="{end}"/>'
        label = f"{series.label}: {point.x:g}, {point.y:.3g}"
        yield f"<g><title>{_text(label)}</title>{_mark(i, px, py)}</g>"
    yield "</g>"


def _mark(i: int, x: float, y: float) -> str:
    shapes = (
        "M-4.5,0a4.5,4.5 0 1,0 9,0a4.5,4.5 0 1,0 -9,0",  # disc
        "M-4.2,-4.2h8.4v8.4h-8.4z",  # square
        "M0,-5.4L5.2,4H-5.2z",  # triangle
        "M0,-5.8L5.8,0L0,5.8L-5.8,0z",  # diamond
        "M0,5.4L5.2,-4H-5.2z",  # triangle on its tip
        "M-1.6,-5.2h3.2v3.6h3.6v3.2h-3.6v3.6h-3.2v-3.6h-3.6v-3.2h3.6z",  # cross
    )
    return f'<path class="p" transform="translate({_n(x)} {_n(y)})" d="{shapes[i % len(shapes)]}"/>'


def _short(text: str, room: float) -> str:
    """Return the text cut to about ``room`` pixels."""
    most = max(int(room / _CHARACTER), 3)
    return text if len(text) <= most else text[: most - 1] + "…"


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _text(text: str) -> str:
    return escape("".join(c for c in text if c >= " "), quote=True)
