"""The exponential race draws each distribution exactly, and nearly equal distributions alike."""

from __future__ import annotations

import itertools
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from specdec_cli.core import race as race_module
from specdec_cli.core.distribution import draw, point_mass, prob
from specdec_cli.core.race import race
from specdec_cli.core.rng import Uniforms
from specdec_cli.core.types import Distribution

SIGNIFICANCE = 1e-4
LARGE = race_module._LARGE + 904

keys = st.integers(0, 2**64 - 1)


def some_keys(count: int, seed: int = 5) -> list[int]:
    u = Uniforms(seed)
    return [u.key(position) for position in range(count)]


def sparse(size: int, seed: int = 0) -> Distribution:
    rng = np.random.default_rng(seed)
    ids = rng.choice(150_000, size, replace=False).astype(np.int32)
    return Distribution(rng.dirichlet(np.ones(size)), ids)


def dense(size: int, seed: int = 0, concentration: float = 1.0) -> Distribution:
    return Distribution(np.random.default_rng(seed).dirichlet(np.full(size, concentration)))


@pytest.mark.parametrize("dist", [sparse(3), sparse(12), sparse(13), sparse(40), dense(5)])
def test_tokens_come_as_often_as_their_probability_says(dist: Distribution) -> None:
    ids = np.arange(dist.probs.size) if dist.ids is None else dist.ids
    drawn = [race(dist, key) for key in some_keys(20_000)]
    counts = np.array([drawn.count(token) for token in ids])
    assert counts.sum() == len(drawn)
    expected = dist.probs * len(drawn)
    often = expected >= 5
    observed = np.append(counts[often], counts[~often].sum())
    wanted = np.append(expected[often], expected[~often].sum())
    kept = wanted > 0
    assert stats.chisquare(observed[kept], wanted[kept]).pvalue > SIGNIFICANCE


def test_rare_tokens_of_a_large_distribution_come_as_often_as_they_should() -> None:
    """They race as one first: that one, and each among them, comes as often as it should."""
    probs = np.full(LARGE, 0.0)
    rare = np.arange(100, 4900)
    probs[rare] = np.where(rare < 2000, 9e-6, 4e-6)
    probs[[7, 99]] = 0.5, 0.4
    probs[4950] = 1.0 - probs.sum()
    drawn = np.array([race(Distribution(probs), key) for key in some_keys(20_000)])
    groups = [[7], [99], [4950], range(100, 2000), range(2000, 3500), range(3500, 4900)]
    observed = [int(np.isin(drawn, group).sum()) for group in groups]
    expected = [probs[list(group)].sum() * len(drawn) for group in groups]
    assert sum(observed) == len(drawn)
    assert stats.chisquare(observed, expected).pvalue > SIGNIFICANCE


def test_two_tokens_race_independently() -> None:
    """The joint counts of tokens under consecutive keys factor."""
    dist = Distribution(np.array([0.5, 0.3, 0.2]), np.array([3, 40_000, 7], np.int32))
    drawn = [race(dist, key) for key in some_keys(20_000)]
    table = np.zeros((3, 3))
    order = dist.ids.tolist() if dist.ids is not None else []
    for one, other in itertools.pairwise(drawn):
        table[order.index(one), order.index(other)] += 1
    assert stats.chi2_contingency(table).pvalue > SIGNIFICANCE


@pytest.mark.parametrize("size", [2, 12, 13, 60])
def test_the_order_of_a_distribution_does_not_matter(size: int) -> None:
    dist = sparse(size, seed=size)
    assert dist.ids is not None
    turned = Distribution(dist.probs[::-1].copy(), dist.ids[::-1].copy())
    for key in some_keys(300):
        assert race(dist, key) == race(turned, key)


def test_few_and_many_tokens_race_by_the_same_numbers() -> None:
    """A token that enters or leaves at the edge of a truncation changes no other token's number."""
    few, many = sparse(12, seed=3), sparse(13, seed=4)
    assert few.ids is not None
    assert many.ids is not None
    for key in some_keys(50):
        wanted = [race_module._exponential(key, token) for token in few.ids.tolist()]
        found = race_module._exponentials(key, few.ids)
        assert found == pytest.approx(wanted, rel=1e-14)
    padded = Distribution(np.append(few.probs, 0.0), np.append(few.ids, np.int32(149_999)))
    for key in some_keys(300):
        assert race(padded, key) == race(few, key)


def test_sparse_and_dense_forms_of_a_distribution_draw_alike() -> None:
    dist = dense(300, seed=8, concentration=0.1)
    held = np.flatnonzero(dist.probs > 0).astype(np.int32)
    short = Distribution(dist.probs[held], held)
    assert [race(dist, key) for key in some_keys(300)] == [
        race(short, key) for key in some_keys(300)
    ]


@pytest.mark.parametrize("noise", [1e-4, 1e-2])
def test_nearly_equal_distributions_seldom_part(noise: float) -> None:
    """No more often than the bound says, and less than the inverse of the distribution function,
    which parts wherever neighbours in rank change places."""
    rng = np.random.default_rng(2)
    u = Uniforms(9)
    parted = by_inverse = draws = 0
    bound = 0.0
    for trial in range(60):
        dist = sparse(30, seed=trial)
        assert dist.ids is not None
        other = dist.probs * np.exp(noise * rng.standard_normal(30))
        other /= other.sum()
        distance = np.abs(dist.probs - other).sum() / 2
        dists = [
            Distribution(probs[order], dist.ids[order])
            for probs in (dist.probs, other)
            for order in [np.argsort(-probs, kind="stable")]
        ]
        for _ in range(100):
            key = u.key(draws)
            draws += 1
            parted += race(dists[0], key) != race(dists[1], key)
            point = u.coin()
            by_inverse += draw(dists[0], point) != draw(dists[1], point)
            bound += 1 - (1 - distance) / (1 + distance)
    assert parted <= bound + 4 * bound**0.5 + 1
    if noise == 1e-2:
        assert parted < by_inverse / 2


@given(key=keys)
def test_a_determined_token_is_drawn(key: int) -> None:
    assert race(point_mass(123_456), key) == 123_456


@given(key=keys, zeros=st.lists(st.booleans(), min_size=2, max_size=30))
def test_impossible_tokens_are_never_drawn(key: int, zeros: list[bool]) -> None:
    probs = np.where(zeros, 0.0, 1.0)
    probs[-1] = 1e-300
    dist = Distribution(probs / probs.sum())
    assert prob(dist, race(dist, key)) > 0.0


@pytest.mark.parametrize("size", [2, 40, LARGE])
@pytest.mark.parametrize("mass", [0.0, nan, inf])
def test_a_distribution_without_mass_is_an_error(size: int, mass: float) -> None:
    with pytest.raises(ValueError, match="mass"):
        race(Distribution(np.full(size, mass)), 1)


def test_draws_never_change_between_versions() -> None:
    """A seed in a report must reproduce; only a documented break may change these."""
    found = []
    for size in (5, 40, LARGE):
        probs = 1 / np.arange(1.0, size + 1)
        ids = None if size == LARGE else np.arange(size, dtype=np.int32) * 1000
        found.append([race(Distribution(probs / probs.sum(), ids), key) for key in some_keys(4)])
    assert found == RECORDED


RECORDED = [[0, 1000, 1000, 3000], [0, 1000, 12000, 3000], [48, 28, 675, 0]]
