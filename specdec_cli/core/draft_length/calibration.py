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
_MOST_RESTORED = 60.0
_MOST_COUNTED = 1e9  # what is forgotten slowly never comes near


def bin_of(confidence: float) -> int:
    """Return the bin of a confidence: equal confidences, equal bins, in order."""
    return bisect_right(EDGES, confidence)


def _prior() -> Floats:
    """A drafter is believed, but not fully: it tends to be surer than it is right."""
    logits = np.array(_LOGITS)
    centres = np.concatenate([[-3.5], (logits[1:] + logits[:-1]) / 2, [8.0]])
    return np.asarray(0.08 + 0.87 / (1 + np.exp(-(0.8 * centres - 0.2))), np.float64)


_PRIOR = _prior()


class Calibration:
    """Acceptance by confidence, of one drafter.

    Per bin a Beta law whose counts are forgotten slowly, made monotone over the bins.

    It also keeps how often each bin comes up, which is what the next token's confidence will be.
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
        chances: Sequence[float] = (),
        stands_for: int = 1,
    ) -> None:
        """Learn from a round.

        Args:
            confidence: of the drafted positions; a refused one may follow.
            accepted: how many were accepted.
            rejected: whether the next one was rejected; what comes after a rejection tells nothing
                and is not looked at.
            chances: ``min(1, p/q)`` of the tokens, where it is known: the expectation of the
                accept coin, and less noisy.
            stands_for: how many rounds this one speaks for, when drafting is rare.
        """
        bins = [bin_of(each) for each in confidence]
        decided = min(accepted + rejected, len(bins))
        if decided:
            kept = _FORGETTING ** (decided * min(stands_for, _FORGOTTEN_AT_ONCE))
            self._wins = [wins * kept for wins in self._wins]
            self._seen = [seen * kept for seen in self._seen]
        for i in range(decided):
            won = chances[i] if i < len(chances) else float(i < accepted)
            b = bins[i]
            self._wins[b] += won
            self._seen[b] += 1.0
        for b in bins[:decided] if rejected else bins:
            self._came_up.append((b, stands_for))

    def refresh(self) -> None:
        """Bring ``rates`` and ``weights`` up to date.

        ``rates`` is the chance of acceptance by bin, rising; ``weights`` how often each comes up.
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
        """Make one of what ``as_dict`` gave. Old texts count for 60 tokens together, no more.

        Raises:
            ValueError: it is no such dict.
        """
        try:
            wins, seen, usual = (np.array(cached[key], float) for key in ("wins", "seen", "usual"))
        except (KeyError, OverflowError, TypeError, ValueError) as error:
            raise ValueError(f"not a calibration: {error}") from error
        whole = (wins, seen, usual)
        if any(
            values.shape != (BINS,) or not (abs(values) <= _MOST_COUNTED).all() for values in whole
        ):
            raise ValueError("not a calibration: other bins")
        if (wins < 0).any() or (wins > seen + 1e-9).any() or (usual < 0).any() or not usual.sum():
            raise ValueError("not a calibration: impossible counts")
        calibration = cls()
        share = min(1.0, _MOST_RESTORED / max(float(seen.sum()), 1e-9))
        calibration._wins = (wins * share).tolist()
        calibration._seen = (seen * share).tolist()
        calibration._fast = usual / usual.sum()
        calibration._slow = calibration._fast.copy()
        calibration._count += min(float(seen.sum()), _MOST_RESTORED)
        calibration.refresh()
        return calibration

    def _count_what_came_up(self) -> None:
        """One mean after the other would do the same, bin by bin, in more time."""
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
