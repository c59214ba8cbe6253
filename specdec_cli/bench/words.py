"""A benchmark's figures in words and cells, for the terminal and the page alike."""

from __future__ import annotations

from specdec_cli.bench.results import ArmResult, BenchResult, Estimate, Figures

_POSITIONS = 12
_SHOWN_DIFFERENCES = 5
_NOTHING = "–"


def rows_by_kind(arm: ArmResult) -> list[tuple[str, ...]]:
    """Return a heading and a row for each kind, and for all where there are several."""
    heading = ("kind", "n", "plain\ntok/s", "drafted\ntok/s", "speed-up", "95 %", "accept")
    rows: list[tuple[str, ...]] = [(*heading, "tok/\npass", "draft/\nverify/\nother", "same")]
    rows += [_row(kind, figures) for kind, figures in arm.kinds.items()]
    if len(arm.kinds) > 1:
        rows.append(_row("all", arm.overall))
    return rows


def rows_by_arm(result: BenchResult) -> list[tuple[str, ...]]:
    """Return a heading and a row for each way of decoding: its speed-up by kind."""
    kinds = list(dict.fromkeys(kind for arm in result.arms for kind in arm.kinds))
    several = len(kinds) > 1
    columns = [*kinds, "all"] if several else kinds
    rows: list[tuple[str, ...]] = [("arm", *columns, "95 %", "accept", "tok/s")]
    rate = result.arms[0].overall.plain_tokens_per_second
    rows.append(("plain", *["×1.00"] * len(columns), _NOTHING, _NOTHING, f"{rate:.1f}"))
    for arm in result.arms:
        every = [arm.kinds.get(kind) for kind in kinds] + ([arm.overall] if several else [])
        rows.append(
            (
                arm.name,
                *(_times(figures.speedup if figures else None) for figures in every),
                _interval(arm.overall.speedup),
                _percent(arm.overall.acceptance_rate),
                f"{arm.overall.tokens_per_second:.1f}",
            )
        )
    return rows


def notes(result: BenchResult) -> list[str]:
    """Return what the tables leave out, a sentence each."""
    arm = result.default
    said = []
    if any(figures.prompts > 1 for each in result.arms for figures in each.kinds.values()):
        means = (
            "; for all, the mean of the kinds" if any(len(a.kinds) > 1 for a in result.arms) else ""
        )
        said.append(f"×: the median over prompts, not the quotient of two speeds{means}.")
    if arm and arm.overall.kept_by_position:
        kept = [f"{100 * share:.0f}" for share in arm.overall.kept_by_position[:_POSITIONS]]
        more = " …" if len(arm.overall.kept_by_position) > _POSITIONS else ""
        said.append(f"Kept by position: {' '.join(kept)}{more} % of the drafts that reached it.")
    if arm and arm.overall.bandwidth_share and result.bandwidth:
        plain = arm.overall.plain_bandwidth_share
        said.append(
            f"Weights read: {_percent(arm.overall.bandwidth_share)} of {result.bandwidth / 1e9:.0f}"
            f" GB/s ({result.bandwidth_source}), plain decoding {_percent(plain)}."
        )
    for each in result.arms:
        said += _differences(each)
    if not result.complete:
        said.append("Interrupted: the figures cover what was measured until then.")
    return said


def _differences(arm: ArmResult) -> list[str]:
    if not arm.differences:
        return []
    listed = ", ".join(
        f"prompt {each.prompt} ({each.kind}) at token {each.position + 1}"
        for each in arm.differences[:_SHOWN_DIFFERENCES]
    )
    more = len(arm.differences) - _SHOWN_DIFFERENCES
    tail = f" and {more} more" if more > 0 else ""
    return [f"{arm.name}: the answer parts from the plain one in {listed}{tail}."]


def _row(kind: str, figures: Figures) -> tuple[str, ...]:
    parts = (figures.draft_share, figures.verify_share, figures.overhead_share)
    return (
        kind,
        str(figures.prompts),
        f"{figures.plain_tokens_per_second:.1f}",
        f"{figures.tokens_per_second:.1f}",
        _times(figures.speedup),
        _interval(figures.speedup),
        _percent(figures.acceptance_rate),
        f"{figures.mean_accepted_length:.2f}",
        "/".join(_NOTHING if part is None else f"{100 * part:.0f}" for part in parts) + " %",
        f"{figures.same}/{figures.compared}" if figures.compared else _NOTHING,
    )


def _times(estimate: Estimate | None) -> str:
    return f"×{estimate.value:.2f}" if estimate else _NOTHING


def _interval(estimate: Estimate | None) -> str:
    if estimate is None or estimate.low is None or estimate.high is None:
        return _NOTHING
    return f"{estimate.low:.2f}–{estimate.high:.2f}"


def _percent(share: float | None) -> str:
    return _NOTHING if share is None else f"{100 * share:.0f} %"
