"""Sampled answers: a sound pair fits the distribution, a defect does not."""

from __future__ import annotations

import numpy as np
import pytest

from specdec_cli.core.sampling import Sampling
from specdec_cli.core.types import Distribution, DistributionAt, Logits
from specdec_cli.core.verify import Rule
from specdec_cli.engine.settings import AnswerSettings
from specdec_cli.verify.check import Check, Effort
from specdec_cli.verify.distributions import choose_contexts
from specdec_cli.verify.fit import RETEST_DRAWS
from specdec_cli.verify.greedy import Walk
from tests.verify.subjects import (
    PROMPTS,
    FakePair,
    NoisyModel,
    accepts_too_often,
    claims_a_wrong_distribution,
)

EFFORT = Effort(max_tokens=20, walked=4, draws=400, contexts=2)


def checked(pair: FakePair, rule: Rule | None = None, effort: Effort = EFFORT) -> Check:
    settings = AnswerSettings(Sampling(), verify=rule or "auto")
    check = Check(pair, settings, effort, exact=False)
    check.run(PROMPTS[:5], lambda *_: None, lambda: False)
    return check


def test_a_sound_pair_fits() -> None:
    check = checked(FakePair(penalty=1.0))
    tests = check.sampling.report.tests
    assert [test.rule for test in tests] == ["match"] * 2 + ["rejection"] * 2 + ["block"] * 2
    assert check.defects == 0
    for test in tests:
        assert test.first.draws == EFFORT.draws
        assert test.first.cells > 5
        assert test.first.impossible == 0
        assert test.detectable_distance is not None and test.detectable_distance < 0.25
        assert 0 < test.accepted < test.drafted
    assert check.report().passed is True


def test_the_draws_are_seeded() -> None:
    effort = Effort(max_tokens=8, walked=1, draws=40, contexts=1)
    assert (
        checked(FakePair(), effort=effort).report() == checked(FakePair(), effort=effort).report()
    )


def test_noise_of_batch_shapes_is_no_defect() -> None:
    assert checked(FakePair(target=NoisyModel(0.02)), "block").defects == 0


@pytest.mark.parametrize("rule", ["match", "rejection", "block"])
def test_a_judge_that_accepts_too_often_is_found(rule: Rule) -> None:
    check = checked(FakePair(defect=accepts_too_often), rule)
    found = [test for test in check.sampling.report.tests if test.verdict == "defect"]
    assert found
    assert found[0].retest is not None
    assert found[0].retest.draws == RETEST_DRAWS * EFFORT.draws
    assert check.report().passed is False


@pytest.mark.parametrize("rule", ["rejection", "block"])
def test_a_drafter_with_a_wrong_distribution_is_found(rule: Rule) -> None:
    """Greedy answers cannot show it: there the draft's distribution is not looked at."""
    check = checked(FakePair(defect=claims_a_wrong_distribution), rule)
    assert check.greedy.report.defects == 0
    assert check.sampling.report.defects


def test_nothing_drafted_is_nothing_compared() -> None:
    check = checked(FakePair(k=0))
    assert not check.compared
    assert check.finished
    assert check.report().passed is None


class _SamplerChain:
    """Keeps the tokens of logit above a threshold; all others cannot be."""

    raw_greedy = False

    def restart(self, tokens: object) -> None: ...

    def commit(self, tokens: object) -> None: ...

    def distributions_along(self, rows: object, tokens: object) -> DistributionAt:
        raise NotImplementedError

    def distribution(self, logits: Logits) -> Distribution:
        kept = logits > 0.0
        return Distribution(kept / kept.sum())


def test_contexts_on_the_edge_of_a_cut_are_left_out() -> None:
    """There the shape of a pass decides what is possible, and a sound pair would look unsound."""
    single = np.array([[1, 1, 1, -1e-3], [1, 1, -1, -1]], np.float32)
    several = np.array([[1, 1, 1, +1e-3], [1, 1, -1, -1]], np.float32)
    walk = Walk(PROMPTS[0], (1, 2), {1: single, 4: several})
    (context,) = choose_contexts([walk], _SamplerChain(), 3)
    assert context.position == 1
    assert context.tokens == (*PROMPTS[0].tokens, 1)
