"""What is typed while an answer is written must not be written into it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from specdec_cli.cli.signals import show_cursor


@contextmanager
def unseen() -> Iterator[Callable[[], None]]:
    """Keys are not echoed, and wait for the next prompt; Ctrl-C still interrupts.

    Yields:
        What brings the terminal back, for a process that is about to end.
    """
    before = _attributes()
    if before is None:
        yield show_cursor
        return
    import termios

    descriptor = sys.stdin.fileno()

    def restore() -> None:
        with suppress(OSError, termios.error):
            termios.tcsetattr(descriptor, termios.TCSANOW, before)
        show_cursor()

    silent = list(before)
    silent[0] &= ~termios.ICRNL  # Enter stays the key it is, for the prompt that reads it
    silent[3] &= ~(termios.ECHO | termios.ICANON)
    with suppress(termios.error):
        termios.tcsetattr(descriptor, termios.TCSANOW, silent)
    try:
        yield restore
    finally:
        with suppress(OSError, termios.error):
            termios.tcsetattr(descriptor, termios.TCSANOW, before)


def _attributes() -> list[Any] | None:
    """How standard input's terminal is set, if it is one that can be changed."""
    if os.name == "nt" or sys.stdin is None or not sys.stdin.isatty():
        return None
    import termios

    try:
        return termios.tcgetattr(sys.stdin.fileno())
    except (OSError, termios.error, ValueError):
        return None
