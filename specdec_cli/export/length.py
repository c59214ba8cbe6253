"""One draft length in the place of many: what a server gets that knows no better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from specdec_cli.core.draft_length.expected_speedup import expected_speedup
from specdec_cli.drafters.registry import DrafterSpec

_USUAL_STEPS, _USUAL_FREE = 3, 8


def usual(drafter: DrafterSpec) -> int:
    """A length where nothing was measured: steps of a draft model cost, n-grams hardly do."""
    if drafter.stepped:
        return _USUAL_STEPS
    return _USUAL_FREE if drafter.free else 0


def from_tuning(measured: Mapping[str, Any], drafter: DrafterSpec) -> int | None:
    """The best length by the figures that ``tune`` saved; ``None`` where they do not tell.

    The figures are for people, and a person may have changed them.
    """
    try:
        passes = {int(rows): float(value) for rows, value in measured["pass_seconds"].items()}
        step = float(measured["draft_step_seconds"])
        rate = _acceptance_rate(measured["calibration"][drafter.stepped])
        return expected_speedup(rate, step, passes)[1] or None
    except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError):
        return None


def _acceptance_rate(calibration: Mapping[str, Sequence[float | None]]) -> float:
    """Of the drafted tokens that were seen, those that were accepted."""
    pairs = [
        (seen or 0.0, accepted or 0.0)
        for seen, accepted in zip(calibration["seen"], calibration["accepted"], strict=True)
    ]
    rate = sum(seen * accepted for seen, accepted in pairs) / sum(seen for seen, _ in pairs)
    if not 0.0 <= rate <= 1.0:
        raise ValueError(f"a rate of {rate}")
    return rate
