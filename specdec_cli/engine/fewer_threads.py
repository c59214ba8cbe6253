"""Fewer threads while other programs need the processors.

The threads of a pass wait for one another after every operation. While one of them has no processor
the others spin, for milliseconds instead of microseconds: on two processors and beside two to four
programs a pass of 0.6 ms took 20 to 300. So a pass should have no more threads than there are free
processors.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from specdec_cli.engine.interruptions import Interruptions

_GAIN = 1 / 4
"""Weight of the newest round in the average number of threads that wait."""

_KEPT_WAITING = 0.5
"""If more threads wait on average, there are too many. One round counts for at most one thread,
since rounds are interrupted now and then on a quiet machine too."""

_LOOK = 8
"""While threads are reduced, one round in so many checks for a free processor."""

_FREE, _FREE_MAX = 4, 128
"""Checks in a row that must find a free processor before threads are added: at first, and at most,
after additions that had to be taken back."""

_CALM = 256
"""Undisturbed rounds with all threads after which such failures are forgotten."""

_PART = 4
"""One thread in so many is removed, or added back, at a time."""


class FewerThreads:
    """A meter of interruptions that adapts the number of threads to the free processors.

    Rows of logits must not depend on the number of threads; those of a target with a cache in BF16
    were compared, bit for bit, and those with F16, which flash attention reads in as many parts as
    there are threads, do depend on it.

    Args:
        meter: says whether threads were kept waiting.
        most: threads on a quiet machine.
        limit: told how many threads are to be used at most.
        at_first: threads to begin with; by default as many.
        free: how many processors are free, if our threads keep so many busy.

    Attributes:
        threads: in use at most.
        reduced: whether there were ever fewer than most.
        changes: how often the number was changed.
    """

    def __init__(
        self,
        meter: Interruptions,
        most: int,
        limit: Callable[[int], None],
        *,
        at_first: int | None = None,
        free: Callable[[int], int] | None = None,
    ) -> None:
        self._meter = meter
        self._most = most
        self._limit = limit
        self._free = free or free_processors
        self.threads = most
        self.reduced = False
        self.changes = 0
        self._changed: Callable[[], None] = lambda: None
        self._waiting = 0.0
        self._watching = False
        self._rounds = 0  # since the number was changed
        self._found_free = 0
        self._needed = _FREE
        if at_first is not None and at_first < most:
            self._watching = True
            self._use(at_first)

    @property
    def tells(self) -> bool:
        return self._meter.tells

    def begin(self) -> None:
        self._meter.begin()

    def on_change(self, changed: Callable[[], None]) -> None:
        self._changed = changed

    def happened(self, seconds: float) -> bool:
        interrupted = self._meter.happened(seconds)
        if interrupted or self._watching:
            self._watch(interrupted, seconds)
        return interrupted

    def _watch(self, interrupted: bool, seconds: float) -> None:
        self._watching = True
        self._rounds += 1
        waited = self._meter.lost / seconds if interrupted and seconds else 0.0
        self._waiting += _GAIN * (min(waited, 1.0) - self._waiting)
        part = max(self._most // _PART, 1)
        if interrupted:
            self._found_free = 0
            if self._waiting > _KEPT_WAITING and self.threads > 1:
                self._needed = min(2 * self._needed, _FREE_MAX)
                self._use(max(self.threads - part, 1))
        elif self.threads == self._most:
            if self._rounds >= _CALM:
                self._watching, self._needed, self._waiting = False, _FREE, 0.0
        elif self._rounds % _LOOK == 0:
            self._found_free = self._found_free + 1 if self._free(self.threads) > 0 else 0
            if self._found_free >= self._needed:
                self._use(min(self.threads + part, self._most))

    def _use(self, threads: int) -> None:
        self.threads = threads
        self.reduced = True
        self.changes += 1
        self._waiting = 0.0
        self._rounds = self._found_free = 0
        self._limit(threads)
        self._changed()


def free_processors(ours: int) -> int:
    """Free processors while so many of our threads run; 0 where that is not known."""
    try:
        running = int(Path("/proc/loadavg").read_text().split()[3].partition("/")[0])
    except (OSError, ValueError, IndexError):
        return 0
    return (os.cpu_count() or 1) - max(running, ours)
