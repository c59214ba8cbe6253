"""A fixed draft length within its budget."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specdec_cli.core.draft_length.fixed import FixedLength
from specdec_cli.core.draft_length.policy import DraftLengthPolicy
from specdec_cli.core.events import Round


@pytest.mark.parametrize(
    ("draft_min", "draft_max", "budget", "k"),
    [
        (0, 4, 100, 4),
        (0, 4, 3, 3),
        (0, 4, 0, 0),
        (0, 4, -1, 0),
        (0, 0, 9, 0),
        (3, 4, 3, 3),
        (3, 4, 2, 0),
        (4, 4, 9, 4),
    ],
)
def test_fixed(draft_min: int, draft_max: int, budget: int, k: int) -> None:
    assert FixedLength(draft_min, draft_max).next(budget) == k


@settings(max_examples=60, deadline=None)
@given(low=st.integers(0, 20), more=st.integers(0, 20), budget=st.integers(-5, 50))
def test_fixed_stays_in_its_bounds(low: int, more: int, budget: int) -> None:
    length: DraftLengthPolicy = FixedLength(low, low + more)
    k = length.next(budget)
    assert k == 0 or low <= k <= min(low + more, budget)
    assert length.minimum == low
    length.observe(Round((1,), k, 0, "model", 0.0, 0.0))
    assert length.next(budget) == k


@pytest.mark.parametrize(("draft_min", "draft_max"), [(-1, 4), (5, 4), (0, -1)])
def test_fixed_refuses_impossible_bounds(draft_min: int, draft_max: int) -> None:
    with pytest.raises(ValueError, match="min"):
        FixedLength(draft_min, draft_max)
