"""One measured answer, and sums of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from specdec_cli.bench.results import Figures
from specdec_cli.core.stats import RunStats


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer, measured.

    Args:
        count: tokens of the answer.
        seconds: of decoding, the prompt left out.
        stats: what the loop told.
        tokens: of the answer.
        lengths: drafted and accepted tokens of each round that drafted.
    """

    count: int
    seconds: float
    stats: RunStats = field(default_factory=RunStats)
    tokens: tuple[int, ...] = ()
    lengths: tuple[tuple[int, int], ...] = ()
    drafted: int = 0
    accepted: int = 0

    @property
    def seconds_per_token(self) -> float:
        return self.seconds / self.count


def usable(sample: Sample) -> bool:
    """Whether it says anything about speed."""
    return sample.count > 0 and sample.seconds > 0.0


def seconds_per_token(samples: Sequence[Sample]) -> float:
    """Of all samples together; at least one is usable."""
    return sum(each.seconds for each in samples) / sum(each.count for each in samples)


def kept_by_position(lengths: Iterable[tuple[int, int]]) -> tuple[float, ...]:
    """Of the drafts that reached each position, the share that was kept there.

    Drafts shorter than a position say nothing about it and are left out of its share; positions
    behind a rejection count as not kept, as their tokens were drafted in vain.
    """
    drafted: list[int] = []
    kept: list[int] = []
    for length, accepted in lengths:
        missing = length + 1 - len(drafted)
        if missing > 0:
            drafted += [0] * missing
            kept += [0] * missing
        drafted[length] += 1
        kept[accepted] += 1
    reached = list(accumulate(reversed(drafted)))[::-1][1:]
    held = list(accumulate(reversed(kept)))[::-1][1:]
    return tuple(h / r for h, r in zip(held, reached, strict=True))


def figures(
    plain: Sequence[Sample],
    measured: Sequence[Sample],
    *,
    weights_bytes: int,
    bandwidth: float | None,
) -> Figures:
    """Rates over all samples together; the speed-up and what was compared are left open."""
    stats = sum((each.stats for each in measured), RunStats())
    seconds = stats.decode_seconds
    drafted = sum(each.drafted for each in measured)
    accepted = sum(each.accepted for each in measured)
    drafts = sum(len(each.lengths) for each in measured)
    passes = stats.rounds / seconds if seconds else None
    plain_rate = 1.0 / seconds_per_token(plain)

    def share(rate: float | None) -> float | None:
        return rate * weights_bytes / bandwidth if rate and bandwidth else None

    return Figures(
        prompts=0,
        pairs=0,
        speedup=None,
        tokens_per_second=1.0 / seconds_per_token(measured),
        plain_tokens_per_second=plain_rate,
        acceptance_rate=accepted / drafted if drafted else None,
        mean_accepted_length=stats.mean_accepted_length,
        mean_draft_length=drafted / drafts if drafts else None,
        kept_by_position=kept_by_position(pair for each in measured for pair in each.lengths),
        draft_share=stats.draft_seconds / seconds if seconds else None,
        verify_share=stats.verify_seconds / seconds if seconds else None,
        overhead_share=stats.overhead_seconds / seconds if seconds else None,
        compared=0,
        same=0,
        bandwidth_share=share(passes),
        plain_bandwidth_share=share(plain_rate),
    )
