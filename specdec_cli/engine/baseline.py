"""What plain decoding costs here and now: the yardstick for every speed-up that is shown."""

from __future__ import annotations

from collections import deque
from statistics import median


class Baseline:
    """The measured time of a one-token target pass: the median of the most recent ones.

    The first pass after one of another size is left out. It rebuilds llama.cpp's compute graph,
    which plain decoding would do once and not every time, so counting it would flatter us.
    """

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=15)
        self._steady = False

    def observe(self, tokens: int, seconds: float) -> bool:
        """Look at a target pass over ``tokens``; returns whether the measurement changed."""
        counts = tokens == 1 and self._steady
        self._steady = tokens == 1
        if counts:
            self._recent.append(seconds)
        return counts

    @property
    def seconds(self) -> float | None:
        """Seconds of one pass, ``None`` before any was measured."""
        return median(self._recent) if self._recent else None
