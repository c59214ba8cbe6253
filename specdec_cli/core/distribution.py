"""Arithmetic on probability distributions: look up, subtract, draw.

A vocabulary has 150,000 tokens and a round calls several of these functions, so nothing here loops
over tokens in Python, and a dense distribution is copied only for a dense result. Distributions
after top-k or top-p are sparse, a few dozen entries, and each call takes microseconds.
"""

from __future__ import annotations

from math import inf, isfinite

import numpy as np
from numpy.typing import NDArray

from specdec_cli.core.types import Distribution, Logits

_CHUNK = 1024
_FEW = 128
_SMALLEST = float(np.finfo(np.float32).tiny)


class NotNumbersError(ValueError):
    """Logits of a row are not numbers, or none of them is finite and the largest."""

    def __init__(self) -> None:
        super().__init__("logits have no finite maximum")


def most_likely(logits: Logits) -> int:
    """Return the token with the largest logit, of logits of shape (n,).

    This runs on every row, so it also detects NaN: argmax returns a NaN if there is one. Checking
    the value found costs next to nothing; checking the row would double the cost.

    Raises:
        NotNumbersError: it is not a finite number.
    """
    best = int(logits.argmax())
    if not isfinite(logits.item(best)):
        raise NotNumbersError
    return best


def point_mass(token: int) -> Distribution:
    """Return the distribution of a token that was not drawn but determined."""
    return Distribution(np.ones(1), np.array([token], dtype=np.int32))


def prob(dist: Distribution, token: int) -> float:
    """Return the probability of ``token``; zero for one the distribution does not hold."""
    if dist.ids is None:
        return dist.probs.item(token) if 0 <= token < dist.probs.size else 0.0
    if dist.ids.size <= _FEW:  # the usual case, where a list is searched in half the time
        ids = dist.ids.tolist()
        return dist.probs.item(ids.index(token)) if token in ids else 0.0
    index = (dist.ids == token).argmax()
    return dist.probs.item(index) if dist.ids.item(index) == token else 0.0


def mass_at(dist: Distribution, ids: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the probability of each of ``ids``, shape (n,) for ids of shape (n,).

    Tokens the distribution does not hold, those beyond a dense distribution's end included, have
    probability zero.
    """
    if dist.ids is None:
        held = ids < dist.probs.size
        return np.where(held, dist.probs[np.where(held, ids, 0)], 0.0)
    order = dist.ids.argsort()
    known = dist.ids[order]
    at = known.searchsorted(ids)
    at[at == known.size] = 0
    return np.where(known[at] == ids, dist.probs[order[at]], 0.0)


def residual_mass(p: Distribution, q: Distribution, weight: float = 1.0) -> float:
    """Return the total of ``(weight * p - q)+``, what ``q`` lacks of ``weight * p``."""
    return float(_excess(p, q, weight).sum())


def residual(p: Distribution, q: Distribution, weight: float = 1.0) -> Distribution | None:
    """Return ``(weight * p - q)+`` normalised, on the support of ``p``.

    This is the distribution of the token after a rejection (Leviathan et al., arXiv 2211.17192,
    section 2.3; with a weight: Sun et al., arXiv 2403.10444, algorithm 2).

    Returns:
        The distribution, or ``None`` when ``q`` covers all of ``weight * p`` and nothing is left.
    """
    excess = _excess(p, q, weight)
    total = excess.sum()
    if not total > 0.0:
        return None
    excess /= total
    return Distribution(excess, p.ids)


def draw(dist: Distribution, u: float) -> int:
    """Return the token at ``u``, in [0, 1), of the inverse of the cumulative distribution.

    A token of probability zero is never returned, nor one outside the distribution, whatever the
    rounding of the probabilities and however near ``u`` is to one.

    Raises:
        ValueError: if the distribution has no mass, or is not finite.
    """
    probs, base = dist.probs, 0
    if probs.size > 2 * _CHUNK:
        # Finding the chunk first replaces a running sum over the vocabulary, whose additions wait
        # for each other, by plain sums: about fifteen times faster.
        sums = np.add.reduceat(probs, np.arange(0, probs.size, _CHUNK))
        edges = sums.cumsum()
        chunk = _cell(edges, u)
        below = edges.item(chunk - 1) if chunk else 0.0
        u = (u * edges.item(-1) - below) / (edges.item(chunk) - below)
        base = chunk * _CHUNK
        probs = probs[base : base + _CHUNK]
    index = base + _cell(probs.cumsum(), u)
    return index if dist.ids is None else dist.ids.item(index)


def softmax(
    logits: Logits, temperature: float, ids: NDArray[np.int32] | None = None
) -> Distribution:
    """Return the distribution of ``logits``, shape (n,), at a temperature above zero.

    They are those of the tokens ``ids``, shape (n,); without these the distribution is dense.

    A logit of minus infinity bans its token. Exponentials of a whole vocabulary have the precision
    of the logits, which in float32 is four times as fast; all else is float64.

    Raises:
        ValueError: if the temperature is not positive, or no finite logit is the largest
            (:class:`NotNumbersError`).
    """
    if not temperature >= _SMALLEST:
        raise ValueError(f"temperature must be above 0, not {temperature}")
    peak = logits.item(most_likely(logits))
    scaled = np.subtract(logits, peak, dtype=np.float32 if ids is None else np.float64)
    scaled /= temperature
    np.exp(scaled, out=scaled)
    probs = scaled.astype(np.float64, copy=False)
    probs /= probs.sum()
    return Distribution(probs, ids)


def _excess(p: Distribution, q: Distribution, weight: float) -> NDArray[np.float64]:
    """Return ``(weight * p - q)+`` in the order of ``p.probs``: a new array, the caller's own."""
    excess = p.probs * weight
    if p.ids is not None:
        excess -= mass_at(q, p.ids)
    elif q.ids is not None:
        held = q.ids < excess.size
        excess[q.ids[held]] -= q.probs[held]
    else:
        # A draft's vocabulary may be padded to another length than the target's.
        shared = min(excess.size, q.probs.size)
        excess[:shared] -= q.probs[:shared]
    return np.maximum(excess, 0.0, out=excess)


def _cell(edges: NDArray[np.float64], u: float) -> int:
    """Return the index of the cell in which ``u``, from 0 to 1, falls; ``edges`` end the cells."""
    total = edges.item(-1)
    if not 0.0 < total < inf:
        raise ValueError("a distribution needs a positive, finite mass to draw from")
    # The first edge strictly above the target closes a cell of positive width.
    index = int(edges.searchsorted(u * total, side="right"))
    if index == edges.size:  # u * total was rounded up to the total: the last positive cell
        index = int(edges.searchsorted(total, side="left"))
    return index
