"""How often a prediction comes true, by the length of the match it rests on."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence

# Bins: matches of 0, 1, 2, 3, 4, 5-6, 7-8, 9-12, 13-16, 17-24 and 25 or more tokens.
_BINS = (1, 2, 3, 4, 5, 7, 9, 13, 17, 25)
_BIN = [bisect_right(_BINS, length) for length in range(_BINS[-1] + 1)]
_LONGEST = _BINS[-1]
MATCH_PRIOR = (0.01, 0.15, 0.37, 0.50, 0.60, 0.67, 0.71, 0.74, 0.82, 0.88, 0.94)
EXPECTATION_PRIOR = (0.20, 0.41, 0.60, 0.68, 0.80, 0.88, 0.93, 0.96, 0.97, 0.98, 0.995)
_PRIOR_WEIGHT = 8.0
_KEPT = 0.995  # of the old counts when a new one comes: the last two hundred or so count
_MAX_RESTORED = 32.0
_NEWS = 8  # predictions until the table is computed again


class MatchCalibration:
    """What a prediction is worth, by the length of the match it rests on.

    Beta posteriors per bin of lengths, with forgetting, made monotone in the length.

    Args:
        prior: the probability per bin before any observation; its weight stays.
        cached: another's ``as_dict``; it counts for a few dozen predictions per bin.

    Raises:
        ValueError: ``cached`` is no such dict.
    """

    def __init__(
        self, prior: Sequence[float], cached: Mapping[str, Sequence[float]] | None = None
    ) -> None:
        self._prior = prior
        self._seen = [0.0] * len(prior)
        self._right = [0.0] * len(prior)
        if cached is not None:
            self._restore(cached)
        self._news = 0  # scores not in the table yet
        self._table = self._rising()

    def as_dict(self) -> dict[str, list[float]]:
        """Return what was seen, for a cache."""
        return {"seen": list(self._seen), "right": list(self._right)}

    def _restore(self, cached: Mapping[str, Sequence[float]]) -> None:
        try:
            pairs = [
                (float(seen), float(right))
                for seen, right in zip(cached["seen"], cached["right"], strict=True)
            ]
        except (KeyError, OverflowError, TypeError, ValueError) as error:
            raise ValueError(f"not a calibration: {error}") from error
        possible = all(0.0 <= right <= seen < math.inf for seen, right in pairs)
        if len(pairs) != len(self._prior) or not possible:
            raise ValueError("not a calibration: impossible counts")
        for i, (seen, right) in enumerate(pairs):
            scale = min(1.0, _MAX_RESTORED / max(seen, 1.0))
            self._seen[i], self._right[i] = seen * scale, right * scale

    def learn(self, outcomes: Sequence[tuple[int, bool]]) -> None:
        """Count predictions: how many tokens each one's match had, and whether it was right."""
        seen, rights = self._seen, self._right
        for length, right in outcomes:
            at = _BIN[min(length, _LONGEST)]
            seen[at] = seen[at] * _KEPT + 1.0
            rights[at] = rights[at] * _KEPT + right
        self._news += len(outcomes)
        if self._news >= _NEWS:
            self._news = 0
            self._table = self._rising()

    def confidence(self, length: int) -> float:
        """Return the probability that the next prediction is right."""
        return self._table[min(length, _LONGEST)]

    def confidences(self, length: int, count: int) -> list[float]:
        """Return it for ``count`` predictions, each after the one before was right."""
        found = self._table[length : length + count]
        return found + [self._table[-1]] * (count - len(found))

    def _rising(self) -> list[float]:
        """The bins' means by length, pooled where longer did worse (adjacent violators)."""
        pools: list[tuple[float, float, int]] = []  # right, seen, bins
        for prior, right, seen in zip(self._prior, self._right, self._seen, strict=True):
            pool = (right + prior * _PRIOR_WEIGHT, seen + _PRIOR_WEIGHT, 1)
            while pools and pools[-1][0] * pool[1] >= pool[0] * pools[-1][1]:
                last = pools.pop()
                pool = (last[0] + pool[0], last[1] + pool[1], last[2] + pool[2])
            pools.append(pool)
        means = [right / seen for right, seen, bins in pools for _ in range(bins)]
        return [means[at] for at in _BIN]
