"""Counts against a distribution: cells, false alarms, power."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chisquare

from specdec_cli.verify.fit import (
    FAMILY_LEVEL,
    RETEST_DRAWS,
    RETEST_LEVEL,
    detectable_distance,
    fit,
    holm,
    merged,
)

RNG = np.random.default_rng(5)


def dist_of(probs: NDArray[np.float64]) -> dict[object, float]:
    return dict(enumerate(probs.tolist()))


def counted(probs: NDArray[np.float64], draws: int) -> dict[object, int]:
    return {i: int(n) for i, n in enumerate(RNG.multinomial(draws, probs))}


def test_it_is_pearson_s_test() -> None:
    probs = np.array([0.5, 0.3, 0.2])
    counts: Mapping[object, int] = {0: 480, 1: 330, 2: 190}
    known = chisquare([480, 330, 190], 1000 * probs)
    found = fit(counts, dist_of(probs))
    assert found.statistic == pytest.approx(known.statistic)
    assert found.p_value == pytest.approx(known.pvalue)
    assert found.distance == pytest.approx(0.03)


def test_rare_outcomes_share_a_cell() -> None:
    dist = {"a": 0.9, "b": 0.08, "c": 0.012, "d": 0.008, "never": 0.0}
    assert merged(dist, 500) == [["a"], ["b"], ["c", "d"]]
    assert merged(dist, 200) == [["a"], ["b", "c", "d"]]  # together still too few: joined
    assert merged({"a": 1.0}, 10) == [["a"]]


def test_rare_pairs_of_one_first_token_stay_together() -> None:
    dist = {(1, 1): 0.5, (2, 1): 0.15, (2, 2): 0.15, (3, 1): 0.1, (4, 1): 0.1}
    assert merged(dist, 40) == [[(1, 1)], [(2, 1), (2, 2), (3, 1), (4, 1)]]
    assert merged(dist, 55) == [[(1, 1)], [(2, 1), (2, 2)], [(3, 1), (4, 1)]]


def test_what_the_distribution_forbids_never_fits() -> None:
    found = fit({"a": 500, "b": 499, "z": 1}, {"a": 0.5, "b": 0.5})
    assert found.impossible == 1
    assert found.p_value == 0.0


@pytest.mark.parametrize("cells", [2, 12, 60])
def test_false_alarms_are_as_rare_as_said(cells: int) -> None:
    """Cells expected ten times, the fewest allowed, where Pearson's statistic is worst."""
    probs = np.full(cells, 10 / 2000)
    probs[0] = 1 - probs[1:].sum()
    draws, runs, level = 2000, 40_000, 1e-3
    counts = RNG.multinomial(draws, probs, size=runs)
    statistics = ((counts - draws * probs) ** 2 / (draws * probs)).sum(axis=1)
    from specdec_cli.verify import chi2

    alarms = (statistics > chi2.critical(level, cells - 1)).mean()
    assert alarms < 4 * level


def test_the_distance_said_is_found_nine_times_in_ten() -> None:
    """The least visible way to be that far off: one half's outcomes gain what the other's lose."""
    cells, draws, tests, runs = 16, 1500, 6, 300
    distance = detectable_distance(cells, draws, tests)
    assert distance is not None
    probs = np.full(cells, 1 / cells)
    off = probs + distance * np.repeat([1, -1], cells // 2) / (cells // 2)
    found = 0
    for _ in range(runs):
        first = fit(counted(off, draws), dist_of(probs))
        second = fit(counted(off, RETEST_DRAWS * draws), dist_of(probs))
        found += first.p_value <= FAMILY_LEVEL / tests and second.p_value <= RETEST_LEVEL
    assert 0.83 <= found / runs <= 0.97


def test_more_draws_find_less() -> None:
    few, many = detectable_distance(20, 500, 9), detectable_distance(20, 2000, 9)
    assert few is not None and many is not None
    assert few == pytest.approx(2 * many)
    assert detectable_distance(1, 1000, 9) is None
    assert detectable_distance(40, 5, 9) is None  # nothing could be so far off


def test_holm_steps_down() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005], 0.05) == [True, False, False, True]
    assert holm([0.2, 0.02], 0.05) == [False, True]
    assert holm([], 0.05) == []
