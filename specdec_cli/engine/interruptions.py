"""Whether other programs took our processors; the time of such a pass is no measurement."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from specdec_cli.core import clock

if sys.platform != "win32":
    import resource

_THREADS = Path("/proc/self/task")
_MUCH = 0.1
_NANO = 1e-9


class Meter(Protocol):
    """Says which rounds were interrupted.

    Attributes:
        tells: whether it can say so on this system.
    """

    @property
    def tells(self) -> bool: ...

    def begin(self) -> None:
        """Look from here on."""
        ...

    def happened(self, seconds: float) -> bool:
        """Whether the ``seconds`` since it was last asked were interrupted."""
        ...

    def on_change(self, changed: Callable[[], None]) -> None:
        """Have ``changed`` called when passes begin to cost something else."""
        ...


class NoMeter:
    """For systems that do not report it, and for simulated time."""

    tells = False

    def begin(self) -> None:
        pass

    def happened(self, seconds: float) -> bool:  # noqa: ARG002
        return False

    def on_change(self, changed: Callable[[], None]) -> None:
        pass


class Interruptions:
    """Asks Linux how long our threads were ready to run and had no processor.

    If no thread was switched out none can have waited; checking that takes one system call, about a
    microsecond. Otherwise the time is summed over the threads, about a microsecond each. Counting
    switches alone is not enough: a thread that sleeps at a barrier, as OpenMP's do, wakes up late
    on a busy machine without being interrupted, and on a quiet one a switch costs nothing.

    A tenth of the time is allowed: a long pass that lost a few percent is a measurement, and a
    short one is either left alone or loses several times its own time.

    Time taken by a hypervisor does not show here, nor does shared memory or a shared cache. These
    slow all passes alike, and passes are compared with passes of the same minute.

    Attributes:
        lost: seconds that our threads waited, added up, within the time it was last asked about.
        reduced, changes: as ``FewerThreads`` has them; here the number of threads stays.
    """

    reduced = False
    changes = 0

    def __init__(self) -> None:
        self.lost = 0.0
        self._files: list[int] = []
        self._switches = 0
        self._waited = 0
        self._stops = 0
        self.begin()

    @property
    def tells(self) -> bool:
        return bool(self._files)

    def begin(self) -> None:
        """Start a new interval, with the threads that exist now."""
        self.close()
        self._stops = clock.stops()
        try:
            threads = os.listdir(_THREADS)  # noqa: PTH208 - names are enough
            for thread in threads:
                self._files.append(os.open(_THREADS / thread / "schedstat", os.O_RDONLY))
            self._waited = self._wait()
            self._switches = _switches()
        except (OSError, ValueError, IndexError):  # not Linux, or a kernel that does not count
            self.close()

    def happened(self, seconds: float) -> bool:
        stops = clock.stops()
        stopped, self._stops = stops != self._stops, stops
        self.lost = 0.0
        if not self._files:
            return stopped
        switches = _switches()
        if switches == self._switches:
            return stopped
        self._switches = switches
        try:
            waited = self._wait()
        except (OSError, ValueError, IndexError):  # a thread has ended
            self.begin()
            return True
        self.lost, self._waited = (waited - self._waited) * _NANO, waited
        return stopped or self.lost > _MUCH * seconds

    def on_change(self, changed: Callable[[], None]) -> None:
        pass

    def close(self) -> None:
        """Close what is open."""
        for file in self._files:
            os.close(file)
        self._files.clear()

    def _wait(self) -> int:
        """Nanoseconds that the threads waited for a processor, since they began."""
        return sum(int(os.pread(file, 64, 0).split()[1]) for file in self._files)


def _switches() -> int:
    """How often our threads were switched out, by others or because they slept."""
    if sys.platform == "win32":
        raise OSError
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_nivcsw + used.ru_nvcsw
