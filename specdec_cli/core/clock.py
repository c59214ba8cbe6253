"""A clock for decoding, which stands still while the process is stopped, as by Ctrl-Z."""

from __future__ import annotations

from time import perf_counter

_stopped = 0.0
_stops = 0


def now() -> float:
    """Seconds, from any start."""
    return perf_counter() - _stopped


def stops() -> int:
    """How often the process was stopped; times measured across a stop are useless."""
    return _stops


def leave_out(seconds: float) -> None:
    """The process was stopped for so many seconds, 0.0 if unknown."""
    global _stopped, _stops
    _stopped += seconds
    _stops += 1
