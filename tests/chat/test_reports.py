"""What ``/compare`` says of two speeds."""

from __future__ import annotations

from specdec_cli.chat.reports import _gain
from specdec_cli.core.events import Round
from specdec_cli.core.stats import RunStats


def answer(seconds: float, *, drafted: int, interrupted: bool = False) -> RunStats:
    stats = RunStats(baseline_token_seconds=1.0)
    for _ in range(3):
        stats.observe(Round((1, 2), drafted, 1, "model", 0.0, seconds, interrupted=interrupted))
    return stats


def test_two_speeds_beside_each_other_are_compared_or_it_is_said_why_not() -> None:
    plain, drafted = answer(2.0, drafted=0), answer(1.0, drafted=1)
    assert _gain(drafted, plain) == "with drafts ×2.00 as fast"
    interrupted = "other programs interrupted these answers, so no × is given"
    assert _gain(answer(1.0, drafted=1, interrupted=True), plain) == interrupted
    assert _gain(drafted, answer(2.0, drafted=0, interrupted=True)) == interrupted
    assert _gain(plain, plain) == "nothing was drafted"
    assert _gain(drafted, RunStats()) == "too short to compare speeds"
