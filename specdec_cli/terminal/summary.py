"""The summary of a run on stderr: two lines, or a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specdec_cli.core.stats import RunStats
from specdec_cli.terminal.safe import safe_line

if TYPE_CHECKING:
    from rich.console import Console

_POSITIONS = 8
TOO_BUSY = "machine too busy to compare with plain"


def summary_lines(stats: RunStats) -> list[str]:
    """Return one line on speed and, when anything was drafted, one on acceptance.

    Missing figures are left out: an answer without tokens has no speed, and one that was stopped
    before its prompt was read has nothing.
    """
    if not stats.prompt_tokens and not stats.rounds:
        return []
    lines = [" · ".join([*(_speed(stats) if stats.rounds else []), _prompt(stats)])]
    if stats.drafted:
        lines.append(" · ".join([*_acceptance(stats), _split(stats)]))
    if stats.parked_rounds:
        lines.append(_parked(stats))
    return lines


def print_table(stats: RunStats, console: Console) -> None:
    """Print the summary's first line and a table of acceptance by source."""
    from rich.table import Table

    first, *_ = summary_lines(stats) or [""]
    if not first:
        return
    console.print(first, style="dim", soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("source")
    for name in ("drafted", "accepted", "rate"):
        table.add_column(name, justify="right")
    for name, source in stats.by_source.items():
        rate = source.accepted / source.drafted if source.drafted else 0.0
        table.add_row(safe_line(name), str(source.drafted), str(source.accepted), _percent(rate))
    if stats.by_source:
        console.print(table)
        positions = " ".join(_by_position(stats, len(stats.kept_by_position)))
        console.print(f"by position {positions} % of the drafts that reached it", soft_wrap=True)
    if stats.parked_rounds:
        console.print(_parked(stats), soft_wrap=True)
    if not stats.rounds:
        return
    read = stats.draft_prompt_seconds
    reading = f" ({read:.2f} s of it to read the prompt)" if read else ""
    console.print(
        f"load {stats.load_seconds:.2f} s · draft {stats.draft_seconds:.2f} s{reading}"
        f" · verify {stats.verify_seconds:.2f} s · other {stats.overhead_seconds:.2f} s",
        soft_wrap=True,
    )
    if stats.time_to_first_token is not None:
        console.print(f"first token after {stats.time_to_first_token:.3f} s")


def _speed(stats: RunStats) -> list[str]:
    parts = [
        f"{tokens_text(stats.completion_tokens)} in {stats.decode_seconds:.2f} s",
        f"{stats.tokens_per_second:.1f} tok/s",
    ]
    return parts + speedup(stats)


def speedup(stats: RunStats) -> list[str]:
    """Return how many times as fast as plain decoding, or why that is not known; or nothing."""
    if stats.speedup is not None:
        return [f"×{stats.speedup:.2f} vs plain"]
    return [TOO_BUSY] if stats.too_busy and stats.could_draft else []


def _prompt(stats: RunStats) -> str:
    reused = f" ({stats.reused_tokens} reused)" if stats.reused_tokens else ""
    return f"prompt {tokens_text(stats.prompt_tokens)} in {stats.prompt_seconds:.2f} s{reused}"


def _acceptance(stats: RunStats) -> list[str]:
    positions = _by_position(stats, _POSITIONS)
    return [
        f"accept {_percent(stats.acceptance_rate)} (by position {' '.join(positions)})",
        f"{stats.mean_accepted_length:.2f} tok/pass",
    ]


def _by_position(stats: RunStats, limit: int) -> list[str]:
    """Return what percentage of the drafts that reached a position was kept there."""
    kept = stats.kept_by_position
    percents = [f"{100 * fraction:.0f}" for fraction in kept[:limit]]
    return percents if len(kept) <= limit else [*percents, "…"]


def _parked(stats: RunStats) -> str:
    parked = f"{parked_fraction(stats)} of rounds"
    if stats.parked is None:
        return parked
    why = f"{parked}: {stats.parked}"
    needed = stats.parked.needed
    return f"{why}, {_percent(needed)} needed" if stats.parked.too_few and needed <= 1.0 else why


def parked_fraction(stats: RunStats) -> str:
    """Return in what part of the rounds nothing was drafted, as it did not pay."""
    return f"parked in {_percent(stats.parked_rounds / stats.rounds)}"


def _split(stats: RunStats) -> str:
    total = stats.decode_seconds or 1.0
    draft, verify = stats.draft_seconds / total, stats.verify_seconds / total
    other = stats.overhead_seconds / total
    return f"draft {draft * 100:.0f} verify {verify * 100:.0f} other {_percent(other)}"


def tokens_text(count: int) -> str:
    """Return a number of tokens in words."""
    return "1 token" if count == 1 else f"{count} tokens"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.0f} %"
