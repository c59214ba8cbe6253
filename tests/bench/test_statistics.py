"""Estimates against values known otherwise."""

from __future__ import annotations

import math

import pytest
from scipy.stats import binom

from specdec_cli.bench.statistics import (
    geometric_mean,
    kinds_with_interval,
    median_with_interval,
)


def test_geometric_mean() -> None:
    assert geometric_mean([1.0, 4.0]) == pytest.approx(2.0)
    assert geometric_mean([0.5, 2.0, 1.0]) == pytest.approx(1.0)


def test_the_interval_of_a_median_is_the_bootstrap_s_own() -> None:
    """For nine values the law of a resample's median is known.

    It is at most the k-th of them when five or more of nine draws are, each with chance k / 9.
    """
    values = [float(v) for v in range(1, 10)]
    at_most = [binom.sf(4, 9, k / 9) for k in range(10)]
    low = next(k for k in range(10) if at_most[k] >= 0.025)
    high = next(k for k in range(10) if at_most[k] >= 0.975)
    found = median_with_interval(values)
    assert found is not None
    assert found.value == 5.0
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_values_that_agree_leave_no_doubt() -> None:
    found = median_with_interval([1.5] * 6)
    assert found is not None
    assert (found.value, found.low, found.high) == (
        pytest.approx(1.5),
        pytest.approx(1.5),
        pytest.approx(1.5),
    )


def test_one_prompt_says_nothing_about_others() -> None:
    found = median_with_interval([1.7])
    assert found is not None
    assert (found.value, found.low, found.high) == (pytest.approx(1.7), None, None)
    assert median_with_interval([]) is None


def test_kinds_count_alike() -> None:
    found = kinds_with_interval({"a": [2.0] * 50, "b": [8.0], "c": []})
    assert found is not None
    assert found.value == pytest.approx(4.0)
    assert found.low == pytest.approx(4.0)


def test_the_same_figures_have_the_same_interval() -> None:
    values = {"a": [1.0, 1.2, 1.9], "b": [0.8, 2.2, 1.1]}
    first = kinds_with_interval(values)
    assert first == kinds_with_interval(values)
    assert first is not None and first.low is not None and first.high is not None
    assert first.low < first.value < first.high
    assert first.value == pytest.approx(math.sqrt(1.2 * 1.1))
