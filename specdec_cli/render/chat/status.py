"""Lines on a conversation: the one at the bottom, and the one under each answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath

from specdec_cli.core.stats import RunStats
from specdec_cli.render.footer import loading_line
from specdec_cli.render.safe import safe_line

_NAME = 28


def loading_status(models: Mapping[str, tuple[str, float]]) -> str:
    """Return the bottom line while models load, by role their names and fractions."""
    return loading_line(models) if models else "loading"


def status_line(
    models: Sequence[str], drafter: str, stats: RunStats | None, used: int, n_ctx: int
) -> str:
    """Return the bottom line.

    Args:
        models: files of the target and, if there is one, the draft model.
        stats: of the last answer.
        used: tokens of the context that are taken.
    """
    parts = [" + ".join(_name(model) for model in models), drafter]
    if stats is not None and stats.rounds:
        parts += rates(stats)
    parts.append(f"context {used}/{n_ctx}")
    return " · ".join(parts)


def rates(stats: RunStats) -> list[str]:
    """Return acceptance, speed and speed-up, as far as they are known."""
    parts = [f"accept {100 * stats.acceptance_rate:.0f} %"] if stats.drafted else []
    parts.append(f"{stats.tokens_per_second:.1f} tok/s")
    if stats.speedup is not None:
        parts.append(f"×{stats.speedup:.2f} vs plain")
    return parts


def turn_line(stats: RunStats) -> str:
    """Return what one answer amounted to."""
    count = stats.completion_tokens
    speed = f"{_tokens(count)} in {stats.decode_seconds:.2f} s"
    return " · ".join([speed, *rates(stats), prompt_part(stats)])


def prompt_part(stats: RunStats) -> str:
    """Return how many tokens of the prompt were read, and how many were there already."""
    kept = f" ({stats.reused_tokens} kept)" if stats.reused_tokens else ""
    return f"prompt {_tokens(stats.prompt_tokens - stats.reused_tokens)}{kept}"


def _tokens(count: int) -> str:
    return "1 token" if count == 1 else f"{count} tokens"


def _name(path: str) -> str:
    name = safe_line(PurePath(path).stem)
    return name if len(name) <= _NAME else name[: _NAME - 1] + "…"
