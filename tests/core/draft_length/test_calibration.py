"""How often a confidence comes true."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specdec_cli.core.draft_length.calibration import BINS, Calibration, bin_of, monotone


def test_bins_are_in_order_and_all_in_use() -> None:
    bins = [bin_of(float(x)) for x in 1 / (1 + np.exp(-np.linspace(-9, 9, 500)))]
    assert bins == sorted(bins)
    assert set(bins) == set(range(BINS))
    assert bin_of(0.0) == 0 and bin_of(1.0) == BINS - 1


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 50)), min_size=1, max_size=20))
def test_monotone_rises_and_keeps_the_mean(pairs: list[tuple[float, float]]) -> None:
    values, weights = (np.array(each) for each in zip(*pairs, strict=True))
    fitted = np.array(monotone(values, weights))
    assert all(a <= b for a, b in pairwise(fitted))
    assert fitted @ weights == pytest.approx(values @ weights)
    assert monotone(fitted, weights) == pytest.approx(list(fitted))


def test_the_prior_believes_a_drafter_but_not_fully() -> None:
    rates = Calibration().rates
    assert all(a < b for a, b in pairwise(rates))
    assert 0.02 < rates[0] < 0.2 and 0.9 < rates[-1] < 0.99


def taught(rate: float, rounds: int, seed: int, *, expected: bool = False) -> Calibration:
    """A drafter of confidence 0.8 that is right at ``rate``."""
    random = np.random.default_rng(seed)
    calibration = Calibration()
    for _ in range(rounds):
        hits = random.random(4) < rate
        accepted = int(np.argmin(np.append(hits, False)))
        acceptance = [rate] * 4 if expected else []
        calibration.observe([0.8] * 4, accepted, accepted < 4, acceptance)
    calibration.refresh()
    return calibration


def test_rates_come_to_what_is_seen_without_bias_by_the_rejections() -> None:
    for rate in (0.3, 0.6, 0.9):
        assert taught(rate, 600, 1).rates[bin_of(0.8)] == pytest.approx(rate, abs=0.06)


def test_expectations_are_less_noisy_than_coins() -> None:
    def spread(expected: bool) -> float:
        b = bin_of(0.8)
        return float(np.std([taught(0.6, 60, s, expected=expected).rates[b] for s in range(12)]))

    assert spread(True) < spread(False) / 2


def test_what_follows_a_rejection_tells_nothing() -> None:
    short, long = Calibration(), Calibration()
    for _ in range(50):
        short.observe([0.9, 0.6], 1, True)
        long.observe([0.9, 0.6, 0.99, 0.02], 1, True)
    short.refresh()
    long.refresh()
    assert short.rates == long.rates
    assert list(short.weights) == list(long.weights)


def test_a_refused_confidence_came_up_but_was_not_decided() -> None:
    calibration = Calibration()
    before = list(calibration.rates)
    for _ in range(50):
        calibration.observe([0.05], 0, False)
    calibration.refresh()
    assert calibration.rates == pytest.approx(before)
    assert calibration.weights[bin_of(0.05)] > 0.5
    assert calibration.weights.sum() == pytest.approx(1.0)


def test_the_past_is_forgotten() -> None:
    calibration = taught(0.95, 600, 1)
    for _ in range(1500):
        calibration.observe([0.8], 0, True)
    calibration.refresh()
    assert calibration.rates[bin_of(0.8)] < 0.15


def test_a_rare_round_speaks_for_many() -> None:
    often, rarely = taught(0.95, 300, 1), taught(0.95, 300, 1)
    for _ in range(20):
        often.observe([0.8], 0, True)
        rarely.observe([0.8], 0, True, stands_for=64)
    often.refresh()
    rarely.refresh()
    assert rarely.rates[bin_of(0.8)] < often.rates[bin_of(0.8)] - 0.05
