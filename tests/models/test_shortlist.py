"""The shortlist against sorting everything."""

from __future__ import annotations

import numpy as np
import pytest

from specdec_cli.models.shortlist import Shortlist


def expected(logits: np.ndarray, k: int) -> list[int]:
    least = np.sort(logits)[::-1][min(k, logits.size) - 1]
    return np.flatnonzero(logits >= least).tolist()


@pytest.mark.parametrize("k", [1, 2, 40, 999, 1000, 5000])
def test_the_k_largest_of_rows_however_unlike_the_last(k: int) -> None:
    rng = np.random.default_rng(k)
    shortlist = Shortlist(k)
    for spread in (1.0, 1.0, 1e-3, 50.0, 1.0, 300.0, 1e-6, 3.0, 3.0):
        row = rng.normal(-5, spread, 1000).astype(np.float32)
        assert shortlist.of(row).tolist() == expected(row, k)


def test_equal_logits_are_all_found_whatever_was_seen_before() -> None:
    row = np.repeat(np.array([3.0, 2.0, 1.0, 0.0], np.float32), 5)
    fresh, used = Shortlist(7), Shortlist(7)
    for spread in (0.1, 30.0):
        used.of(np.linspace(0, spread, 200, dtype=np.float32))
        assert used.of(row).tolist() == fresh.of(row).tolist() == list(range(10))


def test_banned_tokens_are_found_only_where_too_few_are_left() -> None:
    row = np.full(100, -np.inf, np.float32)
    row[[4, 9]] = 1.0, 2.0
    shortlist = Shortlist(2)
    assert shortlist.of(row).tolist() == [4, 9]
    assert Shortlist(3).of(row).tolist() == list(range(100))
    ordinary = np.arange(100, dtype=np.float32)
    assert shortlist.of(ordinary).tolist() == [98, 99]


@pytest.mark.parametrize("value", [np.nan, -np.inf, np.inf])
def test_a_row_without_a_largest_logit_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="no finite maximum"):
        Shortlist(3).of(np.full(10, value, np.float32))
