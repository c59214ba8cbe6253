"""Settings the C libraries read once, when they are loaded: decide them before importing them."""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

import psutil

BUSY = 0.5
"""Share of the processors at work for others above which spinning threads are expected to collide,
and from which on no measurement is reliable."""

_MOMENT = "1000"
"""Looks at a barrier before a thread sleeps: about as long as an operation of a tiny model."""

_LOOKS = 7
_BETWEEN_LOOKS = 0.003


_TILED = "GGML_CPU_TILED_MM"
_tiled: bool | None = None
_ours: set[str] = set()
_others_at_start = 0


def prepare() -> None:
    """Set what llama.cpp and its OpenMP runtime read from the environment; a person's own wins.

    OpenMP threads spin at the barrier between two operations. On a quiet machine that is the
    fastest way to wait; when other work takes their cores, a pass was measured to take up to four
    hundred times as long. So where the cores are taken they spin for a moment and then sleep. To
    sleep at once took half the time of that while the machine was busy, but seven times as long as
    soon as it was quiet, and for how long it stays busy nobody knows.
    """
    # Read when llama.cpp ends the process, to start a debugger, whose dump hides the reason.
    os.environ.setdefault("GGML_NO_BACKTRACE", "1")
    global _others_at_start
    if "llama_cpp" in sys.modules:
        return
    busy = busy_fraction()
    if busy < BUSY:
        return
    _others_at_start = round(busy * (os.cpu_count() or 1))
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys():
        os.environ["OMP_WAIT_POLICY"] = "passive"
        os.environ["GOMP_SPINCOUNT"] = _MOMENT  # GNU's runtime heeds this instead


def tiled_kernels(wanted: bool, *, insist: bool = False) -> bool:
    """Let llama.cpp use its tiled kernels for matrices, or not; whether it does.

    It reads the switch once, at its first product, so that the first model of a process decides
    for all. A person's own setting wins, unless ``insist``.
    """
    global _tiled
    if _tiled is None:
        given = os.environ.get(_TILED, "")
        _tiled = wanted if insist or not given else given != "0"
        if not _tiled and given != "0":
            os.environ[_TILED] = "0"
            _ours.add(_TILED)
    return _tiled


def of_others() -> dict[str, str]:
    """The environment for other programs, without what was set here for this one's models."""
    return {name: value for name, value in os.environ.items() if name not in _ours}


def is_busy() -> bool:
    """Whether others are computing at this moment."""
    return busy_fraction() >= BUSY


def busy_warning() -> str:
    """What to say before measuring while others are computing; empty where they are not."""
    busy = busy_fraction()
    if busy < BUSY:
        return ""
    return f"{busy_in_words(busy)}, so measurements are not reliable now; close them, or wait"


def busy_in_words(busy: float) -> str:
    """How much others compute, in words.

    Args:
        busy: threads of others that run or want to, by processors.
    """
    if busy > 1.0:
        return f"other programs could use {busy:.2g} times as many processors as there are"
    return f"other programs use {busy:.0%} of the processors"


def busy_fraction() -> float:
    """Threads of others that run or want to, by processors.

    The load average would not tell: it remembers the last minute, our own last run included. It
    has to do where the kernel does not count threads.
    """
    cores = os.cpu_count() or 1
    try:
        return statistics.median(_others_running() for _ in range(_LOOKS)) / cores
    except (OSError, ValueError, IndexError):  # not Linux
        return os.getloadavg()[0] / cores if hasattr(os, "getloadavg") else 0.0


def _others_running() -> int:
    """Threads that run or want to, this one left out; the kernel counts them on each look."""
    time.sleep(_BETWEEN_LOOKS)
    return int(Path("/proc/loadavg").read_text().split()[3].partition("/")[0]) - 1


def threads_at_start(most: int) -> int:
    """How many of so many threads had a processor for themselves when ``prepare`` looked."""
    return max(min(most, (os.cpu_count() or 1) - _others_at_start), 1)


def threads_for(asked: int) -> int:
    """Threads to compute with: those asked for, or of 0 the default."""
    return asked or default_threads()


def default_threads() -> int:
    """Threads to compute with: the physical cores this process may use."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    physical = psutil.cpu_count(logical=False) or allowed or 1
    return max(1, min(physical, allowed or 1))
