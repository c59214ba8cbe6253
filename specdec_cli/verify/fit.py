"""Pearson's test of counts against a distribution, its power, and several tests together."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from specdec_cli.verify import chi2

FAMILY_LEVEL = 1e-3
"""Probability that any test of a sound program is suspected at first (Holm's correction)."""

RETEST_LEVEL = 1e-5
"""Probability that a suspicion against a sound program is then confirmed.

A tenth of what the promise of one false alarm in a million needs, since the tail of Pearson's
statistic is heavier than chi-square's where few draws are expected in a cell.
"""

RETEST_DRAWS = 2
"""How many times as many draws the second look takes."""

POWER = 0.9

_MIN_EXPECTED = 10.0
"""Draws expected in every cell; the usual five are too few for levels this small."""

Outcome = Hashable


@dataclass(frozen=True, slots=True)
class Fit:
    """The outcome of one test.

    Args:
        cells: the outcomes told apart, rare ones merged into one cell.
        statistic: Pearson's, chi-square with ``cells - 1`` degrees of freedom.
        impossible: draws that the distribution gives no probability at all.
        distance: total variation between the counts and the distribution, over the cells.
    """

    draws: int
    cells: int
    statistic: float
    p_value: float
    impossible: int
    distance: float


def fit(counts: Mapping[Outcome, int], dist: Mapping[Outcome, float]) -> Fit:
    """Test counts against a distribution whose probabilities sum to one.

    Outcomes expected fewer than ten times are counted together, see ``merged``. An impossible
    outcome has a p-value of zero.
    """
    draws = sum(counts.values())
    impossible = sum(n for outcome, n in counts.items() if not dist.get(outcome, 0.0) > 0.0)
    groups = merged(dist, draws)
    expected = [draws * sum(dist[outcome] for outcome in group) for group in groups]
    observed = [sum(counts.get(outcome, 0) for outcome in group) for group in groups]
    if not draws:
        return Fit(0, len(groups), 0.0, 1.0, 0, 0.0)
    total = sum(expected)
    expected = [value * draws / total for value in expected]  # the distribution's sum is rounded
    pairs = list(zip(observed, expected, strict=True))
    statistic = sum((seen - value) ** 2 / value for seen, value in pairs)
    distance = (sum(abs(seen - value) for seen, value in pairs) + impossible) / (2 * draws)
    df = len(groups) - 1
    p_value = 0.0 if impossible else chi2.survival(statistic, df) if df else 1.0
    return Fit(draws, len(groups), statistic, p_value, impossible, distance)


def merged(dist: Mapping[Outcome, float], draws: int) -> list[list[Outcome]]:
    """The cells: groups of outcomes, each expected often enough.

    Rare outcomes join those that begin with the same token, then whatever else is rare, so that a
    few draws of many pairs still tell the first tokens apart.
    """
    ordered = sorted((item for item in dist.items() if item[1] > 0.0), key=lambda item: -item[1])
    common = [[outcome] for outcome, p in ordered if p * draws >= _MIN_EXPECTED]
    alike: dict[Outcome, list[Outcome]] = {}
    for outcome, p in ordered:
        if p * draws < _MIN_EXPECTED:
            first = outcome[0] if isinstance(outcome, tuple) and outcome else outcome
            alike.setdefault(first, []).append(outcome)
    rare: list[Outcome] = []
    for group in alike.values():
        if sum(dist[outcome] for outcome in group) * draws >= _MIN_EXPECTED:
            common.append(group)
        else:
            rare += group
    if rare and common and sum(dist[outcome] for outcome in rare) * draws < _MIN_EXPECTED:
        min(common, key=lambda group: sum(dist[outcome] for outcome in group)).extend(rare)
    elif rare:
        common.append(rare)
    return common


def detectable_distance(cells: int, draws: int, tests: int) -> float | None:
    """The total variation distance over the cells that is found with probability 0.9.

    Whatever its shape: a distribution at distance d from the true one has Pearson's noncentrality
    at least 4·n·d². That is what moving the same share of every outcome of one half to the other
    half has, and every other way to move as much has more. Found means suspected at Holm's
    strictest level and confirmed.

    Returns:
        ``None`` where there is one cell only, so that nothing would be found.
    """
    if cells < 2 or not draws:
        return None
    levels = (FAMILY_LEVEL / tests, RETEST_LEVEL)
    distance = (chi2.detectable(cells - 1, levels, POWER) / (4.0 * draws)) ** 0.5
    return distance if distance < 1.0 else None


def holm(p_values: Sequence[float], level: float) -> list[bool]:
    """Which of several hypotheses are rejected, with probability ``level`` that any is wrongly.

    Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    rejected = [False] * len(p_values)
    for rank, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if not p_values[i] <= level / (len(p_values) - rank):
            break
        rejected[i] = True
    return rejected
