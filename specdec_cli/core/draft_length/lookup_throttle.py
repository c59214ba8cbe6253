"""How often to search for free drafts."""

from __future__ import annotations

import math

_FRACTION = 0.003
"""Of a plain pass, what looks in vain may take of every round."""

_MISSES = 6
"""Searches without a result after which searches become rarer."""

_SELDOM = 32
"""Rounds between two looks at most, after as many in vain."""

_GAIN = 1 / 8


class LookupThrottle:
    """Where nothing is found for a while and a look is not free after all, looks become rarer.

    To look is a few microseconds for every token that was committed since the last look. Beside a
    pass of a large model that is nothing; beside one of a tiny model it is several percent, most
    of which is saved by following several rounds at once.
    """

    def __init__(self) -> None:
        self._seconds = 0.0
        self._misses = 0
        self._skipped = 0

    def due(self, plain: float) -> bool:
        """Whether to look this round; ``plain`` is the time of a pass, 0 if it is not known."""
        if not self.rest(plain):
            return True
        self._skipped += 1
        return False

    def rest(self, plain: float) -> int:
        """Rounds until the next look."""
        if self._misses < _MISSES or not plain:
            return 0
        most = min(self._misses, _SELDOM)
        apart = math.ceil(min(self._seconds / (_FRACTION * plain), most))
        return max(apart - 1 - self._skipped, 0)

    def skip(self, rounds: int) -> None:
        """So many rounds were not asked about."""
        self._skipped += rounds

    def observe(self, seconds: float, *, found: bool) -> None:
        """A look took so many seconds, and found a draft worth taking or did not."""
        self._seconds += _GAIN * (seconds - self._seconds)
        self._misses = 0 if found else self._misses + 1
        self._skipped = 0
