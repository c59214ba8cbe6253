"""Waiting for what another program does, without a clock: how fast it is makes no difference."""

from __future__ import annotations

import threading
from collections.abc import Callable

PATIENCE = 300.0
"""Seconds after which a program is taken to hang, however busy the machine is."""

_PAUSE = threading.Event()  # nobody sets it
_LOOKS = 10_000


def until(condition: Callable[[], bool], told: Callable[[], str] = lambda: "") -> None:
    """Look again and again until it holds.

    Args:
        told: what to say if it does not.

    Raises:
        AssertionError: it did not hold at any of very many looks.
    """
    for _ in range(_LOOKS):
        if condition():
            return
        _PAUSE.wait(0.02)
    raise AssertionError(told() or "what was waited for did not happen")
