"""Speed-up and acceptance by kind of task, plain and drafted decoding interleaved."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

from specdec_cli.core.stats import RunStats
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.settings import AnswerSettings, PairSettings
from tools.measure.answers import Compared, compare
from tools.measure.prompts import Prompt

_HEAD = f"{'kind':>9} {'prompts':>7} {'accept':>7} {'length':>7} {'speedup':>8} {'same':>7}"


def report(
    settings: PairSettings, prompts: Sequence[Prompt], answer: AnswerSettings, max_tokens: int
) -> None:
    """Print a table of the prompts by kind."""
    with Decoder.load(settings) as decoder:
        by_kind: dict[str, list[Compared]] = {}
        for prompt in prompts:
            compared = compare(decoder, prompt.text, answer, max_tokens)
            by_kind.setdefault(prompt.kind, []).append(compared)
    print(_HEAD)
    for kind, runs in by_kind.items():
        print(_row(kind, runs))
    print(_row("all", [run for runs in by_kind.values() for run in runs]))
    mean = exp(sum(log(_speedup(runs)) for runs in by_kind.values()) / len(by_kind))
    print(f"geometric mean of the kinds: {mean:.2f}")


def _row(kind: str, runs: Sequence[Compared]) -> str:
    stats = sum((one.stats for run in runs for one in run.drafted), RunStats())
    same = sum(run.plain[0].tokens == one.tokens for run in runs for one in run.drafted)
    acceptance = f"{stats.acceptance_rate:>7.3f} {stats.mean_accepted_length:>7.2f}"
    return f"{kind:>9} {len(runs):>7} {acceptance} {_speedup(runs):>8.2f} {same:>4}/{2 * len(runs)}"


def _speedup(runs: Sequence[Compared]) -> float:
    whole = Compared(
        [a for run in runs for a in run.plain], [b for run in runs for b in run.drafted]
    )
    return whole.speedup
