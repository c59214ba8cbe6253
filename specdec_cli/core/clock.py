"""The time that decoding takes: while the process is stopped, by Ctrl-Z say, none passes."""

from __future__ import annotations

from time import perf_counter

_stopped = 0.0
_stops = 0


def now() -> float:
    """Seconds, from any start."""
    return perf_counter() - _stopped


def stops() -> int:
    """How often the process was stopped; what was measured across a stop is no measurement."""
    return _stops


def leave_out(seconds: float) -> None:
    """The process was stopped for so long; 0.0 where nobody knows for how long."""
    global _stopped, _stops
    _stopped += seconds
    _stops += 1
