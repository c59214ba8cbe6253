"""Distributions of every form: dense and sparse, whole and full of holes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specdec_cli.core.distribution import (
    draw,
    mass_at,
    point_mass,
    prob,
    residual,
    residual_mass,
    softmax,
)
from specdec_cli.core.types import Distribution

SIZE = 8
JUST_BELOW_ONE = float(np.nextafter(1.0, 0.0))

Form = Callable[[Distribution], Distribution]
quick = settings(max_examples=60, deadline=None)

weights = st.lists(
    st.one_of(st.just(0.0), st.floats(1e-3, 1.0)), min_size=SIZE, max_size=SIZE
).filter(any)
uniforms = st.floats(0.0, JUST_BELOW_ONE)


def dense(values: list[float]) -> Distribution:
    probs = np.array(values)
    return Distribution(probs / probs.sum())


def sparse(dist: Distribution, turn: int = 3) -> Distribution:
    ids = np.roll(np.flatnonzero(dist.probs), turn).astype(np.int32)
    return Distribution(dist.probs[ids], ids)


def unfold(dist: Distribution) -> np.ndarray:
    return np.array([prob(dist, token) for token in range(SIZE)])


forms = st.sampled_from([lambda dist: dist, sparse])


@quick
@given(weights=weights, form=forms)
def test_prob_and_mass_at_agree(weights: list[float], form: Form) -> None:
    dist = dense(weights)
    same = form(dist)
    ids = np.array([7, 0, 3, 99, 5], dtype=np.int32)
    assert mass_at(same, ids).tolist() == [prob(same, token) for token in ids]
    assert unfold(same).tolist() == dist.probs.tolist()


@pytest.mark.parametrize(
    "dist", [Distribution(np.ones(2) / 2), Distribution(np.ones(1), np.array([1], np.int32))]
)
def test_a_distribution_denies_what_it_does_not_hold(dist: Distribution) -> None:
    assert prob(dist, 9) == 0.0
    assert prob(dist, -1) == 0.0
    assert mass_at(dist, np.array([9, 2])).tolist() == [0.0, 0.0]
    assert mass_at(dist, np.array([], dtype=np.int32)).size == 0


def test_a_point_mass_is_certain() -> None:
    dist = point_mass(123_456)
    assert prob(dist, 123_456) == 1.0
    assert prob(dist, 0) == 0.0
    assert draw(dist, 0.0) == draw(dist, JUST_BELOW_ONE) == 123_456


@quick
@given(p=weights, q=weights, p_form=forms, q_form=forms, weight=st.floats(0.0, 1.0))
def test_the_residual_is_what_q_lacks(
    p: list[float], q: list[float], p_form: Form, q_form: Form, weight: float
) -> None:
    whole_p, whole_q = dense(p), dense(q)
    one, other = p_form(whole_p), q_form(whole_q)
    before = one.probs.copy(), other.probs.copy()
    lacking = np.maximum(weight * whole_p.probs - whole_q.probs, 0.0)
    assert residual_mass(one, other, weight) == pytest.approx(lacking.sum(), abs=1e-15)
    left = residual(one, other, weight)
    if left is None:
        assert lacking.sum() == pytest.approx(0.0, abs=1e-15)
    else:
        assert left.probs.sum() == pytest.approx(1.0)
        assert left.ids is one.ids
        assert unfold(left) * lacking.sum() == pytest.approx(lacking, abs=1e-14)
    assert (one.probs == before[0]).all()
    assert (other.probs == before[1]).all()


@quick
@given(p=weights, form=forms)
def test_a_distribution_lacks_nothing_of_itself(p: list[float], form: Form) -> None:
    dist = form(dense(p))
    assert residual(dist, dist) is None
    assert residual_mass(dist, dist) == 0.0


def test_the_residual_of_a_point_mass_excludes_its_token() -> None:
    dist = Distribution(np.array([0.5, 0.25, 0.25]))
    left = residual(dist, point_mass(0))
    assert left is not None
    assert left.probs.tolist() == [0.0, 0.5, 0.5]
    assert residual(point_mass(4), point_mass(4)) is None


def test_vocabularies_of_different_lengths_meet() -> None:
    """A draft's logits may be padded further than the target's, or less far."""
    short, long = Distribution(np.array([0.5, 0.5])), Distribution(np.array([0.25, 0.25, 0.5]))
    few = Distribution(np.array([0.5, 0.5]), np.array([2, 0], np.int32))
    for p, q, left in [
        (short, long, [0.5, 0.5]),
        (long, short, [0.0, 0.0, 1.0]),
        (short, few, [0.0, 1.0]),
        (few, short, [1.0, 0.0]),
    ]:
        found = residual(p, q)
        assert found is not None
        assert found.probs.tolist() == left


@quick
@given(weights=weights, form=forms, u=uniforms)
def test_draws_are_possible_tokens(weights: list[float], form: Form, u: float) -> None:
    dist = form(dense(weights))
    assert prob(dist, draw(dist, u)) > 0.0


@quick
@given(weights=weights, form=forms)
def test_each_token_has_a_cell_as_wide_as_its_probability(weights: list[float], form: Form) -> None:
    dist = form(dense(weights))
    ids = np.arange(SIZE) if dist.ids is None else dist.ids
    edges = np.concatenate([[0.0], dist.probs.cumsum()])
    for token, low, high in zip(ids, edges, edges[1:], strict=False):
        if high - low > 1e-9:
            assert draw(dist, low + 1e-12) == token
            assert draw(dist, high - 1e-12) == token


@pytest.mark.parametrize("u", [JUST_BELOW_ONE, 1.0])
@pytest.mark.parametrize("total", [1.0, 1.0 - 1e-9, 1.0 + 1e-9, 5e-324, 1e300])
@pytest.mark.parametrize("size", [3, 5000])
def test_the_last_draw_is_the_last_possible_token(u: float, total: float, size: int) -> None:
    probs = np.zeros(size)
    probs[1] = total
    assert draw(Distribution(probs), u) == 1
    assert draw(Distribution(probs), 0.0) == 1


@quick
@given(seed=st.integers(0, 10_000), u=uniforms)
def test_large_distributions_are_drawn_as_small_ones(seed: int, u: float) -> None:
    """Drawing by chunks finds the token that one running sum over the vocabulary finds."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2049, 9000))
    probs = rng.random(size) ** 8 * (rng.random(size) < 0.3)
    dist = Distribution(probs / probs.sum())
    token = draw(dist, u)
    edges = dist.probs.cumsum()
    assert dist.probs[token] > 0.0
    assert edges[token] - dist.probs[token] - 1e-12 <= u <= edges[token] + 1e-12


@pytest.mark.parametrize("probs", [[0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_a_distribution_without_mass_is_an_error(probs: list[float]) -> None:
    with pytest.raises(ValueError, match="mass"):
        draw(Distribution(np.array(probs)), 0.5)


@quick
@given(
    logits=st.lists(st.floats(-1e4, 1e4, width=32), min_size=2, max_size=6),
    temperature=st.floats(0.05, 5.0),
)
def test_softmax_is_a_distribution(logits: list[float], temperature: float) -> None:
    row = np.array(logits, dtype=np.float32)
    dist = softmax(row, temperature)
    assert dist.ids is None
    assert dist.probs.dtype == np.float64
    assert dist.probs.sum() == pytest.approx(1.0)
    assert (dist.probs[row == row.max()] == dist.probs.max()).all()
    assert row.tolist() == np.array(logits, dtype=np.float32).tolist()


def test_softmax_knows_its_values() -> None:
    dist = softmax(np.log(np.array([1.0, 4.0, 16.0], dtype=np.float32)), 2.0)
    assert dist.probs == pytest.approx(np.array([1, 2, 4]) / 7)


def test_softmax_bans_tokens_of_minus_infinity() -> None:
    dist = softmax(np.array([-np.inf, 0.0, 0.0], dtype=np.float32), 0.8)
    assert dist.probs.tolist() == [0.0, 0.5, 0.5]


@pytest.mark.parametrize(
    ("logits", "temperature"),
    [
        ([0.0], 0.0),
        ([0.0], 1e-50),
        ([0.0], -1.0),
        ([0.0], np.nan),
        ([-np.inf], 1.0),
        ([np.nan, 0.0], 1.0),
    ],
)
def test_softmax_refuses_what_has_no_distribution(logits: list[float], temperature: float) -> None:
    with pytest.raises(ValueError, match=r"temperature|finite"):
        softmax(np.array(logits, dtype=np.float32), temperature)
