"""Lines on a conversation: the one at the bottom, and the one under each answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import PurePath

from rich.cells import cell_len

from specdec_cli.core.stats import RunStats
from specdec_cli.terminal.footer import loading_line
from specdec_cli.terminal.safe import safe_line
from specdec_cli.terminal.summary import TOO_BUSY, parked_fraction, speedup, tokens_text

_NAME = 28


def loading_status(models: Mapping[str, tuple[str, float]]) -> str:
    """Return the bottom line while models load, by role their names and fractions."""
    return loading_line(models) if models else "loading"


def status_line(
    models: Sequence[str],
    drafter: str,
    stats: RunStats | None,
    context: tuple[int, int],
    width: int,
) -> str:
    """Return the bottom line, with fewer names where it is narrow.

    Args:
        models: files of the target and, if there is one, the draft model.
        stats: of the last answer.
        context: tokens that are taken, and how many there can be.
        width: columns there are.
    """
    names = [_name(model) for model in models]
    known = rates(stats) if stats is not None and stats.rounds else []
    full = [drafter, *known, f"context {context[0]}/{context[1]}"]
    brief = [*map(_brief, full)]
    return _fitting(
        width,
        [" + ".join(names), *full],
        [" + ".join(names), *brief],
        [names[0], *brief],
        brief,
        short := [*brief[1:-1], f"{context[0]}/{context[1]}"],
        short[1:],
    )


def turn_line(stats: RunStats, width: int) -> str:
    """Return what one answer amounted to."""
    full = [tokens_text(stats.completion_tokens), *rates(stats), prompt_part(stats)]
    brief = [*map(_brief, full)]
    return _fitting(width, full, brief, brief[:-1], brief[1:-1])


def rates(stats: RunStats) -> list[str]:
    """Return acceptance, speed, speed-up and how often drafting was parked, as far as known."""
    parked = [parked_fraction(stats)] if stats.parked_rounds else []
    return [*acceptance_and_speed(stats), *speedup(stats), *parked]


def acceptance_and_speed(stats: RunStats) -> list[str]:
    """Return what of the drafts was accepted, if there were any, and the tokens in a second."""
    parts = [f"accept {100 * stats.acceptance_rate:.0f} %"] if stats.drafted else []
    speed = stats.tokens_per_second
    return [*parts, f"{speed:.0f} tok/s" if speed >= 100.0 else f"{speed:.1f} tok/s"]


def prompt_part(stats: RunStats) -> str:
    """Return how many tokens of the prompt were read, and how many were there already."""
    kept = f" ({stats.reused_tokens} kept)" if stats.reused_tokens else ""
    return f"prompt {tokens_text(stats.prompt_tokens - stats.reused_tokens)}{kept}"


def _brief(part: str) -> str:
    return "machine too busy" if part == TOO_BUSY else part.removesuffix(" vs plain")


def _fitting(width: int, *candidates: Sequence[str]) -> str:
    """The first line that leaves the last column free, else the last one."""
    lines = [" · ".join(parts) for parts in candidates]
    return next(chain((line for line in lines if cell_len(line) < width), lines[-1:]))


def _name(path: str) -> str:
    name = safe_line(PurePath(path).stem)
    return name if len(name) <= _NAME else name[: _NAME - 1] + "…"
