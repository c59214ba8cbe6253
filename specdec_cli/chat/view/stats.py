"""``/stats``: statistics of a conversation's answers, with bars."""

from __future__ import annotations

from collections.abc import Sequence

from specdec_cli.chat.view.status import turn_line
from specdec_cli.core.stats import RunStats
from specdec_cli.terminal.safe import safe_line

_BLOCKS = " ▏▎▍▌▋▊▉█"
_WIDEST = 30
_MIN_BAR = 8
_POSITIONS = 16
_TURNS = 20


def stats_lines(turns: Sequence[RunStats], total: RunStats, width: int) -> list[str]:
    """Return the statistics of a conversation.

    Args:
        turns: of each answer in this run, oldest first; at least one.
        total: of all of them, and of answers that are no longer part of it.
        width: columns there are.
    """
    last = turns[-1]
    bar = max(min(width - 40, _WIDEST), _MIN_BAR)
    lines = ["last answer", f"  {turn_line(last, width - 2)}"]
    lines += _by_position(last, bar)
    lines += _by_source(last, bar)
    lines += _split(last)
    if total.completion_tokens == last.completion_tokens:
        return lines
    lines += ["", "all answers", f"  {turn_line(total, width - 2)}"]
    lines += _by_position(total, bar)
    lines += _by_source(total, bar)
    lines += _split(total)
    if len(turns) > 1:
        lines += ["", "tok/s of each answer", *_speeds(turns, bar)]
    return lines


def bar_of(fraction: float, width: int) -> str:
    """Return a bar that fills a fraction of so many columns, padded to all of them."""
    eighths = round(max(min(fraction, 1.0), 0.0) * width * 8)
    full, part = divmod(eighths, 8)
    return ("█" * full + (_BLOCKS[part] if part else "")).ljust(width)


def _by_position(stats: RunStats, width: int) -> list[str]:
    """How often each position of a draft was kept, in percent of the drafts that reached it."""
    kept = stats.kept_by_position
    if not kept:
        return []
    lines = ["  kept by position, % of the drafts that reached it"]
    for position, fraction in enumerate(kept[:_POSITIONS], 1):
        lines.append(f"  {position:>6}  {bar_of(fraction, width)} {100 * fraction:3.0f}")
    if len(kept) > _POSITIONS:
        lines.append(f"       …  and {len(kept) - _POSITIONS} more")
    return lines


def _by_source(stats: RunStats, width: int) -> list[str]:
    if not stats.by_source:
        return []
    lines = ["  accepted by source"]
    for name, source in stats.by_source.items():
        fraction = source.accepted / source.drafted if source.drafted else 0.0
        counts = f"{100 * fraction:3.0f} % of {source.drafted}"
        lines.append(f"  {safe_line(name):>6}  {bar_of(fraction, width)} {counts}")
    return lines


def _split(stats: RunStats) -> list[str]:
    seconds = stats.decode_seconds
    if not seconds:
        return []
    parts = (
        ("draft", stats.draft_seconds),
        ("verify", stats.verify_seconds),
        ("other", stats.overhead_seconds),
    )
    line = " · ".join(f"{name} {100 * part / seconds:.0f} %" for name, part in parts)
    parked = f" · parked in {stats.parked_rounds} of {stats.rounds} rounds"
    return [f"  time: {line}{parked if stats.parked_rounds else ''}"]


def _speeds(turns: Sequence[RunStats], width: int) -> list[str]:
    fastest = max(turn.tokens_per_second for turn in turns) or 1.0
    skipped = max(len(turns) - _TURNS, 0)
    lines = [f"       …  {skipped} before"] if skipped else []
    for number, turn in enumerate(turns[skipped:], skipped + 1):
        speed = turn.tokens_per_second
        gain = f" ×{turn.speedup:.2f}" if turn.speedup is not None else ""
        lines.append(f"  {number:>6}  {bar_of(speed / fastest, width)} {speed:.1f}{gain}")
    return lines
