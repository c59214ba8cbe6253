"""Where to stop drafting, given what passes and steps cost and how often tokens are accepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from specdec_cli.core.draft_length.calibration import Floats

_GRID = 24
_LOWEST = 1e-3
_LOG_S = np.linspace(np.log(_LOWEST), 0.0, _GRID)
_S = np.exp(_LOG_S)


@dataclass(frozen=True, slots=True)
class Plan:
    """When to stop drafting, by the chance ``S`` that all of the draft so far is accepted.

    Attributes:
        go: with ``k`` tokens drafted, another draft step pays where ``S > go[k]``.
        keep: the token after ``k`` others belongs in the draft where ``S``, itself included, is
            at least ``keep[k]``.
        gain: what drafting is expected to add to a round, in tokens.
    """

    go: tuple[float, ...]
    keep: tuple[float, ...]
    gain: float


def solve(
    passes: Sequence[float],
    step: float,
    rate: float,
    acceptance: Sequence[float],
    weights: Floats,
    minimum: int = 0,
) -> Plan:
    """Optimal stopping with look-ahead: what the next tokens may add counts, up to the last one.

    A step costs its time at the going rate. It shows a confidence, drawn by ``weights``, which is
    a chance of ``acceptance``; the token may then be left out, and the round ends, or be kept, at
    the price of one more row in the target's pass. ``V_k(S)`` is the value of going on:

    ``V_k(S) = max(0, E_a[max(0, S a - rate (v(k+2) - v(k+1)) + V_{k+1}(S a))] - rate c)``

    Args:
        passes: time of a target pass over ``i + 1`` rows; its length is the longest draft, plus 1.
        step: time of a draft step.
        rate: tokens per time that could be had otherwise.
        acceptance: probability of acceptance by bin of confidence.
        weights: how often each bin comes up.
        minimum: a draft once begun is not stopped before it has this many tokens.
    """
    longest = len(passes) - 1
    kept = np.multiply.outer(_S, np.asarray(acceptance, np.float64)).ravel()
    between = _interpolation(kept)
    cost = rate * step
    value = np.zeros(_GRID)
    # By length, what going on and what keeping are worth, over the grid.
    go, keep = np.empty((longest, _GRID)), np.empty((longest, _GRID))
    free = [k == 0 or k >= minimum for k in range(longest)]
    for k in range(longest - 1, -1, -1):
        row = rate * (passes[k + 1] - passes[k])
        np.add(_S - row, value, out=keep[k])
        ahead = between @ value
        ahead += kept
        ahead -= row
        if free[k]:
            np.maximum(ahead, 0.0, out=ahead)
        value = ahead.reshape(_GRID, -1) @ weights
        value -= cost
        go[k] = value
        if k >= minimum and k > 0:
            value = np.maximum(value, 0.0)
    roots = [
        [root if may else 0.0 for root, may in zip(_roots(rising), free, strict=True)]
        for rising in (go, keep)
    ]
    return Plan(tuple(roots[0]), tuple(roots[1]), float(value[-1]) if longest else 0.0)


def _interpolation(at: Floats) -> Floats:
    """The matrix that takes values on the grid to values at ``at``, between zero and one."""
    where = np.maximum((np.log(at) - _LOG_S[0]) / (_LOG_S[1] - _LOG_S[0]), 0.0)
    left = np.minimum(where.astype(np.int64), _GRID - 2)
    fraction = where - left
    rows = np.arange(len(at))
    matrix = np.zeros((len(at), _GRID))
    matrix[rows, left] = 1.0 - fraction
    matrix[rows, left + 1] = fraction
    return matrix


def _roots(rising: Floats) -> list[float]:
    """Where on the grid each rising row becomes positive; 2.0 for nowhere."""
    positive = rising >= 0.0
    right = np.maximum(positive.argmax(axis=1), 1)
    rows = np.arange(len(rising))
    low, high = rising[rows, right - 1], rising[rows, right]
    rise = np.where(high > low, high - low, 1.0)
    fraction = np.clip(-low / rise, 0.0, 1.0)
    found = np.exp(_LOG_S[right - 1] + fraction * (_LOG_S[right] - _LOG_S[right - 1]))
    found[positive[:, 0]] = 0.0
    found[~positive[:, -1]] = 2.0
    return [float(root) for root in found]
