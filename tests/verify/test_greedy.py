"""Greedy answers: near ties are told from defects, and nothing hides what comes later."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from specdec_cli.core.sampling import Sampling
from specdec_cli.core.types import Logits
from specdec_cli.engine.settings import AnswerSettings
from specdec_cli.errors import Cancelled
from specdec_cli.verify.greedy import GreedyCheck, GreedyReport
from tests.fakes import PIECES, FakeModel
from tests.verify.subjects import (
    PROMPTS,
    FakePair,
    NoisyModel,
    StaleModel,
    accepts_too_often,
)


def checked(
    pair: FakePair, *, exact: bool = False, walked: int = 6, most_rows: int = 0
) -> GreedyReport:
    check = GreedyCheck(
        pair,
        AnswerSettings(Sampling()),
        max_tokens=40,
        exact=exact,
        walked=walked,
        most_rows=most_rows,
    )
    check.run(PROMPTS, lambda *_: None, lambda: False)
    return check.report


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("penalty", [0.0, 1.5])
def test_a_sound_pair_passes(exact: bool, penalty: float) -> None:
    report = checked(FakePair(penalty=penalty), exact=exact)
    assert report.differences == []
    assert report.defects == 0
    assert report.noise.largest == 0.0
    assert report.noise.contexts > 50
    assert report.prompts == len(PROMPTS)
    assert 0 < report.accepted < report.drafted


@pytest.mark.parametrize("penalty", [0.0, 1.5])
def test_a_margin_inside_the_noise_is_a_near_tie(penalty: float) -> None:
    report = checked(FakePair(target=NoisyModel(0.1), penalty=penalty))
    ties = report.differences
    assert len(ties) >= 3
    assert {found.verdict for found in ties} == {"near tie"}
    assert report.defects == 0
    assert 0.05 < report.noise.largest <= 0.1
    for found in ties:
        assert found.plain != found.other
        assert found.rows > 1
        assert found.margin is not None and found.tolerance is not None
        assert 0 <= found.margin <= found.tolerance
    token = ties[0].plain
    assert token is not None and token.text == PIECES[token.id].decode()


def test_exact_mode_knows_no_ties() -> None:
    report = checked(FakePair(target=NoisyModel(0.1)), exact=True)
    assert {found.verdict for found in report.differences} == {"defect"}
    assert report.broken
    assert checked(FakePair(target=NoisyModel(1e-5)), exact=True).defects


class LooseWhenLong(FakeModel):
    """Passes over fifty rows and more are off in the last bits."""

    def decode(self, tokens: Sequence[int], rows: int) -> Logits:
        logits = super().decode(tokens, rows)
        return logits + np.float32(1e-5) if rows >= 50 else logits


def test_a_pass_of_the_most_rows_is_looked_at_though_no_draft_was_so_long() -> None:
    def pair() -> FakePair:
        return FakePair(target=LooseWhenLong(size=len(PIECES), n_ctx=256, n_batch=64))

    assert checked(pair(), exact=True).defects == 0
    assert checked(pair(), exact=True, most_rows=49).defects == 0
    found = checked(pair(), exact=True, most_rows=61)
    assert found.noise.by_rows[61] > 0
    assert found.defects


def test_passes_that_compute_something_else_are_no_noise() -> None:
    report = checked(FakePair(target=NoisyModel(3.0)))
    assert report.noise.broken
    assert report.defects


def test_every_later_position_is_checked_as_well() -> None:
    """A verifier that errs in every round is found in every round, not once for each prompt."""
    report = checked(FakePair(defect=accepts_too_often))
    assert report.defects > 3 * len(PROMPTS)
    assert {found.verdict for found in report.differences} == {"defect"}
    assert {found.kind for found in report.differences} == {"cold", "resumed"}
    positions = [(found.prompt, found.kind, found.position) for found in report.differences]
    assert len(positions) == len(set(positions))


def test_a_cache_off_by_one_is_found() -> None:
    report = checked(FakePair(target=StaleModel()))
    assert report.noise.largest == 0.0
    assert "defect" in {found.verdict for found in report.differences}


def test_nothing_is_lost_when_it_is_stopped() -> None:
    check = GreedyCheck(
        FakePair(defect=accepts_too_often), AnswerSettings(Sampling()), max_tokens=40
    )
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 2500

    with pytest.raises(Cancelled):
        check.run(PROMPTS, lambda *_: None, stop)
    assert 0 < check.report.prompts < len(PROMPTS)
    assert {found.verdict for found in check.report.differences} == {"not judged"}
