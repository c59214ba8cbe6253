"""How often a drafter's confidence comes true."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LOGITS = (-2.5, -1.5, -0.75, 0.0, 0.5, 1.0, 1.5, 2.0, 2.75, 3.5, 4.5, 5.5, 7.0)
EDGES = [float(1 / (1 + np.exp(-x))) for x in _LOGITS]
BINS = len(EDGES) + 1

_FORGETTING = 0.9985
_PRIOR_WEIGHT = 2.0
_FAST, _SLOW = 1 / 50, 1 / 400
_BOLDEST = 1 / 8
_FORGOTTEN_AT_ONCE = 64
_SEEN_FROM_START = 8.0
_LOWEST_RATE = 1e-3
_MAX_RESTORED = 60.0
_MAX_COUNTED = 1e9  # never reached with decay


def bin_of(confidence: float) -> int:
    """Return the bin of a confidence: equal confidences, equal bins, in order."""
    return bisect_right(EDGES, confidence)


def _prior() -> Floats:
    """A drafter tends to be overconfident."""
    logits = np.array(_LOGITS)
    centres = np.concatenate([[-3.5], (logits[1:] + logits[:-1]) / 2, [8.0]])
    return np.asarray(0.08 + 0.87 / (1 + np.exp(-(0.8 * centres - 0.2))), np.float64)


_PRIOR = _prior()


class Calibration:
    """Acceptance by confidence, of one drafter.

    Per bin a Beta distribution whose counts are forgotten slowly, made monotone over the bins.

    It also estimates how often each bin comes up, the distribution of the next confidence.
    """

    def __init__(self) -> None:
        # Lists: a round changes a few numbers, which takes longer one by one in arrays.
        self._wins = [0.0] * BINS
        self._seen = [0.0] * BINS
        self._fast = np.full(BINS, 1 / BINS)
        self._slow = np.full(BINS, 1 / BINS)
        self._count = _SEEN_FROM_START
        self._came_up: list[tuple[int, int]] = []  # since they were last counted: bin, times
        self.rates: list[float] = []
        self.refresh()

    def observe(
        self,
        confidence: Sequence[float],
        accepted: int,
        rejected: bool,
        acceptance: Sequence[float] = (),
        stands_for: int = 1,
    ) -> None:
        """Learn from a round.

        Args:
            confidence: of the drafted positions; a refused one may follow.
            accepted: how many were accepted.
            rejected: whether the next one was rejected; tokens after a rejection are ignored.
            acceptance: ``min(1, p/q)`` of the tokens, where it is known: the expectation of the
                accept coin, and less noisy.
            stands_for: how many rounds this one represents, when drafting is rare.
        """
        bins = [bin_of(each) for each in confidence]
        decided = min(accepted + rejected, len(bins))
        if decided:
            kept = _FORGETTING ** (decided * min(stands_for, _FORGOTTEN_AT_ONCE))
            self._wins = [wins * kept for wins in self._wins]
            self._seen = [seen * kept for seen in self._seen]
        for i in range(decided):
            won = acceptance[i] if i < len(acceptance) else float(i < accepted)
            b = bins[i]
            self._wins[b] += won
            self._seen[b] += 1.0
        for b in bins[:decided] if rejected else bins:
            self._came_up.append((b, stands_for))

    def refresh(self) -> None:
        """Bring ``rates`` and ``weights`` up to date.

        ``rates`` is the probability of acceptance by bin, rising; ``weights`` how often each comes
        up.
        """
        self._count_what_came_up()
        wins = np.array(self._wins) + _PRIOR_WEIGHT * _PRIOR
        seen = np.array(self._seen) + _PRIOR_WEIGHT
        self.rates = [max(rate, _LOWEST_RATE) for rate in monotone(wins / seen, seen)]

    @property
    def weights(self) -> Floats:
        """How often each bin comes up, as of the last ``refresh``."""
        return np.asarray((self._fast + self._slow) / 2, np.float64)

    def as_dict(self) -> dict[str, list[float]]:
        """Return what was seen, for a cache."""
        self._count_what_came_up()
        return {
            "wins": list(self._wins),
            "seen": list(self._seen),
            "usual": self.weights.tolist(),
        }

    @classmethod
    def restored(cls, cached: Mapping[str, Any]) -> Calibration:
        """Restore what ``as_dict`` gave, which counts for at most 60 tokens.

        Raises:
            ValueError: it is no such dict.
        """
        try:
            wins, seen, usual = (np.array(cached[key], float) for key in ("wins", "seen", "usual"))
        except (KeyError, OverflowError, TypeError, ValueError) as error:
            raise ValueError(f"not a calibration: {error}") from error
        whole = (wins, seen, usual)
        if any(
            values.shape != (BINS,) or not (abs(values) <= _MAX_COUNTED).all() for values in whole
        ):
            raise ValueError("not a calibration: other bins")
        if (wins < 0).any() or (wins > seen + 1e-9).any() or (usual < 0).any() or not usual.sum():
            raise ValueError("not a calibration: impossible counts")
        calibration = cls()
        fraction = min(1.0, _MAX_RESTORED / max(float(seen.sum()), 1e-9))
        calibration._wins = (wins * fraction).tolist()
        calibration._seen = (seen * fraction).tolist()
        calibration._fast = usual / usual.sum()
        calibration._slow = calibration._fast.copy()
        calibration._count += min(float(seen.sum()), _MAX_RESTORED)
        calibration.refresh()
        return calibration

    def _count_what_came_up(self) -> None:
        """The same as updating the means one by one, but quicker."""
        if not self._came_up:
            return
        bins, times = np.array(self._came_up).T
        self._came_up.clear()
        first = 1 / (self._count + np.arange(1, len(bins) + 1))
        self._count += len(bins)
        for histogram, usual in ((self._fast, _FAST), (self._slow, _SLOW)):
            gain = np.maximum(np.minimum(usual * times, _BOLDEST), first)
            left = np.cumprod(1.0 - gain[::-1])[::-1]  # of what was known before each
            histogram *= left[0]
            histogram += np.bincount(bins, gain * np.append(left[1:], 1.0), BINS)


def monotone(values: Sequence[float] | Floats, weights: Sequence[float] | Floats) -> list[float]:
    """Return the rising sequence nearest to ``values`` (pool adjacent violators)."""
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        mean, total, count = float(value), float(weight), 1
        while pools and pools[-1][0] >= mean:
            other, more, also = pools.pop()
            mean = (mean * total + other * more) / (total + more)
            total += more
            count += also
        pools.append((mean, total, count))
    return [mean for mean, _, count in pools for _ in range(count)]
