"""What plain decoding costs here and now: the yardstick for every speed-up that is shown."""

from __future__ import annotations

from collections import deque
from statistics import median

STALE_AFTER = 128
"""Rounds without a measurement, a few hundred tokens, after which one is made: two plain rounds."""


class Baseline:
    """The measured time of a one-token target pass: the median of the most recent ones.

    The first pass after one of another size is left out. It rebuilds llama.cpp's compute graph,
    which plain decoding would do once and not every time, so counting it would flatter us.

    Args:
        stale_after: rounds without a measurement after which one is made.
    """

    def __init__(self, stale_after: int = STALE_AFTER) -> None:
        self._stale_after = stale_after
        self._recent: deque[float] = deque(maxlen=9)
        self._steady = False
        self._age = 0

    def observe(self, tokens: int, seconds: float) -> None:
        """Look at a target pass over ``tokens``."""
        if tokens == 1 and self._steady:
            self._recent.append(seconds)
            self._age = 0
        else:
            self._age += 1
        self._steady = tokens == 1

    @property
    def is_stale(self) -> bool:
        """Whether it was measured so long ago that the context has grown and the machine changed.

        Then the loop decodes plainly until it is measured again. That this depends on nothing but
        the number of rounds keeps it lossless.
        """
        return self._age >= self._stale_after

    @property
    def seconds(self) -> float | None:
        """Seconds of one pass, ``None`` before any was measured."""
        return median(self._recent) if self._recent else None
