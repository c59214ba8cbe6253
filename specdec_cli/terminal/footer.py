"""What the footer says."""

from __future__ import annotations

from collections.abc import Mapping

from specdec_cli.core.events import Parked
from specdec_cli.core.stats import RunStats
from specdec_cli.terminal.safe import safe_line

_BAR = 12
_NAME = 24


def loading_line(models: Mapping[str, tuple[str, float]]) -> str:
    """Return the progress of loading, by role: the file's name and the fraction that is there."""
    parts = []
    for role, (name, fraction) in models.items():
        percent = min(max(fraction, 0.0), 1.0)
        short = safe_line(name)
        if len(short) > _NAME:
            short = short[: _NAME - 1] + "…"
        full = round(percent * _BAR)
        bar = "━" * full + "╌" * (_BAR - full)
        parts.append(f"{role} {short} {bar} {100 * percent:.0f} %")
    return "loading " + " · ".join(parts)


def prompt_line(done: int, total: int) -> str:
    """Return the progress of reading the prompt."""
    return f"reading prompt {done}/{total}"


def answer_line(stats: RunStats, seconds: float, k: int, parked: Parked | None = None) -> str:
    """Return the rates of the answer so far, ``seconds`` after its prompt.

    Args:
        k: how many tokens were drafted last.
        parked: why nothing is drafted at present, if so.
    """
    rate = stats.completion_tokens / seconds if seconds > 0.0 else 0.0
    parts = [f"{rate:.1f} tok/s"]
    if stats.drafted:
        parts += [
            f"accept {100 * stats.acceptance_rate:.0f} %",
            f"{stats.mean_accepted_length:.1f} tok/pass",
        ]
    if stats.speedup is not None:
        parts.append(f"×{stats.speedup:.1f} vs plain")
    if parked is not None:
        parts.append(f"parked: {parked}")
    elif stats.drafted:
        parts.append(f"k {k}")
    return " · ".join(parts)
