"""Fewer threads while other programs need the processors.

The threads of a pass wait for one another after every operation. Where one of them has no
processor the others spin for as long as the scheduler lets it wait, milliseconds instead of
microseconds: on two processors and beside two to four programs a pass of 0.6 ms took 20 to 300.
With as many threads as there are processors left it takes what these can do.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from specdec_cli.engine.interruptions import Interruptions

_GAIN = 1 / 4
"""By round, the weight of the newest in how many threads are kept waiting."""

_KEPT_WAITING = 0.5
"""Threads that wait on average from which on there are too many. One round counts for one thread at
most: on a quiet machine too a round is interrupted now and then."""

_LOOK = 8
"""Rounds, while there are fewer threads, of which one looks at what others do."""

_FREE, _FREE_MAX = 4, 128
"""Looks in a row that must find a free processor before another thread is used: at first, and where
it was in vain again and again."""

_CALM = 256
"""Rounds with all threads and without trouble after which that is forgotten."""

_PART = 4
"""Of the threads one in so many is taken away, or given back, at a time."""


class FewerThreads:
    """A meter of interruptions that lets a pair compute with as many threads as get a processor.

    Rows of logits must not depend on the number of threads; those of a target with a cache in BF16
    were compared, bit for bit, and those with F16, which flash attention reads in as many parts as
    there are threads, do depend on it.

    Args:
        meter: tells whether threads were kept waiting.
        most: threads where nobody is in the way.
        limit: told how many threads are to be used at most.
        at_first: threads to begin with; by default as many.
        free: how many processors nobody uses, if ours keep so many busy.

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
    """Processors that nobody uses while so many threads of ours run; 0 where nobody can tell."""
    try:
        running = int(Path("/proc/loadavg").read_text().split()[3].partition("/")[0])
    except (OSError, ValueError, IndexError):
        return 0
    return (os.cpu_count() or 1) - max(running, ours)
