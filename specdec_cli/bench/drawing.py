"""Charts as SVG, drawn by matplotlib: light and dark, and fit to stand in a page.

Colours are those of Okabe and Ito, which people with any colour vision can tell apart; series
differ in the shape of their points as well.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

WITHOUT = "without matplotlib there are no charts: pip install 'specdec-cli[report]'"

_SERIES = (
    ("#0072b2", "#56b4e9"),
    ("#d55e00", "#f28e4b"),
    ("#009e73", "#2fc79a"),
    ("#aa4499", "#e08fc0"),
    ("#b07c00", "#e6b93c"),
    ("#3a9bd9", "#9ad1f5"),
)
_PAPER, _TEXT, _SOFT, _GRID = "#fffffe", "#222222", "#767676", "#e2e2e2"
_DARK = {_PAPER: "#181a1b", _TEXT: "#eeeeee", _SOFT: "#a0a0a0", _GRID: "#333333", **dict(_SERIES)}
"""Of each colour that is drawn, the one in a dark page."""
_MARKERS = "os^DvP"
_INCHES = (6.4, 3.9)
_LONGEST_CATEGORY, _LONGEST_LABEL = 14, 36
_CHARACTERS = 70
"""Of all names of categories side by side; more are turned."""
_LOWEST_TOP = 0.01
_SETTINGS: Mapping[Any, Any] = {
    "axes.edgecolor": _SOFT,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.labelcolor": _SOFT,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": _TEXT,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "figure.facecolor": _PAPER,
    "font.family": "sans-serif",
    "grid.color": _GRID,
    "legend.frameon": False,
    "legend.labelcolor": _TEXT,
    "svg.fonttype": "none",
    "text.parse_math": False,
    "xtick.color": _SOFT,
    "ytick.color": _SOFT,
    "ytick.major.size": 0,
}
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


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


def available() -> bool:
    """Whether matplotlib is there to draw."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        return False
    return True


def svg(chart: Chart) -> str:
    """Return the chart as an SVG document without an XML declaration, fit to stand in HTML too."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({**_SETTINGS, "svg.hashsalt": chart.title}), warnings.catch_warnings():
        # It misses glyphs in its own font; a browser has others.
        warnings.simplefilter("ignore", UserWarning)
        figure = Figure(figsize=_INCHES, layout="constrained")
        _draw(chart, figure)
        written = StringIO()
        figure.savefig(written, format="svg", metadata=_NO_METADATA)
    return _embedded(written.getvalue(), chart.title)


def _draw(chart: Chart, figure: Figure) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    axes = figure.add_subplot()
    axes.set_title(_line(chart.title))
    axes.set_xlabel(_line(chart.x_label))
    axes.set_ylabel(_line(chart.y_label))
    lines = [_series(axes, number, each) for number, each in enumerate(chart.series)]
    if chart.categories:
        names = [_short(_line(name), _LONGEST_CATEGORY) for name in chart.categories]
        crowded = len(names) * max(map(len, names)) > _CHARACTERS
        turned: dict[str, Any] = {"rotation": 20, "ha": "right"} if crowded else {}
        axes.set_xticks(range(len(names)), names, **turned)
        axes.set_xlim(-0.5, len(names) - 0.5)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    if chart.percent:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    if chart.reference:
        height, label = chart.reference
        axes.axhline(height, color=_SOFT, linestyle="--", linewidth=1, zorder=1)
        axes.annotate(
            _line(label),
            (1, height),
            (-2, 3),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            color=_SOFT,
        )
    axes.set_ylim(0, 1.06 * max([_LOWEST_TOP, *_heights(chart)]))
    if len(lines) > 1:
        labels = [_short(_line(each.label), _LONGEST_LABEL) for each in chart.series]
        figure.legend(lines, labels, loc="outside lower left", ncols=2)


def _heights(chart: Chart) -> Iterator[float]:
    if chart.percent or chart.reference:
        yield 1.0 if chart.reference is None else chart.reference[0]
    for point in (point for each in chart.series for point in each.points):
        yield point.y if point.high is None else point.high


def _series(axes: Axes, number: int, series: Series) -> Line2D:
    colour, _ = _SERIES[number % len(_SERIES)]
    (line,) = axes.plot(
        [point.x for point in series.points],
        [point.y for point in series.points],
        color=colour,
        marker=_MARKERS[number % len(_MARKERS)],
        linestyle="-" if series.joined else "none",
    )
    for point in series.points:
        if point.low is not None and point.high is not None:
            span = [[point.y - point.low], [point.high - point.y]]
            axes.errorbar([point.x], [point.y], yerr=span, color=colour, capsize=5, fmt="none")
    return line


def _embedded(document: str, title: str) -> str:
    """The drawing with a name, colours that follow the page, and no name of anything twice."""
    drawing = document[document.index("<svg") :].strip()
    used = set(re.findall(r"#([\w-]+)", drawing))
    drawing = re.sub(r' id="([^"]+)"', lambda found: found[0] if found[1] in used else "", drawing)
    for number, colour in enumerate(_DARK):
        drawing = drawing.replace(colour, f"var(--c{number})")
    name = f'<svg role="img" aria-label="{escape(_line(title))}"'
    return drawing.replace("<svg", name, 1).replace(">", f"><style>{_style()}</style>", 1)


def _style() -> str:
    def colours(of: Sequence[str]) -> str:
        return "svg{" + ";".join(f"--c{number}:{each}" for number, each in enumerate(of)) + "}"

    dark = colours(list(_DARK.values()))
    return f"{colours(list(_DARK))}@media(prefers-color-scheme:dark){{{dark}}}"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _line(text: str) -> str:
    return "".join(character for character in text if character.isprintable())
