"""The yardstick: which passes count, and when it must be taken anew."""

from __future__ import annotations

import pytest

from specdec_cli.core.events import Baseline as BaselineEvent
from specdec_cli.core.events import Round
from specdec_cli.engine.baseline import Baseline
from specdec_cli.engine.loop import generate
from tests.fakes import make_session


def test_the_first_pass_after_another_size_does_not_count() -> None:
    baseline = Baseline()
    baseline.observe(1, 9.0)
    assert baseline.seconds is None
    baseline.observe(1, 2.0)
    baseline.observe(1, 4.0)
    assert baseline.seconds == pytest.approx(3.0)
    baseline.observe(5, 9.0)
    baseline.observe(1, 9.0)
    assert baseline.seconds == pytest.approx(3.0)


def test_it_is_stale_after_many_rounds_and_fresh_once_measured() -> None:
    baseline = Baseline()
    for _ in range(128):
        assert not baseline.is_stale
        baseline.observe(4, 1.0)
    assert baseline.is_stale
    baseline.observe(1, 1.0)
    assert baseline.is_stale
    baseline.observe(1, 1.0)
    assert not baseline.is_stale


def test_a_long_answer_measures_it_again_with_plain_rounds() -> None:
    session = make_session(k=2, noise=50.0, n_ctx=2000, temperature=1.0)
    rounds = 0
    while rounds < 140:  # answers end by themselves; the baseline outlives them
        events = list(generate(session, [1, 2, 3], max_tokens=500))
        rounds += sum(isinstance(event, Round) for event in events)
    assert session.baseline.seconds is not None
    assert any(isinstance(event, BaselineEvent) for event in events)
