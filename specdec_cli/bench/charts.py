"""The charts of a benchmark's report."""

from __future__ import annotations

from collections.abc import Mapping

from specdec_cli.bench.drawing import Chart, Point, Series, svg
from specdec_cli.bench.results import ArmResult, BenchResult, CostPoint, Estimate

_POSITIONS = 16


def charts(result: BenchResult) -> dict[str, str]:
    """Return SVG documents by file name, those there are figures for."""
    shown: dict[str, Chart] = {}
    default = result.default
    if default:
        shown["speedup"] = _speedup_by_kind(default)
        if any(figures.kept_by_position for figures in default.kinds.values()):
            shown["acceptance"] = _acceptance(default)
    if len(result.costs) > 1:
        shown["costs"] = _cost_curve(result.costs)
    fixed = {k: arm for arm in result.arms if (k := arm.draft_max)}
    if len(fixed) > 1:
        shown["draft-length"] = _by_draft_length(fixed, default)
    return {name: svg(chart) for name, chart in shown.items()}


def _speedup_by_kind(arm: ArmResult) -> Chart:
    rows: list[tuple[str, Estimate]] = [
        (kind, figures.speedup) for kind, figures in arm.kinds.items() if figures.speedup
    ]
    if arm.overall.speedup and len(rows) > 1:
        rows.append(("all", arm.overall.speedup))
    points = [Point(i, each.value, each.low, each.high) for i, (_, each) in enumerate(rows)]
    return Chart(
        title="Speed-up over plain decoding",
        x_label="kind of task (median of its prompts, 95 % interval)",
        y_label="times as fast",
        series=[Series("speed-up", points, joined=False)],
        categories=[kind for kind, _ in rows],
        reference=(1.0, "plain"),
    )


def _acceptance(arm: ArmResult) -> Chart:
    return Chart(
        title="Kept draft tokens by position",
        x_label="position in the draft",
        y_label="kept of those that were drafted",
        series=[
            Series(
                kind,
                [
                    Point(i, share)
                    for i, share in enumerate(figures.kept_by_position[:_POSITIONS], 1)
                ],
            )
            for kind, figures in arm.kinds.items()
            if figures.kept_by_position
        ],
        percent=True,
    )


def _cost_curve(costs: tuple[CostPoint, ...]) -> Chart:
    first = costs[0].seconds
    return Chart(
        title="Cost of a target pass",
        x_label="tokens in the pass, n",
        y_label="v(n), against one token",
        series=[Series("v(n)", [Point(each.rows, each.seconds / first) for each in costs])],
        reference=(1.0, "one token"),
    )


def _by_draft_length(fixed: Mapping[int, ArmResult], default: ArmResult | None) -> Chart:
    lengths = sorted(fixed)
    speeds = [(k, fixed[k].overall.speedup) for k in lengths]
    series = [
        Series("fixed draft length", [_point(k, speed) for k, speed in speeds if speed]),
    ]
    if default and default.overall.speedup:
        # It has no length of its own: it stands at what it drafted on average.
        mean = default.overall.mean_draft_length or 0.0
        label = f"default settings, {mean:.1f} on average"
        series.append(Series(label, [_point(mean, default.overall.speedup)], joined=False))
    return Chart(
        title="Speed-up by draft length",
        x_label="tokens drafted in a round, k",
        y_label="times as fast as plain",
        series=series,
        reference=(1.0, "plain"),
    )


def _point(x: float, speed: Estimate) -> Point:
    return Point(x, speed.value, speed.low, speed.high)
