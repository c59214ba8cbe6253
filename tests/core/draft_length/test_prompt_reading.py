"""What a drafter's reading of a prompt may cost, and when it is done."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specdec_cli.core.draft_length.prompt_reading import Reading


def reads(reading: Reading, price: float, to_lose: float = 0.0, gain: float = 0.0) -> bool:
    return reading.outlay(price, to_lose, gain) is not None


def rounds_until_read(reading: Reading, price: float, gain: float, to_lose: float = 0.0) -> int:
    return next(n for n in range(100_000) if reads(reading, price, to_lose, gain))


def test_what_little_it_may_lose_is_read_for_at_once() -> None:
    assert Reading().outlay(1.0, to_lose=1.25, gain=0.0) == 1.0


def test_a_long_prompt_waits_until_drafting_would_have_earned_it() -> None:
    assert rounds_until_read(Reading(), price=12.0, gain=0.05) == pytest.approx(240, abs=1)


def test_nothing_is_read_where_drafting_gains_nothing() -> None:
    reading = Reading()
    assert not any(reads(reading, 12.0, to_lose=1.0, gain=gain) for gain in [0.0, -0.3] * 500)


@given(
    price=st.floats(0.1, 1000.0),
    gains=st.lists(st.floats(0.0, 2.0), min_size=1, max_size=400),
    to_lose=st.floats(0.0, 3.0),
)
def test_reading_at_most_doubles_what_an_answer_loses(
    price: float, gains: list[float], to_lose: float
) -> None:
    """Against whoever knows how long the answer gets: it reads first thing, or never."""
    reading = Reading()
    lost = 0.0  # against drafting from the start without reading anything
    read = False
    for gain in gains:
        if not read and reads(reading, price, to_lose, gain):
            read = True
            lost += price
        if not read:
            lost += gain
    best = min(price, sum(gains))
    assert lost <= 2 * best + to_lose + max(gains) + 1e-9


def test_an_answer_begins_with_nothing_earned() -> None:
    reading = Reading()
    assert not reads(reading, 1.0, gain=0.9)
    reading.start(100, 1.0)
    assert not reads(reading, 1.0, gain=0.9)


def test_the_price_follows_what_was_seen() -> None:
    reading = Reading()
    assert reading.price(100, step=0.01, plain=0.1) == pytest.approx(0.25)  # a guess
    reading.start(1000, 20.0)  # the target takes 20 ms a token, and ten times as long for a pass
    assert reading.price(100, step=0.01, plain=0.1) == pytest.approx(0.2)
    reading.start(3, 9.0)  # too few to tell
    assert reading.price(100, step=0.01, plain=0.1) == pytest.approx(0.2)
    reading.observe(500, 0.5, interrupted=False)
    assert reading.price(100, step=0.01, plain=0.1) == pytest.approx(0.1)
    reading.observe(500, 5.0, interrupted=True)
    assert reading.price(100, step=0.01, plain=0.1) == pytest.approx(0.1)


def test_what_drafting_has_earned_is_no_outlay() -> None:
    reading = Reading()
    assert reading.outlay(3.0, to_lose=0.5, gain=2.0) is None
    assert reading.outlay(3.0, to_lose=0.5, gain=0.7) is None
    assert reading.outlay(3.0, to_lose=0.5, gain=1.0) == pytest.approx(0.3)
    assert reading.outlay(3.0, to_lose=0.5, gain=0.0) is None  # all was spent
