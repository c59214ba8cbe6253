"""Paired speed-ups and their intervals.

A pair is one prompt with one seed, decoded both ways. Its speed-up is plain time per token over
the other's, each summed over the repeats. A prompt's value is the geometric mean of its seeds; a
kind's is the median of its prompts.

Intervals are percentile bootstrap intervals (Efron 1979): prompts are drawn again with
replacement, within each kind, and the whole estimate is computed again from them. Prompts are what
varies between users, so they are the unit; seeds and repeats of one prompt are not independent of
each other and never drawn apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from specdec_cli.bench.results import Estimate

_RESAMPLES = 10_000
_TAILS = (2.5, 97.5)
_SEED = 20_231


def geometric_mean(values: Sequence[float]) -> float:
    """The mean for ratios; values are positive, at least one."""
    return float(np.exp(np.mean(np.log(np.asarray(values, np.float64)))))


def median_with_interval(values: Sequence[float]) -> Estimate | None:
    """Median over prompts with its 95 % interval; ``None`` without values.

    Args:
        values: one per prompt.
    """
    return kinds_with_interval({"": values})


def kinds_with_interval(by_kind: Mapping[str, Sequence[float]]) -> Estimate | None:
    """Geometric mean over kinds of the median over prompts, with its 95 % interval.

    Every kind counts the same, however many prompts it has. There is no interval where each kind
    has a single prompt, as nothing then says how much prompts differ.
    """
    kinds = [np.asarray(values, np.float64) for values in by_kind.values() if len(values)]
    if not kinds:
        return None
    several = len(kinds) > 1
    middles = [float(np.median(values)) for values in kinds]
    value = geometric_mean(middles) if several else middles[0]
    if all(len(values) < 2 for values in kinds):
        return Estimate(value)
    rng = np.random.default_rng(_SEED)
    medians = [_resampled_medians(values, rng) for values in kinds]
    means = np.exp(np.mean(np.log(np.stack(medians)), axis=0)) if several else medians[0]
    low, high = np.percentile(means, _TAILS)
    return Estimate(value, float(low), float(high))


def _resampled_medians(
    values: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Medians of samples drawn with replacement, shape (resamples,)."""
    drawn = rng.integers(len(values), size=(_RESAMPLES, len(values)))
    medians: NDArray[np.float64] = np.median(values[drawn], axis=1)
    return medians
