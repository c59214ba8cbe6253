"""Looks at sizes of a pass that are not in use."""

from __future__ import annotations

from specdec_cli.core.draft_length.size_probes import _FRACTION, _SAVED, SizeProbes

LARGEST = 17


def line(rows: int) -> float:
    return 1 + 0.1 * (rows - 1)


def test_nothing_is_looked_at_before_it_is_earned() -> None:
    looks = SizeProbes()
    assert not looks.due(2, LARGEST, line, most=10.0)
    looks.observe(1, 1000)
    assert looks.due(2, LARGEST, line, most=10.0)


def test_what_may_not_be_lost_is_not_spent() -> None:
    looks = SizeProbes()
    looks.observe(1, 10_000)
    assert not looks.due(2, LARGEST, line, most=0.05)


def test_sizes_take_turns_and_cost_no_more_than_their_share() -> None:
    looks, seen, cost = SizeProbes(), [], 0.0
    for _ in range(10_000):
        rows = looks.due(2, LARGEST, line, most=10.0)
        looks.observe(rows or 2, 1)
        if rows:
            seen.append(rows)
            cost += line(rows) - line(2)
    assert set(seen) == {3, 4, 6, 8}
    assert cost <= _FRACTION * 10_000 + _SAVED


def test_a_size_believed_absurdly_dear_is_looked_at_too() -> None:
    looks = SizeProbes()
    looks.observe(1, 10_000)
    assert looks.due(2, LARGEST, lambda rows: 1.0 if rows < 3 else 1e6, most=10.0) == 3


def test_the_largest_pass_has_nothing_larger() -> None:
    looks = SizeProbes()
    looks.observe(1, 10_000)
    assert not looks.due(8, LARGEST, line, most=10.0)
    assert not looks.due(2, 2, line, most=10.0)


def test_a_size_in_use_needs_no_look() -> None:
    looks = SizeProbes()
    looks.observe(1, 10_000)
    looks.observe(3, 1)
    assert looks.due(2, LARGEST, line, most=10.0) == 4
