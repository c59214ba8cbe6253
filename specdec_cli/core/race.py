"""Drawing a token by an exponential race, so that nearly equal distributions draw the same token.

Token ``t`` arrives at ``E_t / p_t`` with an exponential ``E_t`` of its own, and the first to arrive
is drawn. The least of independent exponentials with rates ``p_t`` is ``t`` with probability
``p_t``, so the distribution is kept exactly; it is the Gumbel-max draw without its logarithms of
probabilities. ``E_t`` is a function of a position's key and the token alone. With the inverse of
the cumulative distribution a change moves every later token; here it affects only the tokens whose
probability changed: two distributions ``p`` and ``p'`` draw the same token with probability ``sum_t
1 / sum_s max(p_s / p_t, p'_s / p'_t)``, at least ``(1 - TV) / (1 + TV)`` (Daliri, Musco and Suresh,
arXiv 2408.07978, section 3).
"""

from __future__ import annotations

from math import inf, log

import numpy as np
from numpy.typing import NDArray

from specdec_cli.core.types import Distribution

_FEW = 12
"""Up to as many tokens a loop in Python takes less time than a dozen calls into numpy."""

_LARGE = 4096
_RARE = 1e-5
"""In a dense distribution of more than ``_LARGE`` tokens those below enter as one. Exponentials
cost 5 ns a token, nearly all of it for tokens that hardly ever win."""

# Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014): token t has the
# t-th output of the generator whose state is the key.
_STEP, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_WORD = (1 << 64) - 1
_BITS = 12  # dropped, so that halves between the numbers left are exact and never 0 or 1
_SCALE = 2.0 ** (_BITS - 64)


def race(dist: Distribution, key: int) -> int:
    """Return the token that a 64-bit ``key``, uniform and not used for another draw, gives.

    A token of probability zero is never returned.

    Raises:
        ValueError: if the distribution has no mass, or is not finite.
    """
    probs, ids = dist.probs, dist.ids
    if probs.size <= _FEW:
        return _race_of_few(probs, ids, key)
    if ids is None:
        if probs.size > _LARGE:
            return _race_of_many(probs, key)
        ids = np.arange(probs.size, dtype=np.int32)
    return ids.item(_first(probs, ids, key))


def _race_of_few(probs: NDArray[np.float64], ids: NDArray[np.int32] | None, key: int) -> int:
    tokens = range(probs.size) if ids is None else ids.tolist()
    first, most = -1, 0.0
    for token, p in zip(tokens, probs.tolist(), strict=True):
        speed = p / _exponential(key, token)
        if speed > most:
            first, most = token, speed
    _require_mass(most)
    return first


def _race_of_many(probs: NDArray[np.float64], key: int) -> int:
    """Rare tokens race as one, and where that one wins, once more among themselves."""
    is_rare = probs <= _RARE
    likely = np.flatnonzero(~is_rare).astype(np.int32)
    entries = np.append(probs[likely], probs.sum(where=is_rare)), np.append(likely, -1)
    winner = int(entries[1][_first(*entries, key)])
    if winner >= 0:
        return winner
    rare = np.flatnonzero(is_rare).astype(np.int32)
    return rare.item(_first(probs[rare], rare, _mixed(key)))


def _first(probs: NDArray[np.float64], ids: NDArray[np.int32], key: int) -> int:
    """Return the index of the first to arrive."""
    speeds = probs / _exponentials(key, ids)
    index = int(speeds.argmax())
    _require_mass(speeds.item(index))
    return index


def _require_mass(speed: float) -> None:
    if not 0.0 < speed < inf:
        raise ValueError("a distribution needs a positive, finite mass to draw from")


def _mixed(x: int) -> int:
    x = ((x ^ (x >> 30)) * _FIRST) & _WORD
    x = ((x ^ (x >> 27)) * _SECOND) & _WORD
    return x ^ (x >> 31)


def _exponential(key: int, token: int) -> float:
    return -log(((_mixed((key + token * _STEP) & _WORD) >> _BITS) + 0.5) * _SCALE)


def _exponentials(key: int, tokens: NDArray[np.int32]) -> NDArray[np.float64]:
    """The same for many tokens, shape (n,)."""
    x = tokens.astype(np.uint64)
    x *= np.uint64(_STEP)
    x += np.uint64(key)
    for shift, factor in ((30, _FIRST), (27, _SECOND)):
        x ^= x >> np.uint64(shift)
        x *= np.uint64(factor)
    x ^= x >> np.uint64(31)
    x >>= np.uint64(_BITS)
    uniform = x.astype(np.float64)
    uniform += 0.5
    uniform *= _SCALE
    np.log(uniform, out=uniform)
    return np.negative(uniform, out=uniform)
